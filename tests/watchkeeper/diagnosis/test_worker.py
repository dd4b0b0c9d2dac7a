"""A worker that does not get on: crashed, stuck on a job, held up by a limit, paused; and what is none of these."""

from typing import Any

import pytest

from flows.runbooks.cures import CURES
from tests.watchkeeper.diagnosis.looks import BAD, OK, POLICY, UNKNOWN, check, deployed, detailed, health
from watchkeeper.diagnosis import ACT_ABOVE, diagnose
from watchkeeper.model import Check, CheckStatus

PER_MINUTE = "gemini: 429 RESOURCE_EXHAUSTED GenerateRequestsPerMinutePerProjectPerModel retry in 12s"
PER_DAY = "gemini: 429 RESOURCE_EXHAUSTED GenerateRequestsPerDayPerProjectPerModel"
REMOVEBG = "removebg: 429 rate_limit_exceeded"
UNNAMED = "HTTP 429 Too Many Requests"
OVERLOADED = "gemini: 503 UNAVAILABLE"
HANGS = {"id": "dsg-1", "name": "design", "locked": False, "tries": 3, "stalled_count": 2, "seconds": 4.0}
STALLED = [{"id": "dsg-1", "kind": "design", "seconds": 400.0}]


def queue(status: CheckStatus = OK, **facts: Any) -> Check:
    known = {
        "depth": 0,
        "delayed": 0,
        "active": 0,
        "workers": 6,
        "active_jobs": [],
        "reasons": [],
        "paused": False,
    }
    return check("queue", status, **known | facts)


def table(pending: int = 0, processing: int = 0, **facts: Any) -> Check:
    counts = {"pending": pending, "processing": processing}
    known = {"counts": counts, "stalled": [], "errors": {}}
    return check("jobs_table", BAD if facts.get("stalled") else OK, **known | facts)


def worker(status: str = "SUCCESS") -> Check:
    return check("worker_deployment", OK if status == "SUCCESS" else BAD, current={"status": status})


WELL = [health(), detailed(), deployed(3000), queue(), table(), worker()]


def night(*changed: Check) -> list[Check]:
    names = {each.name for each in changed}
    return [*(each for each in WELL if each.name not in names), *changed]


def acted_upon(*changed: Check) -> list[str]:
    """The causes that are likely enough to act upon, likeliest first."""
    return [found.cause for found in diagnose(night(*changed), POLICY) if found.confidence >= ACT_ABOVE]


@pytest.mark.parametrize(
    ("changed", "causes"),
    [
        ([], []),
        ([queue(depth=5, workers=0), table(5), worker("CRASHED")], ["worker_crashed"]),
        # An exit without an error leaves the platform's status good.
        ([queue(depth=5, workers=0), table(5)], ["worker_crashed"]),
        # Where the host does not tell who is connected, the platform's word will do.
        ([queue(depth=5, workers=None), table(5), worker("CRASHED")], ["worker_crashed"]),
        ([queue(depth=5, workers=None), table(5)], []),
        ([queue(depth=4, active_jobs=[HANGS]), table(4, 1, stalled=STALLED)], ["stuck_job"]),
        ([queue(depth=4, active_jobs=[HANGS]), table(4, 1)], ["stuck_job"]),
        # BullMQ has a try left, or somebody holds the job's lock and it is not over the limit.
        ([queue(depth=4, active_jobs=[HANGS | {"stalled_count": 1}]), table(4, 1)], []),
        ([queue(depth=4, active_jobs=[HANGS | {"locked": True}]), table(4, 1)], []),
        ([queue(delayed=5, reasons=[PER_MINUTE]), table(5, errors={PER_MINUTE: 5})], ["rate_limited"]),
        ([queue(delayed=5), table(5, errors={PER_MINUTE: 5})], ["rate_limited"]),
        # Whose limit it is, the error says.
        ([queue(delayed=5), table(5, errors={REMOVEBG: 5})], ["removebg_rate_limited"]),
        ([queue(delayed=5), table(5, errors={"RESOURCE_EXHAUSTED": 5})], ["rate_limited"]),
        ([queue(delayed=5), table(5, errors={UNNAMED: 5})], ["other_rate_limited"]),
        ([queue(delayed=5), table(5, errors={"api answered 429.": 5})], ["other_rate_limited"]),
        ([queue(delayed=5, reasons=[PER_DAY]), table(5, errors={PER_DAY: 5})], ["daily_quota"]),
        ([queue(delayed=5, reasons=[OVERLOADED]), table(5, errors={OVERLOADED: 5})], []),
        ([queue(BAD, depth=5, paused=True), table(5)], ["queue_paused"]),
        # More comes in than goes out, and nothing is wrong with anybody.
        ([queue(BAD, depth=500), table(500, 3)], []),
        # Redis, or the database, is down: that stops a worker too, and a restart would not help.
        ([check("queue", UNKNOWN), table(9)], []),
        ([queue(depth=5), check("jobs_table", UNKNOWN)], []),
        ([check("queue", UNKNOWN), check("jobs_table", UNKNOWN)], []),
    ],
)
def test_acts_upon_what_holds_the_worker_up_and_upon_nothing_else(
    changed: list[Check], causes: list[str]
) -> None:
    assert acted_upon(*changed) == causes


@pytest.mark.parametrize(
    "error",
    ["timeout after 42950 ms", "timeout after 429 ms", "job dsg-429 lost its lock", "took 1.429", "429.5 MB"],
)
def test_a_number_that_is_no_status_code_is_no_limit(error: str) -> None:
    assert acted_upon(queue(delayed=5, reasons=[error]), table(5, errors={error: 5})) == []


def test_waits_for_the_api_whose_limit_it_is() -> None:
    errors = {REMOVEBG: "Remove.bg's", PER_MINUTE: "Gemini's", UNNAMED: "an API's"}
    for error, whose in errors.items():
        [cause] = acted_upon(queue(delayed=5), table(5, errors={error: 5}))
        assert CURES[cause].waits_for == f"{whose} rate limit"


def test_a_crash_leaves_its_last_job_in_processing_and_is_a_crash_all_the_same() -> None:
    orphan = HANGS | {"stalled_count": 0}

    causes = acted_upon(
        queue(depth=5, workers=0, active_jobs=[orphan]), table(5, 1, stalled=STALLED), worker("CRASHED")
    )

    assert causes[0] == "worker_crashed"


def test_what_a_person_is_to_do_comes_with_figures() -> None:
    [found] = [
        each
        for each in diagnose(night(queue(delayed=5, reasons=[PER_DAY]), table(5)), POLICY)
        if each.cause == "daily_quota"
    ]

    assert "5 jobs wait" in found.advice[0]
