"""Taking back what did not help: where a change was made and the readings never turned green, it is undone.

Each undoing is a remediation of its own: planned from a fresh look, claimed once, looked up after a crash. Whoever
approved the change approved the plan that said how it is taken back, so nobody is asked again.
"""

from collections.abc import Sequence
from functools import partial

from prefect import flow
from prefect.runtime import flow_run

from flows.actions.registry import action_for
from flows.actions.site import Site, Undoable, open_site
from flows.artifacts import publish
from flows.bench import Bench, open_bench
from flows.patience import patiently
from flows.transaction import carry_out
from watchkeeper.documents.cards import plan_card
from watchkeeper.errors import NotConfigured, PreconditionChanged, VendorError
from watchkeeper.findings import finish_step, step_result
from watchkeeper.model import Gate, Incident, Plan, Remediation, RemediationState, TimelineKind
from watchkeeper.parts import Parts
from watchkeeper.remediations import UNDO_STEP, plan_undoing, read_remediations
from watchkeeper.timeline import record

NOT_CARRIED_OUT = (Gate.OBSERVE,)
TO_BE_FINISHED = (RemediationState.PLANNED, RemediationState.APPROVED, RemediationState.CLAIMED)


@flow(name="undoing", flow_run_name="INC-{incident_id:04d} undoing")
async def undoing(incident_id: int) -> list[Remediation]:
    """Take back every change of this round that can be taken back, the last one first, up to one that fails."""
    async with open_bench() as bench:
        incident = await bench.incident(incident_id)
        done = await to_take_back(bench, incident)
        if not done:
            return []
        parts = Parts(bench.store, incident.id, bench.now)
        async with open_site(bench.desk(incident).policy, parts) as site:
            return await take_back_each(bench, site, incident, done)


async def take_back_each(
    bench: Bench, site: Site, incident: Incident, done: Sequence[Remediation]
) -> list[Remediation]:
    """The undoings as they ended; nothing is changed on top of one that failed, or of which nobody can tell."""
    undone = []
    for remediation in done:
        undo = await take_back(bench, site, incident, remediation)
        if undo is None:
            if await why_in_place(bench, incident, remediation):
                break
            continue
        undone.append(undo)
        if undo.state in (RemediationState.FAILED, RemediationState.UNKNOWN):
            break
    return undone


async def left_in_place(bench: Bench, incident: Incident) -> str | None:
    """What of this round is still in place because no plan could be made to take it back, and why."""
    for remediation in await to_take_back(bench, incident):
        why = await why_in_place(bench, incident, remediation)
        if why:
            return f"{remediation.plan.summary}: {why}"
    return None


async def why_in_place(bench: Bench, incident: Incident, remediation: Remediation) -> str | None:
    told = await step_result(bench.store, incident.id, incident.round, undo_name(remediation))
    return told["why"] if told and told.get("in_place") else None


def undo_name(remediation: Remediation) -> str:
    """The step that says why a change was not taken back."""
    return f"undo-{remediation.attempt}-{remediation.step}"


async def to_take_back(bench: Bench, incident: Incident) -> list[Remediation]:
    """This round's changes whose plan said how they are taken back, the last one first; none that a person goes on from."""
    known = await read_remediations(bench.store, incident.id)
    ours = changes_of_ours(incident, known)
    done = [r for r in ours if r.state is RemediationState.DONE and r.plan.undo]
    last_first = sorted(done, key=lambda r: (r.attempt, r.step), reverse=True)
    return [r for r in last_first if isinstance(action_for(r.action), Undoable)]


async def take_back(
    bench: Bench, site: Site, incident: Incident, remediation: Remediation
) -> Remediation | None:
    """Take one change back; None when there was nothing left to take back, or no plan for it could be made."""
    undo = await planned_undo(bench, site, incident, remediation)
    if undo is None or undo.gate in NOT_CARRIED_OUT or undo.state not in TO_BE_FINISHED:
        return undo
    return await carry_out(bench, site, undo, holder=str(flow_run.get_id()))


async def planned_undo(
    bench: Bench, site: Site, incident: Incident, remediation: Remediation
) -> Remediation | None:
    """The undoing of this change: the one that is there, or a new plan from a fresh look."""
    for known in await read_remediations(bench.store, incident.id):
        if (known.attempt, known.step) == (remediation.attempt, UNDO_STEP + remediation.step):
            return known
    name = undo_name(remediation)
    if await step_result(bench.store, incident.id, incident.round, name) is not None:
        return None
    plan, why, in_place = None, "there is nothing left to take back", False
    try:
        plan = await undo_of(site, remediation)
    except (VendorError, NotConfigured, PreconditionChanged) as error:
        why, in_place = f"no plan to take it back: {error}", True
    now = bench.now()
    async with bench.store.transaction() as db:
        if plan is None:
            await finish_step(
                db, incident.id, incident.round, name, now=now, result={"why": why, "in_place": in_place}
            )
            text = f"Not taken back: {remediation.plan.summary}: {why}"
            await record(db, incident.id, TimelineKind.DECISION, text, now=now)
            return None
        undo = await plan_undoing(db, incident, remediation, plan, bench.desk(incident).policy, now=now)
    await publish(incident, "undo", plan_card([undo]), "What will be taken back")
    return undo


async def undo_of(site: Site, remediation: Remediation) -> Plan | None:
    """The plan to take a change back; a vendor that is away for a moment is asked again.

    Raises:
        VendorError, NotConfigured, PreconditionChanged: there is no plan. Whoever takes over reads that the change is
            still in place.
    """
    action = action_for(remediation.action)
    if not isinstance(action, Undoable):
        return None
    return await patiently(partial(action.plan_undo, site, remediation))


async def has_begun(bench: Bench, incident: Incident) -> bool:
    """Whether taking back was begun in this round, perhaps by a run that died: then the round is judged.

    What was taken back before a person took over says nothing of what that person did.
    """
    known = await read_remediations(bench.store, incident.id)
    undone = {(r.attempt, UNDO_STEP + r.step) for r in changes_of_ours(incident, known)}
    return any((r.attempt, r.step) in undone for r in known)


def changes_of_ours(incident: Incident, known: Sequence[Remediation]) -> list[Remediation]:
    """This round's changes that were begun since a person last had the incident: what was there before is theirs.

    Among them is what was done before the wait that this round goes on from.
    """
    since = incident.handed_over_at
    return [
        r
        for r in known
        if r.round == incident.round
        and r.step < UNDO_STEP
        and r.claimed_at is not None
        and (since is None or r.claimed_at > since)
    ]
