"""Taking back: what did not help is undone once, without asking again, and never tried a second time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from flows import resolution, transaction, undoing
from flows.actions import registry
from flows.actions.site import Site
from flows.resolution import Outcome
from tests.flows.conftest import FakeAction, MovedBench, plan_to
from tests.watchkeeper.house import two_on_call
from watchkeeper.errors import VendorRejected, VendorUnavailable
from watchkeeper.findings import save_findings
from watchkeeper.incidents import next_round
from watchkeeper.model import Fault, Finding, Gate, Incident, Plan, Remediation, RemediationState
from watchkeeper.policy import Policy
from watchkeeper.remediations import (
    UNDO_STEP,
    claim,
    decide,
    finish,
    plan_remediation,
    plan_undoing,
    read_remediations,
)

DONE, FAILED, CLAIMED = RemediationState.DONE, RemediationState.FAILED, RemediationState.CLAIMED
REFUSAL = VendorRejected(vendor="railway", action="redeploy", status=200, reason="no such deployment")

UNREACHABLE = VendorUnavailable(vendor="railway", action="list_deployments", status=503)


@dataclass
class FakeUndoable(FakeAction):
    """A rollback that can be taken back; `left` says whether there is anything to take back."""

    left: bool = True
    undo_fails: Exception | None = None
    away: int = 0
    asked: list[str] = field(default_factory=list)

    async def plan_undo(self, site: Site, remediation: Remediation) -> Plan | None:
        self.asked.append(remediation.target)
        if len(self.asked) <= self.away:
            raise UNREACHABLE
        if self.undo_fails:
            raise self.undo_fails
        return plan_to("redeploy_deployment", "backend", cause="bad_deployment") if self.left else None


@dataclass
class World:
    roll_back: FakeUndoable
    redeploy: FakeAction
    end: FakeAction
    cards: list[str] = field(default_factory=list)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, bench: MovedBench, site: Site) -> World:
    made = World(FakeUndoable(), FakeAction(), FakeAction())
    monkeypatch.setitem(registry.ACTIONS, "roll_back_deployment", made.roll_back)
    monkeypatch.setitem(registry.ACTIONS, "redeploy_deployment", made.redeploy)
    monkeypatch.setitem(registry.ACTIONS, "end_idle_connections", made.end)
    monkeypatch.setattr(transaction, "SETTLES_WITHIN", timedelta(milliseconds=-1))

    async def publish(incident: Incident, name: str, markdown: str, description: str) -> None:
        made.cards.append(name)

    @asynccontextmanager
    async def open_site(policy: Policy, parts: object = None) -> AsyncIterator[Site]:
        yield site

    for module in (undoing, resolution):
        monkeypatch.setattr(module, "publish", publish)
        monkeypatch.setattr(module, "open_bench", bench.opened)
        monkeypatch.setattr(module, "open_site", open_site)
    return made


def rollback(undo: str = "redeploy bada55c on Railway") -> Plan:
    return plan_to("roll_back_deployment", "backend", cause="bad_deployment", undo=undo)


async def carried_out(bench: MovedBench, incident: Incident, plan: Plan, *, step: int = 1) -> Remediation:
    """A change that was approved where it had to be, and made."""
    planned = await bench.planned(incident, plan, step=step)
    if planned.gate is Gate.APPROVAL:
        decided = await decide(
            bench.store,
            planned,
            approved=True,
            person="ana",
            reason="",
            plan_digest=planned.plan_digest,
            now=bench.now(),
        )
        assert decided is not None
        planned = decided
    claimed = await claim(bench.store, planned, holder="run-1", now=bench.now())
    return await finish(bench.store, claimed, DONE, "done", now=bench.now())


async def take_back(incident: Incident) -> list[Remediation]:
    undone: list[Remediation] = await undoing.undoing.fn(incident.id)
    return undone


async def test_what_did_not_help_is_taken_back_once_however_often_the_run_starts_anew(
    bench: MovedBench, incident: Incident, world: World
) -> None:
    await carried_out(bench, incident, rollback())

    for _ in range(3):
        [undo] = await take_back(incident)
        assert (undo.state, undo.action, undo.step) == (DONE, "redeploy_deployment", UNDO_STEP + 1)

    assert (world.redeploy.acts, world.roll_back.asked, world.cards) == (1, ["backend"], ["undo"])
    story = await bench.story(incident)
    assert any("said in the plan it takes back" in text for text in story)


async def test_nobody_is_asked_again_for_what_the_plan_that_was_approved_said(
    bench: MovedBench, incident: Incident, world: World
) -> None:
    await carried_out(bench, incident, rollback())
    asked = len(await bench.told(incident, "approval"))

    [undo] = await take_back(incident)

    assert (undo.gate, undo.gate_reason) == (Gate.NONE, "said_in_the_plan_it_takes_back")
    assert len(await bench.told(incident, "approval")) == asked


@pytest.mark.parametrize("plan", [rollback(undo=""), plan_to("end_idle_connections", undo="cannot be")])
async def test_what_cannot_be_taken_back_is_left(
    bench: MovedBench, incident: Incident, world: World, plan: Plan
) -> None:
    await carried_out(bench, incident, plan)

    assert await take_back(incident) == []

    assert (world.redeploy.acts, world.roll_back.asked) == (0, [])


async def test_what_was_planned_and_not_done_is_not_taken_back(
    bench: MovedBench, incident: Incident, world: World
) -> None:
    await bench.planned(incident, rollback())

    assert await take_back(incident) == []


async def test_nothing_is_left_to_take_back_when_a_person_was_faster(
    bench: MovedBench, incident: Incident, world: World
) -> None:
    await carried_out(bench, incident, rollback())
    world.roll_back.left = False

    assert await take_back(incident) == []
    assert await take_back(incident) == []

    assert (world.roll_back.asked, world.redeploy.acts) == (["backend"], 0)
    assert any("there is nothing left to take back" in text for text in await bench.story(incident))
    assert await undoing.left_in_place(bench, incident) is None


async def test_where_there_is_no_plan_to_take_it_back_the_change_is_known_to_be_in_place(
    bench: MovedBench, incident: Incident, world: World
) -> None:
    await carried_out(bench, incident, rollback())
    world.roll_back.undo_fails = REFUSAL

    assert await take_back(incident) == []

    assert any("no such deployment" in text for text in await bench.story(incident))
    left = await undoing.left_in_place(bench, incident)
    assert left is not None and "no such deployment" in left


async def test_a_vendor_that_is_away_for_a_moment_is_waited_for(
    bench: MovedBench, incident: Incident, world: World
) -> None:
    await carried_out(bench, incident, rollback())
    world.roll_back.away = 3

    [undo] = await take_back(incident)

    assert (undo.state, len(world.roll_back.asked), world.redeploy.acts) == (DONE, 4, 1)


async def test_a_vendor_that_stays_away_ends_no_run_and_is_said(
    bench: MovedBench, incident: Incident, world: World
) -> None:
    await carried_out(bench, incident, rollback())
    world.roll_back.away = 99

    assert await take_back(incident) == []
    assert await take_back(incident) == []

    assert (len(world.roll_back.asked), world.redeploy.acts) == (4, 0)
    [said] = [text for text in await bench.story(incident) if text.startswith("Not taken back: ")]
    assert "answered 503" in said


async def test_an_undoing_that_is_refused_is_told_and_not_tried_again(
    bench: MovedBench, incident: Incident, world: World
) -> None:
    await carried_out(bench, incident, rollback())
    world.redeploy.fails = REFUSAL

    states = [(await take_back(incident))[0].state for _ in range(2)]

    assert (states, world.redeploy.acts) == ([FAILED, FAILED], 1)


async def test_an_undoing_that_a_dead_run_began_is_looked_up(
    bench: MovedBench, policy: Policy, incident: Incident, world: World
) -> None:
    done = await carried_out(bench, incident, rollback())
    undo = await plan_undoing(
        bench.store, incident, done, plan_to("redeploy_deployment", "backend"), policy, now=bench.now()
    )
    await claim(bench.store, undo, holder="dead", now=bench.now())
    assert await undoing.has_begun(bench, incident)

    [ended] = await take_back(incident)

    assert (ended.state, world.redeploy.acts, world.redeploy.looks) == (DONE, 0, 1)


async def test_the_last_change_is_taken_back_first(
    bench: MovedBench, incident: Incident, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FakeUndoable()

    async def plan_undo(site: Site, remediation: Remediation) -> Plan:
        return plan_to("lower_resources", "backend")

    monkeypatch.setattr(other, "plan_undo", plan_undo)
    monkeypatch.setitem(registry.ACTIONS, "raise_resources", other)
    monkeypatch.setitem(registry.ACTIONS, "lower_resources", FakeAction())
    await carried_out(bench, incident, rollback())
    await carried_out(bench, incident, plan_to("raise_resources", "backend", undo="the old limit"), step=2)

    undone = await take_back(incident)

    assert [undo.action for undo in undone] == ["lower_resources", "redeploy_deployment"]


async def test_nothing_is_taken_back_on_top_of_what_nobody_can_tell_of(
    bench: MovedBench, incident: Incident, world: World
) -> None:
    await carried_out(bench, incident, rollback())
    await carried_out(bench, incident, plan_to("roll_back_deployment", "shop", undo="the same"), step=2)
    world.redeploy.fails, world.redeploy.answers = UNREACHABLE, [None]

    for _ in range(2):
        [undo] = await take_back(incident)
        assert (undo.state, undo.step) == (RemediationState.UNKNOWN, UNDO_STEP + 2)

    assert world.roll_back.asked == ["shop"]


async def test_where_the_policy_only_lets_it_observe_nothing_is_taken_back(
    bench: MovedBench, world: World
) -> None:
    policy = two_on_call(autonomy={"actions": {"redeploy_deployment": "observe"}})
    incident = await bench.incident_under(policy)
    await carried_out(bench, incident, rollback())

    [undo] = await take_back(incident)

    assert (undo.gate, undo.state, world.redeploy.acts) == (Gate.OBSERVE, RemediationState.PLANNED, 0)


@pytest.mark.parametrize(
    ("refused", "outcome"),
    [(None, Outcome.TRIED), (REFUSAL, Outcome.IN_PLACE)],
    ids=["taken back", "in place"],
)
async def test_a_cure_that_did_not_help_is_not_tried_again_and_is_called_taken_back_only_where_it_was(
    bench: MovedBench, incident: Incident, world: World, refused: VendorRejected | None, outcome: Outcome
) -> None:
    world.redeploy.fails = refused
    await carried_out(bench, incident, rollback())
    await take_back(incident)
    again = await next_round(bench.store, incident, "the readings did not turn green", now=bench.now())
    found = Finding(cause="bad_deployment", confidence=1.0, fault=Fault.DEPLOYMENT, evidence=["it"])
    await save_findings(bench.store, again.id, again.round, [found])

    assert await resolution.resolution.fn(again.id) is outcome

    assert not await undoing.has_begun(bench, again)
    assert len(await read_remediations(bench.store, again.id)) == 2


async def test_what_was_there_when_a_person_took_over_is_theirs(
    bench: MovedBench, policy: Policy, incident: Incident, world: World
) -> None:
    await carried_out(bench, incident, rollback())
    theirs = await bench.handed_over(incident)

    assert await take_back(theirs) == []

    assert (world.redeploy.acts, world.roll_back.asked) == (0, [])
    bench.clock.advance(minutes=1)
    await carried_out(bench, theirs, plan_to("roll_back_deployment", "shop", undo="the same"), step=2)
    [undo] = await take_back(theirs)
    assert (undo.state, undo.step) == (DONE, UNDO_STEP + 2)


async def test_what_was_taken_back_before_a_person_took_over_judges_nothing_of_theirs(
    bench: MovedBench, incident: Incident, world: World
) -> None:
    await carried_out(bench, incident, rollback())
    await take_back(incident)
    assert await undoing.has_begun(bench, incident)

    assert not await undoing.has_begun(bench, await bench.handed_over(incident))


async def test_planning_to_take_back_twice_is_one_row(
    bench: MovedBench, policy: Policy, incident: Incident, world: World
) -> None:
    done = await carried_out(bench, incident, rollback())
    plan = plan_to("redeploy_deployment", "backend")

    rows = [await plan_undoing(bench.store, incident, done, plan, policy, now=bench.now()) for _ in range(2)]

    assert rows[0] == rows[1]
    other = plan_to("restart_service", "backend")
    assert (
        await plan_remediation(bench.store, incident, other, policy, step=2, now=bench.now())
    ).gate is Gate.NONE


async def test_what_undoes_a_change_by_the_same_action_is_a_row_of_its_own(
    bench: MovedBench, incident: Incident, policy: Policy
) -> None:
    """A frontend that was promoted is taken back by promoting what was left."""
    promote = plan_to("promote_frontend", "frontend")
    planned = await bench.planned(incident, promote)
    claimed = await claim(bench.store, planned, holder="run", now=bench.now())
    done = await finish(bench.store, claimed, DONE, "promoted", now=bench.now())

    undo = await plan_undoing(bench.store, incident, done, promote, policy, now=bench.now())
    again = await plan_undoing(bench.store, incident, done, promote, policy, now=bench.now())

    assert undo.id != done.id and undo.state is RemediationState.PLANNED
    assert again.id == undo.id, "planned twice, it is one row"
