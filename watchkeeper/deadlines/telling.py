"""Telling everyone on time: customers from triage on, and the team as often as the guide asks."""

from datetime import datetime

from watchkeeper import deadlines
from watchkeeper.deadlines.promises import keep_by_itself
from watchkeeper.mailing.proposing import propose_detected
from watchkeeper.model import Deadline, DeadlineKind, Incident
from watchkeeper.paging.desk import Desk
from watchkeeper.status_page.posting import post_start, post_update
from watchkeeper.store import Db


async def tell_customers(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> bool:
    """What triage tells those outside; asked again, what has become necessary since. Whether the page is new to it."""
    await deadlines.meet(db, incident.id, [DeadlineKind.TRIAGE], now=now)
    await propose_detected(db, desk, incident, now=now)
    return await post_start(db, desk.policy, incident, now=now)


async def triage_is_overdue(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """No response has come to its triage, as when Prefect is away: customers are told all the same."""
    await tell_customers(db, desk, incident, now=now)


async def update_is_due(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> None:
    """The guide's cadence: everyone hears where it stands, also when nothing has changed."""
    if not incident.is_open or desk.policy.rule(incident.severity).update_every is None:
        return
    await keep_by_itself(db, desk, incident, deadline, now=now)
    if not await tell_customers(db, desk, incident, now=now):
        await post_update(db, desk.policy, incident, key=f"due:{deadline.number}", now=now)
