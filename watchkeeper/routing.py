"""How people hear that an incident began: a page at once, a page when business hours begin, or a ticket."""

from collections.abc import Mapping
from datetime import datetime

from watchkeeper import deadlines
from watchkeeper.deadlines import set_deadline, set_next
from watchkeeper.hours import due_after, in_words, when_to_page
from watchkeeper.model import Deadline, DeadlineKind, Incident, TimelineKind
from watchkeeper.paging import Desk, announce, page_first, send_ticket, severity_deadlines
from watchkeeper.policy import Policy
from watchkeeper.store import Db
from watchkeeper.timeline import newest, record

AT_WORK = "The response is starting by itself."


async def tell_of_start(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> None:
    """Tell people by the severity's rule and set its clocks. One that got worse comes here again and is told anew."""
    timing = when_to_page(incident.severity, desk.policy, now)
    match timing.choice:
        case "page":
            await deadlines.cancel(db, incident.id, [DeadlineKind.PAGE], now=now)
            await page_first(db, desk, incident, doing=AT_WORK, now=now)
        case "hold":
            await _hold(db, desk, incident, timing.at, timing.reason, now=now)
        case "ticket":
            await _write_ticket(db, desk, incident, now=now)
    due = {
        kind: due_after(incident.severity, desk.policy, now, within)
        for kind, within in severity_deadlines(incident.severity, desk.policy).items()
    }
    for kind, due_at in due.items():
        await set_deadline(db, incident.id, kind, 1, due_at, now=now)
    silence = desk.policy.answers.silence_after.get(incident.severity)
    if incident.acknowledged_at is not None and silence is not None:
        # Somebody has it, and may have put it by while it was milder: it comes back if they stay silent.
        await db.one("incidents/lock", id=incident.id)
        await set_next(db, incident.id, DeadlineKind.SILENCE, now + silence, now=now)
    await _write_promise(db, incident, due, desk.policy, now=now)


PROMISES = {
    DeadlineKind.ACKNOWLEDGE: "an answer by",
    DeadlineKind.ESCALATE: "the next person, unless it is resolved, at",
    DeadlineKind.UPDATE: "an update by",
}


async def _write_promise(
    db: Db, incident: Incident, due: Mapping[DeadlineKind, datetime], policy: Policy, *, now: datetime
) -> None:
    """What people may now rely on, on the timeline, for the day on which somebody asks whether it was kept."""
    promised = [f"{PROMISES[kind]} {in_words(due[kind], policy)}" for kind in PROMISES if kind in due]
    text = f"Promised for a {incident.severity}: {', '.join(promised)}"
    key = f"promised:{incident.severity}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, key=key)


async def _hold(db: Db, desk: Desk, incident: Incident, until: datetime, why: str, *, now: datetime) -> None:
    await set_deadline(db, incident.id, DeadlineKind.PAGE, 1, until, now=now)
    text = (
        f"Nobody is paged now: a {incident.severity} is paged in business hours. "
        f"The page goes out on {in_words(until, desk.policy)}."
    )
    await record(db, incident.id, TimelineKind.DECISION, text, now=now, detail={"reason": why})
    await announce(db, desk, incident, doing=[AT_WORK, text], now=now)


async def _write_ticket(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> None:
    within = desk.policy.rule(incident.severity).acknowledge_within
    due_at = due_after(incident.severity, desk.policy, now, within)
    when = in_words(due_at, desk.policy)
    text = f"A ticket: a {incident.severity} pages nobody. It asks for an answer by {when}."
    await record(db, incident.id, TimelineKind.DECISION, text, now=now)
    await send_ticket(db, desk, incident, answer_by=when, key="ticket:1", now=now)
    await announce(db, desk, incident, doing=[AT_WORK, text], now=now)


async def held_page_is_due(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """Business hours have begun. Where nobody kept the clock until they were over again, it waits for the next."""
    if not incident.is_open or incident.acknowledged_at is not None:
        return
    timing = when_to_page(incident.severity, desk.policy, now)
    if timing.choice == "hold":
        await set_deadline(db, incident.id, DeadlineKind.PAGE, deadline.number + 1, timing.at, now=now)
        return
    last = await newest(db, incident.id)
    doing = "Held until business hours." + (f" Last: {last.text}" if last else "")
    await page_first(db, desk, incident, doing=doing, now=now)


async def asks_softly(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> bool:
    """Where nobody has acknowledged and this severity pages nobody now: put off, or written once more."""
    timing = when_to_page(incident.severity, desk.policy, now)
    if timing.choice == "page":
        return False
    within = desk.policy.rule(incident.severity).acknowledge_within
    again = due_after(incident.severity, desk.policy, now, within)
    if timing.choice == "ticket":
        when = in_words(again, desk.policy)
        key = f"ticket:{deadline.number + 1}"
        await send_ticket(db, desk, incident, answer_by=when, key=key, now=now)
    await set_deadline(db, incident.id, DeadlineKind.ACKNOWLEDGE, deadline.number + 1, again, now=now)
    return True
