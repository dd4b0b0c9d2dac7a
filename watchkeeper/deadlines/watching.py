"""What lies in a person's hands: watched once every alert is quiet, and closed when it holds."""

from datetime import datetime

from watchkeeper.deadlines import set_deadline
from watchkeeper.guarding import Guard, Work
from watchkeeper.incidents import change_status, incident_of, start_attempt
from watchkeeper.model import OPEN_STATUSES, Deadline, DeadlineKind, Incident, Status
from watchkeeper.paging.desk import Desk
from watchkeeper.store import Db, Store, present


async def watch_where_quiet(store: Store, guard: Guard, *, now: datetime) -> None:
    """The last alert ended since the hand-over: whoever took over seems to have mended it."""
    for row in await store.all("incidents/handed_over_and_quiet", now=now):
        async with guard.over(Work.WATCH, row["id"]), store.transaction() as db:
            await _watch(db, incident_of(row), "every alert has gone quiet", now=now)


async def look_after_hand_over(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """Nothing fired any more when it was handed over, or whoever told of it never says that it is over: no alert will
    ever say that it is mended, so it is looked at after the time that readings have to stay green."""
    alerts = present(await db.one("alerts/any_firing", incident_id=incident.id))
    flaps = alerts["flapping_until"]
    if flaps is not None and flaps > now:
        # Quiet for a moment only: looked at when that is over.
        await set_deadline(db, incident.id, DeadlineKind.WATCH, deadline.number + 1, flaps, now=now)
    elif incident.is_open and incident.waiting_for == "person" and not alerts["firing"]:
        await _watch(db, incident, "nothing fires any more", now=now)


async def _watch(db: Db, incident: Incident, why: str, *, now: datetime) -> None:
    if await start_attempt(db, incident, why, now=now):
        await db.run("incidents/watch_anew", id=incident.id, now=now)
        unwatched = [status for status in OPEN_STATUSES if status is not Status.MONITORING]
        await change_status(db, incident.id, expected=unwatched, new=Status.MONITORING, now=now)
