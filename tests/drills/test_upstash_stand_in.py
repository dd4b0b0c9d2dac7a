"""Upstash's stand-in: a door before a real Redis, and an API that tells what went through it."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from starlette.applications import Starlette
from starlette.routing import Route

from drills.company.redis import start_redis
from drills.ports import free_port
from drills.vendors.config import Upstash
from drills.vendors.status_pages import StatusPages
from drills.vendors.upstash import FREE_LIMIT, UpstashApi

DATABASE_ID = "db-1"
CONFIG = {"email": "ops@example.com", "api_key": "key-1", "database_id": DATABASE_ID}


class Night:
    """The stand-in behind HTTP, and the company's client of Redis."""

    def __init__(self, vendor: UpstashApi, pages: StatusPages, http: httpx.AsyncClient, redis: Redis) -> None:
        self.vendor, self.pages, self.http, self.redis = vendor, pages, http, redis

    async def ask(self, path: str, key: str = "key-1") -> httpx.Response:
        return await self.http.get(f"/upstash/v2/redis/{path}", auth=("ops@example.com", key))

    async def do(self, control: str, body: dict[str, Any]) -> None:
        (await self.http.post(f"/control/{control}", json=body)).raise_for_status()


@pytest_asyncio.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    port = free_port()
    server = await asyncio.to_thread(start_redis, tmp_path)
    pages = StatusPages()
    vendor = UpstashApi(Upstash(**CONFIG, port=port, redis_url=server.url), pages)
    controls = [Route(f"/control/{name}", does, methods=["POST"]) for name, does in vendor.controls().items()]
    app = Starlette(routes=[*vendor.routes(), *controls])
    living = asyncio.create_task(vendor.live())
    await vendor.door.ready.wait()
    url = f"redis://127.0.0.1:{port}"
    try:
        async with (
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://upstash.test") as http,
            Redis.from_url(url, protocol=2, driver_info=None, retry=Retry(NoBackoff(), 1)) as redis,
        ):
            yield Night(vendor, pages, http, redis)
    finally:
        vendor.reset()
        living.cancel()
        with suppress(asyncio.CancelledError):
            await living
        server.stop()


async def test_commands_go_through_and_are_counted(night: Night) -> None:
    await night.redis.set("mug", "blue" * 50_000)
    assert await night.redis.get("mug") == b"blue" * 50_000
    async with night.redis.pipeline() as pipeline:
        await pipeline.incr("orders").incr("orders").execute()  # type: ignore[attr-defined]

    counted = night.vendor.state()["commands"]

    assert counted == {"SET": 1, "GET": 1, "MULTI": 1, "INCRBY": 2, "EXEC": 1}
    told = (await night.ask(f"stats/{DATABASE_ID}")).json()
    assert (told["daily_net_commands"], told["total_monthly_requests"]) == (6, 6)
    assert {
        each["metric_identifier"]: each["data_points"][-1]["y"] for each in told["command_counts"]
    } == counted


async def test_in_an_outage_nobody_gets_in_the_page_is_red_and_nothing_is_lost(night: Night) -> None:
    await night.redis.rpush("jobs", "1", "2")
    await night.do("outage", {"seconds": 600})
    await night.do("outage", {"seconds": 0.01})  # a shorter one does not end it

    with pytest.raises(RedisConnectionError):
        await night.redis.llen("jobs")
    assert night.pages.states["upstash"][0] == "major"
    assert night.vendor.state()["lists"] == {"jobs": ["1", "2"]}

    night.vendor.reset()

    assert await night.redis.llen("jobs") == 2
    assert night.pages.states["upstash"][0] == "none"


async def test_an_outage_ends_by_itself(night: Night) -> None:
    await night.do("outage", {"seconds": 0.01})

    async with asyncio.timeout(5):
        while night.pages.states["upstash"][0] != "none":
            await asyncio.sleep(0)

    assert await night.redis.ping()


async def test_a_plan_that_is_used_up_answers_every_command_with_the_quotas_text(night: Night) -> None:
    await night.redis.set("mug", "blue")
    await night.do("used", {"commands": {"EVALSHA": 400_000, "BZPOPMIN": 100_000}})

    for command in (night.redis.get, night.redis.exists):
        with pytest.raises(ResponseError, match="max requests limit exceeded"):
            await command("mug")

    state = night.vendor.state()
    assert (state["commands"], state["refused"]) == ({"SET": 1}, 2)
    told = (await night.ask(f"stats/{DATABASE_ID}")).json()
    assert told["total_monthly_requests"] == FREE_LIMIT
    assert [point["y"] for point in told["dailyrequests"]] == [20_000] * 4 + [1]


async def test_the_quota_begins_in_the_middle_of_a_connection(night: Night) -> None:
    await night.do("used", {"commands": {"GET": FREE_LIMIT - 2}})

    assert await night.redis.ping() and await night.redis.ping()
    with pytest.raises(ResponseError, match="limit exceeded"):
        await night.redis.ping()


@pytest.mark.parametrize("path", [f"database/{DATABASE_ID}", f"stats/{DATABASE_ID}"])
async def test_refuses_a_wrong_key(night: Night, path: str) -> None:
    assert (await night.ask(path, key="wrong")).status_code == 401
    header = {"Authorization": f"Bearer {b64encode(b'ops@example.com:key-1').decode()}"}
    assert (await night.http.get(f"/upstash/v2/redis/{path}", headers=header)).status_code == 401


async def test_knows_one_database_only(night: Night) -> None:
    assert (await night.ask("database/another")).status_code == 404


async def test_tells_the_password_unless_it_is_asked_not_to(night: Night) -> None:
    assert "password" in (await night.ask(f"database/{DATABASE_ID}")).json()
    hidden = (await night.ask(f"database/{DATABASE_ID}?credentials=hide")).json()
    assert not {"password", "rest_token"} & set(hidden)
    assert (hidden["state"], hidden["type"], hidden["db_request_limit"]) == ("active", "free", FREE_LIMIT)
