"""Maintenance mode: a person's word, once on and once off, and reminders for as long as it is on."""

from datetime import timedelta
from typing import Any, Literal

import psycopg
import pytest
from pydantic import SecretStr

from blocks.railway import RailwayCredentials
from flows import maintenance as flow
from flows import transaction, undoing
from flows.actions.maintenance import VARIABLE
from flows.actions.site import Site
from flows.credentials import Credentials
from flows.maintenance import outcome_of, switch_maintenance
from flows.resolution import has_changed
from flows.runbooks.site_outage import CURES
from tasks import railway
from tests.flows.conftest import MovedBench, plan_to
from tests.watchkeeper.house import two_on_call
from watchkeeper.deadlines import read_deadlines, set_deadline
from watchkeeper.deadlines.dispatcher import deal_with
from watchkeeper.deadlines.maintenance import read_maintenance
from watchkeeper.errors import BadInput, NotPermitted, VendorRejected, VendorUnavailable
from watchkeeper.model import Deadline, DeadlineKind, Incident, Plan, Status
from watchkeeper.policy import Policy
from watchkeeper.remediations import given_up, read_remediations

RAILWAY = {"project_id": "p", "environment_id": "e", "service_id": "s"}


@pytest.fixture
def policy() -> Policy:
    backend = {"title": "Backend", "kind": "site_outage", "railway": RAILWAY}
    database = {"title": "Database", "kind": "database_down"}
    return two_on_call(services={"backend": backend, "database": database})


@pytest.fixture
def site(policy: Policy) -> Site:
    return Site(policy, Credentials(railway=RailwayCredentials(token=SecretStr("t"))))


class Platform:
    """Railway: a variable that is set to another value makes a new deployment, unless it is told not to."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.deployments = 1
        self.refuses = False
        self.dies: BaseException | None = None
        self.no_answer_then: Literal["made", "late", ""] = ""

    async def list_deployments(self, *asked: object) -> list[dict[str, Any]]:
        return [
            {"id": f"d{self.deployments}", "status": "SUCCESS", "commit_hash": "c", "commit_message": "it"}
        ]

    async def set_variable(
        self, credentials: object, target: object, name: str, value: SecretStr, *, deploy: bool = True
    ) -> None:
        if self.refuses:
            raise VendorRejected(vendor="railway", action="set_variable", status=403)
        if self.no_answer_then != "late":
            self.deployments += deploy and self.variables.get(name) != value.get_secret_value()
            self.variables[name] = value.get_secret_value()
        if deploy and self.dies:
            raise self.dies
        if deploy and self.no_answer_then:
            raise VendorUnavailable(vendor="railway", action="set_variable", reason="time limit")

    async def read_variable(self, credentials: object, target: object, name: str) -> SecretStr:
        if name not in self.variables:
            raise VendorRejected(
                vendor="railway", action="read_variable", reason=f"{name} is not set, or sealed"
            )
        return SecretStr(self.variables[name])

    async def redeploy_service(self, *asked: object) -> None:
        if self.refuses:
            raise VendorRejected(vendor="railway", action="redeploy_service", status=403)
        self.deployments += 1


@pytest.fixture(autouse=True)
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    made = Platform()
    monkeypatch.setattr(railway, "list_deployments", made.list_deployments)
    monkeypatch.setattr(railway, "set_variable", made.set_variable)
    monkeypatch.setattr(railway, "read_variable", made.read_variable)
    monkeypatch.setattr(railway, "redeploy_service", made.redeploy_service)
    monkeypatch.setattr(transaction, "SETTLES_WITHIN", timedelta(milliseconds=-1))
    return made


async def switch(
    bench: MovedBench, site: Site, incident: Incident, *, on: bool, service: str = "backend"
) -> str:
    known = await bench.incident(incident.id)
    return outcome_of(
        await switch_maintenance(
            bench, site, known, on=on, person="Ana ", message="Back at 4.", service=service, holder="run"
        )
    )


async def reminders(bench: MovedBench, incident: Incident) -> list[Deadline]:
    return [d for d in await read_deadlines(bench.store, incident.id) if d.kind is DeadlineKind.MAINTENANCE]


async def mode(bench: MovedBench) -> str:
    return (await read_maintenance(bench.store)).mode


async def test_whoever_switches_it_on_has_approved_it_under_their_name(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform
) -> None:
    said = await switch(bench, site, incident, on=True)

    assert said == "Switch maintenance mode of backend on: done: Railway took the variable and deploys it"
    assert platform.variables == {"MAINTENANCE_MESSAGE": "Back at 4.", "MAINTENANCE_MODE": "true"}
    assert platform.deployments == 2
    [done] = await read_remediations(bench.store, incident.id)
    assert (done.gate, done.state, done.approved_by) == ("approval", "done", "Ana (Prefect UI)")
    assert await mode(bench) == "on"


async def test_what_is_on_cannot_be_switched_on_nor_what_is_off_off(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform
) -> None:
    with pytest.raises(BadInput, match="is off already"):
        await switch(bench, site, incident, on=False)
    await switch(bench, site, incident, on=True)

    with pytest.raises(BadInput, match="is on already"):
        await switch(bench, site, incident, on=True)
    assert platform.deployments == 2


async def test_reminds_people_until_it_is_off_and_can_be_switched_on_again(
    bench: MovedBench, site: Site, policy: Policy, incident: Incident, platform: Platform
) -> None:
    await switch(bench, site, incident, on=True)
    [first] = await reminders(bench, incident)
    every = policy.response.remind_maintenance_every
    assert first.due_at == bench.now() + every

    bench.clock.advance(seconds=every.total_seconds())
    async with bench.store.transaction() as db:
        await deal_with(db, first, "http://watch.test", now=bench.now())

    told = [(to, text) for to, text in await bench.told(incident, "update") if "still on" in text]
    assert {to for to, _ in told} == {"#incidents", "ana"}
    assert [d.state for d in await reminders(bench, incident)] == ["missed", "pending"]

    await switch(bench, site, incident, on=False)

    assert [d.state for d in await reminders(bench, incident)] == ["missed", "cancelled"]
    assert (platform.variables["MAINTENANCE_MODE"], await mode(bench)) == ("false", "off")
    await switch(bench, site, incident, on=True)
    assert platform.variables["MAINTENANCE_MODE"] == "true"
    assert await mode(bench) == "on"


async def test_can_be_switched_off_when_the_incident_is_over_but_not_on(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform
) -> None:
    await switch(bench, site, incident, on=True)
    await bench.move(incident.id, Status.RESOLVED)

    await switch(bench, site, incident, on=False)

    assert platform.variables["MAINTENANCE_MODE"] == "false"
    with pytest.raises(BadInput, match="open an incident first"):
        await switch(bench, site, incident, on=True)


async def test_what_railway_refused_is_not_on_and_nobody_is_reminded(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform
) -> None:
    platform.refuses = True

    said = await switch(bench, site, incident, on=True)

    assert ": failed: railway answered 403" in said
    assert [d.state for d in await reminders(bench, incident)] == ["cancelled"]


async def test_is_only_shown_where_the_policy_lets_us_observe(
    bench: MovedBench, site: Site, policy: Policy, platform: Platform
) -> None:
    autonomy = policy.autonomy.model_copy(update={"default": "observe"})
    incident = await bench.incident_under(policy.model_copy(update={"autonomy": autonomy}))

    with pytest.raises(NotPermitted):
        await switch(bench, site, incident, on=True)
    assert platform.variables == {}


async def test_is_neither_the_incidents_cure_nor_its_undoing(
    bench: MovedBench, site: Site, incident: Incident
) -> None:
    await switch(bench, site, incident, on=True)

    known = await read_remediations(bench.store, incident.id)
    assert not await undoing.has_begun(bench, incident)
    assert not await has_changed(bench, incident, CURES[0])
    assert given_up(known, incident.round + 1) == {}


async def test_is_not_taken_for_the_undoing_of_the_change_that_was_made_before_it(
    bench: MovedBench, site: Site, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def undo_of(site: Site, remediation: object) -> Plan:
        return plan_to("redeploy_deployment", "backend")

    async def publish(*what: object) -> None:
        return None

    monkeypatch.setattr(undoing, "undo_of", undo_of)
    monkeypatch.setattr(undoing, "publish", publish)
    change = await bench.planned(incident, plan_to("roll_back_deployment", "backend"))
    await switch(bench, site, incident, on=True)

    undo = await undoing.planned_undo(bench, site, incident, change)

    assert undo is not None and undo.action == "redeploy_deployment"


async def test_is_no_word_on_the_plan_that_the_response_waits_for(
    bench: MovedBench, site: Site, incident: Incident, store_url: str
) -> None:
    now = bench.now()
    plan = await bench.planned(incident, plan_to("roll_back_deployment", "backend"))
    await set_deadline(
        bench.store, incident.id, DeadlineKind.APPROVAL, plan.id, now + timedelta(hours=1), now=now
    )

    await switch(bench, site, incident, on=True)

    [asked] = [d for d in await read_deadlines(bench.store, incident.id) if d.kind is DeadlineKind.APPROVAL]
    assert asked.state == "pending"
    async with await psycopg.AsyncConnection.connect(store_url) as connection:
        resumed = await connection.execute("SELECT key FROM motor_jobs WHERE verb = 'resume'")
        assert await resumed.fetchall() == []


class Killed(BaseException):
    """The run's process is gone."""


async def killed_while_switching(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform, *, on: bool
) -> None:
    """Railway took the variable, and the run died before it wrote that down."""
    platform.dies = Killed()
    with pytest.raises(Killed):
        await switch(bench, site, incident, on=on)
    platform.dies = None


async def test_a_run_that_dies_after_railway_took_it_leaves_the_reminder_and_it_can_be_switched_off(
    bench: MovedBench, site: Site, policy: Policy, incident: Incident, platform: Platform
) -> None:
    await killed_while_switching(bench, site, incident, platform, on=True)

    assert platform.variables["MAINTENANCE_MODE"] == "true"
    [first] = await reminders(bench, incident)
    bench.clock.advance(seconds=policy.response.remind_maintenance_every.total_seconds())
    async with bench.store.transaction() as db:
        await deal_with(db, first, "http://watch.test", now=bench.now())
    assert any("Nobody can tell whether" in text for _, text in await bench.told(incident, "update"))

    await switch(bench, site, incident, on=False)

    assert (platform.variables["MAINTENANCE_MODE"], await mode(bench)) == ("false", "off")
    assert [d.state for d in await reminders(bench, incident)] == ["missed", "cancelled"]
    assert [r.state for r in await read_remediations(bench.store, incident.id)] == ["unknown", "done"]


async def test_a_run_that_dies_while_switching_it_off_leaves_the_reminder_until_off_is_proved(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform
) -> None:
    await switch(bench, site, incident, on=True)
    await killed_while_switching(bench, site, incident, platform, on=False)
    bench.clock.advance(minutes=2)

    assert ([d.state for d in await reminders(bench, incident)], await mode(bench)) == (
        ["pending"],
        "in_doubt",
    )
    await switch(bench, site, incident, on=False)

    assert await mode(bench) == "off"


async def test_a_run_that_dies_before_the_reminder_is_cleared_leaves_off_allowed(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await switch(bench, site, incident, on=True)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(flow, "keep_reminding", dies)
        await switch(bench, site, incident, on=False)

    await switch(bench, site, incident, on=False)

    assert await mode(bench) == "off"


async def dies(*given: object, **named: object) -> None:
    raise Killed


async def test_two_switches_are_not_under_way_at_once(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform
) -> None:
    await killed_while_switching(bench, site, incident, platform, on=True)

    with pytest.raises(BadInput, match="try again in two minutes"):
        await switch(bench, site, incident, on=False)


@pytest.mark.parametrize(("fate", "state"), [("made", "on"), ("late", "in_doubt")])
async def test_without_an_answer_it_counts_as_on_also_when_it_does_not_show_yet(
    bench: MovedBench,
    site: Site,
    incident: Incident,
    platform: Platform,
    fate: Literal["made", "late"],
    state: str,
) -> None:
    platform.no_answer_then = fate
    await switch(bench, site, incident, on=True)
    platform.no_answer_then = ""

    assert ([d.state for d in await reminders(bench, incident)], await mode(bench)) == (["pending"], state)
    await switch(bench, site, incident, on=False)
    assert await mode(bench) == "off"


async def test_off_without_an_answer_that_does_not_show_keeps_the_reminder(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform
) -> None:
    await switch(bench, site, incident, on=True)
    platform.no_answer_then = "late"

    await switch(bench, site, incident, on=False)

    assert [d.state for d in await reminders(bench, incident)] == ["pending"]


async def test_what_the_variable_says_already_is_deployed_all_the_same(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform
) -> None:
    """Somebody set it back by hand, told Railway to deploy nothing, and then filled in the form."""
    await switch(bench, site, incident, on=True)
    platform.variables[VARIABLE], before = "false", platform.deployments

    said = await switch(bench, site, incident, on=False)

    assert said.endswith("off: done: the variable said so already, and Railway deploys it")
    assert platform.deployments == before + 1


async def test_what_the_variable_says_already_and_railway_does_not_deploy_keeps_the_reminder(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform
) -> None:
    await switch(bench, site, incident, on=True)
    platform.variables[VARIABLE], platform.refuses = "false", True

    said = await switch(bench, site, incident, on=False)

    assert "off: failed" in said and "403" in said
    assert [d.state for d in await reminders(bench, incident)] == ["pending"]


async def test_somebody_elses_deployment_is_not_taken_for_off(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await switch(bench, site, incident, on=True)

    async def only_deploys(*given: object, **named: object) -> None:
        platform.deployments += 1
        raise VendorUnavailable(vendor="railway", action="set_variable", reason="time limit")

    monkeypatch.setattr(railway, "set_variable", only_deploys)
    await switch(bench, site, incident, on=False)

    assert [d.state for d in await reminders(bench, incident)] == ["pending"]


async def test_a_refusal_while_nobody_can_tell_leaves_the_reminder(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform
) -> None:
    platform.no_answer_then = "late"
    await switch(bench, site, incident, on=True)
    platform.no_answer_then, platform.refuses = "", True

    await switch(bench, site, incident, on=True)

    assert [d.state for d in await reminders(bench, incident)] == ["pending"]


async def test_off_for_another_service_does_not_end_the_reminders(
    bench: MovedBench, site: Site, incident: Incident
) -> None:
    await switch(bench, site, incident, on=True)

    with pytest.raises(BadInput, match="maintenance mode of backend is not known to be off"):
        await switch(bench, site, incident, on=False, service="website")
