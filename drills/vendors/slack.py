"""Slack's Web API: posting a message, into a thread or not. Refusals are `ok: false` with status 200."""

import itertools
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.vendors.config import Slack
from drills.vendors.vendor import Vendor


class SlackApi(Vendor):
    """What every channel holds, oldest first."""

    def __init__(self, config: Slack) -> None:
        self._config = config
        self._numbers = itertools.count(1)
        self.channels: dict[str, list[dict[str, Any]]] = {name: [] for name in config.channels}

    def routes(self) -> list[Route]:
        return [
            Route("/slack/api/chat.postMessage", self.post_message, methods=["POST"]),
            Route("/slack/api/auth.test", self.auth_test, methods=["POST"]),
        ]

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
        moment = datetime.now(UTC)
        ts = f"{int(moment.timestamp())}.{next(self._numbers):06d}"
        message = {
            "text": asked["text"],
            "ts": ts,
            "thread_ts": asked.get("thread_ts"),
            "at": moment.isoformat(),
        }
        channel.append(message)
        return JSONResponse({"ok": True, "channel": "C024BE91L", "ts": ts, "message": message})

    def _knows(self, request: Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self._config.bot_token}"


async def body_of(request: Request) -> dict[str, Any]:
    if "json" in request.headers.get("content-type", ""):
        return dict(await request.json())
    return dict(await request.form())


def refuse(error: str) -> JSONResponse:
    return JSONResponse({"ok": False, "error": error})
