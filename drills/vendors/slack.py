"""Slack: posting a message, into a thread or not, and buttons that are pressed, signed. Refusals are `ok: false` with status 200."""

import hashlib
import hmac
import itertools
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drills.company.loopback import http_client
from drills.vendors.config import Slack
from drills.vendors.vendor import Handler, Vendor

CHANNEL_ID = "C024BE91L"


class SlackApi(Vendor):
    """What every channel holds, oldest first."""

    def __init__(self, config: Slack) -> None:
        self._config = config
        self._numbers = itertools.count(1)
        # A user's id in a channel's place is their conversation with the app.
        self.channels: dict[str, list[dict[str, Any]]] = {n: [] for n in (*config.channels, *config.users)}
        self.responses: list[dict[str, Any]] = []

    def routes(self) -> list[Route]:
        return [
            Route("/slack/api/chat.postMessage", self.post_message, methods=["POST"]),
            Route("/slack/api/auth.test", self.auth_test, methods=["POST"]),
            Route("/slack/response/{ts}", self.respond, methods=["POST"]),
        ]

    def controls(self) -> dict[str, Handler]:
        return {"press": self.control_press}

    async def control_press(self, request: Request) -> JSONResponse:
        asked = await request.json()
        return JSONResponse({"status": await self.press(asked["user"], asked["button"])})

    async def press(
        self, user: str, button: str, *, secret: str | None = None, at: datetime | None = None, nth: int = 0
    ) -> int:
        """A user presses a button on the newest post that has it, by the button's label.

        Args:
            secret: what a forger signs with.
            at: when it is pressed, where the clock is moved.
            nth: which of the same user's presses of that moment it is; the same one again is a repeated delivery.

        Returns:
            The status that the house answered with.
        """
        if self._config.interactivity_url is None:
            raise LookupError("the app has no address for interactivity")
        message, element = self._find(button)
        sent_at = str(int((at or self.clock()).timestamp()))
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "team_id": "T0SHOP"},
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": CHANNEL_ID},
            "channel": {"id": CHANNEL_ID},
            "message": {"ts": message["ts"], "text": message["text"], "blocks": message["blocks"]},
            "actions": [{**element, "block_id": "b1", "action_ts": f"{sent_at}.{nth:06d}"}],
            "response_url": f"{self._config.url}/slack/response/{message['ts']}",
            "trigger_id": f"{user}.{sent_at}",
        }
        body = urlencode({"payload": json.dumps(payload)})
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": sent_at,
            "X-Slack-Signature": signature(body, sent_at, secret or self._config.signing_secret),
        }
        async with http_client(timeout=3) as client:
            answer = await client.post(self._config.interactivity_url, content=body, headers=headers)
        return answer.status_code

    def _find(self, label: str) -> tuple[dict[str, Any], dict[str, Any]]:
        posts = [message for name in self._config.channels for message in self.channels[name]]
        for message in reversed(posts):
            for block in message.get("blocks") or []:
                for element in block.get("elements", []):
                    if element["type"] == "button" and element["text"]["text"] == label:
                        return message, element
        raise LookupError(f"no post has a button {label!r}")

    async def respond(self, request: Request) -> Response:
        """An answer to a pressed button: to the user alone, or in place of the post."""
        told = await request.json()
        self.responses.append(told)
        for message in (each for channel in self.channels.values() for each in channel):
            if message["ts"] == request.path_params["ts"] and told.get("replace_original"):
                message |= {"text": told["text"], "blocks": told.get("blocks")}
        return Response("ok")

    async def auth_test(self, request: Request) -> JSONResponse:
        if not self._knows(request):
            return refuse("invalid_auth")
        return JSONResponse({"ok": True, "team": "shop", "user": "watchkeeper"})

    async def post_message(self, request: Request) -> JSONResponse:
        if not self._knows(request):
            return refuse("invalid_auth")
        asked = await body_of(request)
        channel = self.channels.get(str(asked.get("channel")))
        if channel is None:
            return refuse("channel_not_found")
        if not asked.get("text"):
            return refuse("no_text")
        moment = self.clock()
        ts = f"{int(moment.timestamp())}.{next(self._numbers):06d}"
        message = {
            "text": asked["text"],
            "blocks": blocks_in(asked),
            "ts": ts,
            "thread_ts": asked.get("thread_ts"),
            "at": moment.isoformat(),
        }
        channel.append(message)
        return JSONResponse({"ok": True, "channel": CHANNEL_ID, "ts": ts, "message": message})

    def _knows(self, request: Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self._config.bot_token}"


def blocks_in(asked: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The blocks, which a form carries as JSON."""
    blocks = asked.get("blocks")
    return list(json.loads(blocks) if isinstance(blocks, str) else blocks) if blocks else None


def signature(body: str, sent_at: str, secret: str) -> str:
    """v0= and the hexadecimal HMAC-SHA256 over the version, the time and the raw body."""
    signed = f"v0:{sent_at}:{body}".encode()
    return f"v0={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


async def body_of(request: Request) -> dict[str, Any]:
    if "json" in request.headers.get("content-type", ""):
        return dict(await request.json())
    return dict(await request.form())


def refuse(error: str) -> JSONResponse:
    return JSONResponse({"ok": False, "error": error})
