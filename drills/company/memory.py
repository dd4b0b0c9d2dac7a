"""The shop's report cache: once there is much to report, every process fills it when it starts."""

import asyncio
from typing import Any

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse

from drills.company.feature import Feature, Handler

# How much there is to report. It outlives the process: restarting alone helps nothing.
SIZE_KEY = "fault:report-cache-mb"
USUAL_MB = 100
CHUNK_MB = 10
MB = 1_000_000
FIRST_CHUNK_SECONDS = 1.0
NEXT_CHUNK_SECONDS = 0.05


class Memory(Feature):
    """The bug: everything that the reports will ever need is read into memory."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], redis: Redis, release: str) -> None:
        super().__init__(pool, redis, release)
        self.cache: list[bytes] = []

    def faults(self) -> dict[str, Handler]:
        return {"memory": self.switch_on}

    async def switch_on(self, request: Request) -> JSONResponse:
        """There is much to report from now on; the body may say how much: {"megabytes": 300}."""
        size = int((await request.json()).get("megabytes", USUAL_MB))
        await self.redis.set(SIZE_KEY, size)
        return JSONResponse({"megabytes": size})

    async def live(self) -> None:
        """Fill the cache a while after the start, and whenever there is more to report."""
        while True:
            await asyncio.sleep(FIRST_CHUNK_SECONDS)
            try:
                wanted = int(await self.redis.get(SIZE_KEY) or 0)
            except RedisError:
                continue  # what depends on Redis says so at its own address
            while len(self.cache) * CHUNK_MB < wanted:
                # Written to, for memory that is only asked for weighs nothing.
                self.cache.append(b"r" * (CHUNK_MB * MB))
                print(f"report cache: {len(self.cache) * CHUNK_MB} of {wanted} MB", flush=True)
                await asyncio.sleep(NEXT_CHUNK_SECONDS)
