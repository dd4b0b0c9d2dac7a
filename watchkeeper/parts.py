"""The parts of an effect that has many: each is claimed before it happens and its ending written down after.

A part is claimed once in an incident, whichever run and round: what was begun by a run that died is not begun again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.store import Store

# The rows stand beside the rounds' steps, as parts of no round.
NO_ROUND = 0


@dataclass(frozen=True)
class Parts:
    """The parts of one incident's effects, in the store."""

    store: Store
    incident_id: int
    now: Callable[[], datetime]

    async def claim(self, part: str) -> bool:
        """Claim it for good; False when it was claimed before."""
        return await self._write(f"{part}:begun", {}) == 1

    async def end(self, part: str, how: str) -> None:
        """How it ended, in a word; the first ending stays."""
        await self._write(f"{part}:ended", {"how": how})

    async def _write(self, name: str, result: dict[str, str]) -> int:
        return await self.store.run(
            "steps/finish",
            incident_id=self.incident_id,
            round=NO_ROUND,
            name=name,
            now=self.now(),
            result=result,
        )

    async def read(self, kind: str) -> dict[str, str | None]:
        """How each part whose name starts with "KIND:" ended; None for one that was begun and not ended."""
        rows = await self.store.all(
            "steps/parts", incident_id=self.incident_id, round=NO_ROUND, prefix=f"{kind}:"
        )
        ended = {
            row["name"].removesuffix(":ended"): row["result"]["how"] for row in rows if "how" in row["result"]
        }
        begun = [row["name"].removesuffix(":begun") for row in rows if row["name"].endswith(":begun")]
        return {part: ended.get(part) for part in begun}
