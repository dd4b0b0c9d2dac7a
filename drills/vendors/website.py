"""The shop's website, as its visitors get it: a page of the deployment that serves, filled by what the backend says.

Like most such pages it comes with status 200 whatever the backend says: that the shop is closed for maintenance is the
backend's 503, and the page shows its message.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from html import escape

import httpx

from drills.company.loopback import http_client

BACKEND_SECONDS = 1.0
REASONS = {200: "OK", 500: "Internal Server Error"}

# What a visit is written down in: the path, the status, and the words of an error.
Log = Callable[[str, int, str], None]


class Website:
    """The production address. `is_broken` and `release` are asked anew for every visitor.

    Without a `backend_url` there is nothing to be filled in.
    """

    def __init__(
        self,
        port: int,
        backend_url: str | None,
        *,
        release: Callable[[], str],
        is_broken: Callable[[], bool],
        log: Log,
    ) -> None:
        self._port = port
        self._backend_url = backend_url
        self._release = release
        self._is_broken = is_broken
        self._log = log
        self.served: Counter[int] = Counter()
        self.last_status = 0
        self.last_shown = ""

    async def serve_for_ever(self) -> None:
        async with http_client(timeout=BACKEND_SECONDS) as backend:

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await self._serve(backend, reader, writer)

            server = await asyncio.start_server(serve, "127.0.0.1", self._port)
            async with server:
                await server.serve_forever()

    async def _serve(
        self, backend: httpx.AsyncClient, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            async with asyncio.timeout(5):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._answer(backend, head))
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a visitor who left, or said nothing
        finally:
            writer.close()

    async def _answer(self, backend: httpx.AsyncClient, head: bytes) -> bytes:
        """The answer to one visitor, and what it leaves in the log."""
        path = head.split(b" ", 2)[1].decode(errors="replace") if head.count(b" ") > 1 else "/"
        if self._is_broken():
            status, shown, body = 500, "error", page("Shop", "FUNCTION_INVOCATION_FAILED")
        else:
            status = 200
            shown, body = await self._filled(backend)
        self.served[status] += 1
        self.last_status, self.last_shown = status, shown
        self._log(path, status, "TypeError: cart.items is undefined" if status == 500 else "")
        headers = f"content-type: text/html\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        return f"HTTP/1.1 {status} {REASONS[status]}\r\nserver: Vercel\r\n{headers}".encode() + body

    async def _filled(self, backend: httpx.AsyncClient) -> tuple[str, bytes]:
        """What is shown, in a word, and the page itself."""
        if self._backend_url is None:
            return "shop", page("Shop", self._release())
        try:
            answer = await backend.get(f"{self._backend_url}/products")
            told = answer.json()
            if answer.status_code == 503 and told["error"] == "maintenance":
                return "maintenance", page("The shop is closed for maintenance", str(told["message"]))
            return "shop", page("Shop", f"{self._release()}: {', '.join(told['products'])}")
        except (httpx.TransportError, ValueError, KeyError, TypeError):
            return "no products", page("Shop", f"{self._release()}: our products could not be loaded")


def page(title: str, words: str) -> bytes:
    head, text = escape(title), escape(words)
    return f"<!doctype html><title>{head}</title><h1>{head}</h1><p>{text}</p>".encode()
