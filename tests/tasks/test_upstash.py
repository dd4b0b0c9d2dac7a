"""Upstash's developer API: the database's limits beside what was used of them, without its password."""

from typing import Any

import pytest
from pydantic import SecretStr

from blocks.upstash import UpstashCredentials
from tasks.upstash import upstash_database
from tests.tasks.conftest import SECRET, Wire, says
from watchkeeper.model import Check, CheckStatus
from watchkeeper.policy.services import UpstashTarget

DATABASE = {
    "state": "active",
    "type": "free",
    "db_request_limit": 500_000,
    "auto_upgrade": False,
    "db_memory_threshold": 268_435_456,
}


def points(*values: int) -> list[dict[str, Any]]:
    return [{"x": f"2026-03-0{day} 03:00:00.000 +0000 UTC", "y": y} for day, y in enumerate(values, start=1)]


STATS = {
    "total_monthly_requests": 430_000,
    "daily_net_commands": 9_000,
    "current_storage": 12_340_000,
    "dailyrequests": points(18_000, 22_000, 9_000),
    "connection_count": points(4, 7),
    "command_counts": [
        {"metric_identifier": "BZPOPMIN", "data_points": points(100, 200)},
        {"metric_identifier": "GET", "data_points": points(50, 50)},
        {"metric_identifier": "EXISTS", "data_points": points(0)},
    ],
}


async def looked(wire: Wire, database: dict[str, Any] = DATABASE, **stats: Any) -> Check:
    wire.answers(says(database), at="/redis/database/db-1")
    wire.answers(says(STATS | stats), at="/redis/stats/db-1")
    credentials = UpstashCredentials(email="ops@example.com", api_key=SecretStr(SECRET), base_url=wire.url)
    return await upstash_database(credentials, UpstashTarget(database_id="db-1"), near_percent=80)


async def test_says_how_much_of_the_plan_is_used_and_by_what(wire: Wire) -> None:
    check = await looked(wire)

    assert check.status is CheckStatus.BAD
    assert check.summary == "active, plan free, 430,000 commands this month of 500,000 (86 %)"
    assert check.facts == {
        "state": "active",
        "plan": "free",
        "limit": 500_000,
        "auto_upgrade": False,
        "used_this_month": 430_000,
        "used_today": 9_000,
        "usual_day": 20_000,
        "shares": {"BZPOPMIN": 75.0, "GET": 25.0},
        "connections": 7,
        "used_percent": 86.0,
        "stored_bytes": 12_340_000,
        "memory_limit": 268_435_456,
    }
    assert "12.3 MB stored, of at most 268 MB" in check.output
    assert "20,000 commands on a usual day" in check.output


async def test_asks_for_no_password(wire: Wire) -> None:
    await looked(wire)

    assert [(asked.method, asked.query) for asked in wire.asked] == [
        ("GET", {"credentials": ["hide"]}),
        ("GET", {}),
    ]


@pytest.mark.parametrize(
    ("used", "state", "status"),
    [
        (399_999, "active", CheckStatus.OK),
        (400_000, "active", CheckStatus.BAD),
        (10, "suspended", CheckStatus.BAD),
        (10, "passive", CheckStatus.BAD),
    ],
)
async def test_is_bad_when_the_plan_is_nearly_used_up_or_the_database_not_active(
    wire: Wire, used: int, state: str, status: CheckStatus
) -> None:
    check = await looked(wire, DATABASE | {"state": state}, total_monthly_requests=used)

    assert check.status is status


@pytest.mark.parametrize("limit", [None, 0, -1])
async def test_a_plan_without_a_limit_is_never_used_up(wire: Wire, limit: int | None) -> None:
    check = await looked(wire, DATABASE | {"type": "payg", "db_request_limit": limit})

    assert check.status is CheckStatus.OK
    assert check.summary == "active, plan payg, 430,000 commands this month"


async def test_a_first_day_is_no_usual_one(wire: Wire) -> None:
    check = await looked(wire, dailyrequests=points(9_000), command_counts=[], connection_count=[])

    assert (check.facts["usual_day"], check.facts["shares"], check.facts["connections"]) == (None, {}, None)
