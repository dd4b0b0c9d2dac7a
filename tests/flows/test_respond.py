"""The response: what follows when the readings do not turn green."""

from datetime import timedelta
from typing import Any

import pytest

from flows import respond
from flows.resolution import Outcome
from flows.verification import Verdict
from tests.flows.conftest import MovedBench, plan_to
from tests.flows.test_undoing import carried_out
from tests.watchkeeper.house import two_on_call
from watchkeeper.deadlines.watching import watch_where_quiet
from watchkeeper.findings import save_checks, save_findings
from watchkeeper.guarding import Guard
from watchkeeper.incidents import next_round
from watchkeeper.model import (
    Check,
    CheckStatus,
    Fault,
    Finding,
    Incident,
    Remediation,
    RemediationState,
    Status,
)
from watchkeeper.policy import Policy
from watchkeeper.remediations import claim, plan_undoing


@pytest.fixture
def phases(monkeypatch: pytest.MonkeyPatch, bench: MovedBench) -> list[Verdict]:
    """Every cure is carried out, and verification says these, in order."""
    verdicts = [Verdict.NOT_RECOVERED, Verdict.STABLE]

    async def passes(incident_id: int) -> None:
        return None

    async def is_carried_out(incident_id: int) -> Outcome:
        await bench.move(incident_id, Status.MONITORING)
        return Outcome.MITIGATED

    async def says(incident_id: int) -> Verdict:
        return verdicts.pop(0)

    async def takes_back(incident_id: int) -> list[Remediation]:
        return []

    async def leaves_none(bench: MovedBench, incident: Incident) -> bool:
        return False

    for name, phase in {
        "triage": passes,
        "investigation": passes,
        "resolution": is_carried_out,
        "verification": says,
        "leave_hotfix": leaves_none,
        "undoing": takes_back,
    }.items():
        monkeypatch.setattr(respond, name, phase)
    return verdicts


async def found(bench: MovedBench, incident: Incident, cause: str) -> None:
    finding = Finding(cause=cause, confidence=0.9, fault=Fault.VENDOR, evidence=["it"])
    await save_findings(bench.store, incident.id, 1, [finding])


async def test_a_vendor_is_waited_for_once_and_then_a_person_is_asked(
    bench: MovedBench, incident: Incident, phases: list[Verdict]
) -> None:
    await found(bench, incident, "upstash_outage")
    phases[0] = Verdict.VENDOR_OVERDUE

    assert await respond.work(bench, incident.id) == "person"

    assert phases == [Verdict.STABLE]
    told = await bench.told(incident, "handover")
    assert told and all("Upstash has not recovered within 6 hours" in text for _, text in told)


async def test_what_was_held_back_for_a_vendor_goes_on_by_itself_in_the_last_round_too(
    bench: MovedBench, phases: list[Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_not_called(*what: object) -> None:
        raise AssertionError("a plan that only waited is treated as a cure that did not help")

    monkeypatch.setattr(respond, "undoing", is_not_called)
    monkeypatch.setattr(respond, "wake_sleepers", is_not_called)
    incident = await bench.incident_under(two_on_call(response={"rounds": 1}))
    phases[0] = Verdict.VENDOR_RECOVERED

    assert await respond.work(bench, incident.id) == "resolved"

    assert (await bench.incident(incident.id)).round == 2
    told = "Investigating again: the vendor has recovered, and what was held back may happen"
    assert told in await bench.story(incident)
    assert not await bench.told(incident, "handover")


@pytest.mark.parametrize(
    ("told_after", "fingerprint", "rounds", "is_looked_at_again"),
    [
        (timedelta(seconds=4), "payments", 3, True),
        (timedelta(seconds=4), "payments", 1, False),  # as often as the policy allows
        (timedelta(seconds=4), "database", 3, False),  # the same again
        (timedelta(seconds=-1), "payments", 3, False),  # the looks came after it
    ],
)
async def test_what_explains_nothing_is_looked_at_again_where_something_else_began_meanwhile(
    bench: MovedBench,
    phases: list[Verdict],
    monkeypatch: pytest.MonkeyPatch,
    told_after: timedelta,
    fingerprint: str,
    rounds: int,
    is_looked_at_again: bool,
) -> None:
    policy = two_on_call(response={"rounds": rounds})
    incident = await bench.incident_under(policy)
    looked_at = bench.now() + timedelta(minutes=1)
    check = Check(name="dns", system="dns", status=CheckStatus.OK, summary="well", observed_at=looked_at)
    await save_checks(bench.store, incident.id, 1, [check], now=looked_at)
    bench.clock.now = looked_at + told_after
    await bench.hear(policy, fingerprint=fingerprint)
    phases[:] = [Verdict.STABLE]
    outcomes = [Outcome.EXHAUSTED, Outcome.MITIGATED]

    async def finds_nothing_at_first(incident_id: int) -> Outcome:
        outcome = outcomes.pop(0)
        if outcome is Outcome.MITIGATED:
            await bench.move(incident_id, Status.MONITORING)
        return outcome

    monkeypatch.setattr(respond, "resolution", finds_nothing_at_first)

    ending = await respond.work(bench, incident.id)

    assert (ending, (await bench.incident(incident.id)).round) == (
        ("resolved", 2) if is_looked_at_again else ("person", 1)
    )


async def test_a_change_that_there_is_no_plan_to_take_back_is_put_to_a_person(
    bench: MovedBench, incident: Incident, phases: list[Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stays(bench: MovedBench, incident: Incident) -> str:
        return "Roll back backend: somebody has deployed since"

    monkeypatch.setattr(respond, "left_in_place", stays)

    assert await respond.work(bench, incident.id) == "person"

    assert (await bench.incident(incident.id)).round == 1
    told = await bench.told(incident, "handover")
    assert told and all("could not be taken back (Roll back backend: somebody" in text for _, text in told)


async def test_a_vendor_that_comes_and_goes_is_put_to_a_person_in_the_end(
    bench: MovedBench, phases: list[Verdict]
) -> None:
    incident = await bench.incident_under(two_on_call(response={"rounds": 1}))
    phases[:] = [Verdict.VENDOR_RECOVERED] * 9

    assert await respond.work(bench, incident.id) == "person"

    assert (await bench.incident(incident.id)).round == respond.MOST_WAITS
    told = await bench.told(incident, "handover")
    assert told and all("its vendor comes and goes: 3 rounds have waited for it" in t for _, t in told)


async def test_a_cure_of_ours_that_did_not_help_is_investigated_again(
    bench: MovedBench, incident: Incident, phases: list[Verdict]
) -> None:
    await found(bench, incident, "connection_leak")

    assert await respond.work(bench, incident.id) == "resolved"

    assert phases == []
    assert (await bench.incident(incident.id)).round == 2
    assert not await bench.told(incident, "handover")


async def test_a_person_hears_which_alert_still_fires_while_the_probes_are_green(
    bench: MovedBench, policy: Policy, incident: Incident, phases: list[Verdict]
) -> None:
    await bench.hear(policy, fingerprint="checkout", summary="Checkout fails")
    await bench.hear(policy, firing=False)
    phases[0] = Verdict.CONTRADICTED

    assert await respond.work(bench, incident.id) == "person"

    assert phases == [Verdict.STABLE]
    told = await bench.told(incident, "handover")
    said = "the probes are green, and generic still says: Checkout fails"
    assert told and all(said in text for _, text in told)


async def test_what_cannot_be_proved_is_taken_back_by_nobody_and_put_to_a_person(
    bench: MovedBench, incident: Incident, phases: list[Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def takes_back(incident_id: int) -> list[Remediation]:
        raise AssertionError("a cure is taken back because a witness is away")

    monkeypatch.setattr(respond, "undoing", takes_back)
    phases[0] = Verdict.UNPROVED

    assert await respond.work(bench, incident.id) == "person"

    told = await bench.told(incident, "handover")
    assert told and all("what would prove that it is over cannot be read" in text for _, text in told)


async def test_the_same_plan_in_a_later_round_is_another_question(
    bench: MovedBench, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a key that was answered Prefect suspends nothing, and gives the old answer to the new plan."""
    keys: list[str] = []

    async def suspend(*, key: str, **_: Any) -> respond.PlanDecision:
        keys.append(key)
        return respond.PlanDecision(decision="approve", name="Ana")

    monkeypatch.setattr(respond, "asuspend_flow_run", suspend)
    plan = plan_to("roll_back_frontend", "frontend")
    first = await bench.planned(incident, plan)
    await respond.suspend_until_decided(bench, incident.id)
    later = await next_round(bench.store, incident, "it did not hold", now=bench.now())
    second = await bench.planned(later, plan)
    await respond.suspend_until_decided(bench, incident.id)

    assert first.plan_digest == second.plan_digest
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (RemediationState.FAILED, "the change could not be taken back"),
        (RemediationState.UNKNOWN, "I cannot tell whether the change was taken back"),
        (RemediationState.PLANNED, "the policy only lets me show how the change is taken back"),
    ],
)
async def test_a_change_that_may_still_be_in_place_is_put_to_a_person_before_anything_else_is_tried(
    bench: MovedBench,
    incident: Incident,
    phases: list[Verdict],
    monkeypatch: pytest.MonkeyPatch,
    state: RemediationState,
    says: str,
) -> None:
    planned = await bench.planned(incident, plan_to("redeploy_deployment", "backend"))

    async def takes_back(incident_id: int) -> list[Remediation]:
        return [planned.model_copy(update={"state": state})]

    monkeypatch.setattr(respond, "undoing", takes_back)

    assert await respond.work(bench, incident.id) == "person"

    assert ((await bench.incident(incident.id)).round, phases) == (1, [Verdict.STABLE])
    told = await bench.told(incident, "handover")
    assert told and all(
        f"the readings did not turn green, and {says} (redeploy_deployment of backend)" in text
        for _, text in told
    )


async def test_what_a_person_mended_after_the_last_round_is_looked_at_before_it_is_judged(
    bench: MovedBench, phases: list[Verdict]
) -> None:
    policy = two_on_call(response={"rounds": 1})
    incident = await bench.incident_under(policy)
    await bench.move(incident.id, Status.MONITORING)
    change = await carried_out(bench, incident, plan_to("roll_back_deployment", "backend"))
    back = plan_to("redeploy_deployment", "backend")
    undo = await plan_undoing(bench.store, incident, change, back, policy, now=bench.now())
    await claim(bench.store, undo, holder="run", now=bench.now())
    await bench.handed_over(incident)
    bench.clock.advance(hours=1)
    await bench.hear(policy, firing=False)
    await watch_where_quiet(bench.store, Guard(bench.store, bench.now), now=bench.now())
    phases[:] = [Verdict.STABLE]

    assert (await bench.incident(incident.id)).attempt == incident.attempt + 1
    assert await respond.work(bench, incident.id) == "resolved"
