"""The watched Postgres: who holds connections, what is slow, how large it is; and ending what idles.

Statements stand in `tasks/sql/`. What ends a connection checks, in the same statement, that it still is the one
that was shown and that it may be ended.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection

from blocks.postgres import PostgresCredentials
from tasks.looking import Seen, look
from tasks.masking import masked_statement
from tasks.shapes import action_task, look_task
from watchkeeper.errors import CutShort, NotConfigured, NotPermitted, VendorUnavailable
from watchkeeper.model import Check
from watchkeeper.rendering import duration

ACTION_LIMIT_SECONDS = 120.0
SETTING = "WATCHKEEPER_PRODUCTION__DATABASE_URL"

Row = dict[str, Any]


@cache
def sql(name: str) -> LiteralString:
    return files("tasks").joinpath("sql", f"{name}.sql").read_text()


@asynccontextmanager
async def connected(
    credentials: PostgresCredentials | None, action: str
) -> AsyncIterator[AsyncConnection[Row]]:
    """A connection of our own.

    Raises:
        NotConfigured: there are no credentials.
        VendorUnavailable: Postgres refused, was too slow or went away; its own text is not passed on, for it may
            name the address.
    """
    if credentials is None:
        raise NotConfigured("the production database", setting=SETTING)
    try:
        async with await credentials.get_client() as connection:
            yield connection
    except psycopg.Error as error:
        raise VendorUnavailable(vendor="postgres", action=action, reason=why(error)) from None


def why(error: psycopg.Error) -> str:
    """The kind of error alone."""
    return f"{type(error).__name__} {error.sqlstate or ''}".strip()


async def postgres_connections(
    credentials: PostgresCredentials | None, *, leak_above: int, idle_longer_than: timedelta
) -> Check:
    """How many connections the application holds, and how many of them have done nothing for too long."""

    async def read() -> Seen:
        async with connected(credentials, "read_connections") as connection:
            cursor = await connection.execute(sql("connections"), {"idle_longer_than": idle_longer_than})
            holders = await cursor.fetchall()
            cursor = await connection.execute(sql("max_connections"))
            limit = await cursor.fetchone()
        user = credentials.application_user if credentials else None
        ours = [h for h in holders if user is None or h["user"] == user]
        held = sum(h["count"] for h in ours)
        idle = sum(h.pop("idle_over_limit") for h in ours)
        facts = {
            "total": sum(h["count"] for h in holders),
            "max_connections": limit["max_connections"] if limit else None,
            "holders": [{k: v for k, v in h.items() if k != "idle_over_limit"} for h in holders],
            "application_connections": held,
            "idle_over_limit": idle,
        }
        lines = [f"{h['count']:>4} {h['state']:<8} {h['application']} ({h['user']})" for h in holders]
        words = f"{held} connections held, {idle} idle for longer than {duration(idle_longer_than)}"
        return Seen(held <= leak_above, words, facts, output="\n".join([words, *lines]))

    command = "SELECT count(*) FROM pg_stat_activity"
    return await look("postgres_connections", "postgres", command, read)


async def postgres_slow_queries(
    credentials: PostgresCredentials | None,
    *,
    longer_than: timedelta,
    at_most: int = 0,
) -> Check:
    """The application's queries that have been running for longer than this; bad where there are more than `at_most`."""

    async def read() -> Seen:
        async with connected(credentials, "read_slow_queries") as connection:
            cursor = await connection.execute(sql("slow_queries"), {"longer_than": longer_than})
            rows = await cursor.fetchall()
        user = credentials.application_user if credentials else None
        slow = [shown(row) for row in rows if user is None or row["user"] == user]
        words = f"queries over {duration(longer_than)}: {len(slow)}"
        lines = [f"{row['seconds']:.1f} s: {row['query']}" for row in slow]
        return Seen(len(slow) <= at_most, words, {"slow": slow}, output="\n".join([words, *lines]))

    return await look("postgres_slow_queries", "postgres", "SELECT ... FROM pg_stat_activity", read)


async def postgres_size(credentials: PostgresCredentials | None) -> Check:
    """How large the database is, and its largest tables with their indexes, in bytes."""

    async def read() -> Seen:
        async with connected(credentials, "read_size") as connection:
            cursor = await connection.execute(sql("database_size"))
            row = await cursor.fetchone()
            tables = await (await connection.execute(sql("largest_tables"))).fetchall()
        size = row["bytes"] if row else 0
        words = f"{size / 1_000_000:.0f} MB"
        lines = [f"{each['bytes'] / 1_000_000:.1f} MB {each['name']}" for each in tables]
        return Seen(True, words, {"bytes": size, "tables": tables}, output="\n".join([words, *lines]))

    return await look("postgres_size", "postgres", "SELECT pg_database_size(current_database())", read)


async def postgres_writable(credentials: PostgresCredentials | None) -> Check:
    """Whether sessions may write: a database whose disk is full is made read-only by whoever hosts it."""

    async def read() -> Seen:
        async with connected(credentials, "read_writable") as connection:
            row = await (await connection.execute(sql("read_only"))).fetchone()
        read_only = bool(row and row["read_only"])
        return Seen(not read_only, "read-only" if read_only else "takes writes", {"read_only": read_only})

    return await look("postgres_writable", "postgres", "SHOW default_transaction_read_only", read)


async def idle_connections(
    credentials: PostgresCredentials,
    *,
    idle_longer_than: timedelta,
    keep_applications: list[str],
    at_most: int,
) -> list[Row]:
    """The connections that the guard would let us end, those that have idled longest first.

    Returns:
        Rows of pid, backend_start (ISO 8601), application, user, query (its first 100 characters, in one line and
        without values) and idle_seconds.
    """
    values = {
        "idle_longer_than": idle_longer_than,
        "keep_applications": keep_applications,
        "at_most": at_most,
    }
    async with connected(credentials, "list_idle_connections") as connection:
        cursor = await connection.execute(sql("idle_connections"), values)
        rows = await cursor.fetchall()
    return [shown(row) | {"backend_start": row["backend_start"].isoformat()} for row in rows]


def shown(row: Row) -> Row:
    """The same with its query as it may leave this house: without values, in one line."""
    return row | {"query": " ".join(masked_statement(row["query"]).split())}


@action_task("end_idle_connections", "postgres", limit_seconds=ACTION_LIMIT_SECONDS)  # type: ignore[untyped-decorator]
async def end_idle_connections(
    credentials: PostgresCredentials,
    connections: list[Row],
    *,
    idle_longer_than: timedelta,
    keep_applications: list[str],
    at_most: int,
) -> dict[str, int]:
    """End these connections, each under the guard; the rows need pid and backend_start.

    Returns:
        How many ended, and how many were gone, in use again or not allowed.

    Raises:
        NotPermitted: more connections than the policy's limit.
        VendorUnavailable: Postgres could not be reached, or refused all of them.
        CutShort: Postgres went away in the middle; the reason says how many were surely ended.
    """
    if len(connections) > at_most:
        raise NotPermitted(f"{len(connections)} connections are more than the limit of {at_most}")
    ended, refused = 0, None
    async with connected(credentials, "end_idle_connections") as connection:
        # One statement per connection, each its own transaction: one failure must not undo or stop the others.
        for asked, shown in enumerate(connections):
            values = {
                "pid": shown["pid"],
                "backend_start": datetime.fromisoformat(shown["backend_start"]),
                "idle_longer_than": idle_longer_than,
                "keep_applications": keep_applications,
            }
            try:
                row = await (await connection.execute(sql("end_connection"), values)).fetchone()
                ended += bool(row and row["ended"])
            except psycopg.Error as error:
                if connection.broken:
                    raise cut_short(error, ended, len(connections) - asked) from None
                refused = error
        if refused and not ended:
            raise refused
    return {"ended": ended, "gone": len(connections) - ended}


def cut_short(error: psycopg.Error, ended: int, unclear: int) -> CutShort:
    """How far it came; the one that was being ended may be gone as well."""
    reason = f"{why(error)}: {ended} were surely ended, and of {unclear} nobody can tell"
    return CutShort(vendor="postgres", action="end_idle_connections", reason=reason)


async def connections_still_there(credentials: PostgresCredentials, connections: list[Row]) -> int:
    """How many of these very connections are still there."""
    there = 0
    async with connected(credentials, "look_up_connections") as connection:
        for shown in connections:
            values = {
                "pid": shown["pid"],
                "backend_start": datetime.fromisoformat(shown["backend_start"]),
            }
            row = await (await connection.execute(sql("still_there"), values)).fetchone()
            there += row["there"] if row else 0
    return there


check_postgres_connections = look_task("check_postgres_connections", "postgres")(postgres_connections)
check_postgres_slow_queries = look_task("check_postgres_slow_queries", "postgres")(postgres_slow_queries)
check_postgres_writable = look_task("check_postgres_writable", "postgres")(postgres_writable)
check_postgres_size = look_task("check_postgres_size", "postgres")(postgres_size)
