"""Maintenance mode: a person's word, once on and once off, and reminders for as long as it is on."""

from typing import Any

import pytest
from pydantic import SecretStr

from blocks.railway import RailwayCredentials
from flows.actions.site import Site
from flows.credentials import Credentials
from flows.maintenance import switch_maintenance
from tasks import railway
from tests.flows.conftest import MovedBench
from tests.watchkeeper.house import two_on_call
from watchkeeper.deadlines import read_deadlines
from watchkeeper.dispatcher import deal_with
from watchkeeper.errors import BadInput, NotPermitted, VendorRejected
from watchkeeper.maintenance import incident_in_maintenance
from watchkeeper.model import Deadline, DeadlineKind, Incident, Status
from watchkeeper.policy import Policy
from watchkeeper.remediations import read_remediations

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
    """Railway: each change of a variable that deploys makes a new deployment."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.deployments = 1
        self.refuses = False

    async def list_deployments(self, *asked: object) -> list[dict[str, Any]]:
        return [{"id": f"d{self.deployments}", "status": "SUCCESS", "commit_hash": "c"}]

    async def set_variable(
        self, credentials: object, target: object, name: str, value: SecretStr, *, deploy: bool = True
    ) -> None:
        if self.refuses:
            raise VendorRejected(vendor="railway", action="set_variable", status=403)
        self.variables[name] = value.get_secret_value()
        self.deployments += deploy


@pytest.fixture(autouse=True)
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    made = Platform()
    monkeypatch.setattr(railway, "list_deployments", made.list_deployments)
    monkeypatch.setattr(railway, "set_variable", made.set_variable)
    return made


async def switch(bench: MovedBench, site: Site, incident: Incident, *, on: bool) -> str:
    known = await bench.incident(incident.id)
    return await switch_maintenance(
        bench, site, known, on=on, person="Ana ", message="Back at 4.", service="backend", holder="run"
    )


async def reminders(bench: MovedBench, incident: Incident) -> list[Deadline]:
    return [d for d in await read_deadlines(bench.store, incident.id) if d.kind is DeadlineKind.MAINTENANCE]


async def test_whoever_switches_it_on_has_approved_it_under_their_name(
    bench: MovedBench, site: Site, incident: Incident, platform: Platform
) -> None:
    said = await switch(bench, site, incident, on=True)

    assert said == "Switch maintenance mode of backend on: done: Railway took the variable and deploys it"
    assert platform.variables == {"MAINTENANCE_MESSAGE": "Back at 4.", "MAINTENANCE_MODE": "true"}
    assert platform.deployments == 2
    [done] = await read_remediations(bench.store, incident.id)
    assert (done.gate, done.state, done.approved_by) == ("approval", "done", "Ana (Prefect UI)")
    assert await incident_in_maintenance(bench.store) == incident.id


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
    assert (platform.variables["MAINTENANCE_MODE"], await incident_in_maintenance(bench.store)) == (
        "false",
        None,
    )
    await switch(bench, site, incident, on=True)
    assert platform.variables["MAINTENANCE_MODE"] == "true"
    assert await incident_in_maintenance(bench.store) == incident.id


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
    assert await incident_in_maintenance(bench.store) is None


async def test_is_only_shown_where_the_policy_lets_us_observe(
    bench: MovedBench, site: Site, policy: Policy, platform: Platform
) -> None:
    autonomy = policy.autonomy.model_copy(update={"default": "observe"})
    incident = await bench.incident_under(policy.model_copy(update={"autonomy": autonomy}))

    with pytest.raises(NotPermitted):
        await switch(bench, site, incident, on=True)
    assert platform.variables == {}
