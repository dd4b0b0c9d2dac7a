"""Sentry's error counts, and resolving one issue."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.sentry import SentryCredentials
from tasks.sentry import read_issue, resolve_issue, sentry_errors
from tests.tasks.conftest import SECRET, Answer, Wire, says
from watchkeeper.errors import VendorRejected, VendorUnavailable
from watchkeeper.model import Check, CheckStatus
from watchkeeper.policy import load_policy

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
THRESHOLDS = load_policy().thresholds
EVENTS, ISSUES = "/api/0/organizations/shop/events/", "/api/0/organizations/shop/issues/"
# What is usual is counted over this many minutes: a day, but for its last hour.
USUAL_MINUTES = 23 * 60


def credentials(wire: Wire, path: str = "/api/0") -> SentryCredentials:
    return SentryCredentials(token=SecretStr(SECRET), organization="shop", base_url=f"{wire.url}{path}")


def counts(*rows: tuple[str | None, str | None, int]) -> Answer:
    return says({"data": [{"release": r, "transaction": t, "count()": n} for r, t, n in rows]})


def errors(count: int) -> Answer:
    return counts(("r2", "POST /orders", count)) if count else counts()


def issue(title: str, age: timedelta, number: str = "7") -> dict[str, Any]:
    return {"id": number, "title": title, "count": "12", "firstSeen": (NOW - age).isoformat()}


async def look(wire: Wire, recent: Answer, usual: Answer, *issues: Any, path: str = "/api/0") -> Check:
    wire.answers(recent, usual, at=EVENTS)
    wire.answers(says(list(issues)), at=ISSUES)
    return await sentry_errors(credentials(wire, path), now=NOW, thresholds=THRESHOLDS)


async def test_asks_for_the_last_minutes_and_for_what_was_usual_before_the_last_hour(wire: Wire) -> None:
    await look(wire, counts(), counts())

    recent, usual, issues = wire.asked
    assert [asked.headers["authorization"] for asked in wire.asked] == [f"Bearer {SECRET}"] * 3
    assert recent.query == {
        "dataset": ["errors"],
        "field": ["release", "transaction", "count()"],
        "start": ["2026-03-02T02:55:00+00:00"],
        "end": ["2026-03-02T03:00:00+00:00"],
        "sort": ["-count()"],
        "per_page": ["100"],
    }
    assert (usual.query["start"], usual.query["end"]) == (
        ["2026-03-01T03:00:00+00:00"],
        ["2026-03-02T02:00:00+00:00"],
    )
    assert issues.query == {"query": ["is:unresolved"], "limit": ["5"], "sort": ["date"]}


async def test_forgives_a_slash_at_the_end_of_the_address(wire: Wire) -> None:
    check = await look(wire, counts(), counts(), path="/api/0/")

    assert check.status is CheckStatus.OK
    assert [asked.path for asked in wire.asked] == [EVENTS, EVENTS, ISSUES]


@pytest.mark.parametrize(
    ("recent", "usual_per_minute", "status"),
    [
        (0, 0, CheckStatus.OK),
        # Five a minute are noise.
        (25, 0, CheckStatus.OK),
        (26, 0, CheckStatus.BAD),
        # Three times what is usual is no spike yet.
        (150, 10, CheckStatus.OK),
        (151, 10, CheckStatus.BAD),
    ],
)
async def test_calls_a_spike_what_is_several_times_what_is_usual(
    wire: Wire, recent: int, usual_per_minute: int, status: CheckStatus
) -> None:
    check = await look(wire, errors(recent), errors(usual_per_minute * USUAL_MINUTES))

    assert check.status is status
    assert check.summary == f"{recent} errors in 5 minutes; usual are {usual_per_minute:.1f} a minute"


async def test_splits_by_release_and_endpoint_and_names_the_issues_that_are_new(wire: Wire) -> None:
    recent = counts(("r2", "POST /orders", 20), ("r2", "GET /designs", 9), (None, None, 1))
    old = issue("PoolTimeout: " + "x" * 200, timedelta(hours=2), "3")

    check = await look(wire, recent, counts(("r1", None, 1380)), issue("KeyError", timedelta(minutes=9)), old)

    title = f"PoolTimeout: {'x' * 107}"
    assert check.facts == {
        "errors": 30,
        "per_minute": 6.0,
        "usual_per_minute": 1.0,
        "by_release": {"r2": 29, "unknown": 1},
        "by_endpoint": {"POST /orders": 20, "GET /designs": 9, "unknown": 1},
        "usual_by_release": {"r1": 1380},
        "top_titles": ["KeyError (12)", f"{title} (12)"],
        "new_titles": ["KeyError"],
        "new_issue_ids": ["7"],
    }
    assert "POST /orders: 20" in check.output and "new: KeyError" in check.output


async def test_resolves_one_issue_and_no_other(wire: Wire) -> None:
    wire.answers(
        says({"id": "7", "title": "KeyError", "status": "resolved", "lastSeen": "2026-03-02T02:59:00Z"})
    )

    await resolve_issue.fn(credentials(wire), "7")

    [asked] = wire.asked
    assert (asked.method, asked.path, asked.json) == ("PUT", f"{ISSUES}7/", {"status": "resolved"})
    assert await read_issue(credentials(wire), "7") == {
        "id": "7",
        "title": "KeyError",
        "status": "resolved",
        "last_seen": datetime(2026, 3, 2, 2, 59, tzinfo=UTC),
    }


@pytest.mark.parametrize("number", ["", "7/../8", "?query=is:unresolved", "*"])
async def test_never_asks_for_more_than_one_issue(wire: Wire, number: str) -> None:
    """Without an id Sentry changes every issue that matches."""
    with pytest.raises(ValueError, match="is not an issue's number"):
        await resolve_issue.fn(credentials(wire), number)

    assert wire.asked == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(403, SECRET.encode()), VendorRejected),
        (Answer(404), VendorRejected),
        (Answer(503), VendorUnavailable),
        (says({"status": "unresolved"}), VendorRejected),
        (says([]), VendorRejected),
    ],
)
async def test_asks_once_for_a_change_and_says_what_came_of_it(
    wire: Wire, answer: Answer, kind: type[Exception]
) -> None:
    wire.answers(answer)

    with pytest.raises(kind) as caught:
        await resolve_issue.fn(credentials(wire), "7")

    assert len(wire.asked) == 1
    assert SECRET not in f"{caught.value} {vars(caught.value)}"
