"""Remediations: one change to production each, planned, gated, claimed for good, and looked up after a crash."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from watchkeeper import deadlines
from watchkeeper.decisions import gate_for
from watchkeeper.errors import LeaseLost, PreconditionChanged
from watchkeeper.model import (
    DeadlineKind,
    Gate,
    Incident,
    Plan,
    Remediation,
    RemediationState,
    TimelineKind,
    incident_number,
)
from watchkeeper.motor import ask_motor
from watchkeeper.policy import Policy
from watchkeeper.quiet.hours import due_after
from watchkeeper.rendering import words
from watchkeeper.store import Db, Row
from watchkeeper.timeline import record

GATE_WORDS = {
    Gate.NONE: "no approval needed",
    Gate.APPROVAL: "waits for an approval",
    Gate.OBSERVE: "shown only",
}


def digest_of(plan: Plan) -> str:
    """What an approval is bound to: a changed plan has another digest."""
    canonical = json.dumps(plan.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def remediation_of(row: Row) -> Remediation:
    known = {name: row[name] for name in Remediation.model_fields}
    return Remediation.model_validate(known)


# What is no cure: the hand-over's own preparation, the last resort, and what tidies up once the end is proved.
NO_CURE = frozenset({"open_hotfix", "set_maintenance_mode", "resolve_issues"})
# An undoing that was refused took nothing back: the change still stands.
TOOK_BACK = (RemediationState.DONE, RemediationState.UNKNOWN)
# The steps from here on take back those before it: the change of step 1 is taken back by step 101.
UNDO_STEP = 100
# The steps from here on are what people switched by hand. They are neither the response's cure nor its undoing.
BY_HAND_STEP = 1000


def is_undoing(remediation: Remediation) -> bool:
    return UNDO_STEP <= remediation.step < BY_HAND_STEP


def is_by_hand(remediation: Remediation) -> bool:
    return remediation.step >= BY_HAND_STEP


async def plan_remediation(
    db: Db,
    incident: Incident,
    plan: Plan,
    policy: Policy,
    *,
    step: int,
    now: datetime,
    gated: tuple[Gate, str] | None = None,
    attempt: int | None = None,
) -> Remediation:
    """Plan a change; planning the same again gives the one that is there.

    The round is the attempt: a cure that did not hold may be tried once more after another investigation. Only what
    takes a change back has that change's `attempt`. `gated` is the gate and its reason where they were decided with
    another plan.
    """
    attempt = incident.round if attempt is None else attempt
    gate, reason = gated or gate_for(plan.action, policy)
    within = policy.response.approval_expires_after
    expires_at = due_after(incident.severity, policy, now, within) if gate is Gate.APPROVAL else None
    row = await db.one(
        "remediations/plan",
        incident_id=incident.id,
        round=incident.round,
        step=step,
        attempt=attempt,
        action=plan.action,
        target=plan.target,
        plan=plan.model_dump(mode="json"),
        plan_digest=digest_of(plan),
        gate=gate,
        gate_reason=reason,
        now=now,
        expires_at=expires_at,
    )
    if row is None:
        return await _planned_already(db, incident, plan, attempt, step)
    text = f"Planned: {plan.summary} ({GATE_WORDS[gate]}: {words(reason)})"
    detail = {"preview": plan.preview}
    await record(db, incident.id, TimelineKind.PLAN, text, now=now, detail=detail, key=f"plan:{row['id']}")
    return remediation_of(row)


async def plan_undoing(
    db: Db, incident: Incident, done: Remediation, plan: Plan, policy: Policy, *, now: datetime
) -> Remediation:
    """Plan to take a change back. Its own plan said that it would be, so whoever let that happen let this happen."""
    gate, reason = gate_for(plan.action, policy)
    gated = (gate, reason) if gate is Gate.OBSERVE else (Gate.NONE, "said_in_the_plan_it_takes_back")
    step = UNDO_STEP + done.step
    return await plan_remediation(
        db, incident, plan, policy, step=step, now=now, gated=gated, attempt=done.attempt
    )


async def take_along(db: Db, incident: Incident) -> None:
    """What was done in this round, which only waited for its vendor, belongs to the next one: that is judged by it."""
    await db.run(
        "remediations/take_along",
        incident_id=incident.id,
        round=incident.round,
        undo_step=UNDO_STEP,
        no_cure=list(NO_CURE),
    )


def given_up(remediations: Sequence[Remediation], before_round: int) -> dict[str, bool]:
    """The causes whose cure was tried in an earlier round and did not help, and whether all of it was taken back."""
    undone: dict[str, bool] = {}
    for r in remediations:
        if r.round < before_round and is_undoing(r):
            undone[r.plan.cause] = undone.get(r.plan.cause, True) and r.state is RemediationState.DONE
    return undone


def may_have_ended(remediations: Sequence[Remediation], last_round: int) -> list[Remediation]:
    """The changes that were carried out and may have ended an incident, which it was in its last round.

    Not among them: what is no cure, what people switched by hand, and what did not help: the changes of a round that was
    taken back, or that another one followed.
    """
    rounds_taken_back = {r.round for r in remediations if is_undoing(r) and r.state in TOOK_BACK}
    return [
        r
        for r in remediations
        if r.state is RemediationState.DONE
        and r.step < UNDO_STEP
        and r.action not in NO_CURE
        and r.round == last_round
        and r.round not in rounds_taken_back
    ]


async def _planned_already(db: Db, incident: Incident, plan: Plan, attempt: int, step: int) -> Remediation:
    wanted = (plan.action, plan.target, attempt, step)
    for known in await read_remediations(db, incident.id):
        if (known.action, known.target, known.attempt, known.step) == wanted:
            return known
    raise PreconditionChanged(f"the plan to {plan.action} {plan.target} vanished")


async def read_remediation(db: Db, remediation_id: int) -> Remediation:
    row = await db.one("remediations/read", id=remediation_id)
    if row is None:
        raise PreconditionChanged(f"there is no remediation {remediation_id}")
    return remediation_of(row)


async def read_remediations(db: Db, incident_id: int) -> list[Remediation]:
    rows = await db.all("remediations/list", incident_id=incident_id)
    return [remediation_of(row) for row in rows]


async def last_begun(db: Db, action: str) -> Remediation | None:
    """The change by this action that was begun last, in whichever incident and however it ended."""
    row = await db.one("remediations/last_begun", action=action)
    return remediation_of(row) if row else None


async def decide(
    db: Db,
    remediation: Remediation,
    *,
    approved: bool,
    person: str,
    reason: str,
    plan_digest: str,
    now: datetime,
    way: str = "",
) -> Remediation | None:
    """Approve or deny, once, exactly the plan that was shown; None when that is no longer possible.

    The suspended run is asked to go on, in the same transaction, unless this was switched by hand: it waits for a word
    on a plan of its own. `way` is how it was said, in words.
    """
    new = RemediationState.APPROVED if approved else RemediationState.DENIED
    row = await db.one(
        "remediations/decide",
        id=remediation.id,
        new=new,
        person=person,
        reason=reason,
        plan_digest=plan_digest,
        now=now,
    )
    if row is None:
        return None
    because = f": {reason}" if reason else ""
    text = (
        f"{new.capitalize()} by {' '.join(filter(None, (person, way)))}{because}: {remediation.plan.summary}"
    )
    await record(db, remediation.incident_id, TimelineKind.APPROVAL, text, now=now, actor=person)
    if not is_by_hand(remediation):
        await deadlines.meet(db, remediation.incident_id, [DeadlineKind.APPROVAL], now=now)
        await ask_to_resume(db, remediation, now=now)
    return remediation_of(row)


async def ask_to_resume(db: Db, remediation: Remediation, *, now: datetime) -> None:
    """Have the suspended response go on; it reads the decision from the row. Nobody need be asked for it any more."""
    prefix = f"{incident_number(remediation.incident_id)}:approval:{remediation.id}:"
    await db.run("outbox/cancel_approval", incident_id=remediation.incident_id, prefix=prefix)
    detail = {"remediation_id": remediation.id}
    await ask_motor(db, f"resume:{remediation.id}", remediation.incident_id, "resume", now=now, detail=detail)


async def expire_undecided(db: Db, incident_id: int, *, now: datetime) -> list[Remediation]:
    """Plans that nobody decided on in time; their response goes on and hands over."""
    rows = await db.all("remediations/expire", incident_id=incident_id, now=now)
    expired = [remediation_of(row) for row in rows]
    for remediation in expired:
        text = f"Nobody decided in time: {remediation.plan.summary}"
        await record(db, incident_id, TimelineKind.APPROVAL, text, now=now)
        await ask_to_resume(db, remediation, now=now)
    return expired


async def claim(db: Db, remediation: Remediation, *, holder: str, now: datetime) -> Remediation:
    """Claim it for good, before it happens.

    Raises:
        LeaseLost: another run has claimed it, it was withdrawn, or its incident is over.
    """
    row = await db.one(
        "remediations/claim",
        id=remediation.id,
        expected=remediation.state,
        plan_digest=remediation.plan_digest,
        claimed_by=remediation.claimed_by,
        holder=holder,
        now=now,
    )
    if row is None:
        raise LeaseLost(f"{remediation.action} on {remediation.target} is not this run's to claim")
    text = f"Doing: {remediation.plan.summary}"
    await record(db, remediation.incident_id, TimelineKind.ACTION, text, now=now)
    return remediation_of(row)


async def finish(
    db: Db, remediation: Remediation, state: RemediationState, outcome: str, *, now: datetime
) -> Remediation:
    """Write down how it ended; the first ending stays.

    Raises:
        LeaseLost: another run has claimed it meanwhile, and will say how it ended.
    """
    row = await db.one(
        "remediations/finish",
        id=remediation.id,
        new=state,
        outcome=outcome,
        now=now,
        expected=remediation.state,
        claimed_by=remediation.claimed_by,
    )
    if row is None:
        known = await read_remediation(db, remediation.id)
        if known.state is RemediationState.CLAIMED:
            raise LeaseLost(f"{remediation.action} on {remediation.target} is claimed by another run")
        return known
    text = f"{state.capitalize()}: {remediation.plan.summary}: {outcome}"
    await record(db, remediation.incident_id, TimelineKind.ACTION, text, now=now)
    return remediation_of(row)
