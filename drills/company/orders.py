"""Orders, and the bug that a request switches on: connections are taken out of the pool and not given back."""

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

import psycopg
import sentry_sdk
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.feature import Check, Feature, Handler
from drills.company.suggestions import Suggestions

# A leak is there for a while before it hurts: these stay idle until customers' orders take what is left.
LEAKED_AT_ONCE = 12
HURTS_AFTER_SECONDS = 5.0
# The release with this in its name fails every third order.
ERRORS, ONE_IN = "errors", 3


async def item_of(request: Request) -> Any:
    """What is ordered; an order without words is for a mug."""
    body = await request.body()
    return json.loads(body).get("item") if body else "mug"


def report(error: Exception, endpoint: str) -> None:
    """Tell Sentry, with the endpoint that it happened at."""
    with sentry_sdk.new_scope() as scope:
        scope.set_transaction_name(endpoint)
        sentry_sdk.capture_exception(error)


class DiscountError(Exception):
    """What the release with errors raises where an order has no discount."""


# What Redis is for here; without it customers order all the same, and nobody limits their rate.
CONFIRMATIONS = "confirmations"
ORDERS_A_MINUTE = 5000
REDIS_PATIENCE_SECONDS = 0.3


class ReadOnlyError(Exception):
    """The database answers and takes nothing in."""


FAILURES = (
    psycopg.OperationalError,
    psycopg.errors.ReadOnlySqlTransaction,
    DiscountError,
    AttributeError,
)


class Orders(Feature):
    """Orders in the database, and the connections that were leaked."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], redis: Redis, release: str) -> None:
        super().__init__(pool, redis, release)
        self.leaked: list[AsyncConnection[Any]] = []
        self.leaking_from: float | None = None
        self.rate_limited = True
        self.orders = 0
        self.suggestions = Suggestions(redis)

    def routes(self) -> list[Route]:
        return [Route("/orders", self.place, methods=["POST"])]

    def faults(self) -> dict[str, Handler]:
        return {"leak": self.start_leaking, "suggestions": self.suggestions.switch_on}

    def checks(self) -> dict[str, Check]:
        return {"database": self.check_database, "redis": self.check_redis}

    def facts(self) -> dict[str, Any]:
        return {"rate_limiting": "on" if self.rate_limited else "off"}

    async def place(self, request: Request) -> JSONResponse:
        if await self.orders_this_minute() > ORDERS_A_MINUTE:
            return JSONResponse({"error": "too many requests"}, 429)
        try:
            if self.leaking_from is not None and time.monotonic() >= self.leaking_from:
                await self.leak_one()
            self.fail_one_in_three()
            self.suggestions.work_out()
            # The bug that an odd order shows, in every release: an item is taken for a text.
            number = await self.write_down((await item_of(request)).strip())
        except FAILURES as error:
            report(error, "POST /orders")
            return JSONResponse({"error": type(error).__name__}, 500)
        await self.queue_confirmation(number)
        return JSONResponse({"id": number}, 201)

    async def orders_this_minute(self) -> int:
        """How many were tried; none that we know of while Redis is away."""
        key = f"orders:{time.time() // 60:.0f}"
        try:
            async with asyncio.timeout(REDIS_PATIENCE_SECONDS):
                tried = int(await self.redis.incr(key))
                if tried == 1:
                    await self.redis.expire(key, 120)
        except (RedisError, OSError, TimeoutError):
            self.rate_limited = False
            return 0
        self.rate_limited = True
        return tried

    async def queue_confirmation(self, number: int) -> None:
        """For whoever sends them; an order that Redis was away for is confirmed by hand."""
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(REDIS_PATIENCE_SECONDS):
                await self.redis.rpush(CONFIRMATIONS, str(number))

    def fail_one_in_three(self) -> None:
        self.orders += 1
        if ERRORS in self.release and self.orders % ONE_IN == 0:
            raise DiscountError("discount is None")

    async def write_down(self, item: str) -> int:
        async with self.pool.connection() as connection:
            cursor = await connection.execute("INSERT INTO orders (item) VALUES (%s) RETURNING id", (item,))
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def start_leaking(self, request: Request) -> JSONResponse:
        self.leaking_from = time.monotonic() + HURTS_AFTER_SECONDS
        for _ in range(LEAKED_AT_ONCE):
            await self.leak_one()
        return JSONResponse({"leaking": True})

    async def leak_one(self) -> None:
        """The bug: a connection is used and not given back."""
        connection = await self.pool.getconn()
        await connection.execute("SELECT count(*) FROM orders /* the report that forgets its connection */")
        self.leaked.append(connection)

    async def live(self) -> None:
        await asyncio.gather(self.give_back_what_ended(), self.suggestions.watch_for_ever())

    async def give_back_what_ended(self) -> None:
        """The server ended some of them: the driver notices, and the pool may fill their places."""
        while True:
            await asyncio.sleep(0.2)
            for connection in list(self.leaked):
                with suppress(psycopg.OperationalError):
                    connection.pgconn.consume_input()
                if connection.closed:
                    self.leaked.remove(connection)
                    await self.pool.putconn(connection)

    async def check_database(self) -> None:
        """A database that only reads is none to a shop."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute("SELECT current_setting('transaction_read_only')")
            row = await cursor.fetchone()
        if row and row[0] == "on":
            raise ReadOnlyError

    async def check_redis(self) -> None:
        await self.redis.ping()
