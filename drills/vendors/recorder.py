"""Every request that a vendor receives, as one line of JSON with its secrets masked; and faults on request."""

import gzip
import json
import re
from collections.abc import Iterable
from pathlib import Path

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drills.vendors.vendor import Clock, real_time
from drills.vendors.weather import Fault

SECRET_HEADERS = frozenset(
    {"authorization", "project-access-token", "x-sentry-auth", "x-control", "x-goog-api-key", "x-api-key"}
)
MASK = "***"
# What a variable of the platform is set to: nobody knows beforehand which of them are secrets.
SET_VALUE = re.compile(r'("value"\s*:\s*)"(?:[^"\\]|\\.)*"')


class Recorder:
    """Middleware around the vendors' addresses."""

    def __init__(
        self,
        app: ASGIApp,
        file: Path,
        secrets: Iterable[str],
        *,
        vendors: frozenset[str],
        clock: Clock = real_time,
    ) -> None:
        self.app = app
        self._clock = clock
        self._vendors = vendors
        self.faults: dict[str, list[Fault]] = {}
        self._file = file.open("a")
        self._secrets = re.compile("|".join(re.escape(secret) for secret in secrets))

    def close(self) -> None:
        """Nothing is written down any more."""
        self._file.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        vendor = vendor_of(scope, self._vendors)
        if vendor is None:
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        body = await request.body()
        status = 0

        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()  # what comes after the body: that whoever asked is gone
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if fault := self._fault(vendor, f"{request.url.path} {body.decode(errors='replace')}"):
                status = fault.status if fault.manner == "status" else 0
                await fault(scope, replay, send)
            else:
                await self.app(scope, replay, watch)
        finally:
            self._write(vendor, request, body, status)

    def _fault(self, vendor: str, asked: str) -> Fault | None:
        for fault in self.faults.get(vendor, []):
            if fault.times > 0 and fault.match in asked:
                fault.times -= 1
                return fault
        return None

    def _write(self, vendor: str, request: Request, body: bytes, status: int) -> None:
        headers = {name: MASK if name in SECRET_HEADERS else value for name, value in request.headers.items()}
        line = {
            "vendor": vendor,
            "method": request.method,
            "path": request.url.path.removeprefix(f"/{vendor}"),
            "headers": headers,
            "body": text_of(body, request.headers.get("content-encoding", "")),
            "status": status,
            "at": self._clock().isoformat(),
        }
        self._file.write(self._secrets.sub(MASK, json.dumps(line)) + "\n")
        self._file.flush()


def text_of(body: bytes, encoding: str) -> str:
    """A request's body as text, unpacked where it came packed."""
    if encoding == "gzip":
        body = gzip.decompress(body)
    text = body.decode(errors="replace")
    return SET_VALUE.sub(rf'\1"{MASK}"', text) if "variableUpsert" in text else text


def vendor_of(scope: Scope, vendors: frozenset[str]) -> str | None:
    """Which vendor an address belongs to; None for the control's own, and for what is not HTTP."""
    if scope["type"] != "http":
        return None
    first = str(scope["path"]).split("/")[1]
    return first if first in vendors else None
