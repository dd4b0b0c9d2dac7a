"""A clock that stands until it is moved: in one process, or in a file that several read.

The product's own processes read `watchkeeper.clock` and nothing else; only a drill's are handed one of these.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

# A Monday, in the night.
BEGINNING = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


class MovedClock:
    """What it shows is `now`."""

    def __init__(self, now: datetime = BEGINNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class FileClock(MovedClock):
    """One that stands in a file, so that whoever moves it moves it for everybody who reads the file."""

    def __init__(self, file: Path, now: datetime | None = None) -> None:
        """With `now` it is set; without, the file has been written by somebody else."""
        self._file = file
        if now is not None:
            self.now = now

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self._file.read_text())

    @now.setter
    def now(self, moment: datetime) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(moment.isoformat())
        fresh.replace(self._file)
