"""Sentry's error counts, now against what is usual, split by release and by endpoint; and resolving an issue.

Source:
    https://docs.sentry.io/api/explore/query-explore-events-in-table-format/
    https://docs.sentry.io/api/events/update-an-issue/
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from blocks.sentry import SentryCredentials
from tasks.looking import Seen, look
from tasks.shapes import action_task, look_task
from tasks.vendor_http import Ask, read_json, rejected, send_json
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check
from watchkeeper.policy.rules import Thresholds
from watchkeeper.rendering import duration

# A spike is several times what is usual.
SPIKE = 3
ROWS, SHOWN_ISSUES, SHOWN_TITLE = 100, 5, 120
WRITE_LIMIT_SECONDS = 10.0
MINUTE = timedelta(minutes=1)

Counts = dict[str, int]


async def sentry_errors(
    credentials: SentryCredentials | None, *, now: datetime, thresholds: Thresholds
) -> Check:
    """Errors of the last minutes beside what is usual, by release and by endpoint, with the issues that are new.

    What is usual is measured before the last hour: errors that have been there for a while do not make themselves
    usual by staying.
    """

    async def read() -> Seen:
        if credentials is None:
            raise NotConfigured("Sentry", setting="WATCHKEEPER_SENTRY__TOKEN")
        window, usual_until = thresholds.error_window, now - thresholds.recent_deployment
        usual_from = now - thresholds.error_baseline
        async with credentials.get_client() as client:
            recent = await _count(client, credentials, ["release", "transaction"], now - window, now)
            usual = await _count(client, credentials, ["release"], usual_from, usual_until)
            issues = await _issues(client, credentials)
        per_minute = _total(recent) / (window / MINUTE)
        usually = _total(usual) / ((usual_until - usual_from) / MINUTE)
        new = [issue for issue in issues if issue["first_seen"] >= usual_until]
        facts = {
            "errors": _total(recent),
            "per_minute": round(per_minute, 2),
            "usual_per_minute": round(usually, 2),
            "by_release": _sums(recent, "release"),
            "by_endpoint": _sums(recent, "transaction"),
            "usual_by_release": _sums(usual, "release"),
            "top_titles": [f"{issue['title']} ({issue['count']})" for issue in issues],
            "new_titles": [issue["title"] for issue in new],
            "new_issue_ids": [issue["id"] for issue in new],
        }
        calm = per_minute <= max(thresholds.errors_per_minute, SPIKE * usually)
        words = f"{_total(recent)} errors in {duration(window)}; usual are {usually:.1f} a minute"
        return Seen(calm, words, facts, output="\n".join([words, *_lines(facts)]))

    return await look("sentry_errors", "sentry", "Sentry: errors by release and endpoint", read)


def _lines(facts: dict[str, Any]) -> list[str]:
    splits = ("by_release", "by_endpoint")
    return [
        *(f"{name}: {count}" for split in splits for name, count in facts[split].items()),
        *(f"new: {title}" for title in facts["new_titles"]),
        *facts["top_titles"],
    ]


Row = dict[str, Any]


async def _count(
    client: httpx.AsyncClient,
    credentials: SentryCredentials,
    fields: list[str],
    start: datetime,
    end: datetime,
) -> list[Row]:
    parameters: dict[str, Any] = {
        "dataset": "errors",
        "field": [*fields, "count()"],
        "start": start.isoformat(),
        "end": end.isoformat(),
        "sort": "-count()",
        "per_page": str(ROWS),
    }
    url = f"{_organization(credentials)}/events/"
    told = await read_json(client, Ask("sentry", "count_errors"), "GET", url, params=parameters)
    return [
        {name: str(row.get(name) or "unknown") for name in fields} | {"count": int(row["count()"])}
        for row in told["data"]
    ]


def _total(rows: Sequence[Row]) -> int:
    return sum(int(row["count"]) for row in rows)


def _sums(rows: Sequence[Row], name: str) -> Counts:
    """How many of each, the most frequent first."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row[name]] += row["count"]
    return dict(sums.most_common())


async def _issues(client: httpx.AsyncClient, credentials: SentryCredentials) -> list[Row]:
    """The unresolved issues that were seen last."""
    url = f"{_organization(credentials)}/issues/"
    parameters = {"query": "is:unresolved", "limit": str(SHOWN_ISSUES), "sort": "date"}
    told = await read_json(client, Ask("sentry", "list_issues"), "GET", url, params=parameters)
    return [
        {
            "id": str(issue["id"]),
            "title": str(issue["title"])[:SHOWN_TITLE],
            "count": issue["count"],
            "first_seen": datetime.fromisoformat(issue["firstSeen"]),
        }
        for issue in told
    ]


async def read_issue(credentials: SentryCredentials, issue_id: str) -> dict[str, Any]:
    """One issue: id, title, status ("resolved", "unresolved" or "ignored") and last_seen.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("sentry", "read_issue")
    async with credentials.get_client() as client:
        told = await read_json(client, ask, "GET", _issue_url(credentials, issue_id))
    try:
        return {
            "id": issue_id,
            "title": str(told["title"])[:SHOWN_TITLE],
            "status": str(told["status"]),
            "last_seen": datetime.fromisoformat(told["lastSeen"]),
        }
    except (KeyError, TypeError, ValueError):
        raise rejected(ask, "an answer of an unknown shape") from None


@action_task("resolve_issue", "sentry", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def resolve_issue(credentials: SentryCredentials, issue_id: str) -> None:
    """Resolve this one issue. Never the list's own PUT: without an id it changes everything that matches.

    Raises:
        VendorRejected: Sentry refused; the token needs the scope event:write.
        VendorUnavailable: it may have happened; look before asking again.
    """
    ask = Ask("sentry", "resolve_issue", WRITE_LIMIT_SECONDS)
    url = _issue_url(credentials, issue_id)
    async with credentials.get_client() as client:
        told = await send_json(client, ask, "PUT", url, json={"status": "resolved"})
    if _status(ask, told) != "resolved":
        raise rejected(ask, "the issue is not resolved")


def _issue_url(credentials: SentryCredentials, issue_id: str) -> str:
    if not issue_id.isdecimal():
        raise ValueError(f"{issue_id!r} is not an issue's number")
    return f"{_organization(credentials)}/issues/{issue_id}/"


def _status(ask: Ask, told: Any) -> str:
    try:
        return str(told["status"])
    except (KeyError, TypeError):
        raise rejected(ask, "an answer of an unknown shape") from None


def _organization(credentials: SentryCredentials) -> str:
    return f"{credentials.base_url.rstrip('/')}/organizations/{credentials.organization}"


check_sentry_errors = look_task("check_sentry_errors", "sentry")(sentry_errors)
