"""Bad weather: how a vendor may answer when it is not itself, whatever it was asked."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

Manner = Literal["status", "silence", "drop", "drip", "cut", "wrong_shape", "enormous"]

DRIP_SECONDS = 0.2
ENORMOUS_BYTES = 5_000_000
CHUNK = b" " * 65_536


@dataclass
class Fault:
    """The next `times` requests to a vendor whose path or body holds `match` are answered so.

    `manner` is one of: status (this status, with these headers), silence (no answer, ever), drop (the connection is
    closed without one), drip (a byte now and then, for ever), cut (the body ends in its middle), wrong_shape (JSON of
    another shape, status 200), enormous (a body of five megabytes, status 200).
    """

    times: int
    status: int = 503
    delay_seconds: float = 0.0
    match: str = ""
    manner: Manner = "status"
    headers: dict[str, str] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(self.delay_seconds)
        if self.manner == "status":
            told = {"error": "fault asked for", "message": "fault asked for"}
            await JSONResponse(told, self.status, self.headers)(scope, receive, send)
        elif self.manner == "wrong_shape":
            await JSONResponse({"weather": ["odd", 1, None]})(scope, receive, send)
        elif self.manner == "silence":
            await until_gone(receive)
        elif self.manner == "drop":
            hang_up(send)
        else:
            await start(send, length=len(CHUNK) if self.manner == "cut" else None)
            await BODIES[self.manner](receive, send)


async def until_gone(receive: Receive) -> None:
    """Wait until whoever asked has lost patience."""
    while (await receive())["type"] != "http.disconnect":
        pass


def hang_up(send: Send) -> None:
    """Close the connection under the server's feet: ASGI has no word for it, so its own transport is taken."""
    cycle: Any = getattr(send, "__self__")  # noqa: B009  # uvicorn's own object, which has no type
    cycle.transport.abort()


async def start(send: Send, *, length: int | None) -> None:
    headers = [(b"content-type", b"application/json")]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def drip(receive: Receive, send: Send) -> None:
    gone = asyncio.create_task(until_gone(receive))
    while not gone.done():
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.wait({gone}, timeout=DRIP_SECONDS)


async def cut(receive: Receive, send: Send) -> None:
    await send({"type": "http.response.body", "body": b'{"data": [', "more_body": True})
    hang_up(send)


async def enormous(receive: Receive, send: Send) -> None:
    for _ in range(ENORMOUS_BYTES // len(CHUNK)):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b"{}"})


BODIES = {"drip": drip, "cut": cut, "enormous": enormous}
