"""What comes back by itself: an incident that somebody has and says nothing about, and one that was held.

Both are deadlines of the incident. An answer is a sign of life: it meets what was missed and sets the next.
"""

from datetime import datetime, timedelta

from watchkeeper import deadlines
from watchkeeper.decisions import Route, is_at_work, routes_to_person
from watchkeeper.model import Channel, Deadline, DeadlineKind, DeadlineState, Incident, Severity, TimelineKind
from watchkeeper.oncall.shifts import shift_at
from watchkeeper.paging.desk import Desk, page_because
from watchkeeper.paging.ladder import Rung, everyone, own_channels
from watchkeeper.paging.model import Purpose
from watchkeeper.policy import Policy
from watchkeeper.quiet.hours import due_after, routes_now, time_between, when_to_page
from watchkeeper.rendering import duration
from watchkeeper.store import Db
from watchkeeper.timeline import record

# The clocks by which an incident goes on to louder channels and other people; a hold stops them.
LADDER = [
    DeadlineKind.PAGE,
    DeadlineKind.NIGHT,
    DeadlineKind.CALL_AGAIN,
    DeadlineKind.ACKNOWLEDGE,
    DeadlineKind.ESCALATE,
    DeadlineKind.SILENCE,
]

# Saying the same again within this part of the time it is for changes nothing that anybody would notice.
AGAIN = 0.1


def comes_back_at(incident: Incident, policy: Policy, now: datetime) -> datetime | None:
    """When it comes back to whoever has it and says nothing from now on; None for a severity of which nobody asks."""
    wait = policy.answers.silence_after.get(incident.severity)
    return left_alone_until(incident.severity, policy, now, wait) if wait is not None else None


def left_alone_until(severity: Severity, policy: Policy, now: datetime, wait: timedelta) -> datetime:
    """The end of a time in which nobody asks: it runs, and ends, while people are expected to work on this severity."""
    return when_to_page(severity, policy, due_after(severity, policy, now, wait)).at


async def sign_of_life(db: Db, incident: Incident, due_at: datetime | None, *, now: datetime) -> None:
    """Whoever has it has spoken: it comes back at `due_at`, or not at all. Hold the incident's lock."""
    clocks = [DeadlineKind.SILENCE, DeadlineKind.HOLD]
    await deadlines.meet(db, incident.id, clocks, now=now)
    await db.run("outbox/cancel_comebacks", incident_id=incident.id)
    if due_at is not None:
        await deadlines.set_next(db, incident.id, DeadlineKind.SILENCE, due_at, now=now)


async def heard_from(db: Db, incident: Incident, due_at: datetime | None, *, now: datetime) -> None:
    """A sign of life in passing: whoever is left alone for longer, as after "working on it", stays so."""
    pending = await _pending(db, incident.id, DeadlineKind.SILENCE)
    if due_at is None or not any(each.due_at > due_at for each in pending):
        await sign_of_life(db, incident, due_at, now=now)


async def hold_until(db: Db, incident: Incident, policy: Policy, until: datetime, *, now: datetime) -> None:
    """Stop the ladder: what was to come, comes so much later, and as before only while people are expected to work on
    this severity. Hold the incident's lock."""
    held = await _pending(db, incident.id, DeadlineKind.HOLD)
    begins, severity = max([now, *(each.due_at for each in held)]), incident.severity
    by = time_between(severity, policy, begins, until)
    for each in await _pending(db, incident.id, *LADDER):
        later = left_alone_until(severity, policy, each.due_at, by)
        await deadlines.postpone(db, each, later, now=now)
    await db.run("outbox/cancel_pages", incident_id=incident.id)
    await deadlines.cancel(db, incident.id, [DeadlineKind.HOLD], now=now)
    await deadlines.set_next(db, incident.id, DeadlineKind.HOLD, until, now=now)


async def is_nearly(db: Db, incident_id: int, kind: DeadlineKind, due_at: datetime, wait: timedelta) -> bool:
    """Whether a deadline of this kind stands already where it would be set anew."""
    pending = await _pending(db, incident_id, kind)
    return any(each.due_at >= due_at - AGAIN * wait for each in pending)


async def _pending(db: Db, incident_id: int, *kinds: DeadlineKind) -> list[Deadline]:
    every = await deadlines.read_deadlines(db, incident_id)
    return [each for each in every if each.kind in kinds and each.state is DeadlineState.PENDING]


async def has_been_silent(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """Somebody has it and has said nothing: back to that person, and from the second time on to everyone on call."""
    again = comes_back_at(incident, desk.policy, now)
    if not incident.is_open or incident.acknowledged_by is None or again is None:
        return
    if await _pending(db, incident.id, DeadlineKind.SILENCE):
        return  # somebody spoke while this one was being taken: the later one counts
    if is_at_work(incident, now):
        # The response itself goes on: nobody is waited for, so nobody is silent.
        await sign_of_life(db, incident, again, now=now)
        return
    await deadlines.set_deadline(db, incident.id, DeadlineKind.SILENCE, deadline.number + 1, again, now=now)
    routes, why = await _whom_again(db, desk, incident, now=now)
    routes = routes_now(routes, incident.severity, desk.policy, now)
    silent = duration(now - await _last_word(db, incident))
    text = f"{incident.acknowledged_by} has had it without a word for {silent}: paging again"
    await record(db, incident.id, TimelineKind.DECISION, text, now=now)
    what = f"silent:{deadline.number}"
    await page_because(db, desk, incident, routes, why, what=what, purpose=Purpose.COMEBACK, now=now)


async def _last_word(db: Db, incident: Incident) -> datetime:
    """When whoever has it did or said something last, by whichever way: all of it stands on the timeline."""
    row = await db.one("timeline/last_word", incident_id=incident.id, actor=incident.acknowledged_by)
    return row["at"] if row else incident.held_since or incident.detected_at


async def _whom_again(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> tuple[list[Route], str]:
    """The one who has it, and from the second time on everyone on call; with the reason for which it comes to them."""
    handle = incident.acknowledged_by or ""
    holder = desk.policy.people.get(handle)
    row = await db.one("deadlines/came_back", incident_id=incident.id)
    times = int(row["times"]) if row else 1
    if holder is not None and times == 1:
        return _routes_back(handle, incident, desk), "you have it and are silent"
    shift = await shift_at(db, desk.policy, now=now)
    why = f"{holder.name if holder else handle} has it and is silent"
    if desk.policy.rule(incident.severity).escalate_after is None:
        # The guide does not escalate this severity: it is said again, and no louder.
        own = own_channels(incident.severity, desk.policy)
        return Rung(shift.in_turn, own, asks_contact=False).routes(desk.policy), why
    return everyone(desk.policy, shift), why


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
