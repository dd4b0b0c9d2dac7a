"""Gemini's API, as the company's worker and a probe use it.

Its limit is real: sixty requests in any minute. Both "no more this minute" and "no more today" are 429 and
RESOURCE_EXHAUSTED; only the quota's id tells them apart.
"""

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.vendors.config import Gemini
from drills.vendors.vendor import Handler, Spell, Vendor

PER_MINUTE = 60
WINDOW_SECONDS = 60.0
MODELS = ("gemini-2.5-flash", "gemini-2.5-pro")
TYPE = "type.googleapis.com/google.rpc"
QUOTA_IDS = {
    "minute": "GenerateRequestsPerMinutePerProjectPerModel",
    "day": "GenerateRequestsPerDayPerProjectPerModel",
}


class GeminiApi(Vendor):
    """What it generated and refused, and for how long it is down or has had enough."""

    def __init__(self, config: Gemini) -> None:
        self._config = config
        self._down, self._limited = Spell(), Spell()
        self._quota = "minute"
        self._taken: deque[float] = deque()
        self.generated = 0
        self.refused = 0

    def routes(self) -> list[Route]:
        return [
            Route("/gemini/v1beta/models", self.list_models),
            Route("/gemini/v1beta/models/{call}", self.call, methods=["POST"]),
        ]

    def controls(self) -> dict[str, Handler]:
        return {"down": self.set_down, "limit": self.set_limited}

    def state(self) -> dict[str, int]:
        return {"generated": self.generated, "refused": self.refused}

    def reset(self) -> None:
        self._down.end()
        self._limited.end()
        self._taken.clear()

    async def set_down(self, request: Request) -> JSONResponse:
        """{"seconds": 30}: every answer is 503 for so long; without seconds until the reset."""
        self._down.begin((await request.json()).get("seconds"))
        return JSONResponse({})

    async def set_limited(self, request: Request) -> JSONResponse:
        """{"seconds": 30, "quota": "minute" or "day"}: nothing is generated for so long."""
        asked = await request.json()
        self._quota = asked.get("quota", "minute")
        self._limited.begin(asked.get("seconds"))
        return JSONResponse({})

    async def list_models(self, request: Request) -> JSONResponse:
        """Costs nothing of the quota, and is refused as all else while the service is down."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        models = [{"name": f"models/{name}", "displayName": name} for name in MODELS]
        return JSONResponse({"models": models})

    async def call(self, request: Request) -> JSONResponse:
        model, _, method = request.path_params["call"].partition(":")
        refusal = self._refusal(request)
        if refusal is not None:
            self.refused += self._down.is_on
            return refusal
        if model not in MODELS or method != "generateContent":
            return error(404, "NOT_FOUND", f"models/{model} is not found for API version v1beta.")
        if not (await request.json()).get("contents"):
            return error(
                400, "INVALID_ARGUMENT", "GenerateContentRequest.contents: contents is not specified"
            )
        wait = self._wait_seconds()
        if wait > 0:
            self.refused += 1
            return self._exhausted(wait)
        self._taken.append(time.monotonic())
        self.generated += 1
        content = {"role": "model", "parts": [{"text": "a mug with a lighthouse"}]}
        return JSONResponse(
            {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}], "modelVersion": model}
        )

    def _refusal(self, request: Request) -> JSONResponse | None:
        """What every address answers first: about the key, then about the service's own health."""
        given = request.headers.get("x-goog-api-key") or request.query_params.get("key")
        if not given:
            return error(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
        if given != self._config.api_key:
            info = {"@type": f"{TYPE}.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
            return error(
                400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", details=[info]
            )
        if self._down.is_on:
            return error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
        return None

    def _wait_seconds(self) -> float:
        """How long until something may be generated again; zero is now."""
        if self._limited.is_on:
            return self._limited.seconds_left
        now = time.monotonic()
        while self._taken and now - self._taken[0] > WINDOW_SECONDS:
            self._taken.popleft()
        return WINDOW_SECONDS - (now - self._taken[0]) if len(self._taken) >= PER_MINUTE else 0.0

    def _exhausted(self, wait_seconds: float) -> JSONResponse:
        violation = {
            "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
            "quotaId": QUOTA_IDS[self._quota if self._limited.is_on else "minute"],
            "quotaValue": str(PER_MINUTE),
        }
        details = [
            {"@type": f"{TYPE}.QuotaFailure", "violations": [violation]},
            {"@type": f"{TYPE}.RetryInfo", "retryDelay": f"{min(wait_seconds, 60):.0f}s"},
        ]
        return error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", details=details)


def error(code: int, status: str, message: str, *, details: Sequence[Any] = ()) -> JSONResponse:
    """An error as Google's APIs write them."""
    told: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        told["details"] = list(details)
    return JSONResponse({"error": told}, code)
