"""Phase 4: the runbook's cure for the likeliest cause, one guarded step after the other."""

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from prefect import flow
from prefect.runtime import flow_run

from flows.actions.site import Site, open_site
from flows.artifacts import publish
from flows.bench import Bench, open_bench
from flows.going_on import keep_what_holds, step_name
from flows.patience import patiently
from flows.runbooks import Cure, PlanStep
from flows.runbooks.cures import choose_cure
from flows.transaction import carry_out
from tasks.shapes import store_task
from watchkeeper.deadlines import set_deadline
from watchkeeper.decisions import hold_back, stands_in_the_way
from watchkeeper.documents.cards import plan_card
from watchkeeper.errors import NotConfigured, NothingToChange, NotPermitted, VendorError, VendorUnavailable
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
from watchkeeper.night.holding import gate_at_night, still_signed
from watchkeeper.paging.desk import request_approval, update_team, wake
from watchkeeper.parts import Parts
from watchkeeper.remediations import given_up, plan_remediation, read_remediations
from watchkeeper.rendering import words
from watchkeeper.store import Db
from watchkeeper.timeline import record
from watchkeeper.vendor_pages import FELT, red_for_us, red_pages


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
    IN_PLACE = "in place"


# The step that remembers that this round's plan waits for a vendor.
HELD_BACK = "held-back"


class Held(NamedTuple):
    """The vendor that a plan waits for; `felt` where only our own way to it told that its outage is ours."""

    vendor: str
    felt: bool


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
        tried = given_up(await read_remediations(bench.store, incident.id), incident.round)
        cure = choose_cure(findings, tried)
        if cure is None:
            return without_cure(tried)
        parts = Parts(bench.store, incident.id, bench.now)
        async with open_site(bench.desk(incident).policy, parts) as site:
            await keep_what_holds(bench, site, incident, cure)
            for number, plan_step in enumerate(cure.steps, start=1):
                ended = await take_step(bench, site, incident, number, plan_step, waits=True)
                if ended is Outcome.HELD:
                    await mitigated(bench, incident, cure, changed=await has_changed(bench, incident, cure))
                if ended is not None:
                    return ended
        changed = await has_changed(bench, incident, cure)
        if cure.person or not (changed or cure.waits_for or cure.may_be_over):
            return Outcome.ADVISED
        await mitigated(bench, incident, cure, changed=changed)
        return Outcome.MITIGATED


def without_cure(tried: Mapping[str, bool]) -> Outcome:
    """Where no cure is left; `tried` says of each that was tried in vain whether it was taken back."""
    if not tried:
        return Outcome.EXHAUSTED
    return Outcome.TRIED if all(tried.values()) else Outcome.IN_PLACE


async def take_step(
    bench: Bench, site: Site, incident: Incident, number: int, plan_step: PlanStep, *, waits: bool = False
) -> Outcome | None:
    """Take one step to its end; None when the next may follow.

    With `waits`, a vendor that is away while the step is planned is asked again for a minute, and waited for where
    its own page tells of an outage; without it, whoever comes next must not be kept waiting.
    """
    plan = partial(patient, plan_step) if waits else plan_step
    try:
        remediation = await planned(bench, site, incident, number, plan)
    except (VendorError, NotConfigured, NotPermitted, NothingToChange) as error:
        if waits and await hold_for_vendor(bench, incident, number, error):
            return Outcome.HELD
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


async def patient(plan_step: PlanStep, site: Site) -> Plan | None:
    """A step's plan; a vendor that is away for a moment is asked again."""
    return await patiently(partial(plan_step, site))


async def planned(
    bench: Bench, site: Site, incident: Incident, number: int, plan_step: PlanStep
) -> Remediation | None:
    """This step's remediation of this round: the one that is there, or a new plan from a fresh look."""
    for known in await read_remediations(bench.store, incident.id):
        if (known.attempt, known.step) == (incident.round, number):
            async with bench.store.transaction() as db:
                return await still_signed(db, bench.desk(incident), incident, known, now=bench.now())
    name = step_name(number)
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
        desk = bench.desk(incident)
        gated = await gate_at_night(db, desk, incident, plan, now=now)
        remediation = await plan_remediation(
            db, incident, plan, desk.policy, step=number, now=now, gated=gated
        )
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
    red = red_for_us(checks, bench.desk(incident).policy)
    decision = hold_back(plan.action, incident.kind, red)
    if decision.choice == "go":
        return False
    vendor = decision.reason.removeprefix("waits_for_")
    await write_held(bench, db, incident, vendor, plan.summary, red[vendor])
    return True


async def hold_for_vendor(bench: Bench, incident: Incident, number: int, error: Exception) -> bool:
    """Wait for a vendor that could not even be asked for a plan, where its own page tells of an outage."""
    away = error.vendor if isinstance(error, VendorUnavailable) else ""
    async with bench.store.transaction() as db:
        checks = await read_checks(db, incident.id, incident.round) or []
        vendor = stands_in_the_way(away, red_pages(checks))
        if vendor:
            await write_held(bench, db, incident, vendor, f"step {number}, for {error}", FELT)
    return bool(vendor)


async def write_held(bench: Bench, db: Db, incident: Incident, vendor: str, what: str, why: str) -> None:
    """This round waits for the vendor from now on."""
    title, now = vendor.capitalize(), bench.now()
    result = {"vendor": title, "summary": what, "felt": why == FELT}
    await finish_step(db, incident.id, incident.round, HELD_BACK, now=now, result=result)
    text = f"Held back: {what}: {title}'s own status page is red {why}"
    await record(db, incident.id, TimelineKind.DECISION, text, now=now, key=f"held:{incident.round}")


async def held_back_for(bench: Bench, incident: Incident) -> Held | None:
    """The vendor that this round's plan waits for, if it was held back."""
    result = await step_result(bench.store, incident.id, incident.round, HELD_BACK)
    return Held(str(result["vendor"]), felt=bool(result.get("felt"))) if result else None


async def has_changed(bench: Bench, incident: Incident, cure: Cure) -> bool:
    """Whether a step of this round's cure changed anything, before it had to wait or since."""
    known = await read_remediations(bench.store, incident.id)
    ours = [r for r in known if r.round == incident.round and r.step <= len(cure.steps)]
    # What was done before a wait may have been for another cause.
    its = [r for r in ours if r.attempt == incident.round or r.plan.cause == cure.cause]
    return any(r.state is RemediationState.DONE for r in its)


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
async def mitigated(bench: Bench, incident: Incident, cure: Cure, *, changed: bool = False) -> None:
    """No step is left, and `changed` says whether one of them changed anything: from here on it is watched."""
    now = bench.now()
    async with bench.store.transaction() as db:
        await change_status(
            db,
            incident.id,
            expected=[Status.INVESTIGATING, Status.IDENTIFIED],
            new=Status.MONITORING,
            now=now,
        )
        held = await held_back_for(bench, incident)
        vendor = cure.waits_for or (held.vendor if held else "")
        text = watching(cure, vendor, changed=changed)
        if vendor:
            await wake(db, bench.desk(incident), incident, text, now=now)
        await record(db, incident.id, TimelineKind.DECISION, text, now=now, key=f"mitigated:{incident.round}")
        await update_team(
            db, bench.desk(incident), incident, text, key=f"mitigated:{incident.round}", now=now
        )


def watching(cure: Cure, vendor: str, *, changed: bool) -> str:
    """What is being waited for once every step is taken, was not needed any more, or is held back."""
    if vendor:
        so_far = "what was done so far stays, and the rest waits" if changed else "so nothing is changed"
        return f"Waiting for {vendor}: nothing of ours would help, {so_far}; going on by itself when it recovers."
    if not changed:
        return (
            f"Nothing is left to do about {words(cure.cause)}: it got on by itself, and nothing was changed; "
            "watching whether it holds."
        )
    return f"The cure for {words(cure.cause)} is carried out; watching whether it holds."
