"""Telling everyone on time: customers from triage on, and the team as often as the guide asks."""

from datetime import datetime

from watchkeeper import deadlines
from watchkeeper.deadlines import set_deadline
from watchkeeper.decisions import status_in_words
from watchkeeper.model import Deadline, DeadlineKind, Incident
from watchkeeper.paging import Desk, update_team
from watchkeeper.rendering import duration
from watchkeeper.status_page.posting import post_start, post_update
from watchkeeper.store import Db
from watchkeeper.timeline import NEWS, read_timeline


async def tell_customers(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> bool:
    """What triage tells those outside; asked again, what has become necessary since. Whether the page is new to it."""
    await deadlines.meet(db, incident.id, [DeadlineKind.TRIAGE], now=now)
    return await post_start(db, desk.policy, incident, now=now)


async def triage_is_overdue(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """No response has come to its triage, as when Prefect is away: customers are told all the same."""
    await tell_customers(db, desk, incident, now=now)


async def update_is_due(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> None:
    """The guide's cadence: everyone hears where it stands, also when nothing has changed."""
    every = desk.policy.rule(incident.severity).update_every
    if every is None or not incident.is_open:
        return
    await set_deadline(db, incident.id, DeadlineKind.UPDATE, deadline.number + 1, now + every, now=now)
    newest = [entry for entry in await read_timeline(db, incident.id) if entry.kind in NEWS][-1:]
    since = "".join(f" Last: {entry.text}" for entry in newest)
    text = (
        f"Still {status_in_words(incident.status).lower()}, for {duration(now - incident.started_at)}.{since}"
    )
    await update_team(db, desk, incident, text, key=f"due:{deadline.number}", now=now)
    if not await tell_customers(db, desk, incident, now=now):
        await post_update(db, desk.policy, incident, key=f"due:{deadline.number}", now=now)
