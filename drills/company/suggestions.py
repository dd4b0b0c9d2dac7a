"""What customers may like as well: worked out for each order, which costs more the more there is to choose from."""

import asyncio
import time
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse

# How long one order's take to work out. It outlives the process: restarting alone helps nothing.
COST_KEY = "fault:suggestions-ms"
USUAL_MS = 55
LOOK_SECONDS = 1.0


class Suggestions:
    """The bug: they are worked out while the customer waits, and everybody else's requests with them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._cost_seconds = 0.0

    async def switch_on(self, request: Request) -> JSONResponse:
        """There is much to choose from now; the body may say how long it takes: {"milliseconds": 110}."""
        cost = int((await request.json()).get("milliseconds", USUAL_MS))
        await self._redis.set(COST_KEY, cost)
        return JSONResponse({"milliseconds": cost})

    def work_out(self) -> None:
        """Really takes a processor, and for as long as it does nothing else in this process goes on."""
        done_at = time.process_time() + self._cost_seconds
        while time.process_time() < done_at:
            pass

    async def watch_for_ever(self) -> None:
        """How much there is to choose from."""
        while True:
            with suppress(RedisError):  # what depends on Redis says so at its own address
                self._cost_seconds = int(await self._redis.get(COST_KEY) or 0) / 1000
            await asyncio.sleep(LOOK_SECONDS)
