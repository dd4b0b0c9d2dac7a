"""What the shop is made of: one feature a module, each with its addresses, its health and its faults."""

from collections.abc import Awaitable, Callable
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Handler = Callable[[Request], Awaitable[JSONResponse]]
Check = Callable[[], Awaitable[None]]


class Feature:
    """One thing that the shop does; a subclass says which."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], redis: Redis, release: str) -> None:
        self.pool = pool
        self.redis = redis
        self.release = release

    def routes(self) -> list[Route]:
        return []

    def faults(self) -> dict[str, Handler]:
        """Bugs that a drill switches on, by name: POST /debug/NAME with the control secret."""
        return {}

    def checks(self) -> dict[str, Check]:
        """What /health/detailed reports on, by name; raising is being unwell. Also GET /health/NAME."""
        return {}

    def facts(self) -> dict[str, Any]:
        """What /health/detailed tells beside its checks, such as the circuit breakers."""
        return {}

    async def live(self) -> None:
        """What it does by itself, for ever."""
