"""Designs: a row and a job each, done by the worker; and the bug that a request switches on, a design without end."""

import os
import uuid
from typing import Any

import psycopg
import sentry_sdk
from bullmq import Queue
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.designs import DESIGN, ENDLESS, QUEUE
from drills.company.feature import Check, Feature, Handler

# Whatever is asked for is there in a second or two; this late, the worker does not get on.
SLOW_AFTER_SECONDS = 8
# What Gemini refuses is tried again until it is taken.
JOB = {"attempts": 1000, "backoff": {"type": "fixed", "delay": 2000}, "removeOnComplete": {"count": 200}}


class QueueIsSlowError(Exception):
    """Somebody has been waiting for a design for too long."""


class Jobs(Feature):
    """Designs that were asked for, and how the queue gets on with them."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], redis: Redis, release: str) -> None:
        super().__init__(pool, redis, release)
        self.endless = 0
        client = Redis.from_url(
            os.environ["REDIS_URL"], decode_responses=True, socket_timeout=1, socket_connect_timeout=1
        )
        self.queue = Queue(QUEUE, {"connection": client})

    def routes(self) -> list[Route]:
        return [
            Route("/designs", self.ask_for, methods=["POST"]),
            Route("/designs", self.tell, methods=["GET"]),
        ]

    def faults(self) -> dict[str, Handler]:
        return {"endless-designs": self.make_endless, "forget-designs": self.forget_all}

    def checks(self) -> dict[str, Check]:
        return {"queue": self.check_queue}

    async def ask_for(self, request: Request) -> JSONResponse:
        """A row first, then the job: a job without a row would be done for nobody."""
        number = f"dsg-{uuid.uuid4().hex[:12]}"
        kind = self.next_kind()
        try:
            await self.write_down(number, kind)
        except psycopg.OperationalError as error:
            sentry_sdk.capture_exception(error)
            return JSONResponse({"error": type(error).__name__}, 500)
        try:
            await self.queue.add(kind, {"id": number}, {**JOB, "jobId": number})
        except (RedisError, OSError) as error:
            await self.forget(number)
            return JSONResponse({"error": type(error).__name__}, 503)
        return JSONResponse({"id": number}, 201)

    def next_kind(self) -> str:
        if self.endless > 0:
            self.endless -= 1
            return ENDLESS
        return DESIGN

    async def write_down(self, number: str, kind: str) -> None:
        async with self.pool.connection() as connection:
            await connection.execute(
                "INSERT INTO jobs (id, kind, status) VALUES (%s, %s, 'pending')", (number, kind)
            )

    async def forget(self, number: str) -> None:
        """Nobody will do it, and the customer was told so."""
        async with self.pool.connection() as connection:
            await connection.execute(
                "UPDATE jobs SET status = 'failed', error = 'never queued' WHERE id = %s", (number,)
            )

    async def tell(self, request: Request) -> JSONResponse:
        """GET /designs?ids=A,B: each one's status, error, how often it was delivered, and with which picture."""
        wanted = request.query_params.get("ids", "").split(",")
        async with self.pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(
                "SELECT id, status, error,"
                " (SELECT count(*) FROM deliveries WHERE job_id = jobs.id) AS delivered,"
                " (SELECT min(picture) FROM deliveries WHERE job_id = jobs.id) AS picture"
                " FROM jobs WHERE id = ANY(%s)",
                (wanted,),
            )
            rows = await cursor.fetchall()
        return JSONResponse({row.pop("id"): row for row in rows})

    async def make_endless(self, request: Request) -> JSONResponse:
        """{"times": 1}: so many of the next designs are ones whose rendering never ends."""
        self.endless = max(self.endless, int((await request.json()).get("times", 1)))
        return JSONResponse({"endless": self.endless})

    async def forget_all(self, request: Request) -> JSONResponse:
        """An empty queue, before the next night; whoever waits is told that it failed."""
        self.endless = 0
        # The queue first: whoever asks meanwhile may lose the job, and then has a row that is seen below.
        await self.queue.obliterate(force=True)
        await self.queue.resume()
        async with self.pool.connection() as connection:
            await connection.execute(
                "UPDATE jobs SET status = 'failed', error = 'forgotten'"
                " WHERE kind = ANY(%s) AND status IN ('pending', 'processing')",
                ([DESIGN, ENDLESS],),
            )
        return JSONResponse({})

    async def check_queue(self) -> None:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT count(*) FROM jobs WHERE kind = ANY(%s) AND status IN ('pending', 'processing')"
                " AND created_at < now() - make_interval(secs => %s)",
                ([DESIGN, ENDLESS], SLOW_AFTER_SECONDS),
            )
            row = await cursor.fetchone()
        if row and row[0]:
            raise QueueIsSlowError(f"{row[0]} designs are late")
