"""The spool: where alerts wait on the local disk while Postgres is away.

An alert that got a 2xx is on disk, here or there. Its page goes out at once, without the store; when Postgres is
back, the alert is admitted like any other, and paged again: twice beats never.
"""

import asyncio
import logging
import os
import uuid
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime

from watchkeeper.model import Alert, Data

log = logging.getLogger(__name__)


class Spooled(Data):
    """An alert and when it came in."""

    alert: Alert
    received_at: AwareDatetime


class Spool:
    """One file per alert, written durably before the sender hears that it is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._fingerprints = {kept.alert.fingerprint for _, kept in self.waiting()}

    def is_new(self, alert: Alert) -> bool:
        """Whether it is the first with its fingerprint since the store went away."""
        first = alert.fingerprint not in self._fingerprints
        self._fingerprints.add(alert.fingerprint)
        return first

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

    def waiting(self) -> list[tuple[Path, Spooled]]:
        """What waits to be admitted, oldest first; what cannot be read is set aside."""
        found = [(path, self._read(path)) for path in sorted(self._folder.glob("*.json"))]
        return [(path, kept) for path, kept in found if kept is not None]

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
        self._fingerprints.discard(kept.alert.fingerprint)
