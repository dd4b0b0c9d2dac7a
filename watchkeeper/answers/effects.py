"""The only place where a verb takes effect: idempotent, bound to the person, and on the timeline.

Everything runs in the transaction of whoever heard the answer, under the incident's lock: two people who answer at
once are heard one after the other, and the second is told what the first did.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from watchkeeper import deadlines
from watchkeeper.answers.said import Answer, Said, Verb, came_before, write_down
from watchkeeper.closing import close_by_hand
from watchkeeper.comebacks import hold_until, is_nearly, sign_of_life
from watchkeeper.contact import stand_down
from watchkeeper.incidents import incident_of, policy_of, read_incident
from watchkeeper.ladder import everyone
from watchkeeper.model import DeadlineKind, Incident, Purpose, TimelineKind
from watchkeeper.paging import Desk, desk_of, page_because
from watchkeeper.rendering import clock_time, duration
from watchkeeper.shifts import shift_at
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
    clocks = [DeadlineKind.ACKNOWLEDGE, DeadlineKind.CALL_AGAIN, DeadlineKind.PAGE]
    await deadlines.meet(db, incident.id, clocks, now=now)
    await db.run("outbox/cancel_pages", incident_id=incident.id)
    await stand_down(db, policy_of(incident), incident, now=now)
    return incident_of(row)


async def speaks(db: Db, incident: Incident, said: Said, *, now: datetime) -> None:
    """Whoever answers anything has it, and is there: it comes back only if silence follows."""
    await take_it(db, incident, said, now=now)
    wait = policy_of(incident).answers.silence_after.get(incident.severity)
    await sign_of_life(db, incident, wait, now=now)


async def _acknowledge(
    db: Db, desk: Desk, known: Answer, incident: Incident, said: Said, now: datetime
) -> Answer:
    """The first one has it. Said again by whom it came back to, it is a sign of life; else it changes nothing."""
    wait = desk.policy.answers.silence_after.get(incident.severity)
    taken = await take_it(db, incident, said, now=now)
    if taken is not None:
        await sign_of_life(db, incident, wait, now=now)
        return known.model_copy(update={"incident": taken})
    if await db.one("deadlines/came_back", incident_id=incident.id):
        text = f"{said.person} still has it, said {said.way.words}"
        await record(db, incident.id, TimelineKind.ACKNOWLEDGED, text, now=now, actor=said.person)
        await sign_of_life(db, incident, wait, now=now)
        return known
    return known.model_copy(update={"already": True})


async def _working(
    db: Db, desk: Desk, known: Answer, incident: Incident, said: Said, now: datetime
) -> Answer:
    """It is in hand: whoever has it is left alone for a while."""
    wait = desk.policy.answers.working_for
    taken = await take_it(db, incident, said, now=now)
    until = now + wait
    known = known.model_copy(update={"incident": taken or incident, "until": until})
    if await is_nearly(db, incident.id, DeadlineKind.SILENCE, until, wait):
        return known.model_copy(update={"already": True})
    text = f"{said.person} is working on it, said {said.way.words}: left alone until {clock_time(until)} UTC"
    await _note(db, incident, said, text, now)
    await sign_of_life(db, incident, wait, now=now)
    return known


async def _hold(db: Db, desk: Desk, known: Answer, incident: Incident, said: Said, now: datetime) -> Answer:
    """Nobody is paged for a while; then it comes back by itself, to the one who held it."""
    wait = desk.policy.answers.hold_for
    until = now + wait
    known = known.model_copy(update={"until": until})
    if await is_nearly(db, incident.id, DeadlineKind.HOLD, until, wait):
        return known.model_copy(update={"already": True})
    await hold_until(db, incident, until, now=now)
    text = (
        f"Held for {duration(wait)} by {said.person} {said.way.words}: comes back at {clock_time(until)} UTC"
    )
    await _note(db, incident, said, text, now)
    return known


async def _escalate(
    db: Db, desk: Desk, known: Answer, incident: Incident, said: Said, now: datetime
) -> Answer:
    """Everyone else on call, by every channel, because this person says so."""
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
}
