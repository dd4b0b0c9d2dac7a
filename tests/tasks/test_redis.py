"""The watched Redis, asked for real."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import redis
from pydantic import SecretStr

from blocks import redis as redis_blocks
from blocks.redis import RedisCredentials
from drills.company.redis import RedisServer
from drills.vendors.redis_door import RedisDoor
from tasks.redis import redis_ping
from tests.tasks.conftest import SECRET
from watchkeeper.model import Check, CheckStatus


@asynccontextmanager
async def door_to(
    server: RedisServer, port: int, refusal: Callable[[], str | None]
) -> AsyncIterator[RedisDoor]:
    """Upstash's front door before this server, which counts commands."""
    door = RedisDoor(port, server.url, refusal)
    serving = asyncio.create_task(door.serve())
    await door.ready.wait()
    try:
        yield door
    finally:
        serving.cancel()


async def ping(url: str) -> Check:
    check = await redis_ping(RedisCredentials(url=SecretStr(url)), slow_after_ms=3000)
    assert SECRET not in check.model_dump_json()
    return check


async def test_says_how_long_a_ping_takes(redis_server: RedisServer) -> None:
    check = await ping(redis_server.url)

    assert check.status is CheckStatus.OK
    assert 0 <= check.facts["milliseconds"] < 3000
    assert check.summary == f"PONG in {check.facts['milliseconds']} ms"


async def test_leaves_no_connection_behind(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as client:
        before = len(client.client_list())
        for _ in range(3):
            await ping(redis_server.url)

        # The server notices a moment after the client has closed.
        async with asyncio.timeout(10):
            while len(client.client_list()) > before:
                await asyncio.sleep(0.05)


async def test_tells_a_wrong_password_from_a_redis_that_is_down(redis_server: RedisServer) -> None:
    check = await ping(redis_server.url.replace("//", f"//nobody:{SECRET}@"))

    assert (check.status, check.facts) == (CheckStatus.BAD, {"trouble": "auth"})
    assert check.summary == "refuses our own credentials (AuthenticationError)"


async def test_says_that_nobody_listens(unused_port: int) -> None:
    check = await ping(f"redis://default:{SECRET}@127.0.0.1:{unused_port}")

    assert (check.status, check.facts) == (CheckStatus.BAD, {"trouble": "connection"})
    assert check.summary == "no connection (ConnectionError)"


async def test_says_unknown_to_an_address_that_is_none() -> None:
    assert (await ping(f"{SECRET}.example:6379")).status is CheckStatus.UNKNOWN


async def test_interrupts_a_redis_that_is_silent(silent_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_blocks, "LIMIT_SECONDS", 0.2)

    check = await ping(f"redis://default:{SECRET}@127.0.0.1:{silent_port}")

    assert (check.status, check.facts) == (CheckStatus.BAD, {"trouble": "timeout"})
    assert check.summary == "does not answer in time (TimeoutError)"
    assert check.seconds < 3


async def test_says_when_it_is_slow(redis_server: RedisServer) -> None:
    check = await redis_ping(RedisCredentials(url=SecretStr(redis_server.url)), slow_after_ms=0.0001)

    assert (check.status, check.facts["trouble"]) == (CheckStatus.BAD, "slow")
    assert check.summary.startswith("slow: PONG in ")


SEE = "See https://upstash.com/docs/redis/troubleshooting/max_requests_limit for details"


@pytest.mark.parametrize(
    ("said", "trouble", "words"),
    [
        (
            f"ERR max requests limit exceeded. Limit: 500000, Usage: 500000. {SEE}",
            "quota",
            "answers every command: ERR max requests limit exceeded. Limit: 500000, Usage: 500000",
        ),
        (
            f"ERR max daily request limit exceeded. Limit: 10000, Usage: 10000. {SEE}",
            "quota",
            "answers every command: ERR max daily request limit exceeded. Limit: 10000, Usage: 10000",
        ),
        (
            "ERR Max Requests Limit Exceeded",
            "quota",
            "answers every command: ERR Max Requests Limit Exceeded",
        ),
        (
            "ERR max concurrent connections exceeded",
            "connections",
            "takes no more connections: ERR max concurrent connections exceeded",
        ),
        (f"ERR something about {SECRET}", "error", "answers PING with an error (ResponseError)"),
    ],
)
async def test_tells_a_quota_from_other_errors_by_its_text(
    redis_server: RedisServer, unused_port: int, said: str, trouble: str, words: str
) -> None:
    async with door_to(redis_server, unused_port, lambda: said):
        check = await ping(f"redis://127.0.0.1:{unused_port}")

    assert (check.status, check.facts) == (CheckStatus.BAD, {"trouble": trouble})
    assert check.summary == words


async def test_costs_one_command_a_look(redis_server: RedisServer, unused_port: int) -> None:
    """docs/connecting.md says what our own looks cost of a plan that counts commands."""
    async with door_to(redis_server, unused_port, lambda: None) as door:
        for _ in range(3):
            await ping(f"redis://127.0.0.1:{unused_port}")

    assert dict(door.counts) == {"PING": 3}
