"""The response to one incident: triage, investigation, resolution and verification, nested in one run.

Killed at any line, the next attempt goes on from the rows. Waiting for a person holds no process: the run
suspends itself, and a resumed run starts again at its first line.
"""

from typing import Literal

from prefect import flow
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from pydantic import Field

from flows.bench import Bench, open_bench
from flows.going_on import another_round
from flows.hotfix import leave_hotfix
from flows.investigation import investigation
from flows.lease import hold_lease
from flows.resolution import Outcome, held_back_for, resolution
from flows.triage import triage
from flows.undoing import has_begun, left_in_place, undoing
from flows.verification import Verdict, verification, waiting_of
from watchkeeper.documents.cards import plan_card
from watchkeeper.endings import read_waited_for
from watchkeeper.errors import LeaseLost
from watchkeeper.findings import read_checks, read_findings
from watchkeeper.incidents import wait_for
from watchkeeper.model import Gate, Incident, Remediation, RemediationState, Status
from watchkeeper.paging.desk import hand_over, wake
from watchkeeper.remediations import decide, read_remediations
from watchkeeper.rendering import duration

Ending = Literal["resolved", "approval", "person", "not_ours"]

# Our own deadline comes first; Prefect's only makes sure that a forgotten run does not wait for ever.
SUSPEND_SLACK_SECONDS = 600

# What leads to a person, and how it is put to them.
HAND_OVER = {
    Outcome.EXHAUSTED: "no cause stood out that the runbook has a cure for",
    Outcome.DENIED: "the plan was denied",
    Outcome.EXPIRED: "nobody decided on the plan in time",
    Outcome.OBSERVED: "the policy only lets me observe",
    Outcome.FAILED: "the cure did not work",
    Outcome.TRIED: "the cure was tried, nothing got better, and it was taken back",
    Outcome.IN_PLACE: "the cure was tried, nothing got better, and it may still be in place",
    Outcome.UNKNOWN: "a change was begun and I cannot tell whether it happened",
    Outcome.UNPLANNED: "the cause is known, and its cure could not be planned",
    Outcome.ADVISED: "the cause is known, and what helps is a person's to do",
}

# Of an undoing that left its change in place, or may have.
NOT_TAKEN_BACK = {
    RemediationState.FAILED: "the change could not be taken back",
    RemediationState.UNKNOWN: "I cannot tell whether the change was taken back",
    RemediationState.PLANNED: "the policy only lets me show how the change is taken back",
}


# So many times the policy's rounds may end in waiting for a vendor.
MOST_WAITS = 3


class PlanDecision(RunInput):
    """The form of a suspended response."""

    decision: Literal["approve", "deny"] = Field(
        description="Approve: exactly the plan shown is carried out, once. (Open the list by its arrows.)"
    )
    name: str = Field(min_length=1, description="Your name. The Prefect server does not know who you are.")
    reason: str = Field(default="", description="Why, for the timeline.")


@flow(name="respond")
async def respond(incident_id: int, attempt: int = 1) -> Ending:
    """Respond to an incident until it is resolved, needs an approval, or is in a person's hands."""
    holder = str(flow_run.get_id())
    async with open_bench() as bench:
        try:
            while True:
                async with hold_lease(bench, incident_id, attempt=attempt, holder=holder):
                    ending = await work(bench, incident_id)
                if ending == "resolved":
                    return ending
                await wait_for(bench.store, incident_id, ending, holder=holder, now=bench.now())
                if ending == "person":
                    return ending
                await suspend_until_decided(bench, incident_id)
        except LeaseLost:
            return "not_ours"


async def work(bench: Bench, incident_id: int) -> Ending:
    """Go on from wherever the rows say that the incident stands."""
    await triage(incident_id)
    while True:
        incident = await bench.incident(incident_id)
        if incident.status is not Status.MONITORING:
            await investigation(incident_id)
            outcome = await resolution(incident_id)
            if outcome is Outcome.APPROVAL:
                return "approval"
            if outcome is Outcome.EXHAUSTED and await looks_again(bench, incident_id):
                continue
            if outcome in HAND_OVER:
                return await give_to_person(bench, incident_id, HAND_OVER[outcome])
        verdict = await judged(bench, incident_id)
        if verdict is Verdict.STABLE:
            return "resolved"
        waited = verdict is Verdict.VENDOR_RECOVERED
        why = await (
            comes_and_goes(bench, incident_id) if waited else fell_short(bench, incident_id, verdict)
        )
        if why:
            return await give_to_person(bench, incident_id, why)
        incident = await bench.incident(incident_id)
        # What is held back was not judged, whatever its readings did while they waited.
        goes_on = waited or (verdict is Verdict.RELAPSED and await held_back_for(bench, incident) is not None)
        await another_round(bench, incident, str(verdict), goes_on=goes_on)


async def looks_again(bench: Bench, incident_id: int) -> bool:
    """Whether what explains nothing is looked at anew: something else began to be told of it meanwhile, and the looks were
    taken before whatever that is showed."""
    incident = await bench.incident(incident_id)
    checks = await read_checks(bench.store, incident.id, incident.round)
    if not checks or incident.round >= bench.desk(incident).policy.response.rounds:
        return False
    since = min(check.observed_at for check in checks)
    news = await bench.store.one("alerts/began_since", incident_id=incident.id, since=since)
    if news is None:
        return False
    why = f"{news['source']} told of something else while this was looked into"
    await another_round(bench, incident, why, goes_on=True)
    return True


async def comes_and_goes(bench: Bench, incident_id: int) -> str | None:
    """No cure fell short where a plan of ours only waited for its vendor. Whose vendor is back and away again and again
    is told, or the waiting would have no end."""
    incident = await bench.incident(incident_id)
    most = MOST_WAITS * bench.desk(incident).policy.response.rounds
    return (
        f"its vendor comes and goes: {incident.round} rounds have waited for it"
        if incident.round >= most
        else None
    )


async def judged(bench: Bench, incident_id: int) -> Verdict:
    """What became of the cure. Once its undoing was begun, readings no longer speak of the cure."""
    incident = await bench.incident(incident_id)
    if await has_begun(bench, incident):
        return Verdict.NOT_RECOVERED
    verdict: Verdict = await verification(incident_id)
    return verdict


async def fell_short(bench: Bench, incident_id: int, verdict: Verdict) -> str | None:
    """Wake who slept on the cure and take back what never helped; why a person goes on, None where another round may."""
    await wake_sleepers(bench, incident_id, str(verdict))
    undone: list[Remediation] = await undoing(incident_id) if verdict is Verdict.NOT_RECOVERED else []
    for undo in undone:
        if undo.state in NOT_TAKEN_BACK:
            return f"{verdict}, and {NOT_TAKEN_BACK[undo.state]} ({undo.plan.summary})"
    incident = await bench.incident(incident_id)
    if verdict is Verdict.NOT_RECOVERED and (left := await left_in_place(bench, incident)):
        return f"{verdict}, and the change could not be taken back ({left})"
    return await why_a_person(bench, incident, verdict)


async def why_a_person(bench: Bench, incident: Incident, verdict: Verdict) -> str | None:
    """Why a person goes on after this verdict; None where another round may help."""
    response = bench.desk(incident).policy.response
    if verdict is Verdict.VENDOR_OVERDUE:
        vendor = (await waiting_of(bench, incident)).vendor
        return f"{vendor} has not recovered within {duration(response.wait_for_vendor)}"
    if verdict is Verdict.CONTRADICTED:
        return await contradiction(bench, incident.id)
    if verdict in (Verdict.UNPROVED, Verdict.NOT_OPENED):
        return str(verdict)
    if incident.round >= response.rounds:
        return f"{verdict}, and {response.rounds} rounds are what the policy allows"
    return None


async def contradiction(bench: Bench, incident_id: int) -> str:
    """What still fires, in the words of whoever says so; it may have ended just now."""
    fires = await read_waited_for(bench.store, incident_id)
    said = "; ".join(alert.in_words() for alert in fires) or "an alert was only just ended"
    return f"the probes are green, and {said}"


async def give_to_person(bench: Bench, incident_id: int, why: str) -> Ending:
    """Wake the people on call with everything that was learned, and a hotfix begun where one is needed."""
    incident = await bench.incident(incident_id)
    if await leave_hotfix(bench, incident):
        return "approval"
    async with bench.store.transaction() as db:
        findings = await read_findings(db, incident_id)
        await hand_over(db, bench.desk(incident), incident, why, findings, now=bench.now())
    return "person"


async def wake_sleepers(bench: Bench, incident_id: int, why: str) -> None:
    """The cure did not hold: whoever slept because they had signed it in advance is paged now."""
    incident = await bench.incident(incident_id)
    async with bench.store.transaction() as db:
        await wake(db, bench.desk(incident), incident, why, now=bench.now())


async def suspend_until_decided(bench: Bench, incident_id: int) -> None:
    """Suspend this run until somebody decides; a decision made in the Prefect UI becomes our row here.

    A decision made on the phone is a row already: then this run is resumed and does not come here again.
    """
    remediation = await undecided(bench, incident_id)
    if remediation is None:
        return
    incident = await bench.incident(incident_id)
    left = (remediation.expires_at or bench.now()) - bench.now()
    form = PlanDecision.with_initial_data(description=plan_card([remediation]))
    answer = await asuspend_flow_run(
        wait_for_input=form,
        timeout=max(round(left.total_seconds()), 0) + SUSPEND_SLACK_SECONDS,
        # One of its own for each plan that is put to people, though it plan the same again: of a key that was used
        # Prefect suspends nothing and gives the old answer.
        key=f"{incident.number.lower()}-{remediation.id}-{remediation.plan_digest[:12]}",
    )
    async with bench.store.transaction() as db:
        await decide(
            db,
            remediation,
            approved=answer.decision == "approve",
            person=f"{answer.name.strip()} (Prefect UI)",
            reason=answer.reason,
            plan_digest=remediation.plan_digest,
            now=bench.now(),
        )


async def undecided(bench: Bench, incident_id: int) -> Remediation | None:
    """The plan that waits for a person, if any."""
    for remediation in await read_remediations(bench.store, incident_id):
        if remediation.gate is Gate.APPROVAL and remediation.state is RemediationState.PLANNED:
            return remediation
    return None
