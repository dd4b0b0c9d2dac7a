"""How the intake speaks HTTP: over a real socket, each answer in one piece."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from watchkeeper.intake.serving import WholeAnswers

LARGE = b"x" * 1_000_000


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for letter in "abc":
            yield letter.encode()
            await asyncio.sleep(0)

    answers = {"/large": Response(LARGE), "/pieces": StreamingResponse(pieces())}
    path = Request(scope).url.path
    await answers.get(path, Response(path.encode()))(scope, receive, send)


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """The port of a server on this machine."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, http=WholeAnswers, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def test_head_and_body_arrive_together() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for path in (b"/one", b"/two"):
            writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path)
            answer = await reader.read(4096)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert answer.endswith(b"\r\n\r\n" + path)
        writer.close()


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        requests = [b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(20)]
        requests[-1] = requests[-1].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        writer.write(b"".join(requests))
        answers = (await reader.read()).split(b"HTTP/1.1 200 OK")[1:]
        assert [answer.rpartition(b"\r\n\r\n")[2] for answer in answers] == [
            b"/%d" % number for number in range(20)
        ]
        writer.close()


async def test_what_is_long_or_comes_in_pieces_arrives_whole() -> None:
    async with serving() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(2):
            assert (await client.get("/large")).content == LARGE
            assert (await client.get("/pieces")).text == "abc"
        last = await client.get("/large", headers={"Connection": "close"})
        assert last.content == LARGE
