"""How people hear that an incident began: a page at once, a page when business hours begin, or a ticket."""

from collections.abc import Mapping
from datetime import datetime

from watchkeeper import deadlines
from watchkeeper.deadlines import set_deadline, set_sooner
from watchkeeper.model import Deadline, DeadlineKind, Incident, TimelineKind
from watchkeeper.night.holding import let_wait
from watchkeeper.oncall.shifts import describe, shift_at
from watchkeeper.paging.desk import Desk, announce, page_first, send_ticket, severity_deadlines, wake
from watchkeeper.policy import Policy
from watchkeeper.quiet.hours import Timing, due_after, in_words, when_to_page
from watchkeeper.store import Db
from watchkeeper.timeline import newest, record

AT_WORK = "The response is starting by itself."
NOBODY = "nobody_on_call_can_be_reached"


async def tell_of_start(
    db: Db, desk: Desk, incident: Incident, *, now: datetime, got_worse: bool = False
) -> None:
    """Tell people by the severity's rule and set its clocks. One that got worse comes here again and is told anew."""
    timing = await timing_of(db, desk, incident, now=now)
    match timing.choice:
        case "page":
            await deadlines.cancel(db, incident.id, [DeadlineKind.PAGE], now=now)
            await _page(db, desk, incident, got_worse=got_worse, now=now)
        case "hold":
            text = await _hold(db, desk, incident, timing, number=1, now=now)
            await announce(db, desk, incident, doing=[AT_WORK, text], now=now)
        case "ticket":
            await _write_ticket(db, desk, incident, now=now)
    due = {
        kind: due_after(incident.severity, desk.policy, now, within)
        for kind, within in severity_deadlines(incident.severity, desk.policy).items()
    }
    await _set_clocks(db, incident, due, now=now)
    silence = desk.policy.answers.silence_after.get(incident.severity)
    if incident.acknowledged_at is not None and silence is not None:
        # Somebody has it, and may have put it by while it was milder: it comes back if they stay silent.
        due_at = due_after(incident.severity, desk.policy, now, silence)
        await set_sooner(db, incident.id, DeadlineKind.SILENCE, due_at, now=now)
    await _write_promise(db, incident, due, desk.policy, now=now)


async def timing_of(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> Timing:
    """When people are paged: by the severity and the hour, and what wakes nobody waits for somebody who can be reached."""
    policy = desk.policy
    timing = when_to_page(incident.severity, policy, now)
    if timing.choice != "page" or policy.rule(incident.severity).pages == "always":
        return timing
    shift = await shift_at(db, policy, now=now)
    if incident.acknowledged_by in policy.people or not shift.nobody_can_be_reached:
        return timing
    # Whoever is back first, or on call next. What is said meanwhile has it looked at anew.
    ends = [shift.away[handle].ends_at for handle in shift.people]
    at = min(ends + ([shift.until] if shift.until else []))
    return Timing("hold", policy.calendar.next_business_time(at), NOBODY)


async def _page(db: Db, desk: Desk, incident: Incident, *, got_worse: bool, now: datetime) -> None:
    """The first page: now, or once what was signed in advance for the night has not worked. What got worse waits for
    nothing."""
    if got_worse:
        if not await wake(db, desk, incident, f"it is a {incident.severity} now", now=now):
            await page_first(db, desk, incident, doing=AT_WORK, now=now)
    elif waits := await let_wait(db, desk, incident, now=now):
        await announce(db, desk, incident, doing=[AT_WORK, waits], now=now)
    else:
        await page_first(db, desk, incident, doing=AT_WORK, now=now)


async def _set_clocks(
    db: Db, incident: Incident, due: Mapping[DeadlineKind, datetime], *, now: datetime
) -> None:
    """Each clock of the severity. What stood later, as under a milder one, is due sooner from now on."""
    promised = 1
    for kind, due_at in due.items():
        if kind in UNTIL_ANSWERED and incident.acknowledged_at is not None:
            continue
        if kind is DeadlineKind.UPDATE:
            update = await set_sooner(db, incident.id, kind, due_at, now=now)
            promised = update.number if update else 0
        elif kind is DeadlineKind.UPDATE_REMINDER:
            # It reminds of that update, if that has moved.
            if promised:
                await set_deadline(db, incident.id, kind, promised, due_at, now=now)
        elif kind is DeadlineKind.TRIAGE:
            await set_deadline(db, incident.id, kind, 1, due_at, now=now)
        else:
            await set_sooner(db, incident.id, kind, due_at, now=now)


UNTIL_ANSWERED = (DeadlineKind.ACKNOWLEDGE, DeadlineKind.CALL_AGAIN)
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


async def _hold(db: Db, desk: Desk, incident: Incident, timing: Timing, *, number: int, now: datetime) -> str:
    """The page is a row until then; gives what is said of that."""
    await set_deadline(db, incident.id, DeadlineKind.PAGE, number, timing.at, now=now)
    why = f"a {incident.severity} is paged in business hours"
    if timing.reason == NOBODY:
        shift = await shift_at(db, desk.policy, now=now)
        away = "; ".join(describe(shift.away[handle], desk.policy) for handle in shift.people)
        why = f"{away}, and a {incident.severity} wakes nobody else"
    text = f"Nobody is paged now: {why}. The page goes out on {in_words(timing.at, desk.policy)}."
    await record(db, incident.id, TimelineKind.DECISION, text, now=now, detail={"reason": timing.reason})
    return text


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
    """Business hours have begun, or somebody is back. Where nobody kept the clock until they were over again, or nobody can
    be reached, it waits on."""
    if not incident.is_open or incident.acknowledged_at is not None:
        return
    timing = await timing_of(db, desk, incident, now=now)
    if timing.choice == "hold":
        await _hold(db, desk, incident, timing, number=deadline.number + 1, now=now)
        return
    last = await newest(db, incident.id)
    doing = "Held until now." + (f" Last: {last.text}" if last else "")
    await page_first(db, desk, incident, doing=doing, now=now)


async def asks_softly(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> bool:
    """Where nobody has acknowledged and this severity pages nobody now: put off, or written once more."""
    timing = await timing_of(db, desk, incident, now=now)
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
