"""What lies in a person's hands: watched once every alert is quiet, and closed when it holds."""

from datetime import datetime

from watchkeeper.incidents import change_status, incident_of, start_attempt
from watchkeeper.model import OPEN_STATUSES, Deadline, Incident, Status
from watchkeeper.paging import Desk
from watchkeeper.store import Db, Store, present


async def watch_where_quiet(store: Store, *, now: datetime) -> None:
    """The last alert ended since the hand-over: whoever took over seems to have mended it."""
    for row in await store.all("incidents/handed_over_and_quiet", now=now):
        async with store.transaction() as db:
            await _watch(db, incident_of(row), "every alert has gone quiet", now=now)


async def look_after_hand_over(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """Nothing fired any more when it was handed over, or whoever told of it never says that it is over: no alert will
    ever say that it is mended, so it is looked at once, after the time that readings have to stay green."""
    firing = present(await db.one("alerts/any_firing", incident_id=incident.id))
    if incident.is_open and incident.waiting_for == "person" and not firing["firing"]:
        await _watch(db, incident, "nothing fires any more", now=now)


async def _watch(db: Db, incident: Incident, why: str, *, now: datetime) -> None:
    if await start_attempt(db, incident, why, now=now):
        watched = [status for status in OPEN_STATUSES if status is not Status.MONITORING]
        await change_status(db, incident.id, expected=watched, new=Status.MONITORING, now=now)
