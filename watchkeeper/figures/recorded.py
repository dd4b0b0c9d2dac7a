"""What was heard in the past, in the form in which it can be heard again."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from watchkeeper.model import Alert, Reading
from watchkeeper.policy.windows import Matcher
from watchkeeper.quiet.silences import Silence
from watchkeeper.store import Db, Row
from watchkeeper.sweeping import SWEEP, fingerprint_of


class Heard(NamedTuple):
    """One alert, and the incident that it belonged to."""

    at: datetime
    name: str
    alert: Alert
    incident_id: int | None


class Measured(NamedTuple):
    """One reading of a sweep, and the incident that its alert belonged to, where it was one."""

    reading: Reading
    incident_id: int | None


class Turn(NamedTuple):
    """What became of an incident: somebody answered, or it ended."""

    at: datetime
    incident_id: int
    person: str | None


class Recorded(NamedTuple):
    """The past since a time. Readings stand for the sweep's alerts as far back as they are kept."""

    heard: Sequence[Heard]
    readings: Sequence[Measured]
    answers: Sequence[Turn]
    ends: Sequence[Turn]
    silences: Sequence[Silence]


async def read_recorded(db: Db, since: datetime) -> Recorded:
    """Everything that was heard and done since a time."""
    readings = [Reading.model_validate(row) for row in await db.all("figures/measured", since=since)]
    kept_since = readings[0].observed_at if readings else None
    heard = [_heard(row) for row in await db.all("figures/heard", since=since)]
    turns = await db.all("figures/turns", since=since)
    return Recorded(
        heard=[h for h in heard if not (kept_since and h.alert.source == SWEEP and h.at >= kept_since)],
        readings=measured(readings, heard),
        answers=[
            Turn(row["acknowledged_at"], row["id"], row["acknowledged_by"])
            for row in turns
            if row["acknowledged_at"]
        ],
        ends=[Turn(row["resolved_at"], row["id"], None) for row in turns if row["resolved_at"]],
        silences=[_silence(row) for row in await db.all("figures/silences", since=since)],
    )


def measured(readings: Sequence[Reading], heard: Sequence[Heard]) -> list[Measured]:
    """Each reading with the incident of then: an alert of the sweep started when its probe was read."""
    incidents = {
        (h.alert.fingerprint, h.alert.started_at): h.incident_id for h in heard if h.alert.source == SWEEP
    }
    return [Measured(r, incidents.get((fingerprint_of(r.probe), r.observed_at))) for r in readings]


def _heard(row: Row) -> Heard:
    said = row.pop("said") or {}
    known = {name: row[name] for name in row if name in Alert.model_fields}
    return Heard(
        row["received_at"], f"alert {row['id']}", Alert.model_validate(known | said), row["incident_id"]
    )


def _silence(row: Row) -> Silence:
    matcher = {name: row.pop(name) for name in Matcher.model_fields}
    return Silence.model_validate({**row, "match": matcher})
