"""The watched Postgres: what a clean-up of old rows would delete, and deleting exactly that, batch by batch.

Tables and columns come from the policy. They are names, so they cannot be parameters: the policy takes plain
identifiers alone, and here they are quoted all the same. Every value is a parameter.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.errors import Diagnostic

from blocks.postgres import PostgresCredentials
from tasks.postgres import Row, connected
from tasks.shapes import action_task
from watchkeeper.errors import NotPermitted, PreconditionChanged
from watchkeeper.policy.rules import CleanupTable

ACTION_LIMIT_SECONDS = 3600.0
# Counting reads a whole table once, a batch only what it deletes; a look's limit is for neither.
PREVIEW_SECONDS, BATCH_SECONDS, VACUUM_SECONDS = 60, 60, 900

EXISTS = "SELECT to_regclass(%(name)s) IS NOT NULL AS there"
COLUMNS = """
SELECT attname AS name FROM pg_attribute
 WHERE attrelid = to_regclass(%(name)s) AND attnum > 0 AND NOT attisdropped
"""
# What deleting a row here would delete or change elsewhere.
CASCADES = """
SELECT conrelid::regclass::text AS name FROM pg_constraint
 WHERE contype = 'f' AND confrelid = to_regclass(%(name)s) AND confdeltype IN ('c', 'n', 'd') ORDER BY 1
"""
# The age of the first row that is one too many: everything older than it is within the limit.
ONE_TOO_MANY = "SELECT {age} AS age FROM {table} WHERE {old} ORDER BY {age} OFFSET %(at_most)s LIMIT 1"
MEASURE = """
SELECT count(*) FILTER (WHERE {old}) AS rows, count(*) AS all_rows,
       coalesce(sum({size}) FILTER (WHERE {old}), 0)::bigint AS bytes,
       min({age}) FILTER (WHERE {old}) AS oldest, max({age}) FILTER (WHERE {old}) AS newest
  FROM {table}
"""
COUNT = "SELECT count(*) AS rows FROM {table} WHERE {old}"
# The condition twice: a row that changed since it was picked must still be an old one.
DELETE = """
DELETE FROM {table}
 WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {old} ORDER BY {age} LIMIT %(batch)s)) AND {old}
"""


@asynccontextmanager
async def cleaning(
    credentials: PostgresCredentials, action: str, seconds: int
) -> AsyncIterator[AsyncConnection[Row]]:
    """A connection that may write, with this time for each statement.

    A database that was made read-only for its full disk lets a session say otherwise: the vendor's own way out.
    """
    async with connected(credentials, action) as connection:
        await connection.execute("SET default_transaction_read_only = off")
        await allow(connection, seconds)
        yield connection


async def allow(connection: AsyncConnection[Row], seconds: int) -> None:
    await connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{seconds}s"])


def about(text: str, table: CleanupTable, **more: sql.Composable) -> sql.Composed:
    """A statement about one table, its names quoted; {old} is what may go: old, and finished where that can be said."""
    names = {
        "table": sql.Identifier(*table.table.split(".")),
        "age": sql.Identifier(table.age_column),
        "status": sql.Identifier(table.status_column),
    }
    old = "{age} < %(cutoff)s" + (" AND {status}::text = ANY(%(statuses)s)" if table.status else "")
    return sql.SQL(text).format(old=sql.SQL(old).format(**names), **names, **more)


def values(table: CleanupTable, cutoff: datetime, **more: Any) -> Row:
    return {"cutoff": cutoff, "statuses": list(table.status), **more}


async def one(connection: AsyncConnection[Row], query: Any, parameters: Row) -> Row:
    row = await (await connection.execute(query, parameters)).fetchone()
    return row or {}


async def measure_old_rows(
    credentials: PostgresCredentials, table: CleanupTable, cutoff: datetime, *, at_most: int
) -> Row:
    """What would go from one table.

    Returns:
        rows, bytes (as stored, without the indexes), all_rows, oldest, newest and cutoff (aware; earlier than the one
        given where there are more than `at_most`), or only `problem`, in words, where nothing may be deleted.

    Raises:
        VendorUnavailable: Postgres could not be asked.
    """
    async with cleaning(credentials, "measure_old_rows", PREVIEW_SECONDS) as connection:
        try:
            return await _measure(connection, table, cutoff, at_most)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedColumn) as error:
            return {"problem": f"cannot be looked at ({type(error).__name__} {error.sqlstate})"}


async def _measure(
    connection: AsyncConnection[Row], table: CleanupTable, cutoff: datetime, at_most: int
) -> Row:
    name = {"name": table.table}
    if not (await one(connection, EXISTS, name))["there"]:
        return {"problem": "there is no such table"}
    touched = [row["name"] for row in await (await connection.execute(CASCADES, name)).fetchall()]
    if touched:
        return {"problem": f"left alone, for deleting from it would change {', '.join(touched)} too"}
    extra = await one(connection, about(ONE_TOO_MANY, table), values(table, cutoff, at_most=at_most))
    cutoff = extra.get("age", cutoff)
    columns = [row["name"] for row in await (await connection.execute(COLUMNS, name)).fetchall()]
    size = sql.SQL(" + ").join(
        sql.SQL("coalesce(pg_column_size({}), 0)").format(sql.Identifier(column)) for column in columns
    )
    measured = await one(connection, about(MEASURE, table, size=size), values(table, cutoff))
    return {**measured, "cutoff": cutoff}


async def count_old_rows(credentials: PostgresCredentials, planned: Sequence[Row]) -> list[int]:
    """How many of the planned rows are there: of each table, those before the cut-off that was shown."""
    counts = []
    async with cleaning(credentials, "count_old_rows", PREVIEW_SECONDS) as connection:
        for each in planned:
            table, cutoff = planned_table(each)
            row = await one(connection, about(COUNT, table), values(table, cutoff))
            counts.append(int(row["rows"]))
    return counts


def planned_table(planned: Row) -> tuple[CleanupTable, datetime]:
    return CleanupTable.model_validate(planned["table"]), datetime.fromisoformat(planned["cutoff"])


@action_task("delete_old_rows", "postgres", limit_seconds=ACTION_LIMIT_SECONDS)  # type: ignore[untyped-decorator]
async def delete_old_rows(
    credentials: PostgresCredentials, planned: Sequence[Row], *, batch_rows: int, at_most: int
) -> Row:
    """Delete the planned rows, oldest first, each batch a transaction of its own; then have their space used again.

    Stopped in the middle, what is deleted stays deleted, and the same call goes on with the rest.

    Args:
        planned: of each table its `table` (a CleanupTable as data), `cutoff` (ISO 8601) and `rows`, which is never
            exceeded.

    Returns:
        deleted (rows by table), bytes_before and bytes_after (of the whole database), not_vacuumed (tables).

    Raises:
        NotPermitted: more rows than the policy's limit, or Postgres does not let us; the text says what is missing.
        PreconditionChanged: Postgres went away in the middle.
        VendorUnavailable: it could not be reached at all; nothing was deleted.
    """
    total = sum(each["rows"] for each in planned)
    if total > at_most:
        raise NotPermitted(f"{total} rows are more than the limit of {at_most}")
    deleted: dict[str, int] = {}
    async with cleaning(credentials, "delete_old_rows", BATCH_SECONDS) as connection:
        before = await database_bytes(connection)
        try:
            for each in planned:
                await _delete(connection, each, batch_rows, deleted)
        except psycopg.Error as error:
            raise _stopped(error, sum(deleted.values()), total) from None
        not_vacuumed = await vacuum(connection, [planned_table(each)[0] for each in planned])
        after = await database_bytes(connection)
    return {"deleted": deleted, "bytes_before": before, "bytes_after": after, "not_vacuumed": not_vacuumed}


async def _delete(
    connection: AsyncConnection[Row], planned: Row, batch_rows: int, deleted: dict[str, int]
) -> None:
    table, cutoff = planned_table(planned)
    deleted[table.table], left = 0, planned["rows"]
    while left > 0:
        parameters = values(table, cutoff, batch=min(batch_rows, left))
        gone = (await connection.execute(about(DELETE, table), parameters)).rowcount
        if gone == 0:
            return
        left -= gone
        deleted[table.table] += gone


def _stopped(error: psycopg.Error, deleted: int, total: int) -> NotPermitted | PreconditionChanged:
    """Why it ended early; Postgres' own text may hold a row, so only the kind of error is told."""
    what = f"{type(error).__name__} {error.sqlstate or ''}".strip()
    so_far = f"{deleted} of {total} rows were deleted and stay deleted"
    if isinstance(error, psycopg.errors.InsufficientPrivilege | psycopg.errors.IntegrityError):
        return NotPermitted(f"Postgres does not let us delete ({what}); {so_far}")
    return PreconditionChanged(f"stopped by Postgres ({what}); {so_far}")


async def vacuum(connection: AsyncConnection[Row], tables: Sequence[CleanupTable]) -> list[str]:
    """Plain VACUUM, which locks nobody out, so that the space is used again; the tables that it could not be done for.

    Without the right to it Postgres only warns, and leaves it to its own autovacuum, which is minutes later.
    """
    warned: list[Diagnostic] = []
    connection.add_notice_handler(warned.append)
    await allow(connection, VACUUM_SECONDS)
    left = []
    for table in tables:
        warned.clear()
        try:
            await connection.execute(about("VACUUM (ANALYZE) {table}", table))
        except psycopg.Error:
            if connection.broken:
                raise
            left.append(table.table)
        else:
            left += [table.table] if warned else []
    return left


async def database_bytes(connection: AsyncConnection[Row]) -> int:
    row = await one(connection, "SELECT pg_database_size(current_database()) AS bytes", {})
    return int(row["bytes"])
