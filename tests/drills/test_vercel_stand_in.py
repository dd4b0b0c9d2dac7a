"""Vercel's stand-in: it refuses what Vercel refuses, serves what production points to, and signs what it tells."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Route

from drills.ports import free_port
from drills.vendors.config import Vercel
from drills.vendors.vercel import VercelApi
from tests.tasks.conftest import Answer, Wire, open_wire, says

PROJECT = "/vercel/v9/projects/prj"


@dataclass
class Stand:
    """The stand-in, a client of it, its page's address, and what it told by webhook."""

    api: VercelApi
    client: httpx.AsyncClient
    page: str
    hook: Wire

    async def until_it_listens(self) -> None:
        async with asyncio.timeout(5):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(self.page).port)
                except ConnectionRefusedError:
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    return await writer.wait_closed()

    async def deploy(self, release: str, **more: Any) -> str:
        answer = await self.client.post("/control/deploy", json={"release": release, **more})
        return str(answer.json()["id"])

    async def production(self) -> str:
        told = (await self.client.get(PROJECT)).json()
        return str(told["targets"]["production"]["id"])

    async def deployments(self, **query: str) -> list[dict[str, Any]]:
        asked = {"projectId": "prj", **query}
        told = (await self.client.get("/vercel/v6/deployments", params=asked)).json()
        rows: list[dict[str, Any]] = told["deployments"]
        return rows

    async def change(self, what: str, deployment_id: str) -> int:
        version = {"rollback": "v1", "promote": "v10"}[what]
        return (await self.client.post(f"/vercel/{version}/projects/prj/{what}/{deployment_id}")).status_code

    async def visit(self) -> httpx.Response:
        async with httpx.AsyncClient() as visitor:
            return await visitor.get(self.page)

    async def until_production_is(self, deployment_id: str) -> None:
        async with asyncio.timeout(5):
            while await self.production() != deployment_id:
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def stand() -> AsyncIterator[Stand]:
    port = free_port()
    async with open_wire() as hook:
        hook.answers(Answer(202))
        api = VercelApi(
            Vercel(
                token="t",
                team_id="team",
                project_id="prj",
                port=port,
                webhook_url=hook.url,
                webhook_secret="s",
            )
        )
        controls = [Route(f"/control/{n}", h, methods=["POST"]) for n, h in api.controls().items()]
        app = Starlette(routes=[*api.routes(), *controls])
        living = asyncio.create_task(api.live())
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://vercel",
            headers={"Authorization": "Bearer t"},
            params={"teamId": "team"},
        ) as client:
            made = Stand(api, client, f"http://127.0.0.1:{port}/", hook)
            await made.until_it_listens()
            yield made
        await asyncio.gather(*api._tasks)
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"headers": {"Authorization": "Bearer wrong"}}, 403),
        ({"params": {"teamId": "another"}}, 403),
        ({"params": {"teamId": ""}}, 403),
        ({"url": "/vercel/v9/projects/another"}, 404),
    ],
)
async def test_refuses_another_token_team_and_project(
    stand: Stand, asked: dict[str, Any], status: int
) -> None:
    answer = await stand.client.get(**({"url": PROJECT} | asked))

    assert (answer.status_code, "error" in answer.json()) == (status, True)


async def test_serves_the_page_of_the_deployment_that_production_points_to(stand: Stand) -> None:
    good = await stand.visit()
    broken = await stand.deploy("site-2-broken")
    bad = await stand.visit()

    assert (good.status_code, good.headers["content-type"]) == (200, "text/html")
    assert bad.status_code == 500
    assert await stand.production() == broken
    assert stand.api.state()["served"] == {"200": 1, "500": 1}


async def test_goes_back_to_what_served_before_and_then_assigns_nothing_by_itself(stand: Stand) -> None:
    before = await stand.production()
    broken = await stand.deploy("site-2-broken")
    assert next(d["uid"] for d in await stand.deployments(rollbackCandidate="true")) == before

    assert await stand.change("rollback", before) == 201
    assert await stand.production() == broken  # accepted is not moved
    await stand.until_production_is(before)

    assert (await stand.visit()).status_code == 200
    await stand.deploy("site-3")
    assert await stand.production() == before


async def test_a_promotion_moves_it_and_lets_pushes_go_live_again(stand: Stand) -> None:
    before, newer = await stand.production(), await stand.deploy("site-2")
    await stand.change("rollback", before)
    await stand.until_production_is(before)

    assert await stand.change("promote", newer) == 202
    await stand.until_production_is(newer)

    newest = await stand.deploy("site-3")
    assert await stand.production() == newest


async def test_lists_what_every_filter_asks_for_page_by_page(stand: Stand) -> None:
    before = await stand.production()
    failed = [await stand.deploy(f"site-{n}", fails=True) for n in (2, 3)]
    for n, uid in enumerate(failed):
        next(d for d in stand.api._deployments if d.uid == uid).created += 10 * n

    asked = {"projectId": "prj", "limit": "1"}
    pages = []
    while True:
        told = (await stand.client.get("/vercel/v6/deployments", params=asked)).json()
        pages.append([row["uid"] for row in told["deployments"]])
        if told["pagination"]["next"] is None:
            break
        asked["until"] = str(told["pagination"]["next"])

    assert pages[:3] == [[failed[1]], [failed[0]], [before]]
    assert [len(page) for page in pages] == [1, 1, 1, 1]
    assert [row["uid"] for row in await stand.deployments(state="ERROR")] == failed[::-1]
    assert (await stand.deployments(state="READY"))[0]["uid"] == before
    assert len(await stand.deployments(state="READY,ERROR")) == 4
    assert await stand.deployments(target="staging") == []


async def test_refuses_two_changes_at_once_and_what_never_served(stand: Stand) -> None:
    before = await stand.production()
    failed = await stand.deploy("site-2", fails=True)
    await stand.deploy("site-3")

    assert await stand.change("rollback", failed) == 422
    assert [await stand.change("rollback", before) for _ in range(2)] == [201, 409]


async def test_can_accept_a_change_and_not_carry_it_out(stand: Stand) -> None:
    before, broken = await stand.production(), await stand.deploy("site-2-broken")
    await stand.client.post("/control/stuck", json={})

    assert await stand.change("rollback", before) == 201
    await asyncio.sleep(0)
    assert await stand.production() == broken

    stand.api.reset()
    assert await stand.production() == before
    assert broken not in [row["uid"] for row in await stand.deployments()]


async def test_signs_what_it_tells_over_the_exact_bytes(stand: Stand) -> None:
    await stand.deploy("site-2", fails=True)
    await asyncio.gather(*stand.api._tasks)

    bodies = {asked.json["type"]: asked.body for asked in stand.hook.asked}
    assert set(bodies) == {"deployment.created", "deployment.error"}
    assert json.loads(bodies["deployment.error"])["payload"]["target"] == "production"
    for asked in stand.hook.asked:
        signature = hmac.new(b"s", asked.body, hashlib.sha1).hexdigest()
        assert asked.headers["x-vercel-signature"] == signature


async def test_tells_in_its_logs_what_visitors_got(stand: Stand) -> None:
    broken = await stand.deploy("site-2-broken")
    await stand.visit()

    lines = stand.api.state()
    [kept] = next(d for d in stand.api._deployments if d.uid == broken).lines
    assert (kept["level"], kept["responseStatusCode"], lines["last_status"]) == ("error", 500, 500)


async def test_a_page_whose_backend_is_away_or_talks_nonsense_is_a_page_without_products(
    stand: Stand,
) -> None:
    website = stand.api._website
    async with open_wire() as backend:
        website._backend_url = backend.url
        backend.answers(says({"products": ["mug"]}))
        assert "site-1: mug" in (await stand.visit()).text
        backend.answers(says({"error": "maintenance", "message": "<b>soon</b>"}, 503))
        assert "&lt;b&gt;soon&lt;/b&gt;" in (await stand.visit()).text
        assert stand.api.state()["last_shown"] == "maintenance"
        backend.answers(says({"error": "internal"}, 503))
        assert "could not be loaded" in (await stand.visit()).text
    website._backend_url = f"http://127.0.0.1:{free_port()}"

    answer = await stand.visit()

    assert (answer.status_code, "could not be loaded" in answer.text) == (200, True)


async def variables(stand: Stand, **query: str) -> dict[str, dict[str, Any]]:
    told = (await stand.client.get("/vercel/v10/projects/prj/env", params=query)).json()
    return {each["key"]: each for each in told["envs"]}


async def test_tells_of_its_variables_and_decrypts_only_for_who_asks(stand: Stand) -> None:
    shown, decrypted = await variables(stand), await variables(stand, decrypt="true")

    known = stand.api.issued()
    assert [shown["API_URL"]["value"] in known, shown["SESSION_KEY"]["value"] in known] == [True, False]
    assert decrypted["SESSION_KEY"]["value"] in known
    assert (await stand.client.get("/vercel/v10/projects/another/env")).status_code == 404


async def test_a_variable_that_somebody_changes_has_a_new_value_and_a_new_time(stand: Stand) -> None:
    before = await variables(stand, decrypt="true")

    await stand.client.post("/control/variable", json={"key": "SESSION_KEY"})
    await stand.client.post("/control/variable", json={"key": "NEW"})

    after = await variables(stand, decrypt="true")
    assert after["SESSION_KEY"]["value"] != before["SESSION_KEY"]["value"]
    assert after["SESSION_KEY"]["updatedAt"] > after["SESSION_KEY"]["createdAt"]
    assert after["NEW"]["updatedAt"] == after["NEW"]["createdAt"]
    assert after["API_URL"] == before["API_URL"]
