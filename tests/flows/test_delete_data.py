"""Deleting old rows as a person sees it: the preview's figures, the last look, and what a run that died has left."""

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from psycopg import AsyncConnection
from pydantic import SecretStr

from blocks.postgres import PostgresCredentials
from flows.actions import cleanup
from flows.actions.cleanup import DeleteData, plan_delete_data
from flows.actions.site import Site
from flows.credentials import Credentials
from tests.conftest import MovedClock
from tests.watchkeeper.house import two_on_call
from watchkeeper.decisions import gate_for
from watchkeeper.errors import NotPermitted, PreconditionChanged
from watchkeeper.machine.embedded import EmbeddedPostgres
from watchkeeper.model import Gate, Plan, Remediation
from watchkeeper.policy import Policy

SCHEMA = """
CREATE TABLE jobs (id text PRIMARY KEY, status text NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE uploads (id bigint PRIMARY KEY, content bytea NOT NULL, created_at timestamptz NOT NULL);
"""
OLD_AND_YOUNG = """
INSERT INTO jobs SELECT status || n, status, %(now)s::timestamptz - n * interval '20 days'
  FROM unnest(ARRAY['completed', 'processing']) AS status, generate_series(0, 9) AS n
"""
UPLOADS = """
INSERT INTO uploads SELECT n, '', %(now)s::timestamptz - n * interval '20 days' FROM generate_series(0, 9) AS n
"""
RULES = {
    "keep_younger_than": "7d",
    "tables": [
        {"table": "jobs", "older_than": "30d", "age_column": "updated_at", "status": ["completed", "failed"]},
        {"table": "designs", "older_than": "180d"},
        {"table": "uploads", "older_than": "90d"},
    ],
}
_numbers = itertools.count(1)


@pytest.fixture
def rules() -> Policy:
    return two_on_call(cleanup=RULES)


@pytest_asyncio.fixture
async def shop(postgres: EmbeddedPostgres, clock: MovedClock) -> AsyncIterator[AsyncConnection[Any]]:
    """A shop without designs, whose jobs and uploads are up to 180 days old."""
    name = f"cleared_{next(_numbers)}"
    postgres.create_database(name)
    async with await AsyncConnection.connect(postgres.url_for(name), autocommit=True) as connection:
        await connection.execute(SCHEMA.encode())
        for statement in (OLD_AND_YOUNG, UPLOADS):
            await connection.execute(statement.encode(), {"now": clock.now})
        yield connection


@pytest.fixture
def at_work(
    shop: AsyncConnection[Any], rules: Policy, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> Site:
    monkeypatch.setattr(cleanup, "utc_now", clock)
    monkeypatch.setattr(cleanup.cleanup, "delete_old_rows", cleanup.cleanup.delete_old_rows.fn)
    url = f"postgresql://postgres@/{shop.info.dbname}?host={shop.info.host}"
    return Site(rules, Credentials(postgres=PostgresCredentials(url=SecretStr(url))))


async def planned(site: Site) -> Plan:
    plan = await plan_delete_data(site, cause="disk_full")
    assert plan is not None
    return plan


def claimed(plan: Plan) -> Remediation:
    return Remediation.model_construct(plan=plan)


async def ids(shop: AsyncConnection[Any], table: str) -> list[Any]:
    rows = await (await shop.execute(f"TABLE {table}".encode())).fetchall()
    return sorted(row[0] for row in rows)


async def test_shows_what_would_go_table_by_table(at_work: Site) -> None:
    plan = await planned(at_work)

    assert plan.summary.startswith("Delete 13 old rows (")
    assert plan.summary.endswith("from jobs, uploads")
    jobs, designs, uploads, how, undo = plan.preview
    assert jobs.startswith(
        "jobs: 8 rows, 0 kB, from 2025-09-03 to 2026-01-21 (older than 30 days, status completed"
    )
    assert jobs.endswith("12 rows stay")
    assert designs == "designs: there is no such table"
    assert uploads.startswith("uploads: 5 rows")
    assert "VACUUM" in how
    assert "cannot be undone" in undo
    assert plan.undo == ""


def test_always_asks_a_person(rules: Policy) -> None:
    assert gate_for("delete_data", rules)[0] is Gate.APPROVAL


async def test_deletes_what_was_shown_and_says_so(at_work: Site, shop: AsyncConnection[Any]) -> None:
    plan, action = await planned(at_work), DeleteData()

    await action.check(at_work, plan)
    assert await action.look_up(at_work, claimed(plan)) is False
    outcome = await action.act(at_work, plan)

    assert outcome.startswith("deleted 8 rows of jobs, 5 rows of uploads; the database's files went from")
    assert await ids(shop, "uploads") == [0, 1, 2, 3, 4]
    assert len(await ids(shop, "jobs")) == 12
    assert await action.look_up(at_work, claimed(plan)) is True
    assert await plan_delete_data(at_work, cause="disk_full") is None


async def test_days_after_it_was_shown_no_other_row_has_become_old_enough(
    at_work: Site, shop: AsyncConnection[Any], clock: MovedClock
) -> None:
    plan, action = await planned(at_work), DeleteData()
    clock.advance(days=60)

    await action.check(at_work, plan)
    await action.act(at_work, plan)

    assert await ids(shop, "uploads") == [0, 1, 2, 3, 4]


async def test_more_rows_than_were_shown_are_not_deleted(at_work: Site, shop: AsyncConnection[Any]) -> None:
    plan = await planned(at_work)
    await shop.execute("INSERT INTO uploads SELECT 99, '', min(created_at) FROM uploads")

    with pytest.raises(PreconditionChanged, match="6 rows of uploads would go now, and 5 were shown"):
        await DeleteData().check(at_work, plan)


async def test_nothing_left_is_no_longer_needed(at_work: Site, shop: AsyncConnection[Any]) -> None:
    plan = await planned(at_work)
    await shop.execute("TRUNCATE jobs, uploads")

    with pytest.raises(PreconditionChanged, match="gone already"):
        await DeleteData().check(at_work, plan)


async def test_what_the_policy_keeps_is_refused_whatever_the_plan_says(
    at_work: Site, clock: MovedClock
) -> None:
    plan = await planned(at_work)
    young = {**plan.parameters["planned"][0], "cutoff": (clock.now - timedelta(days=6)).isoformat()}

    with pytest.raises(NotPermitted, match="younger"):
        await DeleteData().check(at_work, plan.model_copy(update={"parameters": {"planned": [young]}}))


async def test_a_tables_own_age_cannot_undercut_what_the_policy_keeps(
    shop: AsyncConnection[Any], at_work: Site
) -> None:
    policy = two_on_call(
        cleanup={"keep_younger_than": "70d", "tables": [{"table": "uploads", "older_than": "1d"}]}
    )

    plan = await planned(Site(policy, at_work.credentials))

    assert plan.parameters["planned"][0]["rows"] == 6


async def test_the_limit_takes_the_oldest_and_leaves_the_rest_for_another_approval(
    at_work: Site, shop: AsyncConnection[Any]
) -> None:
    limits = {**at_work.policy.limits.model_dump(), "delete_rows": 10}
    policy = two_on_call(cleanup=RULES, limits=limits)
    site = Site(policy, at_work.credentials)

    plan, action = await planned(site), DeleteData()
    assert [each["rows"] for each in plan.parameters["planned"]] == [8, 2]
    await action.check(site, plan)
    await action.act(site, plan)

    assert await ids(shop, "uploads") == list(range(8))
    assert await action.look_up(site, claimed(plan)) is True


async def test_a_run_that_died_in_the_middle_is_gone_on_with(
    at_work: Site, shop: AsyncConnection[Any]
) -> None:
    plan, action = await planned(at_work), DeleteData()
    await shop.execute("DELETE FROM jobs WHERE status = 'completed'")  # so far it had come

    assert await action.look_up(at_work, claimed(plan)) is False
    await action.check(at_work, plan)
    assert "0 rows of jobs, 5 rows of uploads" in await action.act(at_work, plan)


async def test_where_nothing_may_be_deleted_there_is_no_plan(at_work: Site) -> None:
    policy = two_on_call(cleanup={"keep_younger_than": "7d", "tables": []})

    assert await plan_delete_data(Site(policy, at_work.credentials), cause="disk_full") is None
