"""SendGrid: takes mail with 202, and refuses what lacks a part, carries too much, or names an address that is none."""

import base64
import json
import re
import secrets
from typing import Any, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drills.company.loopback import http_client
from drills.vendors.config import SendGrid
from drills.vendors.vendor import Vendor

LARGEST = 1000
ADDRESS = re.compile(r"[^@\s]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}(?<!\.invalid)")
REQUIRED = ("personalizations", "from", "subject", "content")


class SendGridApi(Vendor):
    """What every mailbox received, by address."""

    def __init__(self, config: SendGrid) -> None:
        self._config = config
        self.mailboxes: dict[str, list[dict[str, Any]]] = {}
        # What becomes of the coming mails to many, which carry categories: an answer instead of taking it, "lost" for
        # one that is taken and answered with 500, or None.
        self.weather: list[Response | Literal["lost"] | None] = []
        # Every request that was taken, without its texts.
        self.taken: list[dict[str, Any]] = []
        self._events_key = ec.generate_private_key(ec.SECP256R1())

    @property
    def events_public_key(self) -> str:
        """What its events are checked with, as its settings page shows it."""
        public = self._events_key.public_key()
        return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()

    async def report(self, *events: dict[str, Any], key: ec.EllipticCurvePrivateKey | None = None) -> int:
        """Send events of mails to the event webhook, signed; the status that it answered with.

        Args:
            key: what a forger signs with.
        """
        if self._config.events_url is None:
            raise LookupError("the account has no address for events")
        body, sent_at = json.dumps(events).encode(), str(int(self.clock().timestamp()))
        signed = (key or self._events_key).sign(sent_at.encode() + body, ec.ECDSA(hashes.SHA256()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signed).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": sent_at,
        }
        async with http_client(timeout=10) as client:
            return (await client.post(self._config.events_url, content=body, headers=headers)).status_code

    def event(self, name: str, address: str, **told: Any) -> dict[str, Any]:
        """What it tells of the newest mail to an address, with the mail's custom arguments; for `report`.

        Source:
            https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#delivery-events
        """
        mail = next(mail for mail in reversed(self.taken) if address in mail["addresses"])
        return {
            "email": address,
            "timestamp": int(self.clock().timestamp()),
            "event": name,
            "sg_event_id": secrets.token_urlsafe(16),
            "sg_message_id": secrets.token_urlsafe(16),
            **mail["custom_args"],
            **told,
        }

    def routes(self) -> list[Route]:
        return [Route("/sendgrid/v3/mail/send", self.send, methods=["POST"])]

    async def send(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {self._config.api_key}":
            return refuse(401, "The provided authorization grant is invalid, expired, or revoked", None)
        mail = await request.json()
        weather = self.weather.pop(0) if self.weather and mail.get("categories") else None
        if isinstance(weather, Response):
            return weather
        for part in REQUIRED:
            if not mail.get(part):
                return refuse(400, f"The {part} is required", part)
        attached = [opened(each) for each in mail.get("attachments", [])]
        if any(";" in str(each["type"]) for each in attached):
            return refuse(
                400, "The attachment type cannot contain ';', or CRLF characters.", "attachments.0.type"
            )
        if (no := wrong_addresses(mail["personalizations"])) is not None:
            return no
        self.taken.append(
            {
                "addresses": [to["email"] for each in mail["personalizations"] for to in each["to"]],
                "categories": mail.get("categories", []),
                "custom_args": mail.get("custom_args", {}),
            }
        )
        content = {part["type"]: part["value"] for part in mail["content"]}
        for personalization in mail["personalizations"]:
            for recipient in personalization["to"]:
                received = {
                    "subject": personalization.get("subject") or mail["subject"],
                    "text": content.get("text/plain"),
                    "html": content.get("text/html"),
                    "attachments": attached,
                    "at": self.clock().isoformat(),
                }
                self.mailboxes.setdefault(recipient["email"], []).append(received)
        if weather == "lost":
            return refuse(500, "An error occurred", None)
        return Response(status_code=202, headers={"X-Message-Id": secrets.token_urlsafe(16)})


def opened(attachment: dict[str, Any]) -> dict[str, Any]:
    text = base64.b64decode(attachment["content"]).decode()
    return {"name": attachment["filename"], "type": attachment.get("type"), "text": text}


def wrong_addresses(personalizations: list[dict[str, Any]]) -> JSONResponse | None:
    """What the real one refuses as a whole for the sake of one address, or of their number."""
    if len(personalizations) > LARGEST:
        return refuse(400, f"The personalizations field may hold {LARGEST} at most", "personalizations")
    for number, each in enumerate(personalizations):
        for place, recipient in enumerate(each["to"]):
            if not ADDRESS.fullmatch(recipient.get("email", "")):
                field = f"personalizations.{number}.to.{place}.email"
                return refuse(400, "Does not contain a valid address.", field)
    return None


def refuse(status: int, message: str, field: str | None) -> JSONResponse:
    return JSONResponse({"errors": [{"message": message, "field": field, "help": None}]}, status)
