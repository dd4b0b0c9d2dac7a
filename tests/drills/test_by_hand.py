"""What people start by hand from the Prefect UI: an incident, a sweep, a dry run; and the artifacts they read."""

import asyncio
from typing import Any

import pytest

from drills.grading import grade
from drills.hands import FINISHED
from drills.leaks import leaks
from drills.night import OVERHEAD, break_company, opened_since, played_person, watch_night
from drills.scenarios import SCENARIOS
from tests.drills.conftest import Stand
from watchkeeper.clock import utc_now
from watchkeeper.model import Status
from watchkeeper.remediations import read_remediations

pytestmark = pytest.mark.timeout(300)


async def run_deployment(
    stand: Stand, flow: str, parameters: dict[str, Any] | None = None, *, within_seconds: float = 60
) -> dict[str, Any]:
    """Start a deployment as the UI does, and wait for its end."""
    deployment = (await stand.prefect.get(f"/deployments/name/{flow}/watchkeeper")).raise_for_status().json()
    body = {"parameters": parameters or {}, "state": {"type": "SCHEDULED"}}
    started = await stand.prefect.post(f"/deployments/{deployment['id']}/create_flow_run", json=body)
    run: dict[str, Any] = started.raise_for_status().json()
    async with asyncio.timeout(within_seconds):
        while run["state_type"] not in FINISHED:
            await asyncio.sleep(0.2)
            run = (await stand.prefect.get(f"/flow_runs/{run['id']}")).json()
    return run


async def artifacts(stand: Stand) -> dict[str, str]:
    """The newest artifact of each key, as text."""
    answer = await stand.prefect.post("/artifacts/latest/filter", json={})
    return {each["key"]: str(each["data"]) for each in answer.raise_for_status().json() if each["key"]}


async def test_an_incident_opened_from_the_form_pages_and_is_responded_to(stand: Stand) -> None:
    began = utc_now()
    form = {"summary": "Customers write that checkout hangs", "kind": "other", "users_affected_percent": 12}
    run = await run_deployment(stand, "open-incident", form)
    assert run["state_type"] == "COMPLETED", run["state"]
    (incident,) = await opened_since(stand.store, began)
    assert (incident.summary, incident.severity) == (form["summary"], "P1")
    seen = await watch_night(stand.store, stand.screen, since=began, give_up_after=OVERHEAD)
    # Nothing explains it and nothing is broken: it ends with a person, who was given all that was found.
    assert seen.incident is not None
    assert seen.incident.waiting_for == "person"
    assert await read_remediations(stand.store, incident.id) == []
    assert any(incident.number in text for text in await stand.world.texts("ana", began))
    key = f"inc-{incident.id:04d}-findings"
    assert "backend" in (await artifacts(stand))[key]


async def test_a_sweep_of_a_healthy_company_opens_nothing(stand: Stand) -> None:
    began = utc_now()
    run = await run_deployment(stand, "detection")
    assert run["state_type"] == "COMPLETED", run["state"]
    assert await opened_since(stand.store, began) == []


@pytest.mark.parametrize("runbook", ["database-down", "site-outage"])
async def test_a_dry_run_plans_and_changes_nothing(stand: Stand, runbook: str) -> None:
    began = utc_now()
    run = await run_deployment(stand, runbook)
    assert run["state_type"] == "COMPLETED", run["state"]
    assert not any("mutation" in str(request["body"]) for request in stand.world.requests(began))
    assert f"dry-run-{runbook}" in await artifacts(stand)


async def test_a_night_leaves_its_documents_as_artifacts(stand: Stand) -> None:
    night = await stand.night("connection-leak")
    incident = night.seen.incident
    assert incident is not None and incident.status is Status.RESOLVED
    found = await artifacts(stand)
    prefix = f"inc-{incident.id:04d}"
    assert {f"{prefix}-{name}" for name in ("findings", "plan", "verification", "post-mortem")} <= set(found)
    assert "connection leak" in found[f"{prefix}-post-mortem"]


async def test_what_a_sweep_finds_joins_the_incident_and_is_quiet_when_it_is_over(stand: Stand) -> None:
    began = utc_now()
    await break_company(stand.world, SCENARIOS["bad-deploy"])
    swept = await run_deployment(stand, "detection")
    assert swept["state_type"] == "COMPLETED", swept["state"]
    async with played_person(stand.world, "prompt", stand.screen, since=began):
        seen = await watch_night(stand.store, stand.screen, since=began, give_up_after=OVERHEAD)
    assert seen.incident is not None and seen.incident.status is Status.RESOLVED
    assert any(entry.kind == "alert" and entry.text.startswith("sweep: ") for entry in seen.timeline)
    assert len(await opened_since(stand.store, began)) == 1


async def test_a_drill_from_the_form_ends_in_the_table_of_its_nights(stand: Stand) -> None:
    form = {"scenario": "connection-leak", "speed": 180}
    run = await run_deployment(stand, "drill", form, within_seconds=240)
    assert run["state_type"] == "COMPLETED", run["state"]
    assert "| connection-leak | pass | connection_leak |" in (await artifacts(stand))["drills"]


async def test_maintenance_mode_is_switched_from_the_form_by_whoever_takes_over(stand: Stand) -> None:
    try:
        night = await stand.night("maintenance")
    finally:
        await stand.world.reset()
    assert grade(night.facts) == []


async def test_the_search_for_secrets_reads_what_people_typed_into_forms_and_what_was_said(
    stand: Stand,
) -> None:
    """What every night is graded by: a word that is no secret is found wherever a secret would be."""
    word = "lighthouse-4711"
    form = {"summary": f"Customers write of a {word}", "kind": "other", "users_affected_percent": 1}
    await run_deployment(stand, "open-incident", form)

    url, logs = stand.stack.settings.store_url(), stand.stack.home.path / "logs"
    found = await asyncio.to_thread(leaks, {"word": word}, server_url=url, folders=[logs])

    assert {"word stands in prefect's table flow_run", "word stands in watchkeeper's table timeline"} <= set(
        found
    )
