"""Remove.bg's API, as the company's worker and a probe use it."""

from base64 import b64encode

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.vendors.config import RemoveBg
from drills.vendors.vendor import Handler, Spell, Vendor

CREDITS = 10_000
IMAGE = b64encode(b"a picture without its background").decode()


class RemoveBgApi(Vendor):
    """The credits that are left, what was done and refused, and for how long it is down or has had enough."""

    def __init__(self, config: RemoveBg) -> None:
        self._config = config
        self._down, self._limited = Spell(), Spell()
        self._credits = CREDITS
        self.removed = 0
        self.refused = 0

    def routes(self) -> list[Route]:
        return [
            Route("/removebg/v1.0/account", self.account),
            Route("/removebg/v1.0/removebg", self.remove, methods=["POST"]),
        ]

    def controls(self) -> dict[str, Handler]:
        return {"down": self.set_down, "limit": self.set_limited, "credits": self.set_credits}

    def state(self) -> dict[str, int]:
        return {"removed": self.removed, "refused": self.refused, "credits": self._credits}

    def reset(self) -> None:
        self._down.end()
        self._limited.end()
        self._credits = CREDITS

    async def set_down(self, request: Request) -> JSONResponse:
        """{"seconds": 30}: every answer is 503 for so long; without seconds until the reset."""
        self._down.begin((await request.json()).get("seconds"))
        return JSONResponse({})

    async def set_limited(self, request: Request) -> JSONResponse:
        """{"seconds": 30}: no picture is taken for so long."""
        self._limited.begin((await request.json()).get("seconds"))
        return JSONResponse({})

    async def set_credits(self, request: Request) -> JSONResponse:
        self._credits = int((await request.json())["credits"])
        return JSONResponse({})

    async def account(self, request: Request) -> JSONResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        credits = {"total": self._credits, "subscription": self._credits, "payg": 0, "enterprise": 0}
        attributes = {"credits": credits, "api": {"free_calls": 0, "sizes": "all"}}
        return JSONResponse({"data": {"attributes": attributes}})

    async def remove(self, request: Request) -> JSONResponse:
        refusal = self._refusal(request) or await self._refused_picture(request)
        if refusal is not None:
            self.refused += 1
            return refusal
        self._credits -= 1
        self.removed += 1
        body = {"data": {"result_b64": IMAGE, "foreground_type": "product"}}
        return JSONResponse(body, headers={"X-Credits-Charged": "1"})

    def _refusal(self, request: Request) -> JSONResponse | None:
        if request.headers.get("X-API-Key") != self._config.api_key:
            return errors(403, "API Key invalid", code="auth_failed")
        if self._down.is_on:
            return errors(503, "Service unavailable")
        return None

    async def _refused_picture(self, request: Request) -> JSONResponse | None:
        if self._limited.is_on:
            wait = {"Retry-After": f"{self._limited.seconds_left:.0f}", "X-RateLimit-Remaining": "0"}
            return errors(429, "Rate limit exceeded", code="rate_limit_exceeded", headers=wait)
        if not (await request.form()).get("image_url"):
            return errors(400, "No image given", code="missing_source")
        if self._credits <= 0:
            return errors(402, "Insufficient credits", code="insufficient_credits")
        return None


def errors(status: int, title: str, *, code: str = "", headers: dict[str, str] | None = None) -> JSONResponse:
    told = {"title": title, "code": code} if code else {"title": title}
    return JSONResponse({"errors": [told]}, status, headers=headers)
