"""Upstash: the developer API, and the front door before the company's Redis.

What the API says of commands and connections is what went through the door; a month's earlier use is told by
the drill. Sources: `devops/developer-api/openapi.yml` and `redis/troubleshooting` in Upstash's documentation.
"""

import asyncio
import hmac
from base64 import b64decode
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.vendors.config import Upstash
from drills.vendors.redis_door import RedisDoor
from drills.vendors.status_pages import StatusPages
from drills.vendors.vendor import Handler, Vendor

FREE_LIMIT = 500_000
# How old the month is that the drill tells of, and how much of it the statistics show.
DAYS_BEFORE, DAYS_SHOWN = 25, 4
READS = frozenset({"GET", "MGET", "HGET", "HGETALL", "LLEN", "LRANGE", "ZCARD", "ZRANGE", "EXISTS", "PING"})
SHOWN_ENTRIES = 100_000


class UpstashApi(Vendor):
    """One database on the free plan."""

    def __init__(self, config: Upstash, pages: StatusPages) -> None:
        self._config = config
        self._pages = pages
        self._before: Counter[str] = Counter()
        self._recovery: asyncio.TimerHandle | None = None
        self._away_until = 0.0
        self.door = RedisDoor(config.port, config.redis_url, self._refusal)

    def routes(self) -> list[Route]:
        return [
            Route("/upstash/v2/redis/database/{id}", self.database),
            Route("/upstash/v2/redis/stats/{id}", self.stats),
        ]

    def controls(self) -> dict[str, Handler]:
        return {"outage": self.start_outage, "used": self.set_used}

    async def live(self) -> None:
        await self.door.serve()

    def reset(self) -> None:
        self._before.clear()
        self._away_until = 0.0
        if self._recovery is not None:
            self._recovery.cancel()
        self._recover()

    async def start_outage(self, request: Request) -> JSONResponse:
        """Redis is away for so many seconds, and the vendor's own page says so for as long; never for less than
        it was told before."""
        asked = await request.json()
        loop = asyncio.get_running_loop()
        self._away_until = max(self._away_until, loop.time() + asked["seconds"])
        self.door.shut()
        self._pages.set("upstash", "major", asked.get("title", "Redis: connection errors in eu-west-1"))
        if self._recovery is not None:
            self._recovery.cancel()
        self._recovery = loop.call_at(self._away_until, self._recover)
        return JSONResponse({})

    def _recover(self) -> None:
        self.door.open()
        self._pages.set("upstash", "none", "")

    async def set_used(self, request: Request) -> JSONResponse:
        """What this month's days before today used, by command."""
        self._before = Counter((await request.json())["commands"])
        return JSONResponse({"used": self._used()})

    def _used(self) -> int:
        return self._before.total() + self.door.counts.total()

    def _refusal(self) -> str | None:
        """The quota's own error text, once the plan is used up; then every command gets it."""
        if self._used() < FREE_LIMIT:
            return None
        return (
            f"ERR max requests limit exceeded. Limit: {FREE_LIMIT}, Usage: {FREE_LIMIT}. "
            "See https://upstash.com/docs/redis/troubleshooting/max_requests_limit for details"
        )

    async def database(self, request: Request) -> JSONResponse:
        if refusal := self._refused(request):
            return refusal
        told: dict[str, Any] = {
            "database_id": self._config.database_id,
            "database_name": "shop",
            "state": "active",
            "type": "free",
            "tls": True,
            "eviction": False,
            "auto_upgrade": False,
            "budget": 0,
            "db_request_limit": FREE_LIMIT,
            "db_max_clients": 1000,
            "db_max_commands_per_second": 10000,
            "db_disk_threshold": 268435456,
            "db_memory_threshold": 268435456,
        }
        if request.query_params.get("credentials") != "hide":
            told |= {"password": self._config.api_key, "rest_token": self._config.api_key}
        return JSONResponse(told)

    async def stats(self, request: Request) -> JSONResponse:
        if refusal := self._refused(request):
            return refusal
        today, now = self.door.counts, stamp(datetime.now(UTC))
        reads = sum(count for name, count in today.items() if name in READS)
        return JSONResponse(
            {
                "daily_net_commands": today.total(),
                "daily_read_requests": reads,
                "daily_write_requests": today.total() - reads,
                "dailyrequests": daily(self._before.total(), today.total()),
                "total_monthly_requests": min(self._used(), FREE_LIMIT),
                "total_monthly_bandwidth": 0,
                "current_storage": 0,
                "total_monthly_storage": 0,
                "total_monthly_billing": 0,
                "connection_count": [{"x": now, "y": self.door.connections}],
                "command_counts": [
                    {"metric_identifier": name, "data_points": daily(self._before[name], today[name])}
                    for name in sorted({*self._before, *today})
                ],
            }
        )

    def _refused(self, request: Request) -> JSONResponse | None:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        wanted = f"{self._config.email}:{self._config.api_key}".encode()
        if kind != "Basic" or not hmac.compare_digest(b64decode(given), wanted):
            return JSONResponse("unauthorized", 401)
        if request.path_params["id"] != self._config.database_id:
            return JSONResponse("database not found", 404)
        return None

    def state(self) -> dict[str, Any]:
        """What went through the door, and what is kept behind it: lists entry by entry, as a queue's jobs are."""
        return {
            "commands": dict(self.door.counts),
            "refused": self.door.refused,
            "connections": self.door.connections,
            "lists": lists_of(self._config.redis_url),
        }


def lists_of(url: str) -> dict[str, list[str]]:
    """Every list in the real server; asked behind the door, so that looking counts as nobody's command."""
    with redis.Redis.from_url(url, socket_timeout=2, decode_responses=True) as client:
        return {str(key): client.lrange(key, 0, SHOWN_ENTRIES) for key in client.scan_iter(_type="list")}


def daily(before: int, today: int) -> list[dict[str, Any]]:
    """One point a day, today's last; the days before share evenly what the drill told of them."""
    now = datetime.now(UTC)
    days = [now - timedelta(days=ago) for ago in range(DAYS_SHOWN, 0, -1)]
    points = [{"x": stamp(day), "y": before // DAYS_BEFORE} for day in days]
    return [*points, {"x": stamp(now), "y": today}]


def stamp(moment: datetime) -> str:
    """As Go prints a time."""
    return f"{moment:%Y-%m-%d %H:%M:%S.%f} +0000 UTC"
