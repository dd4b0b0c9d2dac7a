"""Phase 4: the runbook's cure for the likeliest cause, one guarded step after the other."""

from enum import StrEnum

from prefect import flow
from prefect.runtime import flow_run

from flows.actions.site import Site, open_site
from flows.artifacts import publish
from flows.bench import Bench, open_bench
from flows.runbooks import Cure, PlanStep
from flows.runbooks.cures import choose_cure
from flows.transaction import carry_out
from tasks.shapes import store_task
from watchkeeper.deadlines import set_deadline
from watchkeeper.decisions import hold_back, red_vendors
from watchkeeper.documents.cards import plan_card
from watchkeeper.errors import NotConfigured, NotPermitted, VendorError
from watchkeeper.findings import finish_step, read_checks, read_findings, step_result
from watchkeeper.incidents import change_status
from watchkeeper.model import (
    DeadlineKind,
    Gate,
    Incident,
    Plan,
    Remediation,
    RemediationState,
    Status,
    TimelineKind,
)
from watchkeeper.paging import request_approval, update_team
from watchkeeper.parts import Parts
from watchkeeper.remediations import plan_remediation, read_remediations, taken_back
from watchkeeper.rendering import words
from watchkeeper.store import Db
from watchkeeper.timeline import record


class Outcome(StrEnum):
    """Where the resolution stands."""

    MITIGATED = "mitigated"
    APPROVAL = "approval"
    DENIED = "denied"
    EXPIRED = "expired"
    OBSERVED = "observed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXHAUSTED = "exhausted"
    ADVISED = "advised"
    UNPLANNED = "unplanned"
    HELD = "held"
    TRIED = "tried"


# The step that remembers that this round's plan waits for a vendor.
HELD_BACK = "held-back"

ENDINGS = {
    RemediationState.DENIED: Outcome.DENIED,
    RemediationState.EXPIRED: Outcome.EXPIRED,
    RemediationState.FAILED: Outcome.FAILED,
    RemediationState.UNKNOWN: Outcome.UNKNOWN,
}


@flow(name="resolution", flow_run_name="INC-{incident_id:04d} resolution")
async def resolution(incident_id: int) -> Outcome:
    """Carry out the cure as far as the gates allow."""
    async with open_bench() as bench:
        incident = await bench.incident(incident_id)
        if incident.status is Status.MONITORING:
            return Outcome.MITIGATED
        findings = await read_findings(bench.store, incident.id, incident.round)
        tried = taken_back(await read_remediations(bench.store, incident.id), incident.round)
        cure = choose_cure([finding for finding in findings if finding.cause not in tried])
        if cure is None:
            return Outcome.TRIED if tried else Outcome.EXHAUSTED
        parts = Parts(bench.store, incident.id, bench.now)
        async with open_site(bench.desk(incident).policy, parts) as site:
            for number, plan_step in enumerate(cure.steps, start=1):
                ended = await take_step(bench, site, incident, number, plan_step)
                if ended is Outcome.HELD:
                    await mitigated(bench, incident, cure)
                if ended is not None:
                    return ended
        if cure.person or (cure.needs_a_step and not await acted(bench, incident)):
            return Outcome.ADVISED
        await mitigated(bench, incident, cure)
        return Outcome.MITIGATED


async def take_step(
    bench: Bench, site: Site, incident: Incident, number: int, plan_step: PlanStep
) -> Outcome | None:
    """Take one step to its end; None when the next may follow."""
    try:
        remediation = await planned(bench, site, incident, number, plan_step)
    except (VendorError, NotConfigured, NotPermitted) as error:
        await say_unplanned(bench, incident, number, error)
        return Outcome.UNPLANNED
    if await held_back_for(bench, incident):
        return Outcome.HELD
    if remediation is None or remediation.state in (RemediationState.DONE, RemediationState.SKIPPED):
        return None
    if remediation.state in ENDINGS:
        return ENDINGS[remediation.state]
    if remediation.gate is Gate.OBSERVE:
        return Outcome.OBSERVED
    if remediation.gate is Gate.APPROVAL and remediation.state is RemediationState.PLANNED:
        await ask_for_approval(bench, incident, remediation)
        return Outcome.APPROVAL
    holder = str(flow_run.get_id())
    finished = await carry_out(bench, site, remediation, holder=holder)
    return ENDINGS.get(finished.state)


async def planned(
    bench: Bench, site: Site, incident: Incident, number: int, plan_step: PlanStep
) -> Remediation | None:
    """This step's remediation of this round: the one that is there, or a new plan from a fresh look."""
    for known in await read_remediations(bench.store, incident.id):
        if (known.round, known.step) == (incident.round, number):
            return known
    name = f"step-{number}"
    for done in (name, HELD_BACK):
        if await step_result(bench.store, incident.id, incident.round, done) is not None:
            return None  # an earlier run looked and found it unneeded, or held it back
    plan = await plan_step(site)
    now = bench.now()
    async with bench.store.transaction() as db:
        if plan is None:
            await finish_step(db, incident.id, incident.round, name, now=now, result={"needed": False})
            return None
        if await hold(bench, db, incident, plan):
            return None
        policy = bench.desk(incident).policy
        remediation = await plan_remediation(db, incident, plan, policy, step=number, now=now)
    await publish(incident, "plan", plan_card([remediation]), "What will be done")
    return remediation


async def say_unplanned(bench: Bench, incident: Incident, number: int, error: Exception) -> None:
    """Whoever takes over reads why there is no plan."""
    text = f"The next step could not be planned: {error}"
    key = f"unplanned:{incident.round}:{number}"
    await record(bench.store, incident.id, TimelineKind.DECISION, text, now=bench.now(), key=key)


async def hold(bench: Bench, db: Db, incident: Incident, plan: Plan) -> bool:
    """Hold a plan back that a vendor's own outage makes useless; no row is made of it."""
    checks = await read_checks(db, incident.id, incident.round) or []
    decision = hold_back(plan.action, incident.kind, red_vendors(checks))
    if decision.choice == "go":
        return False
    vendor = decision.reason.removeprefix("waits_for_").capitalize()
    result = {"vendor": vendor, "summary": plan.summary}
    await finish_step(db, incident.id, incident.round, HELD_BACK, now=bench.now(), result=result)
    text = f"Held back: {plan.summary}: {vendor}'s own status page is red"
    key = f"held:{incident.round}"
    await record(db, incident.id, TimelineKind.DECISION, text, now=bench.now(), key=key)
    return True


async def held_back_for(bench: Bench, incident: Incident) -> str:
    """The vendor that this round's plan waits for, if it was held back."""
    result = await step_result(bench.store, incident.id, incident.round, HELD_BACK)
    return str(result["vendor"]) if result else ""


async def acted(bench: Bench, incident: Incident) -> bool:
    """Whether this round changed anything."""
    return any(r.round == incident.round for r in await read_remediations(bench.store, incident.id))


@store_task("ask for approval")  # type: ignore[untyped-decorator]
async def ask_for_approval(bench: Bench, incident: Incident, remediation: Remediation) -> None:
    """Once per plan: links to everyone on call, and the deadline after which nobody's word is awaited."""
    name = f"approval-asked-{remediation.id}"
    if await step_result(bench.store, incident.id, incident.round, name) is not None:
        return
    now = bench.now()
    desk = bench.desk(incident)
    due_at = remediation.expires_at or now + desk.policy.response.approval_expires_after
    async with bench.store.transaction() as db:
        await request_approval(db, desk, incident, remediation, now=now)
        await set_deadline(db, incident.id, DeadlineKind.APPROVAL, remediation.id, due_at, now=now)
        text = f"Waiting for approval: {remediation.plan.summary}"
        await update_team(db, desk, incident, text, key=name, now=now)
        await finish_step(db, incident.id, incident.round, name, now=now)


@store_task("begin to watch")  # type: ignore[untyped-decorator]
async def mitigated(bench: Bench, incident: Incident, cure: Cure) -> None:
    """Every step is taken: from here on it is watched."""
    now = bench.now()
    async with bench.store.transaction() as db:
        await change_status(
            db,
            incident.id,
            expected=[Status.INVESTIGATING, Status.IDENTIFIED],
            new=Status.MONITORING,
            now=now,
        )
        text = watching(cure, await held_back_for(bench, incident))
        await record(db, incident.id, TimelineKind.DECISION, text, now=now, key=f"mitigated:{incident.round}")
        await update_team(
            db, bench.desk(incident), incident, text, key=f"mitigated:{incident.round}", now=now
        )


def watching(cure: Cure, held_back_for: str = "") -> str:
    """What is being waited for once every step is taken, or held back."""
    if vendor := cure.waits_for or held_back_for:
        return (
            f"Waiting for {vendor}: nothing of ours would help, so nothing is changed; "
            "going on by itself when it recovers."
        )
    return f"The cure for {words(cure.cause)} is carried out; watching whether it holds."
