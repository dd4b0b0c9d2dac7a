"""SendGrid: takes mail with 202, and refuses what lacks a part."""

import base64
import secrets
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drills.vendors.config import SendGrid
from drills.vendors.vendor import Vendor

REQUIRED = ("personalizations", "from", "subject", "content")


class SendGridApi(Vendor):
    """What every mailbox received, by address."""

    def __init__(self, config: SendGrid) -> None:
        self._config = config
        self.mailboxes: dict[str, list[dict[str, Any]]] = {}

    def routes(self) -> list[Route]:
        return [Route("/sendgrid/v3/mail/send", self.send, methods=["POST"])]

    async def send(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {self._config.api_key}":
            return refuse(401, "The provided authorization grant is invalid, expired, or revoked", None)
        mail = await request.json()
        for part in REQUIRED:
            if not mail.get(part):
                return refuse(400, f"The {part} is required", part)
        attached = [opened(each) for each in mail.get("attachments", [])]
        if any(";" in str(each["type"]) for each in attached):
            return refuse(
                400, "The attachment type cannot contain ';', or CRLF characters.", "attachments.0.type"
            )
        content = {part["type"]: part["value"] for part in mail["content"]}
        for personalization in mail["personalizations"]:
            for recipient in personalization["to"]:
                received = {
                    "subject": personalization.get("subject") or mail["subject"],
                    "text": content.get("text/plain"),
                    "html": content.get("text/html"),
                    "attachments": attached,
                    "at": datetime.now(UTC).isoformat(),
                }
                self.mailboxes.setdefault(recipient["email"], []).append(received)
        return Response(status_code=202, headers={"X-Message-Id": secrets.token_urlsafe(16)})


def opened(attachment: dict[str, Any]) -> dict[str, Any]:
    text = base64.b64decode(attachment["content"]).decode()
    return {"name": attachment["filename"], "type": attachment.get("type"), "text": text}


def refuse(status: int, message: str, field: str | None) -> JSONResponse:
    return JSONResponse({"errors": [{"message": message, "field": field, "help": None}]}, status)
