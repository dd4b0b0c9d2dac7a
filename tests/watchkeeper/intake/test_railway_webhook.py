"""Railway's webhook: what it says by its type alone, for which environment, and that it is only a hint."""

from typing import Any

import httpx
import pytest

from tests.watchkeeper.intake.opened import RAILWAY_SECRET, Intake
from watchkeeper.incidents import list_recent, read_incident
from watchkeeper.model import Incident, Kind, Severity

RESOURCE = {
    "workspace": {"id": "ws", "name": "shop"},
    "project": {"id": "prj", "name": "shop"},
    "environment": {"id": "production", "name": "production", "isEphemeral": False},
    "service": {"id": "svc", "name": "api"},
    "deployment": {"id": "d1"},
}
BODY = {
    "type": "Deployment.crashed",
    # As in their own documents: the status may say the opposite.
    "details": {"id": "d1", "source": "GitHub", "status": "SUCCESS", "branch": "main"},
    "resource": RESOURCE,
    "severity": "WARNING",
    "timestamp": "2026-03-02T02:58:00.000Z",
}


async def tell(intake: Intake, secret: str = RAILWAY_SECRET, **changes: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {secret}"}
    return await intake.client.post("/webhooks/railway", json=BODY | changes, headers=headers)


async def opened(intake: Intake) -> list[Incident]:
    return await list_recent(intake.house.store)


async def test_a_crash_is_an_outage_of_the_service_that_has_this_target(intake: Intake) -> None:
    answer = await tell(intake)

    assert (answer.status_code, answer.json()["incident"]) == (202, "INC-0001")
    incident = await read_incident(intake.house.store, 1)
    assert (incident.service, incident.kind, incident.severity) == (
        "backend",
        Kind.SITE_OUTAGE,
        Severity.P0,
    )
    assert incident.summary == "Backend crashed (Railway)"
    assert incident.started_at.isoformat() == "2026-03-02T02:58:00+00:00"


@pytest.mark.parametrize(
    "name", ["Deployment.oom_killed", "Deployment.oomKilled", "Deployment.OomKilled", "deployment.OOMKILLED"]
)
async def test_running_out_of_memory_is_known_however_railway_writes_it(intake: Intake, name: str) -> None:
    assert (await tell(intake, type=name)).json()["incident"] == "INC-0001"

    assert (await opened(intake))[0].summary == "Backend was killed for its memory (Railway)"


async def test_a_failed_deployment_leaves_the_one_before_it_and_wakes_nobody_as_an_outage(
    intake: Intake,
) -> None:
    await tell(intake, type="Deployment.failed")

    [incident] = await opened(intake)
    assert (incident.kind, incident.severity, incident.service) == (Kind.OTHER, Severity.P3, "backend")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "Deployment.deployed"},
        {"type": "Deployment.building"},
        {"type": "Monitor.resolved"},
        {"type": "something.new"},
        {"resource": RESOURCE | {"environment": {"id": "staging"}}},
        {"resource": RESOURCE | {"service": {"id": "another"}}},
        {"resource": RESOURCE | {"service": None}},
        {"resource": {}},
    ],
)
async def test_what_is_no_alert_of_ours_is_taken_and_nothing_comes_of_it(
    intake: Intake, changes: dict[str, Any]
) -> None:
    answer = await tell(intake, **changes)

    assert (answer.status_code, answer.json()) == (202, {"incident": None, "reason": "not_an_alert"})
    assert await opened(intake) == []


async def test_the_same_delivery_twice_is_one_alert_and_another_crash_joins_its_incident(
    intake: Intake,
) -> None:
    for timestamp in ("2026-03-02T02:58:00Z", "2026-03-02T02:58:00Z", "2026-03-02T02:59:00Z"):
        assert (await tell(intake, timestamp=timestamp)).json()["incident"] == "INC-0001"
    assert (await tell(intake, type="Deployment.oom_killed")).json()["incident"] == "INC-0001"

    assert len(await opened(intake)) == 1


async def test_a_volume_fills_up_without_naming_a_service_and_has_room_again(intake: Intake) -> None:
    bare = {"details": {}, "resource": {key: RESOURCE[key] for key in ("project", "environment")}}

    await tell(intake, type="VolumeAlert.triggered", **bare)
    await tell(intake, type="VolumeAlert.resolved", timestamp="2026-03-02T02:59:00Z", **bare)

    [incident] = await opened(intake)
    assert (incident.service, incident.kind) == ("unknown service", Kind.OTHER)
    assert incident.summary == "unknown service has a volume that fills up (Railway)"


async def test_a_volume_of_another_project_is_not_ours(intake: Intake) -> None:
    other = {"project": {"id": "another"}, "environment": {"id": "production"}}

    assert (await tell(intake, type="VolumeAlert.triggered", resource=other)).json()["incident"] is None


@pytest.mark.parametrize("timestamp", ["", "yesterday", "2026-03-02T02:58:00", "0001-01-01T00:00:00Z"])
async def test_a_time_that_cannot_be_is_now(intake: Intake, timestamp: str) -> None:
    assert (await tell(intake, timestamp=timestamp)).status_code == 202

    assert (await opened(intake))[0].started_at == intake.clock()


async def test_another_shape_is_told_by_its_field(intake: Intake) -> None:
    headers = {"Authorization": f"Bearer {RAILWAY_SECRET}"}
    for body, says in (({"resource": RESOURCE}, "type: Field required"), ({"type": "x"}, "resource: Field")):
        answer = await intake.client.post("/webhooks/railway", json=body, headers=headers)
        assert (answer.status_code, says in answer.json()["error"]) == (422, True)


async def test_without_a_secret_of_its_own_no_delivery_is_taken(intake: Intake) -> None:
    railway = intake.house.settings.railway
    assert railway is not None
    without = railway.model_copy(update={"webhook_secret": None})
    intake.house.settings = intake.house.settings.model_copy(update={"railway": without})

    answer = await tell(intake)

    assert answer.status_code == 503
    assert "WATCHKEEPER_RAILWAY__WEBHOOK_SECRET" in answer.json()["error"]
