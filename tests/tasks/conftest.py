"""What the tests of tasks share: a vendor that says what it is told to, over a real wire on loopback."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import parse_qs

import pytest
import pytest_asyncio
from aiohttp import web

from drills.company.redis import RedisServer, start_redis
from tasks import github, health, railway, railway_usage, sentry, stripe, vendor_http, vercel

SECRET = "hush-4f1c9d-do-not-tell"

TINY_SECONDS = 0.002
IMPATIENT_SECONDS = 0.3


class Manner(Enum):
    """How an answer arrives."""

    WHOLE = "whole"
    NEVER = "never"
    CUT = "the connection is cut"
    DRIPPING = "byte after byte, for ever"


@dataclass(frozen=True)
class Answer:
    """What the wire says, how, and after how long."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: Manner = Manner.WHOLE
    after_seconds: float = 0


def says(told: Any, status: int = 200, **more: Any) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(told).encode(), {"Content-Type": "application/json"}, **more)


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


class Wire:
    """A real HTTP server. Each path says its answers in order and then repeats the last."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self._answers: dict[str, list[Answer]] = {}
        self._closing = asyncio.Event()

    def answers(self, *answers: Answer, at: str = "") -> None:
        """What to say at this path, or at every path that has no answers of its own."""
        self._answers[at] = list(answers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        query = {name: request.query.getall(name) for name in request.query}
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.asked.append(Asked(request.method, request.path, query, headers, await request.read()))
        answers = self._answers.get(request.path) or self._answers[""]
        return await self._say(request, answers.pop(0) if len(answers) > 1 else answers[0])

    async def _say(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        await asyncio.sleep(answer.after_seconds)
        match answer.manner:
            case Manner.NEVER:
                await self._closing.wait()
            case Manner.CUT if request.transport is not None:
                request.transport.abort()
            case Manner.DRIPPING:
                return await self._drip(request, answer)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async def _drip(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        dripping = web.StreamResponse(status=answer.status, headers=answer.headers)
        with suppress(ConnectionError):
            await dripping.prepare(request)
            while not self._closing.is_set():
                await dripping.write(b" ")
                await asyncio.sleep(0.02)
        return dripping

    def close(self) -> None:
        self._closing.set()


@asynccontextmanager
async def open_wire() -> AsyncIterator[Wire]:
    """A vendor on a free loopback port; it listens until the end of the block."""
    wire = Wire()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", wire.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        wire.url = f"http://{host}:{port}"
        yield wire
    finally:
        wire.close()
        await runner.cleanup()


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Wire]:
    async with open_wire() as opened:
        yield opened


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits between tries are tiny."""
    monkeypatch.setattr(vendor_http, "FIRST_WAIT_SECONDS", TINY_SECONDS)
    monkeypatch.setattr(vendor_http, "LONGEST_WAIT_SECONDS", TINY_SECONDS)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, eager: None) -> Callable[[float], None]:
    """And so is every time limit; only for answers that never end, for on a busy machine others may take as long.

    Returns:
        What sets them to another length.
    """

    def within(seconds: float) -> None:
        # A dataclass keeps its defaults there.
        monkeypatch.setattr(
            vendor_http.Ask.__init__, "__defaults__", (seconds, vendor_http.LARGEST_BODY_BYTES, False)
        )
        for vendor in (github, railway, railway_usage, sentry, stripe, vercel):
            monkeypatch.setattr(vendor, "WRITE_LIMIT_SECONDS", seconds)
        monkeypatch.setattr(health, "LIMIT_SECONDS", seconds)

    within(IMPATIENT_SECONDS)
    return within


@pytest_asyncio.fixture
async def silent_port() -> AsyncIterator[int]:
    """A port where connections are taken and nothing is ever said."""
    closing = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await closing.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        closing.set()
        await asyncio.sleep(0)


@pytest.fixture
def unused_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = start_redis(tmp_path_factory.mktemp("redis"))
    try:
        yield server
    finally:
        server.stop()
