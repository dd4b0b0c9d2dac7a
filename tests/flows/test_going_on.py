"""Going on after a wait: what was done before it is neither done again nor forgotten."""

from dataclasses import dataclass, field

import pytest

from flows import resolution, respond, undoing
from flows.actions import registry
from flows.actions.site import Site
from flows.runbooks import Cure, PlanStep
from flows.runbooks.cures import CURES
from flows.verification import Verdict
from tests.flows.conftest import FakeAction, MovedBench, finding, plan_to
from tests.flows.test_resolution import looked
from tests.flows.test_respond import phases
from tests.flows.test_undoing import FakeUndoable
from tests.flows.test_undoing import world as actions
from watchkeeper.errors import VendorUnavailable
from watchkeeper.findings import save_findings
from watchkeeper.model import CheckStatus, Gate, Incident, Plan, Remediation, RemediationState
from watchkeeper.remediations import UNDO_STEP, decide, may_have_ended, read_remediations

__all__ = ["actions", "phases"]

AWAY = VendorUnavailable(vendor="railway", action="list_deployments", status=503)


class Raise(FakeUndoable):
    async def plan_undo(self, site: Site, remediation: Remediation) -> Plan:
        self.asked.append(remediation.target)
        return plan_to("lower_resources", remediation.target, cause=remediation.plan.cause)


@dataclass
class Night:
    """More memory and then a restart, before which Railway goes away; `causes` is what each round finds."""

    bench: MovedBench
    incident: Incident
    phases: list[Verdict]
    raises: Raise = field(default_factory=Raise)
    lowers: FakeAction = field(default_factory=FakeAction)
    restarts: FakeAction = field(default_factory=FakeAction)
    railway_is_away: bool = True
    unneeded: bool = False
    causes: list[str] = field(default_factory=lambda: ["out_of_memory"] * 3)

    async def investigate(self, incident_id: int) -> None:
        number = (await self.bench.incident(incident_id)).round
        found = [finding(self.causes[number - 1], 1.0)]
        await save_findings(self.bench.store, incident_id, number, found)
        incident = await self.bench.incident(incident_id)
        await looked(self.bench, incident, "railway", "major", connection=CheckStatus.OK)

    def step(self, action: str, cause: str, target: str = "backend") -> PlanStep:
        async def plan(site: Site) -> Plan | None:
            if action == "restart_service" and self.railway_is_away:
                raise AWAY
            return None if self.unneeded else plan_to(action, target, cause=cause, undo="it")

        return plan

    async def go_on(self, *verdicts: Verdict) -> str:
        self.phases[:] = verdicts
        return await respond.work(self.bench, self.incident.id)

    async def waits_before_the_restart(self) -> None:
        """More memory was approved and is there, Railway was away, and is back."""
        assert await self.go_on() == "approval"
        await self.approve()
        await resolution.resolution.fn(self.incident.id)
        self.railway_is_away = False

    async def approve(self) -> None:
        [plan] = [r for r in await self.changes() if r.state is RemediationState.PLANNED]
        known = {"approved": True, "person": "ana", "reason": "", "plan_digest": plan.plan_digest}
        assert await decide(self.bench.store, plan, now=self.bench.now(), **known)

    async def changes(self) -> list[Remediation]:
        return await read_remediations(self.bench.store, self.incident.id)

    async def asked(self) -> int:
        """How many plans were put to people."""
        return len([r for r in await self.changes() if r.gate is Gate.APPROVAL])


@pytest.fixture
def night(
    bench: MovedBench,
    incident: Incident,
    phases: list[Verdict],
    actions: object,
    monkeypatch: pytest.MonkeyPatch,
) -> Night:
    made = Night(bench, incident, phases)
    of_memory = (made.step("raise_resources", "out_of_memory"), made.step("restart_service", "out_of_memory"))
    of_cpu = (made.step("raise_resources", "cpu_maxed", "worker"),)
    monkeypatch.setitem(CURES, "out_of_memory", Cure("out_of_memory", of_memory))
    monkeypatch.setitem(CURES, "cpu_maxed", Cure("cpu_maxed", of_cpu))
    monkeypatch.setitem(registry.ACTIONS, "raise_resources", made.raises)
    monkeypatch.setitem(registry.ACTIONS, "lower_resources", made.lowers)
    monkeypatch.setitem(registry.ACTIONS, "restart_service", made.restarts)
    monkeypatch.setattr(respond, "investigation", made.investigate)
    monkeypatch.setattr(respond, "resolution", resolution.resolution.fn)
    monkeypatch.setattr(respond, "undoing", undoing.undoing.fn)
    return made


async def test_what_was_done_before_the_wait_is_neither_done_nor_asked_for_again(night: Night) -> None:
    await night.waits_before_the_restart()

    assert await night.go_on(Verdict.VENDOR_RECOVERED, Verdict.STABLE) == "resolved"

    assert (night.raises.acts, night.restarts.acts, await night.asked()) == (1, 1, 1)
    told = "Not done again: raise_resources of backend: it was done before the wait"
    assert (await night.bench.story(night.incident)).count(told) == 1
    ended = await night.bench.incident(night.incident.id)
    done = [r.action for r in may_have_ended(await night.changes(), ended.round)]
    assert done == ["raise_resources", "restart_service"]


async def test_what_got_better_and_worse_while_it_waited_is_not_done_again_either(night: Night) -> None:
    """A backend that is killed and started again and again looks well in between, whatever waits for its vendor."""
    await night.waits_before_the_restart()

    assert await night.go_on(Verdict.RELAPSED, Verdict.STABLE) == "resolved"

    assert (night.raises.acts, night.restarts.acts, await night.asked()) == (1, 1, 1)


async def test_people_who_wait_for_a_vendor_read_that_something_was_changed_before(night: Night) -> None:
    await night.waits_before_the_restart()

    story = await night.bench.story(night.incident)
    told = [line for line in story if "Waiting for" in line]
    assert told and all("what was done so far stays, and the rest waits" in line for line in told)


async def test_whether_a_restart_is_needed_again_is_looked_at_afresh(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it happened before the wait does not say that what it restarted is well."""
    steps = (night.step("restart_service", "out_of_memory"), night.step("raise_resources", "out_of_memory"))
    monkeypatch.setitem(CURES, "out_of_memory", Cure("out_of_memory", steps))
    night.railway_is_away = False
    assert await night.go_on() == "approval"

    await respond.another_round(
        night.bench, await night.bench.incident(night.incident.id), "its vendor is back", goes_on=True
    )
    assert await night.go_on() == "approval"

    assert night.restarts.acts == 2


async def test_what_was_done_before_the_wait_is_taken_back_when_nothing_gets_better(night: Night) -> None:
    await night.waits_before_the_restart()

    assert await night.go_on(Verdict.VENDOR_RECOVERED, Verdict.NOT_RECOVERED) == "person"

    assert (night.raises.acts, night.restarts.acts, night.lowers.acts) == (1, 1, 1)
    told = await night.bench.told(night.incident, "handover")
    assert told and all("nothing got better, and it was taken back" in text for _, text in told)


async def test_whose_vendor_goes_away_again_has_still_done_it_once(night: Night) -> None:
    await night.waits_before_the_restart()
    night.railway_is_away = True

    await night.go_on(Verdict.VENDOR_RECOVERED, Verdict.VENDOR_OVERDUE)
    night.railway_is_away = False
    assert await night.go_on(Verdict.VENDOR_RECOVERED, Verdict.NOT_RECOVERED) == "person"

    assert (night.raises.acts, night.lowers.acts, await night.asked()) == (1, 1, 1)


async def test_what_holds_no_longer_is_asked_for_anew(night: Night) -> None:
    await night.waits_before_the_restart()
    night.raises.answers = [False]

    assert await night.go_on(Verdict.VENDOR_RECOVERED) == "approval"
    await night.approve()
    assert await night.go_on(Verdict.NOT_RECOVERED) == "person"

    assert (night.raises.acts, await night.asked()) == (2, 2)
    assert night.raises.asked == ["backend", "backend"], "the one before the wait is looked at as well"


async def test_where_another_cause_shows_after_the_wait_both_are_taken_back_the_last_one_first(
    night: Night,
) -> None:
    night.causes = ["out_of_memory", "cpu_maxed", "cpu_maxed"]
    await night.waits_before_the_restart()

    assert await night.go_on(Verdict.VENDOR_RECOVERED) == "approval"
    await night.approve()
    assert await night.go_on(Verdict.NOT_RECOVERED) == "person"

    assert night.raises.asked == ["worker", "backend"]
    undone = [(r.target, r.state) for r in await night.changes() if r.step >= UNDO_STEP]
    assert sorted(undone) == [("backend", RemediationState.DONE), ("worker", RemediationState.DONE)]


async def test_another_causes_change_is_no_cure_of_this_one(night: Night) -> None:
    night.causes = ["out_of_memory", "cpu_maxed"]
    await night.waits_before_the_restart()
    night.unneeded = True

    assert await night.go_on(Verdict.VENDOR_RECOVERED) == "person"

    told = await night.bench.told(night.incident, "handover")
    assert told and all("what helps is a person's to do" in text for _, text in told)


async def test_what_was_there_when_a_person_took_over_during_the_wait_is_theirs(night: Night) -> None:
    await night.waits_before_the_restart()
    await night.bench.handed_over(night.incident)

    await night.go_on(Verdict.VENDOR_RECOVERED, Verdict.NOT_RECOVERED)

    assert (night.raises.acts, night.raises.asked, night.lowers.acts) == (1, [], 0)
