"""The shop's backend: a real connection pool on a real Postgres, a real Redis, health addresses, and faults.

    python -m drills.company.backend --release 2024.1 --port 8000

Its addresses and secrets come from the environment, as its platform's variables: DATABASE_URL, REDIS_URL,
SENTRY_DSN, CONTROL_SECRET and what its features name. The broken release answers 500 to everything.
"""

import argparse
import asyncio
import hmac
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sentry_sdk
import uvicorn
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.catalogue import Catalogue
from drills.company.circuits import Circuits
from drills.company.feature import Check, Feature, Handler
from drills.company.jobs import Jobs
from drills.company.memory import Memory
from drills.company.orders import Orders
from drills.company.payments import Payments
from drills.company.subscriptions import Subscriptions
from drills.company.uploads import Uploads

POOL_SIZE = 18
POOL_WAIT_SECONDS = 1.0
REDIS_CONNECTIONS = 20
POOL_RECONNECT_SECONDS = 4.0
CHECK_SECONDS = 1.5
BROKEN = "broken"
EVERY = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# What the shop consists of.
FEATURES: tuple[type[Feature], ...] = (
    Catalogue,
    Orders,
    Uploads,
    Payments,
    Subscriptions,
    Circuits,
    Jobs,
    Memory,
)
# What the shop cannot work without; the rest is reported, and a monitor of its own watches it.
VITAL = ("database",)


async def checked(check: Check) -> dict[str, Any]:
    """One dependency's state, within a second and a half."""
    began = time.monotonic()
    try:
        await asyncio.wait_for(check(), CHECK_SECONDS)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what this address reports
        return {"status": "error", "error": type(error).__name__}
    return {"status": "ok", "latency_ms": round((time.monotonic() - began) * 1000, 1)}


def guarded(handler: Handler) -> Handler:
    """Faults are switched on by whoever has the control secret."""

    async def checked_first(request: Request) -> JSONResponse:
        given = request.headers.get("X-Control", "")
        if not hmac.compare_digest(given, os.environ["CONTROL_SECRET"]):
            return JSONResponse({"error": "forbidden"}, 403)
        return await handler(request)

    return checked_first


class Health:
    """/health: the process serves. /health/detailed: what it depends on. /health/NAME: one of these."""

    def __init__(self, features: list[Feature], release: str) -> None:
        self._features = features
        self._release = release
        self._checks = {name: check for feature in features for name, check in feature.checks().items()}
        self._strict = False

    def routes(self) -> list[Route]:
        return [
            Route("/", self.plain),
            Route("/health", self.plain),
            Route("/health/detailed", self.detailed),
            Route("/health/{part}", self.part),
            Route("/debug/strict-health", guarded(self.make_strict), methods=["POST"]),
        ]

    async def make_strict(self, request: Request) -> JSONResponse:
        """As many write it: /health, too, asks for what the shop cannot work without."""
        self._strict = True
        return JSONResponse({})

    async def plain(self, request: Request) -> JSONResponse:
        if self._strict:
            states = await asyncio.gather(*(checked(self._checks[name]) for name in VITAL))
            if any(state["status"] != "ok" for state in states):
                return JSONResponse({"status": "error", "release": self._release}, 503)
        return JSONResponse({"status": "ok", "release": self._release})

    async def detailed(self, request: Request) -> JSONResponse:
        states = await asyncio.gather(*(checked(check) for check in self._checks.values()))
        checks = dict(zip(self._checks, states, strict=True))
        well = all(checks[name]["status"] == "ok" for name in VITAL)
        body: dict[str, Any] = {
            "status": "ok" if well else "error",
            "release": self._release,
            "checks": checks,
        }
        for feature in self._features:
            body |= feature.facts()
        return JSONResponse(body, 200 if well else 503)

    async def part(self, request: Request) -> JSONResponse:
        check = self._checks.get(request.path_params["part"])
        if check is None:
            return JSONResponse({"error": "unknown"}, 404)
        state = await checked(check)
        return JSONResponse(state, 200 if state["status"] == "ok" else 503)


class ReleaseIsBrokenError(Exception):
    """What the broken release raises on every request."""


async def broken(request: Request) -> JSONResponse:
    error = ReleaseIsBrokenError("checkout total is None")
    sentry_sdk.capture_exception(error)
    return JSONResponse({"error": "internal"}, 500)


async def in_maintenance(request: Request) -> JSONResponse:
    """The last resort: customers are told, and /health answers all the same."""
    told = {"error": "maintenance", "message": os.environ.get("MAINTENANCE_MESSAGE", "Back shortly.")}
    return JSONResponse(told, 503, {"Retry-After": "600"})


def create_app(release: str) -> Starlette:
    pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
        os.environ["DATABASE_URL"],
        min_size=2,
        max_size=POOL_SIZE,
        timeout=POOL_WAIT_SECONDS,
        # Given up soon and begun anew by the next customer: the pool's own pauses double up to minutes.
        reconnect_timeout=POOL_RECONNECT_SECONDS,
        kwargs={"application_name": "backend", "autocommit": True},
        open=False,
    )
    redis = Redis.from_url(
        os.environ["REDIS_URL"],
        socket_timeout=1,
        max_connections=REDIS_CONNECTIONS,
        retry=Retry(NoBackoff(), 1),
    )
    features = [kind(pool, redis, release) for kind in FEATURES]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await pool.open(wait=False)
        living = [asyncio.create_task(feature.live()) for feature in features]
        try:
            yield
        finally:
            for task in living:
                task.cancel()
            await asyncio.gather(*living, return_exceptions=True)
            await pool.close(timeout=1)
            await redis.aclose()

    routes = [route for feature in features for route in feature.routes()] + Health(
        features, release
    ).routes()
    for feature in features:
        for name, handler in feature.faults().items():
            routes.append(Route(f"/debug/{name}", guarded(handler), methods=["POST"]))
    if os.environ.get("MAINTENANCE_MODE") == "true":
        routes = [*Health(features, release).routes(), Route("/{path:path}", in_maintenance, methods=EVERY)]
    if BROKEN in release:
        routes = [Route("/{path:path}", broken, methods=["GET", "POST"])]
    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    parser = argparse.ArgumentParser(description="The stand-in company's backend.")
    parser.add_argument("--release", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    if dsn := os.environ.get("SENTRY_DSN"):
        sentry_sdk.init(dsn, release=arguments.release, default_integrations=False)
    uvicorn.run(create_app(arguments.release), host="127.0.0.1", port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
