"""What the drills of Redis hold against a night: seen by the company and its vendor alone."""

from typing import Any

import pytest

from drills.scenarios.redis import nothing_is_lost, orders_went_on, redis_is_used_again
from drills.scenarios.scenario import backend_kept_running


def seen(queued: list[str], *, succeeded: int = 10, failed: int = 1, pid: int = 7) -> dict[str, Any]:
    """What GET /control/state says, as far as these look."""
    return {
        "customers": {"succeeded": succeeded, "failed": failed, "newest_order": 12},
        "company": {"backend": {"pid": pid}},
        "upstash": {"lists": {"confirmations": queued} if queued else {}},
    }


BEFORE = seen(["1", "2"])
WELL = seen(["1", "2", "9"], succeeded=50)


@pytest.mark.parametrize(
    "proof", [orders_went_on, nothing_is_lost, redis_is_used_again, backend_kept_running]
)
def test_holds_nothing_against_a_night_that_went_well(proof: Any) -> None:
    assert proof(BEFORE, WELL) == []


@pytest.mark.parametrize(
    ("proof", "after", "sentence"),
    [
        (orders_went_on, seen(["1", "2", "9"], succeeded=50, failed=2), "40 succeeded, 1 failed"),
        (orders_went_on, seen(["1", "2", "9"]), "0 succeeded, 0 failed"),
        (nothing_is_lost, seen(["2", "9"]), "1 of 2 queued confirmations are lost"),
        (nothing_is_lost, seen([]), "2 of 2 queued confirmations are lost"),
        # One more than before the fault, and nothing since: the connection was lost a moment after the first look.
        (redis_is_used_again, seen(["1"]), "order 12 was taken, and order 1 is the last one queued"),
        (redis_is_used_again, seen([]), "order 0 is the last one queued"),
        (backend_kept_running, seen(["1", "2", "9"], pid=8), "the backend was restarted"),
    ],
)
def test_names_what_went_wrong(proof: Any, after: dict[str, Any], sentence: str) -> None:
    [failure] = proof(BEFORE, after)

    assert sentence in failure


def test_nothing_can_be_lost_where_nothing_was() -> None:
    assert nothing_is_lost(seen([]), WELL) == ["nothing was queued in Redis before, so nothing could be lost"]
