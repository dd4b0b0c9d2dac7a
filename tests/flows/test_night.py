"""The response at night: what was signed in advance is done in somebody's sleep, and everything else wakes them."""

import pytest

from flows import resolution, respond
from flows.actions import registry
from flows.actions.site import Site
from flows.resolution import Outcome, take_step
from flows.runbooks import Cure, PlanStep
from flows.runbooks.cures import CURES
from flows.verification import Verdict
from tests.conftest import MovedClock
from tests.flows.conftest import NOBODY, FakeAction, MovedBench, plan_to
from tests.watchkeeper.house import KernelHouse, two_on_call
from tests.watchkeeper.night.signing import signed, worker_is_stuck
from watchkeeper.errors import LeaseLost
from watchkeeper.model import Incident, Plan, Remediation, Status
from watchkeeper.night.cures import CHANGES
from watchkeeper.night.signatures import withdraw
from watchkeeper.remediations import claim, read_remediations
from watchkeeper.store import Store


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    return KernelHouse(store, clock, two_on_call())


@pytest.fixture
def restarts(monkeypatch: pytest.MonkeyPatch) -> FakeAction:
    action = FakeAction()
    monkeypatch.setitem(registry.ACTIONS, "restart_service", action)

    async def publish(incident: Incident, name: str, markdown: str, description: str) -> None:
        return None

    monkeypatch.setattr("flows.resolution.publish", publish)
    return action


async def stuck(house: KernelHouse, bench: MovedBench) -> Incident:
    """A worker that is stuck at night, and somebody who signed for that."""
    await signed(house)
    await house.hear(**worker_is_stuck())
    await bench.move(1, Status.INVESTIGATING)
    return await bench.incident(1)


def step(cause: str) -> PlanStep:
    async def plan(site: Site) -> Plan | None:
        return plan_to("restart_service", "worker", cause=cause)

    return plan


@pytest.mark.parametrize(("cause", "pages"), [("worker_crashed", 0), ("redis_connection", 2)])
async def test_what_was_signed_is_done_without_a_word_and_anything_else_wakes(
    house: KernelHouse, bench: MovedBench, restarts: FakeAction, cause: str, pages: int
) -> None:
    incident = await stuck(house, bench)
    site = Site(house.desk.policy, NOBODY)

    assert [await take_step(bench, site, incident, 1, step(cause)) for _ in range(2)] == [None, None]

    assert restarts.acts == 1
    (remediation,) = await read_remediations(bench.store, 1)
    assert (remediation.gate_reason == "signed_in_advance") is (pages == 0)
    assert len(await bench.told(incident, "page")) == pages


class Died(BaseException):
    """The host, at this line."""


@pytest.mark.parametrize(
    ("minutes", "taken", "ended", "acts", "says"),
    [
        (1, False, None, 2, "3 connections ended"),
        (15, False, Outcome.FAILED, 1, "not begun: its person is awake"),
        (1, True, Outcome.FAILED, 1, "not begun: its person is awake"),
    ],
)
async def test_a_signed_change_that_a_dead_run_left_is_begun_again_only_in_its_persons_sleep(
    house: KernelHouse,
    bench: MovedBench,
    restarts: FakeAction,
    minutes: int,
    taken: bool,
    ended: Outcome | None,
    acts: int,
    says: str,
) -> None:
    incident = await stuck(house, bench)
    site = Site(house.desk.policy, NOBODY)
    restarts.fails, restarts.answers = Died(), [False]
    with pytest.raises(Died):
        await take_step(bench, site, incident, 1, step("worker_crashed"))
    if taken:
        await house.says("ana")
    await house.pass_time(minutes=minutes)
    restarts.fails = None

    assert await take_step(bench, site, incident, 1, step("worker_crashed")) is ended

    (remediation,) = await read_remediations(bench.store, 1)
    assert (restarts.acts, remediation.outcome) == (acts, says)


@pytest.mark.parametrize("claimed", [False, True])
async def test_who_took_it_keeps_a_signed_change_from_being_begun(
    house: KernelHouse, bench: MovedBench, restarts: FakeAction, claimed: bool
) -> None:
    incident = await stuck(house, bench)
    remediation = await resolution.planned(
        bench, Site(house.desk.policy, NOBODY), incident, 1, step("worker_crashed")
    )
    assert remediation is not None
    if claimed:
        remediation = await claim(bench.store, remediation, holder="dead", now=bench.now())
    await house.says("ana")
    with pytest.raises(LeaseLost):
        await claim(bench.store, remediation, holder="late", now=bench.now())


async def test_a_signature_that_was_taken_back_since_wakes_before_a_dead_runs_change_is_looked_at(
    house: KernelHouse, bench: MovedBench, restarts: FakeAction
) -> None:
    incident = await stuck(house, bench)
    site = Site(house.desk.policy, NOBODY)
    restarts.fails, restarts.answers = Died(), [False]
    with pytest.raises(Died):
        await take_step(bench, site, incident, 1, step("worker_crashed"))
    async with bench.store.transaction() as db:
        await withdraw(db, house.desk, 1, by="ana", now=bench.now())
    await house.pass_time(minutes=1)

    assert await take_step(bench, site, incident, 1, step("worker_crashed")) is Outcome.FAILED
    assert restarts.acts == 1 and await bench.told(incident, "page")


async def test_what_waits_for_a_vendor_is_not_cured_and_wakes(
    house: KernelHouse, bench: MovedBench, restarts: FakeAction
) -> None:
    incident = await stuck(house, bench)
    await resolution.mitigated(bench, incident, Cure("upstash_outage", waits_for="Upstash"))
    told = await bench.told(incident, "page")
    assert told and all("Waiting for Upstash" in text for _, text in told)


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        (Verdict.RELAPSED, "it got better and then worse again"),
        (Verdict.NOT_RECOVERED, "the readings did not turn green"),
    ],
)
async def test_a_cure_that_did_not_hold_wakes_before_it_is_investigated_again(
    house: KernelHouse,
    bench: MovedBench,
    monkeypatch: pytest.MonkeyPatch,
    verdict: Verdict,
    says: str,
) -> None:
    incident = await stuck(house, bench)
    await bench.move(1, Status.MONITORING)
    verdicts = [verdict, Verdict.STABLE]

    async def judged(bench: MovedBench, incident_id: int) -> Verdict:
        return verdicts.pop(0)

    async def passes(*which: object) -> Outcome:
        return Outcome.MITIGATED

    async def takes_back(incident_id: int) -> list[Remediation]:
        return []

    monkeypatch.setattr(respond, "judged", judged)
    monkeypatch.setattr(respond, "undoing", takes_back)
    for phase in ("triage", "investigation", "resolution"):
        monkeypatch.setattr(respond, phase, passes)

    assert await respond.work(bench, 1) == "resolved"

    told = await bench.told(incident, "page")
    assert {who for who, _ in told} == {"ana"} and all(says in text for _, text in told)


def test_what_can_be_signed_is_what_the_runbooks_do() -> None:
    for cause, actions in CHANGES.items():
        assert len(CURES[cause].steps) == len(actions), cause
        assert set(actions) <= set(registry.ACTIONS), cause
