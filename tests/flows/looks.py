"""What a verification reads: one reading at a time, counted from when it began to watch."""

from datetime import UTC, datetime, timedelta

from flows.verification import (
    Verdict,
)
from watchkeeper.model import Reading

WATCHED_SINCE = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)

WATCHING, STABLE = Verdict.WATCHING, Verdict.STABLE
RELAPSED, NOT_RECOVERED = Verdict.RELAPSED, Verdict.NOT_RECOVERED


def reading(probe: str, ok: bool = True, at: datetime = WATCHED_SINCE) -> Reading:
    return Reading(
        probe=probe, service="backend", value=1, unit="", threshold=1, ok=ok, observed_at=at, detail="it"
    )


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)
