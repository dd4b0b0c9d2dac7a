"""The last step before a person takes over a cause that lies in our code: an issue and a branch are made ready."""

from functools import partial

from flows.actions.hotfix import OPEN_HOTFIX, Code, plan_open_hotfix
from flows.actions.site import open_site
from flows.bench import Bench
from flows.resolution import Outcome, take_step
from flows.runbooks.cures import choose_cure
from watchkeeper.decisions import gate_for
from watchkeeper.findings import read_findings
from watchkeeper.model import Finding, Gate, Incident, Remediation, RemediationState
from watchkeeper.remediations import read_remediations

# After every step that a cure may have.
HOTFIX_STEP = 90


async def leave_hotfix(bench: Bench, incident: Incident) -> bool:
    """Leave whoever takes over an issue and a branch; true while that waits for an approval.

    Nothing that goes wrong here may keep the hand-over from happening.
    """
    tried = await read_remediations(bench.store, incident.id)
    found = await finding_in_code(bench, incident)
    if found is None or not is_worth_it(bench, incident, tried):
        return False
    finding, code = found
    plan_step = partial(
        plan_open_hotfix,
        incident=incident,
        finding=finding,
        code=code,
        tried=[each for each in tried if each.action != OPEN_HOTFIX],
        incident_link=bench.desk(incident).incident_url(incident),
    )
    async with open_site(bench.desk(incident).policy) as site:
        ended = await take_step(bench, site, incident, HOTFIX_STEP, plan_step)
    return ended is Outcome.APPROVAL


async def finding_in_code(bench: Bench, incident: Incident) -> tuple[Finding, Code] | None:
    """What this round was acted upon, and whose code it is, if what lasts is a change of our code."""
    findings = await read_findings(bench.store, incident.id, incident.round)
    cure = choose_cure(findings)
    if cure is None or cure.in_code is None:
        return None
    return next(finding for finding in findings if finding.cause == cure.cause), cure.in_code


def is_worth_it(bench: Bench, incident: Incident, tried: list[Remediation]) -> bool:
    """Once an incident; and nobody is asked again who did not answer before: the hand-over must not wait for that."""
    if any(r.action == OPEN_HOTFIX and r.round != incident.round for r in tried):
        return False
    gate, _ = gate_for(OPEN_HOTFIX, bench.desk(incident).policy)
    silent = any(r.action != OPEN_HOTFIX and r.state is RemediationState.EXPIRED for r in tried)
    return gate is not Gate.APPROVAL or not silent
