"""A small HTTP server on loopback that keeps what it was asked and answers what the test says."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web


@dataclass(frozen=True)
class Heard:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Say:
    """One answer. `drip_seconds` sends its body byte by byte; `silent` sends nothing at all."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    drip_seconds: float = 0
    silent: bool = False

    @property
    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


Answer = Callable[[Heard], Say]


@dataclass
class RecordingServer:
    """Where it is, what it heard, and what it answers next."""

    url: str
    answer: Answer
    heard: list[Heard] = field(default_factory=list)
    next: list[Say] = field(default_factory=list)

    def at(self, part: str) -> list[Heard]:
        """The requests whose path holds this part."""
        return [heard for heard in self.heard if part in heard.path]


def like_the_vendors(heard: Heard) -> Say:
    """What Twilio, SendGrid and Slack say when all is well."""
    if heard.path.endswith(("/Messages.json", "/Calls.json")):
        return Say(201, {"sid": "SM" + "0" * 32, "status": "queued"})
    if heard.path.endswith("/mail/send"):
        return Say(202, "", {"X-Message-Id": "mail-1"})
    return Say(200, {"ok": True, "ts": "1700000000.000100", "channel": "C1"})


@asynccontextmanager
async def recording_server(answer: Answer = like_the_vendors) -> AsyncIterator[RecordingServer]:
    """Serve until the block ends; requests that still wait then are dropped."""
    gone = asyncio.Event()
    server = RecordingServer(url="", answer=answer)

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        heard = Heard(request.method, request.path_qs, dict(request.headers), await request.read())
        server.heard.append(heard)
        say = server.next.pop(0) if server.next else server.answer(heard)
        if say.silent:
            await gone.wait()
        response = web.StreamResponse(
            status=say.status, headers={"Content-Type": "application/json", **say.headers}
        )
        response.content_length = len(say.content)
        with suppress(ConnectionError):  # who asked may have lost patience
            await response.prepare(request)
            await send_content(response, say)
        return response

    async def send_content(response: web.StreamResponse, say: Say) -> None:
        size = 1 if say.drip_seconds else max(len(say.content), 1)
        for start in range(0, len(say.content), size):
            await response.write(say.content[start : start + size])
            with suppress(TimeoutError):
                async with asyncio.timeout(say.drip_seconds):
                    await gone.wait()
        await response.write_eof()

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        gone.set()
        await runner.cleanup()


async def until(holds: Callable[[], Any], seconds: float = 8) -> Any:
    """What `holds` answers, as soon as it is true."""
    give_up_at = time.monotonic() + seconds
    while True:
        if answer := holds():
            return answer
        assert time.monotonic() < give_up_at, "it did not happen in time"
        await asyncio.sleep(0.01)
