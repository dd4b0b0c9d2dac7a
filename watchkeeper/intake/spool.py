"""The spool: where alerts wait on the local disk while Postgres is away.

An alert that got a 2xx is on disk, here or there. Its page goes out at once, without the store; when Postgres is
back, the alert is admitted like any other, and paged again: twice beats never.
"""

import asyncio
import logging
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime

from watchkeeper.model import Alert, Data

log = logging.getLogger(__name__)


class Spooled(Data):
    """An alert and when it came in."""

    alert: Alert
    received_at: AwareDatetime


@dataclass
class Cause:
    """What waits on disk with one fingerprint: the alert with which it began, whether the last one fires, and how many
    they are."""

    began: Spooled
    fires: bool
    alerts: int = 0


class Spool:
    """One file per alert, written durably before the sender hears that it is kept. What waits is known without reading
    the files again: in a storm there are thousands."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._causes: dict[str, Cause] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for _, kept in self.waiting():
            self.expect(kept.alert, now=kept.received_at)

    def expect(self, alert: Alert, *, now: datetime) -> bool:
        """Count an alert that is about to be kept; whether with it something begins to fire, for the first time or
        again."""
        received = Spooled(alert=alert, received_at=now)
        cause = self._causes.setdefault(alert.fingerprint, Cause(received, fires=False))
        begins = alert.firing and not cause.fires
        if begins:
            cause.began = received
        cause.fires, cause.alerts = alert.firing, cause.alerts + 1
        return begins

    def holds(self, alert: Alert) -> bool:
        """Whether what was said before of the same thing still waits here."""
        return alert.fingerprint in self._causes

    def still_firing(self) -> list[Spooled]:
        """What each fingerprint that waits began with, unless its last alert says that it is over."""
        return [cause.began for cause in self._causes.values() if cause.fires]

    async def keep(self, alert: Alert, *, now: datetime) -> None:
        """Write an alert down.

        Raises:
            OSError: the disk does not take it.
        """
        await asyncio.to_thread(self._keep, alert, now)

    def _keep(self, alert: Alert, now: datetime) -> None:
        name = f"{now:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex}.json"
        # A delivery without an id gets one, so that admitting it twice after a crash is one alert.
        named = alert.model_copy(update={"delivery_id": alert.delivery_id or f"spool:{name}"})
        partial = self._folder / f"{name}.partial"
        with partial.open("w") as file:
            file.write(Spooled(alert=named, received_at=now).model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def waiting(self) -> Iterator[tuple[Path, Spooled]]:
        """What waits to be admitted, oldest first, each read when its turn comes; what cannot be read is set aside."""
        for path in sorted(self._folder.glob("*.json")):
            kept = self._read(path)
            if kept is not None:
                yield path, kept

    def _read(self, path: Path) -> Spooled | None:
        try:
            return Spooled.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None  # another intake on this folder has admitted it
        except ValueError as error:
            log.error("%s is not an alert: %s", path, type(error).__name__)  # noqa: TRY400
            self.set_aside(path)
            return None

    def set_aside(self, path: Path) -> None:
        """Keep it for a person, where nothing tries it again."""
        path.replace(path.with_suffix(".bad"))

    def forget(self, path: Path, kept: Spooled) -> None:
        """It has been admitted."""
        path.unlink(missing_ok=True)
        self.leave(kept.alert)

    def leave(self, alert: Alert) -> None:
        """One alert less that waits."""
        cause = self._causes.get(alert.fingerprint)
        if cause is not None:
            cause.alerts -= 1
            if cause.alerts <= 0:
                del self._causes[alert.fingerprint]


def unusable(home: Path) -> list[Path]:
    """What was set aside for good below Watchkeeper's home: a person has to look at it."""
    return sorted(spool_folder(home).glob("*.bad"))


def spool_folder(home: Path) -> Path:
    return home.expanduser() / "spool"
