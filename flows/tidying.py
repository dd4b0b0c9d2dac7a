"""After the proof: what Stripe could not deliver meanwhile is sent again, and the issues in Sentry that a rollback ended
are resolved, so that the next new one stands out."""

from datetime import datetime
from functools import partial

from flows.actions.resending import plan_resend
from flows.actions.sentry import RESOLVE_ISSUES, plan_resolve_issues
from flows.actions.site import open_site
from flows.bench import Bench
from flows.readings import PAYMENT_PROBES
from flows.resolution import take_step
from watchkeeper.decisions import gate_for
from watchkeeper.endings import read_waited_for
from watchkeeper.findings import read_checks
from watchkeeper.model import Gate, Incident, Remediation, RemediationState, TimelineKind
from watchkeeper.parts import Parts
from watchkeeper.remediations import read_remediations
from watchkeeper.sweeping import SWEEP
from watchkeeper.timeline import record

# What the sweep says of payments that the company was not told of.
MISSED = frozenset(f"{SWEEP}:{probe}" for probe in PAYMENT_PROBES)

# After every step that a cure may have, and before those that take back.
TIDY_STEP = 95
RESEND_STEP = 96
RESEND_EVENTS = "resend_events"
ENDS_ERRORS = frozenset({"roll_back_deployment", "roll_back_frontend", "promote_frontend"})


async def resolve_ended_issues(bench: Bench, incident: Incident, *, quiet_since: datetime | None) -> None:
    """Once per round, where a rollback of it is proved; nothing that goes wrong here keeps the incident open."""
    rollback = await proved_rollback(bench, incident)
    issue_ids = await new_issues(bench, incident)
    if rollback is None or not issue_ids or quiet_since is None:
        return
    policy = bench.desk(incident).policy
    if gate_for(RESOLVE_ISSUES, policy)[0] is Gate.APPROVAL:
        await leave_to_a_person(bench, incident, issue_ids)
        return
    plan_step = partial(
        plan_resolve_issues, issue_ids=issue_ids, quiet_since=quiet_since, cause=rollback.plan.cause
    )
    async with open_site(policy, Parts(bench.store, incident.id, bench.now)) as site:
        await take_step(bench, site, incident, TIDY_STEP, plan_step)


async def proved_rollback(bench: Bench, incident: Incident) -> Remediation | None:
    """The rollback of this round that was carried out."""
    known = await read_remediations(bench.store, incident.id)
    done = (r for r in known if r.round == incident.round and r.state is RemediationState.DONE)
    return next((r for r in done if r.action in ENDS_ERRORS), None)


async def new_issues(bench: Bench, incident: Incident) -> list[str]:
    """The issues that this round's investigation found to be new."""
    checks = await read_checks(bench.store, incident.id, incident.round) or []
    facts = next((check.facts for check in checks if check.name == "sentry_errors"), {})
    return [str(issue_id) for issue_id in facts.get("new_issue_ids", [])]


async def leave_to_a_person(bench: Bench, incident: Incident, issue_ids: list[str]) -> None:
    """Nobody is woken at the end of an incident to be asked for this."""
    text = (
        f"Left for a person to resolve in Sentry, as the policy asks for every change: {', '.join(issue_ids)}"
    )
    key = f"issues:{incident.round}"
    await record(bench.store, incident.id, TimelineKind.DECISION, text, now=bench.now(), key=key)


async def send_missed_again(bench: Bench, incident: Incident) -> None:
    """Once per round, where all that still keeps an incident open is that payments were missed while it lasted."""
    fires = await read_waited_for(bench.store, incident.id)
    if not fires or any(alert.fingerprint not in MISSED for alert in fires):
        return
    policy = bench.desk(incident).policy
    if gate_for(RESEND_EVENTS, policy)[0] is Gate.APPROVAL:
        return  # it is put to a person with what still fires, once the time to give up is over
    plan_step = partial(plan_resend, cause=incident.cause or "undelivered")
    async with open_site(policy, Parts(bench.store, incident.id, bench.now)) as site:
        await take_step(bench, site, incident, RESEND_STEP, plan_step)
