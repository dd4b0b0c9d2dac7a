"""Clearing away old rows: what is shown, that exactly that goes, batch by batch, and what is never touched."""

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg import AsyncConnection, sql
from pydantic import SecretStr

from blocks.postgres import PostgresCredentials
from tasks import cleanup
from tasks.cleanup import count_old_rows, measure_old_rows
from watchkeeper.errors import NotPermitted, PreconditionChanged, VendorUnavailable
from watchkeeper.machine.embedded import EmbeddedPostgres
from watchkeeper.policy.rules import CleanupTable

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
CUTOFF = NOW - timedelta(days=30)
JOBS = CleanupTable(
    table="jobs",
    older_than="30d",
    age_column="updated_at",
    status=["completed", "failed"],  # type: ignore[arg-type]
)
UPLOADS = CleanupTable(table="uploads", older_than="30d")  # type: ignore[arg-type]
SCHEMA = """
CREATE TABLE jobs (id text PRIMARY KEY, status text NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE uploads (id bigint PRIMARY KEY, content bytea, created_at timestamptz NOT NULL);
ALTER TABLE uploads ALTER COLUMN content SET STORAGE EXTERNAL;
GRANT SELECT, DELETE, MAINTAIN ON jobs, uploads TO cleaner;
GRANT SELECT ON jobs, uploads TO onlooker;
INSERT INTO jobs SELECT status || n, status, %(now)s - n * interval '10 days'
  FROM unnest(ARRAY['completed', 'failed', 'processing', 'pending']) AS status, generate_series(1, 10) AS n;
INSERT INTO uploads SELECT n, decode(repeat('00', 5000), 'hex'), %(now)s - n * interval '10 days'
  FROM generate_series(1, 10) AS n;
"""
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(postgres: EmbeddedPostgres) -> EmbeddedPostgres:
    with psycopg.connect(postgres.url_for("postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE cleaner LOGIN; CREATE ROLE onlooker LOGIN")
    return postgres


@pytest_asyncio.fixture
async def shop(server: EmbeddedPostgres) -> AsyncIterator[AsyncConnection[Any]]:
    """A database of this test's own, of jobs and uploads that are 10 to 100 days old."""
    name = f"shop_{next(_numbers)}"
    server.create_database(name)
    async with await AsyncConnection.connect(server.url_for(name), autocommit=True) as connection:
        async with psycopg.AsyncClientCursor(connection) as cursor:
            await cursor.execute(SCHEMA, {"now": NOW})
        yield connection


def credentials(shop: AsyncConnection[Any], user: str = "cleaner") -> PostgresCredentials:
    url = f"postgresql://{user}@/{shop.info.dbname}?host={shop.info.host}"
    return PostgresCredentials(url=SecretStr(url))


async def measured(shop: AsyncConnection[Any], table: CleanupTable, at_most: int = 100) -> dict[str, Any]:
    return await measure_old_rows(credentials(shop), table, CUTOFF, at_most=at_most)


def plan(table: CleanupTable, rows: int, cutoff: datetime = CUTOFF) -> dict[str, Any]:
    return {"table": table.model_dump(mode="json"), "cutoff": cutoff.isoformat(), "rows": rows}


async def delete(
    shop: AsyncConnection[Any], *planned: dict[str, Any], user: str = "cleaner", **more: int
) -> dict[str, Any]:
    limits = {"batch_rows": 4, "at_most": 100} | more
    done: dict[str, Any] = await cleanup.delete_old_rows.fn(credentials(shop, user), list(planned), **limits)
    return done


async def left(shop: AsyncConnection[Any], table: str) -> int:
    count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    row = await (await shop.execute(count)).fetchone()
    return int(row[0]) if row else 0


async def test_shows_how_many_rows_and_bytes_would_go_and_from_when(shop: AsyncConnection[Any]) -> None:
    seen = await measured(shop, UPLOADS)

    assert (seen["rows"], seen["all_rows"], seen["cutoff"]) == (7, 10, CUTOFF)
    assert (seen["oldest"], seen["newest"]) == (NOW - timedelta(days=100), NOW - timedelta(days=40))
    assert 7 * 5000 < seen["bytes"] < 7 * 5100


async def test_only_what_is_finished_may_go_where_a_table_says_so(shop: AsyncConnection[Any]) -> None:
    assert (await measured(shop, JOBS))["rows"] == 14

    done = await delete(shop, plan(JOBS, 14))

    assert done["deleted"] == {"jobs": 14}
    rows = await (await shop.execute("SELECT status, count(*) FROM jobs GROUP BY 1 ORDER BY 1")).fetchall()
    assert rows == [("completed", 3), ("failed", 3), ("pending", 10), ("processing", 10)]


async def test_more_than_the_limit_moves_the_cutoff_back_to_the_oldest(shop: AsyncConnection[Any]) -> None:
    seen = await measured(shop, UPLOADS, at_most=2)

    assert (seen["rows"], seen["cutoff"]) == (2, NOW - timedelta(days=80))
    assert seen["newest"] == NOW - timedelta(days=90)


async def test_deletes_exactly_what_was_shown_oldest_first(shop: AsyncConnection[Any]) -> None:
    done = await delete(shop, plan(UPLOADS, 5), batch_rows=2)

    assert (done["deleted"], done["not_vacuumed"]) == ({"uploads": 5}, [])
    rows = await (await shop.execute("SELECT id FROM uploads ORDER BY id")).fetchall()
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5]


async def test_what_was_written_meanwhile_stays(shop: AsyncConnection[Any]) -> None:
    await shop.execute("INSERT INTO uploads VALUES (99, '', %s)", [NOW])

    await delete(shop, plan(UPLOADS, 7))

    assert await left(shop, "uploads") == 4
    assert await count_old_rows(credentials(shop), [plan(UPLOADS, 7), plan(JOBS, 14)]) == [0, 14]


async def test_goes_on_with_what_a_run_that_died_has_left(shop: AsyncConnection[Any]) -> None:
    await delete(shop, plan(UPLOADS, 3))

    done = await delete(shop, plan(UPLOADS, 7))

    assert done["deleted"] == {"uploads": 4}
    assert await left(shop, "uploads") == 3


async def test_refuses_more_rows_than_the_policy_allows(shop: AsyncConnection[Any]) -> None:
    with pytest.raises(NotPermitted, match="8 rows are more than the limit of 7"):
        await delete(shop, plan(UPLOADS, 8), at_most=7)

    assert await left(shop, "uploads") == 10


async def test_without_the_right_to_delete_it_says_so_and_what_is_deleted_stays_deleted(
    shop: AsyncConnection[Any],
) -> None:
    await shop.execute("REVOKE DELETE ON uploads FROM cleaner")

    with pytest.raises(NotPermitted) as refused:
        await delete(shop, plan(JOBS, 14), plan(UPLOADS, 7))

    assert "InsufficientPrivilege 42501" in str(refused.value)
    assert "14 of 21 rows were deleted" in str(refused.value)
    assert (await left(shop, "jobs"), await left(shop, "uploads")) == (26, 10)


async def test_stopped_in_the_middle_it_keeps_every_batch_that_was_done(shop: AsyncConnection[Any]) -> None:
    await shop.execute(
        "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$$ BEGIN IF OLD.id = 6 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN OLD; END $$"
    )
    await shop.execute("CREATE TRIGGER stop BEFORE DELETE ON uploads FOR EACH ROW EXECUTE FUNCTION stop()")

    with pytest.raises(PreconditionChanged, match=r"AdminShutdown 57P01.*4 of 7 rows were deleted"):
        await delete(shop, plan(UPLOADS, 7), batch_rows=2)

    assert await left(shop, "uploads") == 6


async def test_a_database_that_was_made_read_only_for_its_disk_is_cleaned_all_the_same(
    shop: AsyncConnection[Any],
) -> None:
    await shop.execute(f"ALTER DATABASE {shop.info.dbname} SET default_transaction_read_only = on".encode())

    done = await delete(shop, plan(UPLOADS, 7))

    assert done["deleted"] == {"uploads": 7}
    assert done["not_vacuumed"] == []


async def test_gives_the_tail_of_a_table_back_to_the_disk(shop: AsyncConnection[Any]) -> None:
    await shop.execute(
        "INSERT INTO uploads SELECT n, decode(repeat('00', 500000), 'hex'), %s FROM generate_series(100, 119) AS n",
        [NOW - timedelta(days=99)],
    )

    done = await delete(shop, plan(UPLOADS, 27))

    assert done["bytes_before"] - done["bytes_after"] > 20 * 450_000


async def test_names_the_tables_that_it_may_not_vacuum(shop: AsyncConnection[Any]) -> None:
    await shop.execute("REVOKE MAINTAIN ON uploads FROM cleaner")

    done = await delete(shop, plan(JOBS, 14), plan(UPLOADS, 7))

    assert (done["deleted"]["uploads"], done["not_vacuumed"]) == (7, ["uploads"])


@pytest.mark.parametrize("rule", ["CASCADE", "SET NULL", "SET DEFAULT"])
async def test_leaves_a_table_alone_whose_rows_would_take_others_with_them(
    shop: AsyncConnection[Any], rule: str
) -> None:
    reference = f"CREATE TABLE orders (upload bigint REFERENCES uploads ON DELETE {rule})"
    await shop.execute(reference.encode())

    seen = await measured(shop, UPLOADS)

    assert seen == {"problem": "left alone, for deleting from it would change orders too"}


async def test_a_row_that_is_still_referred_to_ends_it_before_anything_breaks(
    shop: AsyncConnection[Any],
) -> None:
    await shop.execute("CREATE TABLE orders (upload bigint REFERENCES uploads)")
    await shop.execute("INSERT INTO orders VALUES (10)")

    with pytest.raises(NotPermitted, match=r"ForeignKeyViolation 23503.*0 of 7 rows"):
        await delete(shop, plan(UPLOADS, 7))

    assert await left(shop, "uploads") == 10


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"table": "shirts"}, "there is no such table"),
        ({"age_column": "born_at"}, "cannot be looked at (UndefinedColumn 42703)"),
    ],
)
async def test_a_name_that_the_database_does_not_know_is_said(
    shop: AsyncConnection[Any], changed: dict[str, str], problem: str
) -> None:
    assert await measured(shop, UPLOADS.model_copy(update=changed)) == {"problem": problem}


async def test_what_it_may_not_read_is_said(shop: AsyncConnection[Any]) -> None:
    await shop.execute("REVOKE SELECT ON uploads FROM cleaner")

    assert "InsufficientPrivilege" in (await measured(shop, UPLOADS))["problem"]


async def test_a_name_is_a_name_and_never_a_statement(shop: AsyncConnection[Any]) -> None:
    evil = UPLOADS.model_copy(update={"age_column": 'created_at" < now(); DROP TABLE uploads; --'})

    assert "UndefinedColumn" in (await measured(shop, evil))["problem"]
    assert await left(shop, "uploads") == 10


async def test_a_database_that_is_away_is_unavailable_and_nothing_is_deleted(unused_port: int) -> None:
    away = PostgresCredentials(url=SecretStr(f"postgresql://cleaner@127.0.0.1:{unused_port}/shop"))

    with pytest.raises(VendorUnavailable):
        await cleanup.delete_old_rows.fn(away, [plan(UPLOADS, 7)], batch_rows=4, at_most=100)
