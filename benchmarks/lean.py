"""A sender that costs little: it shares two cores with what it measures, as pgbench, which is written in C, does.

It speaks just enough HTTP/1.1: whole requests are made beforehand, each connection is kept alive and sends its next
request when the last has been answered, and of each answer the status is checked and the length read.
"""

import asyncio
import json
import re
import time
from collections.abc import Iterable, Iterator
from typing import cast
from urllib.parse import urlsplit

from benchmarks.site import CouldNotRun

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
HEAD_END = b"\r\n\r\n"


def post_request(url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """A whole POST request, as it goes over the wire."""
    address = urlsplit(url)
    named = {"Host": address.netloc, "Content-Length": str(len(body)), **(headers or {})}
    lines = [f"POST {address.path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join(lines).encode() + HEAD_END + body


def post_json(url: str, data: object, headers: dict[str, str]) -> bytes:
    return post_request(url, json.dumps(data).encode(), headers | {"Content-Type": "application/json"})


async def send_all(url: str, requests: Iterable[bytes], *, connections: int, status: int) -> list[float]:
    """Send them over so many connections; how long each took, in seconds.

    Raises:
        CouldNotRun: one was answered with any other status, or a connection was lost.
    """
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    shared, seconds = iter(requests), list[float]()
    senders: list[_Sender] = []
    try:
        for _ in range(connections):
            connecting = loop.create_connection(
                lambda: _Sender(shared, b"HTTP/1.1 %d " % status, seconds),
                str(address.hostname),
                address.port or 80,
            )
            senders.append((await connecting)[1])
        await asyncio.gather(*(sender.done for sender in senders))
    finally:
        for sender in senders:
            sender.close()
    return seconds


class _Sender(asyncio.Protocol):
    """One connection. `done` when there is nothing left to send."""

    def __init__(self, requests: Iterator[bytes], status_line: bytes, seconds: list[float]) -> None:
        self._requests = requests
        self._status_line = status_line
        self._seconds = seconds
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.WriteTransport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._send_next(self._transport)

    def _send_next(self, transport: asyncio.WriteTransport) -> None:
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            return
        self._sent_at = time.monotonic()
        transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_ends = self._received.find(HEAD_END)
        if head_ends < 0 or self._transport is None:
            return
        length = LENGTH.search(self._received, 0, head_ends + 2)
        if length is None or not self._received.startswith(self._status_line):
            self._fail(self._received.decode(errors="replace"))
        elif len(self._received) >= head_ends + len(HEAD_END) + int(length[1]):
            self._seconds.append(time.monotonic() - self._sent_at)
            self._received = b""
            self._send_next(self._transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail("the connection was closed")

    def _fail(self, what: str) -> None:
        if not self.done.done():
            self.done.set_exception(CouldNotRun(f"the intake answered: {what[:300]}"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
