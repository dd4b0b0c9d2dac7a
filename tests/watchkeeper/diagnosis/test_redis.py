"""Redis: what is its fault, what is not, and what a used-up plan went on."""

import pytest

from tests.watchkeeper.diagnosis.looks import (
    BAD,
    UNKNOWN,
    check,
    connections,
    deployed,
    detailed,
    finding,
    health,
    no_connection,
    no_redis,
    ping,
    ranked,
    upstash,
    vendor_page,
)
from watchkeeper.diagnosis import ACT_ABOVE, redis
from watchkeeper.model import Check

REDIS_CAUSES = {cause.name for cause in redis.CAUSES}


@pytest.mark.parametrize(
    "changed",
    [
        [connections(18, 15), detailed("error")],
        [deployed(5), health(BAD, 500), detailed(None)],
        [no_connection(), detailed("error")],
        [vendor_page("supabase"), no_connection(), detailed("error")],
        [ping("slow")],
        [ping("auth")],
    ],
)
def test_nothing_is_blamed_on_a_redis_that_is_well(changed: list[Check]) -> None:
    assert not REDIS_CAUSES & set(ranked(*changed))


@pytest.mark.parametrize(
    "changed",
    [
        [vendor_page("upstash"), ping("connection"), no_redis()],
        [ping("quota"), no_redis(), upstash(100)],
        [no_redis()],
    ],
)
def test_nothing_else_is_blamed_for_redis(changed: list[Check]) -> None:
    likely = {cause for cause, confidence in ranked(*changed).items() if confidence >= ACT_ABOVE}

    assert likely <= REDIS_CAUSES and len(likely) == 1


def test_says_what_a_used_up_plan_went_on() -> None:
    advice = finding("redis_quota", ping("quota"), upstash(100)).advice

    assert advice[:4] == [
        "20,000 commands a day, 120 % of the 16,666 a day that 500,000 a month allow (plan free)",
        "EVALSHA: 10,480 a day = 63 % of the plan; doubling BullMQ's drainDelay and stalledInterval saves about 5,240",
        "BZPOPMIN: 6,840 a day = 41 % of the plan; doubling BullMQ's drainDelay saves about 3,420",
        "GET: 1,680 a day = 10 % of the plan",
    ]
    assert len(advice) == 5 and advice[4].startswith("upgrade: Upstash console")


def test_says_what_is_missing_where_upstash_gave_no_figures() -> None:
    away = check("upstash_database", UNKNOWN, "upstash answered 503 to read_database")

    advice = finding("redis_quota", ping("quota"), away).advice

    assert "upstash answered 503 to read_database" in advice[1]
