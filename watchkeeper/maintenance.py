"""While maintenance mode is on, people are reminded of it. The row that reminds is also what says that it is on."""

from datetime import datetime

from watchkeeper.deadlines import read_deadlines, set_deadline
from watchkeeper.model import Deadline, DeadlineKind, Incident
from watchkeeper.paging import Desk, remind_of_maintenance
from watchkeeper.rendering import duration
from watchkeeper.store import Db


async def incident_in_maintenance(db: Db) -> int | None:
    """The incident that maintenance mode was switched on in and not off again; None where it is off."""
    row = await db.one("deadlines/pending_of_kind", kind=DeadlineKind.MAINTENANCE)
    return row["incident_id"] if row else None


async def remind_from_now_on(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> None:
    """The first reminder of those that follow until it is off."""
    numbers = [d.number for d in await read_deadlines(db, incident.id) if d.kind is DeadlineKind.MAINTENANCE]
    due_at = now + desk.policy.response.remind_maintenance_every
    await set_deadline(
        db, incident.id, DeadlineKind.MAINTENANCE, max(numbers, default=0) + 1, due_at, now=now
    )


async def still_in_maintenance(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """Say it in the team's channel and to the primary on call, and again later, also when the incident is over."""
    every = desk.policy.response.remind_maintenance_every
    text = (
        f"Maintenance mode is still on, for at least {duration(every * deadline.number)}: customers get a 503"
    )
    await remind_of_maintenance(db, desk, incident, text, number=deadline.number, now=now)
    await set_deadline(db, incident.id, DeadlineKind.MAINTENANCE, deadline.number + 1, now + every, now=now)
