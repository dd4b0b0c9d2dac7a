"""Twilio: messages and calls, with its error codes, and signed status callbacks."""

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.loopback import http_client
from drills.vendors.config import Twilio
from drills.vendors.vendor import Vendor

NUMBER = re.compile(r"\+[1-9]\d{6,14}")
BASE = "/twilio/2010-04-01/Accounts/{sid}"


class TwilioApi(Vendor):
    """What every phone received, by number."""

    def __init__(self, config: Twilio) -> None:
        self._config = config
        self.phones: dict[str, list[dict[str, Any]]] = {}
        self.undeliverable: set[str] = set()
        self._callbacks: set[asyncio.Task[None]] = set()
        self._called_back = 0

    def routes(self) -> list[Route]:
        return [
            Route(f"{BASE}/Messages.json", self.create_message, methods=["POST"]),
            Route(f"{BASE}/Calls.json", self.create_call, methods=["POST"]),
        ]

    async def create_message(self, request: Request) -> JSONResponse:
        return await self._create(request, kind="sms", prefix="SM", content="Body")

    async def create_call(self, request: Request) -> JSONResponse:
        return await self._create(request, kind="call", prefix="CA", content="Twiml")

    async def _create(self, request: Request, *, kind: str, prefix: str, content: str) -> JSONResponse:
        form = {name: str(value) for name, value in (await request.form()).items()}
        if refusal := self._refusal(request, form, content):
            return refusal
        sid = f"{prefix}{secrets.token_hex(16)}"
        at = datetime.now(UTC)
        received = {
            "kind": kind,
            "sid": sid,
            "body": form[content],
            "from": form["From"],
            "at": at.isoformat(),
        }
        if form["To"] not in self.undeliverable:
            self.phones.setdefault(form["To"], []).append(received)
        if callback := form.get("StatusCallback"):
            task = asyncio.create_task(self._call_back(callback, kind, sid, form))
            self._callbacks.add(task)
            self._called_back += 1
            task.add_done_callback(self._callbacks.discard)
        answer = {
            "sid": sid,
            "account_sid": self._config.account_sid,
            "status": "queued",
            "to": form["To"],
            "from": form["From"],
            "body": form.get("Body"),
            "date_created": format_datetime(at),
            "error_code": None,
            "error_message": None,
        }
        return JSONResponse(answer, 201)

    def _refusal(self, request: Request, form: dict[str, str], content: str) -> JSONResponse | None:
        pair = f"{self._config.account_sid}:{self._config.auth_token}".encode()
        if request.headers.get("Authorization") != f"Basic {base64.b64encode(pair).decode()}":
            return refuse(401, 20003, "Authenticate")
        if request.path_params["sid"] != self._config.account_sid:
            return refuse(404, 20404, f"The requested resource {request.url.path} was not found")
        if not NUMBER.fullmatch(form.get("To", "")):
            return refuse(400, 21211, f"Invalid 'To' Phone Number: {form.get('To', '')}")
        if form.get("From") != self._config.from_number:
            return refuse(400, 21606, "The 'From' number is not a valid message-capable number")
        if not form.get(content):
            return refuse(400, 21602, f"{content} is required")
        return None

    async def say_all(self) -> int:
        """Wait until every status callback so far has been answered; how many there were in all."""
        await asyncio.gather(*self._callbacks)
        return self._called_back

    async def _call_back(self, url: str, kind: str, sid: str, form: dict[str, str]) -> None:
        await asyncio.sleep(self._config.delivery_seconds)
        reached = form["To"] not in self.undeliverable
        told = {"AccountSid": self._config.account_sid, "To": form["To"], "From": form["From"]}
        if kind == "sms":
            told |= {"MessageSid": sid, "MessageStatus": "delivered" if reached else "undelivered"}
        else:
            told |= {"CallSid": sid, "CallStatus": "completed" if reached else "no-answer"}
        if not reached:
            told["ErrorCode"] = "30003"
        headers = {"X-Twilio-Signature": signature(url, told, self._config.auth_token)}
        try:
            async with http_client(timeout=10) as client:
                await client.post(url, data=told, headers=headers)
        except httpx.TransportError as error:
            print(f"twilio: callback not delivered: {type(error).__name__}", flush=True)


def signature(url: str, form: dict[str, str], token: str) -> str:
    """Base64 of the HMAC-SHA1 over the address and the form's names and values in order."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def refuse(status: int, code: int, message: str) -> JSONResponse:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return JSONResponse({"code": code, "message": message, "more_info": more, "status": status}, status)
