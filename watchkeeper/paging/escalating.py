"""Climbing the ladder: what is sent when nobody has answered, or nothing is resolved, by the time that was promised."""

from datetime import datetime

from watchkeeper.deadlines import read_deadlines, set_deadline
from watchkeeper.decisions import routes_to_person
from watchkeeper.model import Deadline, DeadlineKind, DeadlineState, Incident, TimelineKind
from watchkeeper.oncall import Shift
from watchkeeper.paging.contact import ask_contact
from watchkeeper.paging.desk import Desk, page_because, shift_for
from watchkeeper.paging.ladder import (
    Rung,
    ask_again_after,
    call_routes,
    escalates_at_once,
    next_routes,
    own_channels,
    rung,
)
from watchkeeper.paging.model import Purpose
from watchkeeper.paging.routing import asks_softly
from watchkeeper.policy import Policy
from watchkeeper.quiet.hours import due_after, in_words
from watchkeeper.rendering import duration
from watchkeeper.store import Db
from watchkeeper.timeline import record


async def nobody_acknowledged(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """An answer is overdue: the next rung, and the one after it is due soon."""
    if incident.acknowledged_at is not None or not incident.is_open:
        return
    if await asks_softly(db, desk, incident, deadline, now=now):
        return
    number, policy = deadline.number, desk.policy
    again = due_after(incident.severity, policy, now, ask_again_after(number, incident.severity, policy))
    shift = await shift_for(db, desk, incident, now=now)
    step = rung(number, incident.severity, policy, shift)
    why = f"{await _silent(db, incident, shift, policy)} has not answered"
    text = f"Nobody has acknowledged {incident.number}: {_whom(step, policy)}. Again by {in_words(again, policy)}"
    await record(db, incident.id, TimelineKind.DECISION, text, now=now)
    await db.run("outbox/overtake", incident_id=incident.id)
    await page_because(
        db,
        desk,
        incident,
        step.routes(policy),
        why,
        what=f"unanswered:{number}",
        purpose=Purpose.ESCALATION,
        now=now,
    )
    if step.asks_contact:
        await ask_contact(db, policy, incident, shift, key=str(number), now=now)
    await set_deadline(db, incident.id, DeadlineKind.ACKNOWLEDGE, number + 1, again, now=now)


async def call_again(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> None:
    """Whoever was paged is called, while there is still time for an answer."""
    every = desk.policy.rule(incident.severity).ask_again_every
    if incident.acknowledged_at is not None or not incident.is_open or every is None:
        return
    shift = await shift_for(db, desk, incident, now=now)
    await db.run("outbox/overtake", incident_id=incident.id)
    await page_because(
        db,
        desk,
        incident,
        call_routes(incident.severity, desk.policy, shift),
        "still no answer",
        what=f"call:{deadline.number}",
        purpose=Purpose.ESCALATION,
        now=now,
    )
    pending = [d for d in await read_deadlines(db, incident.id) if d.state is DeadlineState.PENDING]
    if any(d.kind is DeadlineKind.ACKNOWLEDGE and d.due_at > now + every for d in pending):
        await set_deadline(
            db, incident.id, DeadlineKind.CALL_AGAIN, deadline.number + 1, now + every, now=now
        )


async def escalate(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> None:
    """The guide's "immediate" for P0, or unresolved for too long: whoever does not have it yet is paged."""
    if not incident.is_open:
        return
    policy, at_once = desk.policy, escalates_at_once(incident.severity, desk.policy)
    shift = await shift_for(db, desk, incident, now=now)
    holder = incident.acknowledged_by or shift.first
    routes = next_routes(incident.severity, policy, shift, has_it=holder)
    why = (
        f"a {incident.severity} goes to two people at once"
        if at_once
        else f"unresolved after {duration(now - incident.detected_at)}"
    )
    if routes:
        to = policy.people[routes[0].recipient].name
        text = f"Escalated to {to}: {why}"
    else:
        text = f"Nobody else is on call to escalate to: {why}"
        # Alone, and paged a moment ago: nothing is gained by saying it twice.
        alone = [] if at_once or holder not in policy.people else [holder]
        own = own_channels(incident.severity, policy)
        routes = [route for person in alone for route in routes_to_person(person, own, policy)]
    await record(db, incident.id, TimelineKind.DECISION, text, now=now)
    # To whom a P0 goes at once, it is the first page of a new incident, which no throttle holds back.
    purpose = Purpose.PAGE if at_once else Purpose.ESCALATION
    what = f"escalate:{deadline.number}"
    await page_because(db, desk, incident, routes, why, what=what, purpose=purpose, now=now)


async def _silent(db: Db, incident: Incident, shift: Shift, policy: Policy) -> str:
    """The name of whoever was paged first; a swap since then has put somebody else in their place."""
    row = await db.one("outbox/first_paged", incident_id=incident.id)
    person = policy.people.get(row["recipient"]) if row else None
    return (person or policy.people[shift.first]).name


def _whom(step: Rung, policy: Policy) -> str:
    names = " and ".join(policy.people[handle].name for handle in step.people)
    return f"{names} by {', '.join(channel.value for channel in step.channels)}"
