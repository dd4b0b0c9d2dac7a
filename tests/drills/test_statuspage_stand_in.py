"""Statuspage's stand-in takes what the real one takes and refuses what it refuses."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from drills.moved.clock import MovedClock
from drills.vendors import config
from drills.vendors.statuspage import REQUESTS, StatuspageApi

PAGE = "/statuspage_api/v1/pages/page1"


@pytest.fixture
def api() -> StatuspageApi:
    return StatuspageApi(config.Statuspage(token="t", page_id="page1", components={"web": "Website"}))


@pytest_asyncio.fixture
async def client(api: StatuspageApi) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=api.routes()))
    headers = {"Authorization": "OAuth t"}
    async with httpx.AsyncClient(transport=transport, base_url="http://sp.test", headers=headers) as opened:
        yield opened


async def test_creating_updating_and_resolving(client: httpx.AsyncClient, api: StatuspageApi) -> None:
    told: dict[str, Any] = {"name": "Issues", "body": "We look.", "components": {"web": "major_outage"}}
    created = await client.post(f"{PAGE}/incidents", json={"incident": told})
    number = created.json()["id"]
    assert (created.status_code, created.json()["status"]) == (201, "investigating")
    assert (await client.get(f"{PAGE}/components")).json()[0]["status"] == "major_outage"
    assert [each["id"] for each in (await client.get(f"{PAGE}/incidents/unresolved")).json()] == [number]
    over = {"status": "resolved", "body": "Over.", "deliver_notifications": False}
    resolved = await client.patch(f"{PAGE}/incidents/{number}", json={"incident": over})
    assert [update["body"] for update in resolved.json()["incident_updates"]] == ["Over.", "We look."]
    assert (await client.get(f"{PAGE}/incidents/unresolved")).json() == []
    assert api.components["web"]["status"] == "major_outage", "resolving alone turns nothing green"
    assert api.subscribers_told == 1, "telling subscribers is the default"


async def test_ids_alone_only_associate(client: httpx.AsyncClient, api: StatuspageApi) -> None:
    await client.post(f"{PAGE}/incidents", json={"incident": {"name": "Issues", "component_ids": ["web"]}})
    assert api.components["web"]["status"] == "operational"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"status": "broken"},
        {"impact_override": "huge"},
        {"body": "x" * 25_001},
        {"components": {"other": "operational"}},
        {"components": {"web": "red"}},
        {"component_ids": ["other"]},
        {"metadata": {"watchkeeper": "INC-0001"}},
    ],
)
async def test_what_the_real_one_refuses(client: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await client.post(f"{PAGE}/incidents", json={"incident": {"name": "Issues"} | wrong})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (f"{PAGE}/incidents/none", {}, 404),
        ("/statuspage_api/v1/pages/other/incidents/unresolved", {}, 404),
        (f"{PAGE}/components", {"Authorization": "Bearer t"}, 401),
    ],
)
async def test_who_and_what_it_does_not_know(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    assert (await client.get(path, headers=headers)).status_code == status


async def test_more_than_a_request_a_second_over_a_minute_of_the_nights_own(
    client: httpx.AsyncClient, api: StatuspageApi, clock: MovedClock
) -> None:
    api.clock = clock
    answers = [(await client.get(f"{PAGE}/components")).status_code for _ in range(REQUESTS + 1)]
    assert (answers[-2], answers[-1]) == (200, 420)
    clock.advance(seconds=61)
    assert (await client.get(f"{PAGE}/components")).status_code == 200
