"""The only place where a verb takes effect: idempotent, bound to the person, and on the timeline.

Everything runs in the transaction of whoever heard the answer, under the incident's lock: two people who answer at
once are heard one after the other, and the second is told what the first did.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from watchkeeper import deadlines
from watchkeeper.answers.said import Answer, Said, Verb, came_before, write_down
from watchkeeper.closing import close_by_hand
from watchkeeper.deadlines.comebacks import (
    comes_back_at,
    heard_from,
    hold_until,
    is_nearly,
    left_alone_until,
    sign_of_life,
)
from watchkeeper.incidents import incident_of, policy_of, read_incident
from watchkeeper.model import DeadlineKind, Incident, TimelineKind
from watchkeeper.oncall.shifts import shift_at
from watchkeeper.paging.contact import stand_down
from watchkeeper.paging.desk import Desk, desk_of, page_because, tell_of_taking
from watchkeeper.paging.ladder import everyone
from watchkeeper.paging.model import Purpose
from watchkeeper.rendering import day_and_time, duration
from watchkeeper.store import Db
from watchkeeper.timeline import record


async def answer(db: Db, public_url: str, incident_id: int, said: Said, *, now: datetime) -> Answer:
    """Let what somebody said about an incident take effect. Run it in a transaction.

    Raises:
        BadInput: there is no such incident.
    """
    await db.one("incidents/lock", id=incident_id)
    incident = await read_incident(db, incident_id)
    known = Answer(verb=said.verb, incident=incident, person=said.person)
    if await came_before(db, said):
        return known.model_copy(update={"already": True})
    if not incident.is_open:
        answered = known.model_copy(update={"refusal": "over"})
    else:
        answered = await EFFECTS[said.verb](db, desk_of(incident, public_url), known, incident, said, now)
    await write_down(db, said, answered, now=now)
    return answered


async def take_it(db: Db, incident: Incident, said: Said, *, now: datetime) -> Incident | None:
    """Somebody has it, if nobody had it before; whoever answers anything at all does."""
    row = await db.one("incidents/acknowledge", id=incident.id, person=said.person, now=now)
    if row is None:
        return None
    text = f"Acknowledged by {said.person} {said.way.words}"
    await record(
        db, incident.id, TimelineKind.ACKNOWLEDGED, text, now=now, actor=said.person, detail=_detail(said)
    )
    clocks = [DeadlineKind.ACKNOWLEDGE, DeadlineKind.CALL_AGAIN, DeadlineKind.PAGE, DeadlineKind.NIGHT]
    await deadlines.meet(db, incident.id, clocks, now=now)
    await db.run("outbox/cancel_pages", incident_id=incident.id)
    await stand_down(db, policy_of(incident), incident, now=now)
    return incident_of(row)


async def speaks(db: Db, incident: Incident, said: Said, *, now: datetime) -> None:
    """Whoever answers anything has it, and is there: it comes back only if silence follows."""
    await take_it(db, incident, said, now=now)
    await heard_from(db, incident, comes_back_at(incident, policy_of(incident), now), now=now)


async def _acknowledge(
    db: Db, desk: Desk, known: Answer, incident: Incident, said: Said, now: datetime
) -> Answer:
    """The first one has it. Said again by them once it came back, it is a sign of life. Whoever else says it hears who
    has it, and that changes nothing: they may have read no more than an old message.
    """
    due_at = comes_back_at(incident, desk.policy, now)
    taken = await take_it(db, incident, said, now=now)
    if taken is not None:
        await sign_of_life(db, incident, due_at, now=now)
        return known.model_copy(update={"incident": taken})
    is_holder = incident.acknowledged_by == said.person
    if is_holder and await db.one("deadlines/came_back", incident_id=incident.id):
        text = f"{said.person} still has it, said {said.way.words}"
        await record(db, incident.id, TimelineKind.ACKNOWLEDGED, text, now=now, actor=said.person)
        await sign_of_life(db, incident, due_at, now=now)
        return known
    return known.model_copy(update={"already": True})


async def _take(db: Db, desk: Desk, known: Answer, incident: Incident, said: Said, now: datetime) -> Answer:
    """Somebody else has it from now on, because they say so; whoever had it is told."""
    row = await db.one("incidents/take_over", id=incident.id, person=said.person, now=now)
    if row is None:  # nobody has it, or they do
        return await _acknowledge(db, desk, known, incident, said, now)
    had_it = incident.acknowledged_by or ""
    text = f"{said.person} took it over from {had_it}, said {said.way.words}"
    await record(
        db, incident.id, TimelineKind.ACKNOWLEDGED, text, now=now, actor=said.person, detail=_detail(said)
    )
    await sign_of_life(db, incident, comes_back_at(incident, desk.policy, now), now=now)
    taken = incident_of(row)
    await tell_of_taking(db, desk, taken, had_it, now=now)
    return known.model_copy(update={"incident": taken, "had_it": had_it})


async def _working(
    db: Db, desk: Desk, known: Answer, incident: Incident, said: Said, now: datetime
) -> Answer:
    """It is in hand: whoever has it is left alone for a while. Of a severity of which nobody asks, for good."""
    wait, until = desk.policy.answers.working_for, None
    silent_until = comes_back_at(incident, desk.policy, now)
    if silent_until is not None:
        # Saying so brings it back no sooner than saying nothing.
        until = max(silent_until, left_alone_until(incident.severity, desk.policy, now, wait))
    taken = await take_it(db, incident, said, now=now)
    known = known.model_copy(update={"incident": taken or incident, "until": until, "at": now})
    if await _is_working_already(db, incident, said, until, wait):
        return known.model_copy(update={"already": True})
    alone = f": left alone until {day_and_time(until, now)} UTC" if until else ""
    await _note(db, incident, said, f"{said.person} is working on it, said {said.way.words}{alone}", now)
    await sign_of_life(db, incident, until, now=now)
    return known


async def _is_working_already(
    db: Db, incident: Incident, said: Said, until: datetime | None, wait: timedelta
) -> bool:
    if until is not None:
        return await is_nearly(db, incident.id, DeadlineKind.SILENCE, until, wait)
    last = await db.one("answers/last", incident_id=incident.id, verb=Verb.WORKING)
    return last is not None and last["person"] == said.person


async def _hold(db: Db, desk: Desk, known: Answer, incident: Incident, said: Said, now: datetime) -> Answer:
    """Nobody is paged for a while; then it comes back by itself, to the one who held it."""
    wait = desk.policy.answers.hold_for
    until = left_alone_until(incident.severity, desk.policy, now, wait)
    known = known.model_copy(update={"until": until, "at": now})
    if await is_nearly(db, incident.id, DeadlineKind.HOLD, until, wait):
        return known.model_copy(update={"already": True})
    await hold_until(db, incident, desk.policy, until, now=now)
    back = day_and_time(until, now)
    text = f"Held for {duration(wait)} by {said.person} {said.way.words}: comes back at {back} UTC"
    await _note(db, incident, said, text, now)
    return known


async def _escalate(
    db: Db, desk: Desk, known: Answer, incident: Incident, said: Said, now: datetime
) -> Answer:
    """Everyone else on call, by every channel, because this person says so. Of whoever has it, that is a word, too."""
    if incident.acknowledged_by == said.person:
        await heard_from(db, incident, comes_back_at(incident, desk.policy, now), now=now)
    last = await db.one("answers/last", incident_id=incident.id, verb=Verb.ESCALATE)
    if last and last["at"] > now - desk.policy.answers.escalate_again_after:
        return known.model_copy(update={"already": True})
    shift = await shift_at(db, desk.policy, now=now)
    routes = [route for route in everyone(desk.policy, shift) if route.recipient != said.person]
    if not routes:
        return known.model_copy(update={"refusal": "alone"})
    others = list(dict.fromkeys(route.recipient for route in routes))
    await _note(
        db, incident, said, f"Escalated to {', '.join(others)} by {said.person} {said.way.words}", now
    )
    await deadlines.meet(db, incident.id, [DeadlineKind.ESCALATE], now=now)
    person = desk.policy.people.get(said.person)
    why = f"{person.name if person else said.person} asks for you"
    what = f"asked-for:{last['id'] if last else 0}"
    await page_because(db, desk, incident, routes, why, what=what, purpose=Purpose.ESCALATION, now=now)
    return known.model_copy(update={"others": others})


async def _resolve(
    db: Db, desk: Desk, known: Answer, incident: Incident, said: Said, now: datetime
) -> Answer:
    reason = said.reason or f"said {said.way.words}"
    await close_by_hand(db, desk, incident, person=said.person, reason=reason, now=now)
    return known.model_copy(update={"incident": await read_incident(db, incident.id)})


async def _note(db: Db, incident: Incident, said: Said, text: str, now: datetime) -> None:
    await record(
        db, incident.id, TimelineKind.DECISION, text, now=now, actor=said.person, detail=_detail(said)
    )


def _detail(said: Said) -> dict[str, str]:
    return {"verb": said.verb.value, "way": said.way.value}


Effect = Callable[[Db, Desk, Answer, Incident, Said, datetime], Awaitable[Answer]]

# Approving and denying concern a plan: they stand in plans.py.
EFFECTS: dict[Verb, Effect] = {
    Verb.ACKNOWLEDGE: _acknowledge,
    Verb.WORKING: _working,
    Verb.HOLD: _hold,
    Verb.ESCALATE: _escalate,
    Verb.RESOLVE: _resolve,
    Verb.TAKE: _take,
}
