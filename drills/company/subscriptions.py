"""Order tracking, and its bug: each subscription takes a connection out of the Redis client and keeps it."""

import asyncio

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse

from drills.company.feature import Feature, Handler


class Subscriptions(Feature):
    """Connections that somebody listens on; with the bug, nobody does and they are kept all the same."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection], redis: Redis, release: str) -> None:
        super().__init__(pool, redis, release)
        self.kept: list[AbstractConnection] = []
        self.leaking = False

    def faults(self) -> dict[str, Handler]:
        return {"redis-stuck": self.start_leaking}

    async def start_leaking(self, request: Request) -> JSONResponse:
        self.leaking = True
        await self.keep_what_is_left()
        return JSONResponse({"kept": len(self.kept)})

    async def keep_what_is_left(self) -> None:
        """The bug: until the client has no connection left to give."""
        try:
            while True:
                self.kept.append(await self.redis.connection_pool.get_connection())  # type: ignore[no-untyped-call]
        except (RedisError, OSError):
            return

    async def live(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            if self.leaking:
                await self.keep_what_is_left()
