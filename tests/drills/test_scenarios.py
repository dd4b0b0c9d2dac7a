"""What the drills' proofs hold against a night: told by the company and its vendors, and able to fail."""

from typing import Any

import pytest

from drills.scenarios.database import (
    leak_was_ended,
    nobody_was_cut_off,
    nothing_was_deleted,
)
from drills.scenarios.errors import (
    ERRORS_RELEASE,
    designs_fell_back,
    designs_waited,
    its_errors_ended,
    only_payments_stopped,
)
from drills.scenarios.scenario import (
    Proof,
    backend_was_restarted,
    circuit_is_open,
    every,
    hotfix_begun_from,
)
from drills.scenarios.site import processors_raised, processors_unchanged
from drills.scenarios.worker import FAILED_BY_HAND, nothing_was_failed_by_hand


def seen(**changes: Any) -> dict[str, Any]:
    """What GET /control/state says, as far as these look."""
    designs = {
        "completed": 4,
        "failed": {},
        "waiting_longest_seconds": 1.0,
        "delivered_twice": 0,
        "pictures": {"cut out": 4},
    }
    known = {"pid": 7, "killed": 2, "old_rows": 90, "branches": {}, "refused": 0, "designs": {}} | changes
    return {
        "company": {"backend": {"pid": known["pid"]}},
        "supabase": {
            "sessions_killed": known["killed"],
            "old_rows": known["old_rows"],
            "most_old_rows": 90,
        },
        "github": {"branches": known["branches"]},
        **{vendor: {"refused": known["refused"]} for vendor in ("gemini", "removebg", "stripe")},
        "customers": {"failed": known.get("failed", 0)},
        "circuits": {
            "removebg": {"fell_back": known.get("fell_back", 0)},
            "stripe": {"state": known.get("stripe")},
        },
        "sentry": {"issues": known.get("issues", [])},
        "designs": designs | known["designs"],
    }


BEFORE = seen()
LATER = {"designs": {"completed": 9}}
HOTFIX = hotfix_begun_from("bada55")
ORIGINAL = {"designs": {"pictures": {"cut out": 4, "original": 2}}}
FELL_BACK = {"refused": 3, "fell_back": 5, **ORIGINAL}


def issue(seconds: float, *, status: str = "resolved", release: str = ERRORS_RELEASE) -> dict[str, Any]:
    """As Sentry's stand-in tells of one: when it was seen last, in this release."""
    return {"title": "DiscountError", "status": status, "quiet_seconds": {release: seconds}}


@pytest.mark.parametrize(
    ("proof", "after", "failures"),
    [
        (leak_was_ended, seen(pid=8, killed=14), []),
        (leak_was_ended, seen(pid=8), ["no connection was ended"]),
        (leak_was_ended, seen(killed=14), ["the backend was not restarted"]),
        (backend_was_restarted, seen(pid=None), ["the backend was not restarted"]),
        (nobody_was_cut_off, seen(pid=8), []),
        (nobody_was_cut_off, seen(killed=3), ["1 connections were ended"]),
        (nothing_was_deleted, seen(), []),
        (nothing_was_deleted, seen(old_rows=30), ["60 of 90 old rows were deleted"]),
        (HOTFIX, seen(branches={"hotfix/inc-0001": "bada55"}), []),
        (HOTFIX, seen(), ["branches were made from nothing, not from bada55"]),
        (HOTFIX, seen(branches={"b": "a11ce5"}), ["branches were made from ['a11ce5'], not from bada55"]),
        (designs_waited, seen(refused=3, **LATER), []),
        (designs_waited, seen(**LATER), ["Gemini refused nothing"]),
        (designs_waited, seen(refused=3), ["no design was done"]),
        (its_errors_ended, seen(issues=[issue(30.0), issue(0.1, status="unresolved", release="2024.1")]), []),
        (its_errors_ended, seen(), ["Sentry saw no error of 2024.3-errors"]),
        (
            its_errors_ended,
            seen(issues=[issue(30.0, status="unresolved")]),
            ["“DiscountError” is unresolved in Sentry, not resolved"],
        ),
        (
            its_errors_ended,
            seen(issues=[issue(0.4)]),
            ["2024.3-errors was still failing 0.4 s before the end"],
        ),
        (designs_fell_back, seen(**FELL_BACK), []),
        (designs_fell_back, seen(**FELL_BACK | {"refused": 0}), ["Remove.bg refused nothing"]),
        (
            designs_fell_back,
            seen(**FELL_BACK | {"fell_back": 0}),
            ["the backend's /health/detailed tells of no fallback that was used"],
        ),
        (
            designs_fell_back,
            seen(refused=3, fell_back=5),
            ["no design was delivered with its original picture"],
        ),
        (only_payments_stopped, seen(refused=3), []),
        (only_payments_stopped, seen(), ["Stripe refused nothing"]),
        (only_payments_stopped, seen(refused=3, failed=2), ["2 orders failed, although only payments could"]),
        (circuit_is_open("stripe"), seen(stripe="half_open"), []),
        (circuit_is_open("stripe"), seen(stripe="closed"), ["the circuit of stripe is closed, not open"]),
        (circuit_is_open("gemini"), seen(), ["the circuit of gemini is unknown, not open"]),
        (nothing_was_failed_by_hand, seen(designs={"failed": {"gemini": 3}}), []),
        (
            nothing_was_failed_by_hand,
            seen(designs={"failed": {FAILED_BY_HAND: 1}}),
            ["1 designs were failed by hand"],
        ),
    ],
)
def test_names_what_went_wrong_and_nothing_else(
    proof: Proof, after: dict[str, Any], failures: list[str]
) -> None:
    assert proof(BEFORE, after) == failures


def test_every_proof_is_asked() -> None:
    both = every(nobody_was_cut_off, nothing_was_deleted)

    assert both(BEFORE, seen(killed=3, old_rows=89)) == [
        "1 connections were ended",
        "1 of 90 old rows were deleted",
    ]


def weighed(**changes: Any) -> dict[str, Any]:
    return {"company": {"backend": {"pid": 7, "cpu_limit": 1.0, "throttled_seconds": 5.0} | changes}}


@pytest.mark.parametrize(
    ("after", "failures"),
    [
        ({"throttled_seconds": 9.0, "cpu_limit": 0.3}, []),
        (
            {"throttled_seconds": 7.0, "cpu_limit": 0.3},
            ["the backend was not held back by its limit of processors"],
        ),
        (
            {"throttled_seconds": 9.0, "cpu_limit": 0.2},
            ["the limit in force is 0.2 vCPU, no higher than before"],
        ),
        ({"throttled_seconds": 9.0, "cpu_limit": 0.3, "pid": None}, ["the backend does not run"]),
    ],
)
def test_more_processors_are_proved_by_the_limit_in_force(after: dict[str, Any], failures: list[str]) -> None:
    assert processors_raised(weighed(), weighed(**after)) == failures


def test_refused_processors_leave_the_limit_as_it_was() -> None:
    assert processors_unchanged(weighed(), weighed(cpu_limit=0.2)) == []
    assert processors_unchanged(weighed(), weighed(cpu_limit=0.3)) == [
        "the limit in force went from 0.2 to 0.3 vCPU"
    ]
