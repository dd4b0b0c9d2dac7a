"""The stand-in company's designs, asked of its own code: what happens between two of its statements."""

from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from starlette.requests import Request

from drills.company import jobs
from drills.company.database import prepare_database
from drills.company.designs import DESIGN
from watchkeeper.machine.embedded import EmbeddedPostgres


@pytest.fixture
def shop_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database with the shop's tables, and nothing in them."""
    with psycopg.connect(postgres.url_for("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE shop_of_jobs")
    prepare_database(postgres.url_for("shop_of_jobs"), port=0)
    yield postgres.url_for("shop_of_jobs")
    with psycopg.connect(postgres.url_for("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE shop_of_jobs")


class Emptied:
    """A queue in which a customer's job arrives just before it is emptied."""

    shop: jobs.Jobs

    def __init__(self, *given: Any) -> None: ...

    async def obliterate(self, force: bool) -> None:
        await self.shop.write_down("dsg-late", DESIGN)

    async def resume(self) -> None: ...


async def test_whoever_asks_while_the_queue_is_emptied_does_not_wait_for_ever(
    shop_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setattr(jobs, "Queue", Emptied)
    async with AsyncConnectionPool(shop_url, kwargs={"row_factory": tuple_row}) as pool:
        shop = jobs.Jobs(pool, cast("Redis", None), "2024.1")
        cast("Emptied", shop.queue).shop = shop

        await shop.forget_all(cast("Request", None))

        async with pool.connection() as connection:
            cursor = await connection.execute("SELECT status, error FROM jobs WHERE id = 'dsg-late'")
            assert await cursor.fetchall() == [("failed", "forgotten")]
