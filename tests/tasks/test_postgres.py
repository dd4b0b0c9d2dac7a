"""The watched Postgres: what is seen of it, and which connections are ended and which never."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg import AsyncConnection
from pydantic import SecretStr

from blocks import postgres as postgres_blocks
from blocks.postgres import PostgresCredentials
from tasks import postgres as postgres_tasks
from tasks.postgres import (
    connected,
    connections_still_there,
    idle_connections,
    postgres_connections,
    postgres_size,
    postgres_slow_queries,
)
from tests.tasks.conftest import SECRET
from watchkeeper.errors import CutShort, NotPermitted, VendorUnavailable
from watchkeeper.machine.embedded import EmbeddedPostgres
from watchkeeper.model import CheckStatus

# The shop leaks; the watcher has the rights that the README asks for; the peeper sees all and may end nothing.
ROLES = """
CREATE ROLE shop LOGIN;
CREATE ROLE shop_standby LOGIN REPLICATION;
CREATE ROLE supabase_storage LOGIN;
CREATE ROLE watcher LOGIN IN ROLE pg_monitor, pg_signal_backend;
CREATE ROLE peeper LOGIN IN ROLE pg_monitor;
"""
KEPT = "nightly-backup"
AT_ONCE, NOT_YET = timedelta(0), timedelta(hours=1)
AT_MOST = 5


@dataclass
class Database:
    """The watched database, and the sessions that a test opened."""

    server: EmbeddedPostgres
    name: str
    sessions: AsyncExitStack = field(default_factory=AsyncExitStack)

    def url(self, user: str, database: str | None = None) -> str:
        return self.server.url_for(database or self.name).replace("postgres@", f"{user}:{SECRET}@", 1)

    def credentials(self, user: str = "watcher", **more: Any) -> PostgresCredentials:
        return PostgresCredentials(url=SecretStr(self.url(user)), **more)

    async def session(
        self, user: str = "shop", *, application: str = "shop-web", database: str | None = None
    ) -> AsyncConnection[Any]:
        """A connection that has asked one thing and idles since."""
        url = self.url(user, database)
        session = await AsyncConnection.connect(url, autocommit=True, application_name=application)
        self.sessions.push_async_callback(session.close)
        await session.execute("SELECT 'the last thing asked'")
        return session

    async def is_left(self) -> None:
        """Wait until every session is gone; after a goodbye, a backend needs a moment."""
        others = "SELECT 1 FROM pg_stat_activity WHERE datname = %s"
        async with await AsyncConnection.connect(self.url("postgres", "postgres"), autocommit=True) as watch:
            async with asyncio.timeout(5):
                while await (await watch.execute(others, [self.name])).fetchone():
                    await watch.execute("SELECT pg_sleep(0.01)")


@pytest.fixture(scope="module")
def watched(postgres: EmbeddedPostgres) -> EmbeddedPostgres:
    postgres.create_database("watched")
    with psycopg.connect(postgres.url_for("postgres"), autocommit=True) as connection:
        connection.execute(ROLES)
    return postgres


@pytest_asyncio.fixture
async def database(watched: EmbeddedPostgres) -> AsyncIterator[Database]:
    database = Database(watched, "watched")
    async with database.sessions:
        yield database
    await database.is_left()


async def shown(session: AsyncConnection[Any]) -> dict[str, Any]:
    """What a plan remembers of a connection."""
    cursor = await session.execute("SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
    [(backend_start,)] = await cursor.fetchall()
    return {"pid": session.info.backend_pid, "backend_start": backend_start.isoformat()}


async def lives(session: AsyncConnection[Any]) -> bool:
    try:
        await session.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


async def listed(
    credentials: PostgresCredentials, *, longer_than: timedelta = AT_ONCE, at_most: int = AT_MOST
) -> list[dict[str, Any]]:
    return await idle_connections(
        credentials, idle_longer_than=longer_than, keep_applications=[KEPT], at_most=at_most
    )


async def end(
    credentials: PostgresCredentials, *rows: dict[str, Any], longer_than: timedelta = AT_ONCE
) -> dict[str, int]:
    ended: dict[str, int] = await postgres_tasks.end_idle_connections.fn(
        credentials,
        list(rows),
        idle_longer_than=longer_than,
        keep_applications=[KEPT],
        at_most=AT_MOST,
    )
    return ended


async def test_lists_what_idles_longest_first(database: Database) -> None:
    first, second = await database.session(), await database.session()

    rows = await listed(database.credentials())

    assert [row["pid"] for row in rows] == [first.info.backend_pid, second.info.backend_pid]
    assert rows[0]["idle_seconds"] > rows[1]["idle_seconds"] >= 0
    assert (rows[0]["application"], rows[0]["user"]) == ("shop-web", "shop")
    assert rows[0]["query"] == "SELECT '?'"


async def test_lists_the_last_query_in_one_short_line(database: Database) -> None:
    session = await database.session()
    await session.execute("SELECT 1,\n\n       2" + ", 3" * 100)

    [row] = await listed(database.credentials())

    assert row["query"].startswith("SELECT 1, 2, 3")
    assert len(row["query"]) <= 100


async def test_lists_no_more_than_it_may(database: Database) -> None:
    for _ in range(3):
        await database.session()

    assert len(await listed(database.credentials(), at_most=2)) == 2


async def test_ends_exactly_what_was_shown(database: Database) -> None:
    leaked, other = await database.session(), await database.session()
    rows = await listed(database.credentials(), at_most=1)

    assert await end(database.credentials(), *rows) == {"ended": 1, "gone": 0}
    assert not await lives(leaked)
    assert await lives(other)


async def test_ends_a_connection_once(database: Database) -> None:
    await database.session()
    rows = await listed(database.credentials())

    assert await end(database.credentials(), *rows) == {"ended": 1, "gone": 0}
    assert await end(database.credentials(), *rows) == {"ended": 0, "gone": 1}


async def test_refuses_more_than_the_limit_before_it_ends_any(database: Database) -> None:
    session = await database.session()
    row = await shown(session)

    with pytest.raises(NotPermitted, match="6 connections are more than the limit of 5"):
        await end(database.credentials(), *[row] * (AT_MOST + 1))

    assert await lives(session)


@pytest.mark.parametrize(
    "whose",
    [
        {"user": "postgres"},
        {"user": "shop_standby"},
        {"user": "supabase_storage"},
        {"application": KEPT},
        {"database": "postgres"},
    ],
    ids=["superuser", "replication", "supabase's own", "application on the list", "other database"],
)
@pytest.mark.parametrize("user", ["watcher", "postgres"])
async def test_neither_shows_nor_ends(database: Database, user: str, whose: dict[str, str]) -> None:
    # A superuser could end them all, so it is the guard that keeps them.
    kept = await database.session(**whose)
    leaked = await database.session()

    [row] = await listed(database.credentials(user))

    assert row["pid"] == leaked.info.backend_pid
    assert await end(database.credentials(user), await shown(kept), row) == {"ended": 1, "gone": 1}
    assert await lives(kept)
    assert not await lives(leaked)


async def test_neither_shows_nor_ends_what_idled_too_short(database: Database) -> None:
    session = await database.session()

    assert await listed(database.credentials(), longer_than=NOT_YET) == []
    assert await end(database.credentials(), await shown(session), longer_than=NOT_YET) == {
        "ended": 0,
        "gone": 1,
    }
    assert await lives(session)


async def test_does_not_end_what_is_in_use_again(database: Database) -> None:
    session = await database.session()
    [row] = await listed(database.credentials())
    await session.set_autocommit(False)
    await session.execute("SELECT 'idle in a transaction'")

    assert await end(database.credentials(), row) == {"ended": 0, "gone": 1}
    assert await lives(session)


async def test_does_not_end_a_later_connection_with_the_same_pid(database: Database) -> None:
    session = await database.session()
    row = await shown(session) | {"backend_start": "2026-03-02T03:00:00+00:00"}

    assert await end(database.credentials(), row) == {"ended": 0, "gone": 1}
    assert await lives(session)


@pytest.mark.parametrize("user", ["watcher", "postgres"])
async def test_never_ends_itself(database: Database, user: str) -> None:
    async with connected(database.credentials(user), "end_idle_connections") as own:
        values = {
            "pid": own.info.backend_pid,
            "backend_start": await own_start(own),
            "idle_longer_than": AT_ONCE,
            "keep_applications": [KEPT],
        }
        cursor = await own.execute(postgres_tasks.sql("end_connection"), values)

        assert await cursor.fetchall() == []


async def own_start(own: AsyncConnection[dict[str, Any]]) -> object:
    cursor = await own.execute("SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
    [row] = await cursor.fetchall()
    return row["backend_start"]


async def test_ends_the_others_when_one_is_refused(database: Database) -> None:
    refused, own = await database.session(), await database.session("peeper")
    peeper = database.credentials("peeper")

    assert await end(peeper, await shown(refused), await shown(own)) == {"ended": 1, "gone": 1}
    assert await lives(refused)
    assert not await lives(own)


async def test_says_so_when_all_are_refused(database: Database) -> None:
    rows = [await shown(await database.session()) for _ in range(2)]

    with pytest.raises(VendorUnavailable, match="InsufficientPrivilege 42501"):
        await end(database.credentials("peeper"), *rows)


async def test_says_how_many_were_surely_ended_when_postgres_goes_away_in_the_middle(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [await shown(await database.session()) for _ in range(5)]
    statement, goes_away = (
        postgres_tasks.sql("end_connection"),
        "SELECT pg_terminate_backend(pg_backend_pid())",
    )
    statements = [statement, statement, goes_away]
    monkeypatch.setattr(postgres_tasks, "sql", lambda name: statements.pop(0))

    with pytest.raises(CutShort, match="2 were surely ended, and of 3 nobody can tell") as caught:
        await end(database.credentials(), *rows)

    assert "AdminShutdown 57P01" in str(caught.value)


async def test_counts_which_of_them_are_still_there(database: Database) -> None:
    credentials = database.credentials()
    rows = [await shown(await database.session()) for _ in range(3)]

    assert await connections_still_there(credentials, rows) == 3
    await end(credentials, *rows[:2])
    assert await connections_still_there(credentials, rows) == 1
    assert await connections_still_there(credentials, []) == 0


async def test_counts_who_holds_connections(database: Database) -> None:
    for _ in range(3):
        await database.session()
    await database.session("supabase_storage", application="storage")

    check = await postgres_connections(
        database.credentials(application_user="shop"), leak_above=3, idle_longer_than=AT_ONCE
    )

    assert check.status is CheckStatus.OK
    assert check.facts["application_connections"] == 3
    assert check.facts["idle_over_limit"] == 3
    assert check.facts["total"] == 4
    assert check.facts["max_connections"] == 100
    assert [(h["application"], h["user"], h["count"]) for h in check.facts["holders"]] == [
        ("shop-web", "shop", 3),
        ("storage", "supabase_storage", 1),
    ]
    assert "   3 idle     shop-web (shop)" in check.output.splitlines()


async def test_is_bad_above_the_limit_for_leaks_whoever_holds_them(database: Database) -> None:
    await database.session()
    await database.session("supabase_storage")

    check = await postgres_connections(database.credentials(), leak_above=1, idle_longer_than=NOT_YET)

    assert check.status is CheckStatus.BAD
    assert check.summary.startswith("2 connections held, 0 idle for longer than ")


async def test_shows_what_has_been_running_for_too_long(database: Database) -> None:
    session = await database.session()
    running = asyncio.create_task(session.execute("SELECT pg_sleep(30), 'for ann@mail.test'"))
    try:
        check = await postgres_slow_queries(database.credentials(), longer_than=AT_ONCE)
        while check.status is CheckStatus.OK and check.seconds < 3:
            check = await postgres_slow_queries(database.credentials(), longer_than=AT_ONCE)
        patient = await postgres_slow_queries(database.credentials(), longer_than=NOT_YET)
        few = await postgres_slow_queries(database.credentials(), longer_than=AT_ONCE, at_most=1)
        others = await postgres_slow_queries(
            database.credentials(application_user="somebody_else"), longer_than=AT_ONCE
        )
    finally:
        await session.cancel_safe()
        with pytest.raises(psycopg.errors.QueryCanceled):
            await running

    assert check.status is CheckStatus.BAD
    [slow] = check.facts["slow"]
    assert slow["query"] == "SELECT pg_sleep(30), '?'"
    assert "SELECT pg_sleep(30)" in check.output
    assert "ann@mail.test" not in check.model_dump_json()
    assert patient.status is CheckStatus.OK
    assert patient.facts == {"slow": []}
    assert (few.status, len(few.facts["slow"])) == (CheckStatus.OK, 1), "one may be a report"
    assert others.facts == {"slow": []}, "whatever else somebody runs is not the application's"


async def test_measures_the_database(database: Database) -> None:
    check = await postgres_size(database.credentials())

    assert check.status is CheckStatus.OK
    assert check.facts["bytes"] > 1_000_000
    assert check.summary.endswith(" MB")


async def test_says_unknown_when_the_database_is_not_there(database: Database) -> None:
    credentials = PostgresCredentials(url=SecretStr(database.url("shop", "nowhere")))

    check = await postgres_size(credentials)

    assert check.status is CheckStatus.UNKNOWN
    assert SECRET not in check.model_dump_json()


async def test_has_postgres_interrupt_a_statement(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_blocks, "STATEMENT_LIMIT", timedelta(milliseconds=50))

    with pytest.raises(VendorUnavailable, match="postgres did not answer to sleep: QueryCanceled 57014"):
        async with connected(database.credentials(), "sleep") as connection:
            await connection.execute("SELECT pg_sleep(30)")


async def test_leaves_no_connection_behind(database: Database) -> None:
    credentials = database.credentials()
    await postgres_size(credentials)
    await listed(credentials)
    await end(credentials)

    await database.is_left()
