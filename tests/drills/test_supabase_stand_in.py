"""Supabase's stand-in: its API refuses what the real one refuses, its door closes, and a full disk is a real one."""

from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from drills.vendors.supabase import REQUESTS_PER_MINUTE
from tests.drills.company import WRONG, Company, until

VACUUM_SECONDS = 20


async def ask(
    company: Company, path: str, *, token: str | None = None, ref: str | None = None
) -> httpx.Response:
    supabase = company.config["supabase"]
    address = f"/supabase/v1/projects/{ref or supabase['project_ref']}{path}"
    headers = {"Authorization": f"Bearer {token or supabase['token']}"}
    return await company.client.get(address, headers=headers)


async def state(company: Company) -> dict[str, Any]:
    told: dict[str, Any] = (await company.world.state())["supabase"]
    return told


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("", 200),
        ("/health?services=db,pooler", 200),
        ("/health", 400),
        ("/health?services=dbs", 400),
        ("/config/disk/util", 200),
        ("/readonly", 200),
        ("/config/database/pooler", 200),
        ("/restart", 405),
    ],
)
async def test_answers_what_the_management_api_has_and_nothing_else(
    company: Company, path: str, status: int
) -> None:
    assert (await ask(company, path)).status_code == status


async def test_wants_the_token_and_the_project(company: Company) -> None:
    assert (await ask(company, "", token=WRONG)).status_code == 401
    assert (await ask(company, "", ref="aaaaaaaaaaaaaaaaaaaa")).status_code == 404


async def test_refuses_everything_for_a_minute_after_sixty_requests_in_one(company: Company) -> None:
    await company.world.reset()
    answers = [(await ask(company, "/readonly")).status_code for _ in range(REQUESTS_PER_MINUTE)]
    assert set(answers) == {200}

    refused = await ask(company, "/readonly")

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert (await ask(company, "")).status_code == 429
    await company.world.reset()
    assert (await ask(company, "")).status_code == 200


async def test_in_an_outage_nobody_reaches_the_database_until_the_vendor_recovers(company: Company) -> None:
    async def orders_answer(status: int) -> bool:
        return (await company.backend("/orders", "POST")).status_code == status

    pid = (await company.world.ask("/control/company"))["pid"]
    await company.world.do("/control/supabase/outage", {})
    try:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(company.world.database.monitor_url)
        await until(lambda: orders_answer(500))
        [db, pooler] = (await ask(company, "/health?services=db,pooler")).json()
        assert (db["status"], pooler["healthy"]) == ("UNHEALTHY", False)
        assert (await ask(company, "")).json()["status"] == "ACTIVE_UNHEALTHY"
        page = await company.client.get("/statuspage/supabase/api/v2/summary.json")
        assert page.json()["status"]["indicator"] == "major"
    finally:
        await company.world.do("/control/supabase/recover", {})

    await until(lambda: orders_answer(201), seconds=20)
    assert (await state(company))["turned_away"] > 0
    assert (await company.world.ask("/control/company"))["pid"] == pid, "the backend needed no restart"

    async def page_is_green() -> bool:
        page = await company.client.get("/statuspage/supabase/api/v2/summary.json")
        return bool(page.json()["status"]["indicator"] == "none")

    await until(page_is_green)


async def test_an_outage_ends_by_itself_where_its_time_was_given(company: Company) -> None:
    await company.world.do("/control/supabase/outage", {"seconds": 0.5})

    async def is_open() -> bool:
        return bool((await state(company))["open"])

    await until(is_open)
    with psycopg.connect(company.world.database.monitor_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


async def test_a_full_disk_only_reads_until_it_is_cleaned_up(company: Company) -> None:
    async def read_only(wanted: bool) -> bool:
        return (await state(company))["read_only"] is wanted

    async def orders_answer(status: int) -> bool:
        return (await company.backend("/orders", "POST")).status_code == status

    young = (await state(company))["young_rows"]
    await company.world.do("/control/company/fault/hoard", {})
    await until(lambda: read_only(True))
    await until(lambda: orders_answer(500))

    async def health_says_so() -> bool:
        detailed = (await company.backend("/health/detailed")).json()
        return bool(detailed["checks"]["database"].get("error") == "ReadOnlyError")

    await until(health_says_so)
    assert (await ask(company, "/readonly")).json()["enabled"] is True
    util = (await ask(company, "/config/disk/util")).json()["metrics"]
    assert util["fs_used_bytes"] >= 0.95 * util["fs_size_bytes"]

    clean_up_by_hand(company.world.database.monitor_url)

    await until(lambda: read_only(False), seconds=VACUUM_SECONDS)
    await until(lambda: orders_answer(201))
    seen = await state(company)
    assert (seen["old_rows"], seen["young_rows"]) == (0, young)


async def test_a_disk_that_is_full_at_once_has_room_when_it_is_larger(company: Company) -> None:
    async def read_only(wanted: bool) -> bool:
        return (await state(company))["read_only"] is wanted

    await company.world.do("/control/supabase/fill", {"megabytes": 60, "at_once": True})
    await until(lambda: read_only(True))

    await company.world.do("/control/supabase/enlarge", {"megabytes": 256})

    await until(lambda: read_only(False))
    util = (await ask(company, "/config/disk/util")).json()["metrics"]
    assert (util["fs_size_bytes"], util["fs_used_bytes"] > 60_000_000) == (256_000_000, True)
    await company.world.reset()
    util = (await ask(company, "/config/disk/util")).json()["metrics"]
    assert (util["fs_size_bytes"], util["fs_used_bytes"] < 60_000_000) == (64_000_000, True)


def clean_up_by_hand(url: str) -> None:
    """As a person would, in psql: a session may say that it writes."""
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        for table in (sql.Identifier(name) for name in ("jobs", "designs", "uploads")):
            delete = sql.SQL("DELETE FROM {} WHERE created_at < now() - interval '1 day'")
            connection.execute(delete.format(table))
            connection.execute(sql.SQL("VACUUM {}").format(table))
