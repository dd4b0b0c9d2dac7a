"""Resolution: the likeliest cause's cure, one guarded step after the other, as far as the gates allow."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from flows import resolution, transaction
from flows.actions import registry
from flows.actions.site import Site
from flows.resolution import Outcome, planned, take_step
from flows.runbooks import Cure, PlanStep
from flows.runbooks.cures import CURES
from tests.flows.conftest import FakeAction, MovedBench, finding, plan_to
from tests.watchkeeper.house import two_on_call
from watchkeeper.deadlines import read_deadlines
from watchkeeper.errors import NotConfigured, NothingToChange, VendorRejected, VendorUnavailable
from watchkeeper.findings import save_checks, save_findings
from watchkeeper.incidents import next_round, read_incident
from watchkeeper.model import (
    Check,
    CheckStatus,
    Gate,
    Incident,
    Plan,
    Remediation,
    RemediationState,
    Status,
)
from watchkeeper.parts import Parts
from watchkeeper.policy import Policy
from watchkeeper.remediations import decide, expire_undecided, read_remediations

REFUSAL = VendorRejected(vendor="railway", action="roll_back", status=200, reason="cannot be rolled back")


class World:
    """Actions that are made nowhere, and planning that says what the test says, counted."""

    def __init__(self) -> None:
        self.end, self.roll_back, self.restart = FakeAction(), FakeAction(), FakeAction()
        self.planned: list[str] = []
        self.unneeded: set[str] = set()
        self.cards: list[str] = []

    def step(self, action: str, target: str = "database") -> PlanStep:
        async def plan(site: Site) -> Plan | None:
            self.planned.append(action)
            return None if action in self.unneeded else plan_to(action, target)

        return plan

    @property
    def cure(self) -> Cure:
        steps = (self.step("end_idle_connections"), self.step("restart_service", "backend"))
        return Cure("connection_leak", steps)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setitem(registry.ACTIONS, "end_idle_connections", made.end)
    monkeypatch.setitem(registry.ACTIONS, "roll_back_deployment", made.roll_back)
    monkeypatch.setitem(registry.ACTIONS, "restart_service", made.restart)
    monkeypatch.setattr(transaction, "SETTLES_WITHIN", timedelta(milliseconds=-1))

    async def publish(incident: Incident, name: str, markdown: str, description: str) -> None:
        made.cards.append(name)

    monkeypatch.setattr(resolution, "publish", publish)
    return made


async def only(bench: MovedBench, incident: Incident) -> Remediation:
    [remediation] = await read_remediations(bench.store, incident.id)
    return remediation


async def take(bench: MovedBench, site: Site, incident: Incident, step: PlanStep) -> Outcome | None:
    return await take_step(bench, site, incident, 1, step)


async def test_what_the_guide_does_unasked_is_done_once_however_often_the_run_starts_anew(
    bench: MovedBench, site: Site, incident: Incident, world: World
) -> None:
    step = world.step("end_idle_connections")

    assert [await take(bench, site, incident, step) for _ in range(3)] == [None, None, None]

    assert (world.end.acts, world.planned, world.cards) == (1, ["end_idle_connections"], ["plan"])
    assert (await only(bench, incident)).state is RemediationState.DONE


async def test_a_step_that_was_found_unneeded_is_not_looked_at_again(
    bench: MovedBench, site: Site, incident: Incident, world: World
) -> None:
    step = world.step("end_idle_connections")
    world.unneeded.add("end_idle_connections")
    assert await take(bench, site, incident, step) is None
    world.unneeded.clear()

    assert await take(bench, site, incident, step) is None

    assert (world.planned, world.end.acts) == (["end_idle_connections"], 0)
    assert await read_remediations(bench.store, incident.id) == []


async def test_what_the_policy_only_lets_it_observe_is_shown_and_not_done(
    bench: MovedBench, world: World
) -> None:
    policy = two_on_call(autonomy={"default": "observe"})
    incident = await bench.incident_under(policy)
    site = Site(policy, None)  # type: ignore[arg-type]

    assert await take(bench, site, incident, world.step("end_idle_connections")) is Outcome.OBSERVED

    assert (await only(bench, incident)).gate is Gate.OBSERVE
    assert (world.end.acts, world.cards) == (0, ["plan"])


async def test_a_rollback_waits_for_a_person_who_is_asked_once(
    bench: MovedBench, site: Site, incident: Incident, world: World
) -> None:
    step = world.step("roll_back_deployment", "backend")

    assert [await take(bench, site, incident, step) for _ in range(2)] == [Outcome.APPROVAL] * 2

    assert world.roll_back.acts == 0
    asked = await bench.told(incident, "approval")
    assert {who for who, _ in asked} == {"#incidents", "ana", "ben"}
    [due] = [d for d in await read_deadlines(bench.store, incident.id) if d.kind == "approval"]
    assert due.due_at == bench.now() + timedelta(minutes=30)
    assert sum(text.startswith("Planned:") for text in await bench.story(incident)) == 1


@pytest.mark.parametrize(
    ("decision", "outcome", "acts"),
    [("approve", None, 1), ("deny", Outcome.DENIED, 0), ("expire", Outcome.EXPIRED, 0)],
)
async def test_goes_on_as_was_decided(
    bench: MovedBench,
    site: Site,
    incident: Incident,
    world: World,
    decision: str,
    outcome: Outcome | None,
    acts: int,
) -> None:
    step = world.step("roll_back_deployment", "backend")
    await take(bench, site, incident, step)
    remediation = await only(bench, incident)
    if decision == "expire":
        bench.clock.advance(minutes=30)
        await expire_undecided(bench.store, incident.id, now=bench.now())
    else:
        decided = await decide(
            bench.store,
            remediation,
            approved=decision == "approve",
            person="ana",
            reason="",
            plan_digest=remediation.plan_digest,
            now=bench.now(),
        )
        assert decided is not None

    assert [await take(bench, site, incident, step) for _ in range(2)] == [outcome] * 2

    assert world.roll_back.acts == acts


@pytest.mark.parametrize(
    ("fails", "answers", "outcome"),
    [(REFUSAL, [True], Outcome.FAILED), (TimeoutError("died"), [None], Outcome.UNKNOWN)],
)
async def test_a_change_that_did_not_work_or_cannot_be_told_ends_the_cure(
    bench: MovedBench,
    site: Site,
    incident: Incident,
    world: World,
    fails: Exception,
    answers: list[bool | None],
    outcome: Outcome,
) -> None:
    world.end.fails, world.end.answers = fails, answers
    step = world.step("end_idle_connections")
    if outcome is Outcome.UNKNOWN:
        with pytest.raises(TimeoutError):
            await take(bench, site, incident, step)

    assert [await take(bench, site, incident, step) for _ in range(2)] == [outcome] * 2

    assert world.end.acts == 1


async def test_another_round_looks_and_plans_anew(
    bench: MovedBench, site: Site, incident: Incident, world: World
) -> None:
    step = world.step("end_idle_connections")
    first = await planned(bench, site, incident, 1, step)
    again = await next_round(bench.store, incident, "it fell back", now=bench.now())

    second = await planned(bench, site, again, 1, step)

    assert first is not None and second is not None
    assert (first.round, second.round, world.planned) == (1, 2, ["end_idle_connections"] * 2)
    assert first.id != second.id


@pytest.fixture
def opened(
    bench: MovedBench, policy: Policy, site: Site, world: World, monkeypatch: pytest.MonkeyPatch
) -> World:
    """The flow's own lines, on this bench and this site, for a leak and its two steps."""

    @asynccontextmanager
    async def open_site(policy: Policy, parts: Parts) -> AsyncIterator[Site]:
        yield site

    monkeypatch.setattr(resolution, "open_bench", bench.opened)
    monkeypatch.setattr(resolution, "open_site", open_site)
    monkeypatch.setitem(CURES, "connection_leak", world.cure)
    return world


async def resolve(bench: MovedBench, incident: Incident, *, confidence: float = 0.9) -> Outcome:
    await save_findings(bench.store, incident.id, incident.round, [finding("connection_leak", confidence)])
    outcome: Outcome = await resolution.resolution.fn(incident.id)
    return outcome


async def test_takes_every_step_in_order_and_then_watches(
    bench: MovedBench, incident: Incident, opened: World
) -> None:
    assert await resolve(bench, incident) is Outcome.MITIGATED
    assert await resolve(bench, incident) is Outcome.MITIGATED

    assert opened.planned == ["end_idle_connections", "restart_service"]
    assert (opened.end.acts, opened.restart.acts) == (1, 1)
    after = await read_incident(bench.store, incident.id)
    assert (after.status, after.mitigated_at) == (Status.MONITORING, bench.now())
    updates = await bench.told(incident, "update")
    assert any("The cure for connection leak is carried out" in text for _, text in updates)


async def test_does_not_plan_the_next_step_when_one_did_not_work(
    bench: MovedBench, incident: Incident, opened: World
) -> None:
    opened.end.fails = REFUSAL

    assert await resolve(bench, incident) is Outcome.FAILED

    assert (opened.planned, opened.restart.acts) == (["end_idle_connections"], 0)
    assert (await read_incident(bench.store, incident.id)).status is Status.INVESTIGATING


async def test_leaves_a_guess_to_a_person(bench: MovedBench, incident: Incident, opened: World) -> None:
    assert await resolve(bench, incident, confidence=0.59) is Outcome.EXHAUSTED

    assert opened.planned == []


@pytest.mark.parametrize(
    "error",
    [
        VendorUnavailable(vendor="railway", action="list_deployments", reason="time limit"),
        VendorRejected(vendor="railway", action="list_deployments", status=401),
        NotConfigured("Railway for backend", setting="services.backend.railway"),
        NothingToChange("Railway offers no earlier deployment of backend to go back to"),
    ],
)
async def test_a_cure_that_cannot_be_planned_goes_to_a_person_who_reads_why(
    bench: MovedBench, site: Site, incident: Incident, error: Exception
) -> None:
    async def plan(site: Site) -> Plan | None:
        raise error

    assert [await take(bench, site, incident, plan) for _ in range(2)] == [Outcome.UNPLANNED] * 2

    assert await read_remediations(bench.store, incident.id) == []
    said = f"The next step could not be planned: {error}"
    assert (await bench.story(incident)).count(said) == 1


OWN_WAY = {"supabase": "postgres_connections", "railway": "railway_deployments"}


async def looked(
    bench: MovedBench,
    incident: Incident,
    vendor: str,
    indicator: str,
    *,
    connection: CheckStatus = CheckStatus.UNKNOWN,
) -> None:
    """The investigation saw this on a vendor's own status page, and our own way to it like this."""
    check = Check(
        name=f"vendor_status_{vendor}",
        system=vendor,
        status=CheckStatus.BAD,
        summary=indicator,
        facts={"indicator": indicator},
        observed_at=bench.now(),
    )
    ours = check.model_copy(update={"name": OWN_WAY[vendor], "status": connection, "facts": {}})
    await save_checks(bench.store, incident.id, incident.round, [check, ours], now=bench.now())


async def test_what_a_vendors_outage_makes_useless_is_held_back_and_said(
    bench: MovedBench, site: Site, incident: Incident, world: World
) -> None:
    await looked(bench, incident, "supabase", "major")
    step = world.step("end_idle_connections")

    outcomes = [await take(bench, site, incident, step) for _ in range(2)]

    assert outcomes == [Outcome.HELD, Outcome.HELD]
    assert (world.end.acts, len(world.planned)) == (0, 1), "a run that starts anew neither plans nor acts"
    assert await read_remediations(bench.store, incident.id) == []
    story = await bench.story(incident)
    assert any(
        line.startswith("Held back: end_idle_connections of database: Supabase's own") for line in story
    )


@pytest.mark.parametrize(
    ("indicator", "connection"), [("minor", CheckStatus.UNKNOWN), ("major", CheckStatus.BAD)]
)
async def test_a_page_that_is_yellow_or_red_for_others_holds_nothing_back(
    bench: MovedBench,
    site: Site,
    incident: Incident,
    world: World,
    indicator: str,
    connection: CheckStatus,
) -> None:
    await looked(bench, incident, "supabase", indicator, connection=connection)

    assert await take(bench, site, incident, world.step("end_idle_connections")) is None

    assert world.end.acts == 1


async def test_the_next_round_acts_once_the_vendor_is_well(
    bench: MovedBench, site: Site, incident: Incident, world: World
) -> None:
    await looked(bench, incident, "supabase", "major")
    await take(bench, site, incident, world.step("end_idle_connections"))
    again = await next_round(bench.store, incident, "the vendor recovered", now=bench.now())

    assert await take(bench, site, again, world.step("end_idle_connections")) is None

    assert world.end.acts == 1


async def resolved_with(
    bench: MovedBench, incident: Incident, cure: Cure, monkeypatch: pytest.MonkeyPatch
) -> Outcome:
    """The whole phase, with this cure for what was found."""
    await save_findings(bench.store, incident.id, incident.round, [finding(cure.cause, 1.0)])
    monkeypatch.setitem(CURES, cure.cause, cure)
    monkeypatch.setattr(resolution, "open_bench", bench.opened)

    @asynccontextmanager
    async def open_site(policy: Policy, parts: Parts) -> AsyncIterator[Site]:
        yield Site(policy, None)  # type: ignore[arg-type]

    monkeypatch.setattr(resolution, "open_site", open_site)
    outcome: Outcome = await resolution.resolution.fn(incident.id)
    return outcome


async def test_a_held_back_cure_is_watched_and_says_for_whom_it_waits(
    bench: MovedBench, incident: Incident, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await looked(bench, incident, "railway", "major")

    assert await resolved_with(bench, incident, world.cure, monkeypatch) is Outcome.HELD

    assert (await read_incident(bench.store, incident.id)).status is Status.MONITORING
    assert any("Waiting for Railway" in line for line in await bench.story(incident))
    assert world.restart.acts == 0


@pytest.mark.parametrize(("unneeded", "outcome"), [(True, Outcome.ADVISED), (False, Outcome.MITIGATED)])
async def test_a_cure_goes_to_a_person_at_once_when_none_of_its_steps_has_anything_to_do(
    bench: MovedBench,
    incident: Incident,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    unneeded: bool,
    outcome: Outcome,
) -> None:
    if unneeded:
        world.unneeded.add("end_idle_connections")
    cure = Cure("disk_full", (world.step("end_idle_connections"),))

    assert await resolved_with(bench, incident, cure, monkeypatch) is outcome

    carried_out = any("is carried out" in line for line in await bench.story(incident))
    assert carried_out is not unneeded


async def test_what_may_be_over_by_itself_is_watched_and_nobody_reads_of_a_cure(
    bench: MovedBench, incident: Incident, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.unneeded.add("restart_service")
    cure = Cure("stuck_job", (world.step("restart_service"),), may_be_over=True)

    assert await resolved_with(bench, incident, cure, monkeypatch) is Outcome.MITIGATED

    assert (await read_incident(bench.store, incident.id)).status is Status.MONITORING
    [said] = [line for line in await bench.story(incident) if "watching" in line]
    assert said.startswith(
        "Nothing is left to do about stuck job: it got on by itself, and nothing was changed"
    )
