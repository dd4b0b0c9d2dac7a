"""The first page that waits at night while a signed cure is at work, as rows.

Its deadline is set in the transaction that lets it wait: the page goes out by itself whatever else is dead. Everything
that is not the signed cure at work wakes its person sooner.
"""

from datetime import datetime

from watchkeeper.deadlines import set_deadline
from watchkeeper.decisions import gate_for, is_at_work
from watchkeeper.findings import read_readings
from watchkeeper.model import (
    Deadline,
    DeadlineKind,
    Gate,
    Incident,
    Plan,
    Remediation,
    RemediationState,
    TimelineKind,
)
from watchkeeper.night.deciding import SIGNED, Holding, Told, may_act, may_sleep_on, may_wait, signature_for
from watchkeeper.night.signatures import read_signatures
from watchkeeper.oncall.shifts import shift_at
from watchkeeper.paging.desk import Desk, wake
from watchkeeper.policy import Policy
from watchkeeper.quiet.hours import due_after, in_words
from watchkeeper.remediations import remediation_of
from watchkeeper.rendering import words
from watchkeeper.store import Db, Row, present
from watchkeeper.timeline import record

# Made after the proof, and nothing that customers use changes by it: nobody is woken for it, and no night pays for it.
TIDIES_UP = frozenset({"resolve_issues"})

UNENDED = (RemediationState.PLANNED, RemediationState.CLAIMED)


async def let_wait(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> str | None:
    """Let the first page of a new incident wait, if that was signed; the deadline that wakes all the same is set.

    Returns:
        What the team is told of it; None where the page goes out now.
    """
    night = desk.policy.night.around(now, desk.policy.calendar)
    if night is None or not await read_signatures(db, now=now):
        return None
    told, used = await _told(db, desk.policy, now), await db.one("night/used", night=night.day)
    facts = (incident.kind, incident.severity, incident.service)
    holding = may_wait(*facts, desk.policy, told, now, used=present(used)["used"])
    if holding.choice == "page":
        # Whoever signed something and is woken all the same is told why.
        text = f"The night policy holds no page back here: {words(holding.reason)}"
        detail = {"reason": holding.reason}
        await record(db, incident.id, TimelineKind.DECISION, text, now=now, detail=detail)
        return None
    await db.one(
        "night/hold",
        incident_id=incident.id,
        night=night.day,
        person=told.person,
        cures=[cure.cause for cure in holding.cures],
        until=holding.until,
        latest=holding.latest,
        now=now,
    )
    await set_deadline(db, incident.id, DeadlineKind.NIGHT, 1, holding.until, now=now)
    text = _in_words(holding, told.person, desk.policy)
    await record(db, incident.id, TimelineKind.DECISION, text, now=now, detail={"reason": holding.reason})
    return text


def _in_words(holding: Holding, person: str, policy: Policy) -> str:
    signed = "; ".join(map(str, holding.cures))
    return (
        f"Nobody is woken yet: {policy.people[person].name} signed in advance for the night ({signed}). "
        f"The page goes out on {in_words(holding.until, policy)}, or sooner if that does not work."
    )


async def _told(db: Db, policy: Policy, now: datetime) -> Told:
    return Told((await shift_at(db, policy, now=now)).first, await read_signatures(db, now=now))


async def _asleep(db: Db, incident_id: int) -> Row | None:
    """The page that still waits, under its lock. First its clock: two who take the same two locks in another order
    would wait for each other."""
    await db.all("night/lock", incident_id=incident_id)
    return await db.one("night/asleep", incident_id=incident_id)


async def gate_at_night(
    db: Db, desk: Desk, incident: Incident, plan: Plan, *, now: datetime
) -> tuple[Gate, str] | None:
    """The gate of a plan that somebody signed and sleeps through, with one of the night's changes taken for it.

    None where nobody sleeps through this incident, or where the plan only tidies up: then the gate is the ordinary one.
    A plan that was not signed wakes its person first. Run it in the transaction that writes the plan.
    """
    held = await _asleep(db, incident.id)
    if held is None or plan.action in TIDIES_UP:
        return None
    why = await _why_not(db, desk.policy, held, incident, plan, now)
    if why is None:
        return Gate.NONE, SIGNED
    await wake(db, desk, incident, f"{words(why)}: {plan.summary}", now=now)
    return None


async def _why_not(
    db: Db, policy: Policy, held: Row, incident: Incident, plan: Plan, now: datetime
) -> str | None:
    """Why a plan wakes its person; None once one of the night's changes is taken for it."""
    gate, reason = gate_for(plan.action, policy)
    if gate is Gate.OBSERVE:
        return reason
    told = await _told(db, policy, now)
    decision = may_act(plan, incident, policy, told, now)
    if decision.choice == "wake":
        return decision.reason
    signature = signature_for(plan, policy, told, now)
    taken = await _take(db, policy, held, incident, plan, signature.id, now)
    return None if taken else "night_budget_used_up"


async def _take(
    db: Db, policy: Policy, held: Row, incident: Incident, plan: Plan, signature_id: int, now: datetime
) -> bool:
    """Take one of the night's changes. Whoever loses a number to another process tries the next that is free."""
    for _ in range(policy.night.budget):
        row = await db.one(
            "night/take",
            night=held["night"],
            budget=policy.night.budget,
            incident_id=incident.id,
            action=plan.action,
            target=plan.target,
            attempt=incident.round,
            signature_id=signature_id,
            now=now,
        )
        if row is not None:
            return True
    return False


async def still_signed(
    db: Db, desk: Desk, incident: Incident, remediation: Remediation, *, now: datetime
) -> Remediation:
    """A plan that was signed in advance and not begun yet: where that holds no longer, it gets the ordinary gate.

    It was written by a run that died, and its person is awake by now, or has taken the signature back. One that was
    claimed stays as it is, for it may have happened; it is begun again only where `may_begin_again` lets it.
    """
    if remediation.gate_reason != SIGNED or remediation.state not in UNENDED:
        return remediation
    policy = desk.policy
    if await _asleep(db, incident.id) is not None:
        decision = may_act(remediation.plan, incident, policy, await _told(db, policy, now), now)
        if decision.choice == "act":
            return remediation
        await wake(db, desk, incident, f"{words(decision.reason)}: {remediation.plan.summary}", now=now)
    if remediation.state is RemediationState.CLAIMED:
        return remediation
    gate, reason = gate_for(remediation.action, policy)
    within = policy.response.approval_expires_after
    expires_at = due_after(incident.severity, policy, now, within) if gate is Gate.APPROVAL else None
    known = {"gate": gate, "gate_reason": reason, "expires_at": expires_at}
    row = await db.one("remediations/gate_again", id=remediation.id, **known)
    return remediation_of(row) if row else remediation


async def may_begin_again(db: Db, remediation: Remediation) -> bool:
    """Whether a change that a dead run had claimed, and that surely did not happen, may be made after all: what was
    signed in advance is made only while its person sleeps."""
    return remediation.gate_reason != SIGNED or await _asleep(db, remediation.incident_id) is not None


async def cure_is_due(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> None:
    """The time for the cure is over: its person sleeps on while it is better and watched, else the page goes out."""
    held = await _asleep(db, incident.id)
    if held is None:
        return
    readings = await read_readings(db, incident.id)
    at_work, latest = is_at_work(incident, now), held["latest"]
    decision = may_sleep_on(incident, readings, at_work=at_work, latest=latest, now=now)
    if decision.choice == "wake":
        await wake(db, desk, incident, words(decision.reason), now=now)
        return
    await set_deadline(db, incident.id, DeadlineKind.NIGHT, deadline.number + 1, latest, now=now)
    until = in_words(latest, desk.policy)
    text = (
        f"Nobody is woken yet: {words(decision.reason)}. Unless that is proved, the page goes out on {until}."
    )
    detail = {"reason": decision.reason}
    await record(db, incident.id, TimelineKind.DECISION, text, now=now, detail=detail)


async def say_who_slept(db: Db, policy: Policy, incident: Incident, *, now: datetime) -> None:
    """It is over, and its page never went out: said for whoever asks why."""
    held = await db.one("night/slept", incident_id=incident.id)
    if held is None or incident.acknowledged_at is not None:
        return
    person = policy.people.get(held["person"])
    text = f"Nobody was woken: {person.name if person else held['person']} had signed in advance, and it is over."
    detail = {"reason": SIGNED}
    await record(db, incident.id, TimelineKind.DECISION, text, now=now, detail=detail, key="slept")
