"""What comes back by itself: an incident that somebody has and says nothing about, and one that was held.

Both are deadlines of the incident. An answer is a sign of life: it meets what was missed and sets the next.
"""

from datetime import datetime, timedelta

from watchkeeper import deadlines
from watchkeeper.decisions import Route, is_at_work, routes_to_person
from watchkeeper.hours import routes_now
from watchkeeper.ladder import everyone
from watchkeeper.model import Channel, Deadline, DeadlineKind, DeadlineState, Incident, Purpose, TimelineKind
from watchkeeper.paging import Desk, page_because
from watchkeeper.rendering import duration
from watchkeeper.shifts import shift_at
from watchkeeper.store import Db
from watchkeeper.timeline import record

# The clocks by which an incident goes on to louder channels and other people; a hold stops them.
LADDER = [
    DeadlineKind.PAGE,
    DeadlineKind.CALL_AGAIN,
    DeadlineKind.ACKNOWLEDGE,
    DeadlineKind.ESCALATE,
    DeadlineKind.SILENCE,
]

# Saying the same again within this part of the time it is for changes nothing that anybody would notice.
AGAIN = 0.1


async def sign_of_life(db: Db, incident: Incident, wait: timedelta | None, *, now: datetime) -> None:
    """Whoever has it has spoken: it comes back after `wait`, or not at all. Hold the incident's lock."""
    clocks = [DeadlineKind.SILENCE, DeadlineKind.HOLD]
    await deadlines.meet(db, incident.id, clocks, now=now)
    await db.run("outbox/cancel_comebacks", incident_id=incident.id)
    if wait is not None:
        await deadlines.set_next(db, incident.id, DeadlineKind.SILENCE, now + wait, now=now)


async def hold_until(db: Db, incident: Incident, until: datetime, *, now: datetime) -> None:
    """Stop the ladder: what was to come, comes so much later. Hold the incident's lock."""
    held = await _pending(db, incident.id, DeadlineKind.HOLD)
    begins = max([now, *(each.due_at for each in held)])
    await deadlines.postpone(db, incident.id, LADDER, until - begins, now=now)
    await db.run("outbox/cancel_pages", incident_id=incident.id)
    await deadlines.cancel(db, incident.id, [DeadlineKind.HOLD], now=now)
    await deadlines.set_next(db, incident.id, DeadlineKind.HOLD, until, now=now)


async def is_nearly(db: Db, incident_id: int, kind: DeadlineKind, due_at: datetime, wait: timedelta) -> bool:
    """Whether a deadline of this kind stands already where it would be set anew."""
    pending = await _pending(db, incident_id, kind)
    return any(each.due_at >= due_at - AGAIN * wait for each in pending)


async def _pending(db: Db, incident_id: int, kind: DeadlineKind) -> list[Deadline]:
    every = await deadlines.read_deadlines(db, incident_id)
    return [each for each in every if each.kind is kind and each.state is DeadlineState.PENDING]


async def has_been_silent(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """Somebody has it and has said nothing: back to that person, and from the second time on to everyone on call."""
    wait = desk.policy.answers.silence_after.get(incident.severity)
    if not incident.is_open or incident.acknowledged_by is None or wait is None:
        return
    if await _pending(db, incident.id, DeadlineKind.SILENCE):
        return  # somebody spoke while this one was being taken: the later one counts
    if is_at_work(incident, now):
        # The response itself goes on: nobody is waited for, so nobody is silent.
        await sign_of_life(db, incident, wait, now=now)
        return
    await deadlines.set_deadline(
        db, incident.id, DeadlineKind.SILENCE, deadline.number + 1, now + wait, now=now
    )
    routes, why = await _whom_again(db, desk, incident, now=now)
    routes = routes_now(routes, incident.severity, desk.policy, now)
    text = f"{incident.acknowledged_by} has had it without a word for {duration(wait)}: paging again"
    await record(db, incident.id, TimelineKind.DECISION, text, now=now)
    what = f"silent:{deadline.number}"
    await page_because(db, desk, incident, routes, why, what=what, purpose=Purpose.COMEBACK, now=now)


async def _whom_again(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> tuple[list[Route], str]:
    """The one who has it, and from the second time on everyone on call; with the reason for which it comes to them."""
    handle = incident.acknowledged_by or ""
    holder = desk.policy.people.get(handle)
    row = await db.one("deadlines/came_back", incident_id=incident.id)
    times = int(row["times"]) if row else 1
    if holder is not None and times == 1:
        return _routes_back(handle, incident, desk), "you have it and are silent"
    shift = await shift_at(db, desk.policy, now=now)
    return everyone(desk.policy, shift), f"{holder.name if holder else handle} has it and is silent"


async def hold_is_over(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> None:
    """What was held comes back to whoever held it; the ladder goes on from where it stopped."""
    if not incident.is_open:
        return
    last = await db.one("answers/last", incident_id=incident.id, verb="hold")
    shift = await shift_at(db, desk.policy, now=now)
    handle = last["person"] if last and last["person"] in desk.policy.people else shift.first
    text = f"The hold is over: back to {desk.policy.people[handle].name}"
    await record(db, incident.id, TimelineKind.DECISION, text, now=now)
    routes = routes_now(_routes_back(handle, incident, desk), incident.severity, desk.policy, now)
    why, what = "your hold is over", f"held:{deadline.number}"
    await page_because(db, desk, incident, routes, why, what=what, purpose=Purpose.COMEBACK, now=now)


def _routes_back(handle: str, incident: Incident, desk: Desk) -> list[Route]:
    personal = [c for c in desk.policy.rule(incident.severity).channels if c is not Channel.SLACK]
    return routes_to_person(handle, personal, desk.policy)
