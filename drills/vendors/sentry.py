"""Sentry: takes the SDK's envelopes, groups errors into issues, and sends a signed webhook for a new one."""

import asyncio
import gzip
import hashlib
import hmac
import json
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.loopback import http_client
from drills.vendors.config import Sentry
from drills.vendors.vendor import Vendor


class Seen(NamedTuple):
    """One error, as far as it can be asked for."""

    at: datetime
    release: str
    transaction: str


@dataclass
class Issue:
    """Errors of one type."""

    id: str
    title: str
    level: str = "error"
    status: str = "unresolved"
    seen: list[Seen] = field(default_factory=list)


class SentryApi(Vendor):
    """Issues by their title."""

    def __init__(self, config: Sentry) -> None:
        self._config = config
        self.issues: dict[str, Issue] = {}
        self._hooks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        organization = f"/sentry/api/0/organizations/{self._config.organization}"
        return [
            Route("/sentry/api/{project}/envelope/", self.take, methods=["POST"]),
            Route(f"{organization}/events/", self.events),
            Route(f"{organization}/issues/", self.list_issues),
            # There is one for all issues that match a query, too: whoever asks for that here is refused.
            Route(f"{organization}/issues/{{issue}}/", self.one_issue, methods=["GET", "PUT"]),
        ]

    def state(self) -> dict[str, Any]:
        """Every issue with its status and the releases that it was seen in, each with the seconds since."""
        now = datetime.now(UTC)
        return {
            "issues": [
                {
                    "title": issue.title,
                    "status": issue.status,
                    "quiet_seconds": {
                        seen.release: round((now - seen.at).total_seconds(), 1) for seen in issue.seen
                    },
                }
                for issue in self.issues.values()
            ]
        }

    def reset(self) -> None:
        """Every issue is resolved: the same error is news again."""
        self.issues.clear()

    async def take(self, request: Request) -> JSONResponse:
        if self._config.public_key not in request.headers.get("X-Sentry-Auth", ""):
            return JSONResponse({"detail": "bad sentry DSN public key"}, 403)
        body = await request.body()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for event in events_of(body):
            await self._group(event)
        return JSONResponse({"id": uuid.uuid4().hex})

    async def _group(self, event: dict[str, Any]) -> None:
        values = event.get("exception", {}).get("values") or [{"type": "Error", "value": ""}]
        title = f"{values[-1].get('type')}: {values[-1].get('value')}"[:200]
        release = str(event.get("release") or "unknown")
        issue = self.issues.setdefault(title, Issue(str(len(self.issues) + 1), title))
        # A resolved issue that is seen again is a regression: as good as new.
        is_new = not issue.seen or issue.status == "resolved"
        issue.status, issue.level = "unresolved", str(event.get("level") or "error")
        issue.seen.append(Seen(datetime.now(UTC), release, str(event.get("transaction") or "")))
        if is_new and self._config.webhook_url:
            task = asyncio.create_task(self._tell(issue, release))
            self._hooks.add(task)
            task.add_done_callback(self._hooks.discard)

    async def _tell(self, issue: Issue, release: str) -> None:
        event = {
            "event_id": uuid.uuid4().hex,
            "title": issue.title,
            "level": issue.level,
            "culprit": issue.seen[-1].transaction,
            "issue_id": issue.id,
            "release": release,
            "web_url": f"https://sentry.io/organizations/shop/issues/{issue.id}/",
        }
        body = json.dumps(
            {
                "action": "triggered",
                "installation": {"uuid": str(uuid.uuid4())},
                "data": {"event": event, "triggered_rule": "New issue"},
                "actor": {"type": "application", "id": "sentry", "name": "Sentry"},
            }
        ).encode()
        headers = {
            "Content-Type": "application/json",
            "Request-ID": uuid.uuid4().hex,
            "Sentry-Hook-Resource": "event_alert",
            "Sentry-Hook-Timestamp": str(int(time.time())),
            "Sentry-Hook-Signature": hmac.new(
                self._config.client_secret.encode(), body, hashlib.sha256
            ).hexdigest(),
        }
        try:
            async with http_client(timeout=1) as client:
                await client.post(str(self._config.webhook_url), content=body, headers=headers)
        except httpx.TransportError as error:
            print(f"sentry: webhook not delivered: {type(error).__name__}", flush=True)

    async def events(self, request: Request) -> JSONResponse:
        """Between two times, a row for each combination of the fields asked for, with its count."""
        if refusal := self._refusal(request):
            return refusal
        asked = request.query_params
        fields = [name for name in asked.getlist("field") if name != "count()"]
        if not fields or not set(fields) <= {"release", "transaction", "title"}:
            return JSONResponse({"detail": f"Invalid field: {', '.join(fields) or 'none'}"}, 400)
        start = datetime.fromisoformat(asked.get("start", "1970-01-01T00:00:00+00:00"))
        end = datetime.fromisoformat(asked.get("end", "2999-01-01T00:00:00+00:00"))
        rows = Counter(
            tuple(value_of(name, issue, seen) for name in fields)
            for issue in self.issues.values()
            for seen in issue.seen
            if start <= seen.at < end
        )
        limit = int(asked.get("per_page", "50"))
        data = [dict(zip(fields, row, strict=True)) | {"count()": n} for row, n in rows.most_common(limit)]
        types = dict.fromkeys(fields, "string") | {"count()": "integer"}
        return JSONResponse({"data": data, "meta": {"fields": types}})

    async def list_issues(self, request: Request) -> JSONResponse:
        if refusal := self._refusal(request):
            return refusal
        asked = request.query_params
        query = asked.get("query", "is:unresolved")
        wanted = [i for i in self.issues.values() if "is:" not in query or f"is:{i.status}" in query]
        key = first_seen if asked.get("sort") == "new" else last_seen
        newest = sorted(wanted, key=key, reverse=True)
        return JSONResponse([told_of(issue) for issue in newest[: int(asked.get("limit", "25"))]])

    async def one_issue(self, request: Request) -> JSONResponse:
        """What one issue is, or its new status."""
        if refusal := self._refusal(request):
            return refusal
        wanted = request.path_params["issue"]
        issue = next((i for i in self.issues.values() if i.id == wanted), None)
        if issue is None:
            return JSONResponse({"detail": "The requested resource does not exist"}, 404)
        if request.method == "GET":
            return JSONResponse(told_of(issue))
        status = (await request.json()).get("status")
        if status not in ("resolved", "unresolved", "ignored"):
            return JSONResponse({"status": [f'"{status}" is not a valid choice.']}, 400)
        issue.status = status
        return JSONResponse(told_of(issue))

    def _refusal(self, request: Request) -> JSONResponse | None:
        if request.headers.get("Authorization") == f"Bearer {self._config.token}":
            return None
        return JSONResponse({"detail": "Invalid token"}, 401)


def value_of(name: str, issue: Issue, seen: Seen) -> str:
    return issue.title if name == "title" else str(getattr(seen, name))


def first_seen(issue: Issue) -> datetime:
    return issue.seen[0].at


def last_seen(issue: Issue) -> datetime:
    return issue.seen[-1].at


def told_of(issue: Issue) -> dict[str, Any]:
    return {
        "id": issue.id,
        "shortId": f"SHOP-{issue.id}",
        "title": issue.title,
        "culprit": issue.seen[-1].transaction,
        "count": str(len(issue.seen)),
        "userCount": 0,
        "level": issue.level,
        "status": issue.status,
        "firstSeen": issue.seen[0].at.isoformat(),
        "lastSeen": issue.seen[-1].at.isoformat(),
    }


def events_of(envelope: bytes) -> list[dict[str, Any]]:
    """The events in an envelope: a header line, then pairs of an item's header and its payload."""
    lines = envelope.split(b"\n")[1:]
    pairs = zip(lines[::2], lines[1::2], strict=False)
    return [
        json.loads(payload) for header, payload in pairs if header and json.loads(header)["type"] == "event"
    ]
