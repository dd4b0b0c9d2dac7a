"""Supabase's management API: what is read of a project, and how few requests it takes."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.supabase import SupabaseCredentials
from tasks.supabase import supabase_disk, supabase_health, supabase_pooler, supabase_project
from tests.tasks.conftest import SECRET, Wire, says
from watchkeeper.model import Check, CheckStatus
from watchkeeper.policy.services import SupabaseTarget

OK, BAD, UNKNOWN = CheckStatus.OK, CheckStatus.BAD, CheckStatus.UNKNOWN
REF = "abcdefghijklmnopqrst"
TARGET = SupabaseTarget(project_ref=REF)
PROJECT = f"/v1/projects/{REF}"

Look = Callable[..., Awaitable[Check]]


def credentials(wire: Wire) -> SupabaseCredentials:
    return SupabaseCredentials(token=SecretStr(SECRET), base_url=wire.url)


async def disk(known: SupabaseCredentials | None, target: SupabaseTarget | None) -> Check:
    return await supabase_disk(known, target, full_from_percent=90)


def util(used: int, size: int = 1000) -> Any:
    return {"metrics": {"fs_size_bytes": size, "fs_used_bytes": used, "fs_avail_bytes": size - used}}


@pytest.mark.parametrize("look", [supabase_project, supabase_health, disk, supabase_pooler])
async def test_says_what_is_not_configured(wire: Wire, look: Look) -> None:
    for known, target in ((None, TARGET), (credentials(wire), None)):
        check = await look(known, target)
        assert check.status is CheckStatus.NOT_CONFIGURED
        assert "services.database.supabase" in check.summary
    assert wire.asked == []


async def test_asks_with_the_token_for_this_project_alone(wire: Wire) -> None:
    wire.answers(says({"status": "ACTIVE_HEALTHY"}))

    check = await supabase_project(credentials(wire), TARGET)

    assert (check.status, check.facts) == (OK, {"status": "ACTIVE_HEALTHY"})
    [asked] = wire.asked
    assert (asked.method, asked.path) == ("GET", PROJECT)
    assert asked.headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("status", ["INACTIVE", "PAUSING", "ACTIVE_UNHEALTHY", "RESTORING", "SOMETHING_NEW"])
async def test_a_project_that_is_not_up_is_bad(wire: Wire, status: str) -> None:
    wire.answers(says({"status": status}))

    check = await supabase_project(credentials(wire), TARGET)

    assert (check.status, check.facts["status"]) == (BAD, status)


async def test_names_the_services_that_are_unhealthy_and_says_which_it_asks_for(wire: Wire) -> None:
    sick = {"name": "db", "healthy": False, "status": "UNHEALTHY", "error": "Failed to connect"}
    wire.answers(says([sick, {"name": "pooler", "healthy": True, "status": "ACTIVE_HEALTHY"}]))

    check = await supabase_health(credentials(wire), TARGET)

    assert (check.status, check.facts["unhealthy"]) == (BAD, ["db"])
    assert check.summary == "db UNHEALTHY; db: Failed to connect"
    assert wire.asked[0].query == {"services": ["db,pooler"]}


async def test_what_comes_up_is_not_healthy_yet_and_not_unhealthy_either(wire: Wire) -> None:
    wire.answers(says([{"name": "db", "healthy": False, "status": "COMING_UP"}]))

    check = await supabase_health(credentials(wire), TARGET)

    assert (check.status, check.facts["unhealthy"]) == (BAD, [])


@pytest.mark.parametrize(
    ("used", "read_only", "status", "words"),
    [
        (500, False, OK, "(50 %)"),
        (899, False, OK, "(90 %)"),
        (900, False, BAD, "(90 %)"),
        (500, True, BAD, "Supabase made it read-only"),
    ],
)
async def test_a_disk_is_full_from_the_policys_share_or_when_supabase_says_so(
    wire: Wire, used: int, read_only: bool, status: CheckStatus, words: str
) -> None:
    wire.answers(says(util(used)), at=f"{PROJECT}/config/disk/util")
    wire.answers(says({"enabled": read_only, "override_enabled": False}), at=f"{PROJECT}/readonly")

    check = await disk(credentials(wire), TARGET)

    assert check.status is status
    assert words in check.summary
    assert check.facts["read_only"] is read_only
    assert len(wire.asked) == 2


async def test_reads_the_primarys_pooler(wire: Wire) -> None:
    primary = {"database_type": "PRIMARY", "pool_mode": "session", "default_pool_size": 15}
    replica = {"database_type": "READ_REPLICA", "pool_mode": "transaction", "default_pool_size": 5}
    wire.answers(says([{**each, "max_client_conn": 200} for each in (replica, primary)]))

    check = await supabase_pooler(credentials(wire), TARGET)

    assert check.status is OK
    assert check.facts == {"pool_mode": "session", "default_pool_size": 15, "max_client_conn": 200}


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (supabase_project, []),
        (supabase_health, []),
        (supabase_health, {"db": "healthy"}),
        (supabase_pooler, []),
        (disk, {"metrics": {}}),
        (disk, {**util(5), "enabled": None, "metrics": None}),
    ],
)
async def test_an_answer_of_another_shape_is_unknown(wire: Wire, look: Look, told: Any) -> None:
    wire.answers(says(told))

    assert (await look(credentials(wire), TARGET)).status is UNKNOWN
