"""The store: a pool of connections to Postgres and the named statements that run on it.

Each statement stands in a file of its own under `sql/`, named for what it does, and takes every value as a
parameter. The functions that give them meaning live with their subject: `incidents.py`, `outbox.py` and so on.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import files
from typing import Any, LiteralString, Protocol

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from watchkeeper.errors import StoreUnavailable

Row = dict[str, Any]

IDLE_SECONDS = 20.0


class Db(Protocol):
    """Where statements run: the store itself, each in a transaction of its own, or one transaction."""

    async def all(self, statement: str, **values: Any) -> list[Row]:
        """Every row that the named statement answers."""

    async def one(self, statement: str, **values: Any) -> Row | None:
        """The first row, or None."""

    async def run(self, statement: str, **values: Any) -> int:
        """How many rows it changed."""


@cache
def sql(name: str) -> LiteralString:
    """The text of a statement, such as "incidents/read"."""
    # It comes from our own files, never from input, which is what LiteralString stands for.
    return files("watchkeeper.store").joinpath("sql", f"{name}.sql").read_text()


def present(row: Row | None) -> Row:
    """The row of a statement that always answers one, such as an INSERT ... RETURNING."""
    if row is None:
        raise LookupError("the statement answered no row")
    return row


class Transaction:
    """One transaction: all of its statements happen, or none."""

    def __init__(self, connection: AsyncConnection[Row]) -> None:
        self._connection = connection

    async def all(self, statement: str, **values: Any) -> list[Row]:
        cursor = await self._connection.execute(sql(statement), _adapted(values))
        return await cursor.fetchall()

    async def one(self, statement: str, **values: Any) -> Row | None:
        cursor = await self._connection.execute(sql(statement), _adapted(values))
        return await cursor.fetchone()

    async def run(self, statement: str, **values: Any) -> int:
        cursor = await self._connection.execute(sql(statement), _adapted(values))
        return cursor.rowcount


class Store:
    """A pool of connections; each statement run on it directly is a transaction of its own.

    `is_away` is set by whoever knows that Postgres is away, so that nobody waits for the pool's time limit.
    """

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Row]]) -> None:
        self._pool = pool
        self.is_away = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction that commits on leaving and rolls back on an error.

        Raises:
            StoreUnavailable: Postgres cannot be reached.
        """
        async with self._connection() as connection, connection.transaction():
            yield Transaction(connection)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection[Row]]:
        if self.is_away:
            raise StoreUnavailable("away")
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction) as error:
            # One that takes nothing, such as a standby after a failover, is away too.
            raise StoreUnavailable(type(error).__name__) from error

    async def all(self, statement: str, **values: Any) -> list[Row]:
        async with self._connection() as connection:
            return await Transaction(connection).all(statement, **values)

    async def one(self, statement: str, **values: Any) -> Row | None:
        async with self._connection() as connection:
            return await Transaction(connection).one(statement, **values)

    async def run(self, statement: str, **values: Any) -> int:
        async with self._connection() as connection:
            return await Transaction(connection).run(statement, **values)


@asynccontextmanager
async def open_store(
    url: str, *, min_connections: int = 1, max_connections: int = 4, wait_seconds: float = 5
) -> AsyncIterator[Store]:
    """Open the store; a Postgres that is away at first is waited for by each statement, for `wait_seconds`."""
    pool = AsyncConnectionPool(
        url,
        min_size=min_connections,
        max_size=max_connections,
        timeout=wait_seconds,
        # Each costs Postgres six megabytes. One that was not needed for so long is closed, one at a time.
        max_idle=IDLE_SECONDS,
        # Lost connections are given up soon and opened anew on demand: otherwise the pool's growing pauses
        # would keep it away for minutes after Postgres is back.
        reconnect_timeout=1,
        # Autocommit: a statement on its own is one round trip, not three.
        kwargs={
            "row_factory": dict_row,
            "application_name": "watchkeeper",
            "connect_timeout": 5,
            "autocommit": True,
        },
        connection_class=AsyncConnection[Row],
        open=False,
    )
    await pool.open(wait=False)
    try:
        yield Store(pool)
    finally:
        await pool.close()


def _adapted(values: dict[str, Any]) -> dict[str, Any]:
    return {name: Jsonb(value) if isinstance(value, dict) else value for name, value in values.items()}
