"""Twilio: messages and calls, with its error codes; signed status callbacks, replies and pressed keys."""

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
import xml.etree.ElementTree as ET
from email.utils import format_datetime
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.loopback import http_client
from drills.vendors.config import Twilio
from drills.vendors.vendor import Handler, Vendor

NUMBER = re.compile(r"\+[1-9]\d{6,14}")
BASE = "/twilio/2010-04-01/Accounts/{sid}"


class TwilioApi(Vendor):
    """What every phone received, by number."""

    def __init__(self, config: Twilio) -> None:
        self._config = config
        self.phones: dict[str, list[dict[str, Any]]] = {}
        self.undeliverable: set[str] = set()
        # A number whose calls ring and whose text messages never arrive.
        self.without_texts: set[str] = set()
        self._callbacks: set[asyncio.Task[None]] = set()
        self._called_back = 0

    def routes(self) -> list[Route]:
        return [
            Route(f"{BASE}/Messages.json", self.create_message, methods=["POST"]),
            Route(f"{BASE}/Calls.json", self.create_call, methods=["POST"]),
        ]

    def controls(self) -> dict[str, Handler]:
        return {"reply": self.control_reply, "press": self.control_press}

    async def control_reply(self, request: Request) -> JSONResponse:
        asked = await request.json()
        return JSONResponse({"status": await self.reply(asked["number"], asked["text"])})

    async def control_press(self, request: Request) -> JSONResponse:
        asked = await request.json()
        return JSONResponse({"status": await self.press(asked["number"], asked["key"])})

    async def reply(self, number: str, text: str, *, sid: str | None = None, token: str | None = None) -> int:
        """Somebody answers by text message; what is said back arrives on the same phone.

        Args:
            sid: of a message that is delivered a second time.
            token: what a forger signs with.

        Returns:
            The status that the webhook answered with.
        """
        if self._config.replies_url is None:
            raise LookupError("the number has no address for incoming messages")
        sid = sid or f"SM{secrets.token_hex(16)}"
        form = {
            "MessageSid": sid,
            "AccountSid": self._config.account_sid,
            "From": number,
            "To": self._config.from_number,
            "Body": text,
            "NumMedia": "0",
        }
        status, script = await self._ask(self._config.replies_url, form, token)
        for message in script.iter("Message") if script is not None else []:
            body = "".join(message.itertext())
            self._receive(number, kind="sms", sid=f"SM{secrets.token_hex(16)}", body=body)
        return status

    async def press(self, number: str, key: str, *, token: str | None = None) -> int:
        """Somebody presses a key on the newest call to this number; what is said then is heard there."""
        call = [each for each in self.phones.get(number, []) if each["kind"] == "call"][-1]
        gather = ET.fromstring(call.get("script", call["body"])).find(".//Gather")  # noqa: S314 the script that we were given
        if gather is None:
            raise LookupError("this call asks for no key")
        form = {
            "CallSid": call["sid"],
            "AccountSid": self._config.account_sid,
            "From": self._config.from_number,
            "To": number,
            "CallStatus": "in-progress",
            "Digits": key,
        }
        status, script = await self._ask(gather.get("action", ""), form, token)
        if script is not None:
            call["heard"] = [*call.get("heard", []), "".join(script.itertext())]
            call["script"] = ET.tostring(script, encoding="unicode")
        return status

    async def _ask(self, url: str, form: dict[str, str], token: str | None) -> tuple[int, ET.Element | None]:
        """The status that a webhook answers with, and its script."""
        headers = {"X-Twilio-Signature": signature(url, form, token or self._config.auth_token)}
        async with http_client(timeout=10) as client:
            answer = await client.post(url, data=form, headers=headers)
        script = ET.fromstring(answer.text) if answer.is_success else None  # noqa: S314 of the house under test
        return answer.status_code, script

    def _reaches(self, number: str, kind: str) -> bool:
        return number not in (
            self.undeliverable | self.without_texts if kind == "sms" else self.undeliverable
        )

    def _receive(self, number: str, *, kind: str, sid: str, body: str) -> None:
        at = self.clock().isoformat()
        received = {"kind": kind, "sid": sid, "body": body, "from": self._config.from_number, "at": at}
        self.phones.setdefault(number, []).append(received)

    async def create_message(self, request: Request) -> JSONResponse:
        return await self._create(request, kind="sms", prefix="SM", content="Body")

    async def create_call(self, request: Request) -> JSONResponse:
        return await self._create(request, kind="call", prefix="CA", content="Twiml")

    async def _create(self, request: Request, *, kind: str, prefix: str, content: str) -> JSONResponse:
        form = {name: str(value) for name, value in (await request.form()).items()}
        if refusal := self._refusal(request, form, content):
            return refusal
        sid = f"{prefix}{secrets.token_hex(16)}"
        at = self.clock()
        if self._reaches(form["To"], kind):
            self._receive(form["To"], kind=kind, sid=sid, body=form[content])
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
        reached = self._reaches(form["To"], kind)
        told = {"AccountSid": self._config.account_sid, "To": form["To"], "From": form["From"]}
        told["MessageSid" if kind == "sms" else "CallSid"] = sid
        if not reached:
            told["ErrorCode"] = "30003"
        try:
            for state in STATES[kind, reached]:
                await self._tell(url, told | state)
        except httpx.TransportError as error:
            print(f"twilio: callback not delivered: {type(error).__name__}", flush=True)

    async def _tell(self, url: str, told: dict[str, str]) -> None:
        headers = {"X-Twilio-Signature": signature(url, told, self._config.auth_token)}
        async with http_client(timeout=10) as client:
            await client.post(url, data=told, headers=headers)


# What Twilio tells of a message and of a call, one callback each; a call's only at its end unless asked for more.
STATES = {
    ("sms", True): [{"MessageStatus": "sent"}, {"MessageStatus": "delivered"}],
    ("sms", False): [{"MessageStatus": "sent"}, {"MessageStatus": "undelivered"}],
    ("call", True): [{"CallStatus": "completed"}],
    ("call", False): [{"CallStatus": "no-answer"}],
}


def signature(url: str, form: dict[str, str], token: str) -> str:
    """Base64 of the HMAC-SHA1 over the address and the form's names and values in order."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def refuse(status: int, code: int, message: str) -> JSONResponse:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return JSONResponse({"code": code, "message": message, "more_info": more, "status": status}, status)
