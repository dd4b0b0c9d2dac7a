"""The status page at Atlassian Statuspage: one incident of theirs for each of ours, found again before it is made.

The API has no idempotency keys. So each incident carries ours in its metadata, with the number of the newest post
that it was told: whoever tries again, after a time limit or a crash, finds it and says nothing twice.

Source:
    https://developer.statuspage.io/#tag/incidents
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from watchkeeper.channels.sending import TIME_LIMIT_SECONDS, Receipt, refusal
from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable
from watchkeeper.model import Severity
from watchkeeper.paging.model import Message
from watchkeeper.status_page.board import Board, Post, Posted, affected

BoardReader = Callable[[], Awaitable[Board]]

# One request a second, counted over a minute: https://developer.statuspage.io/#section/Rate-Limiting
RATE_WINDOW_SECONDS = 60.0
TOO_MANY = (420, 429)
LONGEST_BODY = 25_000
IMPACT = {Severity.P0: "critical", Severity.P1: "major"}


def statuspage_client(*, token: str, base_url: str, verify: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=base_url.rstrip("/"),
        headers={"Authorization": f"OAuth {token}"},
        timeout=TIME_LIMIT_SECONDS,
        verify=verify,
    )


class StatuspageSender:
    """Brings the vendor's page to where ours is, one post at a time. The receipt's thread is the vendor's incident."""

    def __init__(
        self, client: httpx.AsyncClient, page_id: str, read_board: BoardReader, *, notify_subscribers: bool
    ) -> None:
        self._client = client
        self._page = f"/pages/{page_id}"
        self._read_board = read_board
        self._notify = notify_subscribers

    async def send(
        self,
        address: str,
        message: Message,
        *,
        callback_url: str | None = None,
        thread: str | None = None,
    ) -> Receipt:
        board = await self._read_board()
        held = board.holding(message.post)
        if held is None:
            raise VendorRejected(vendor="statuspage", action="post", reason="the post is no longer kept")
        posted, post = held
        try:
            async with asyncio.timeout(TIME_LIMIT_SECONDS):
                return await self._bring_up_to(board, posted, post, thread)
        except (httpx.HTTPError, TimeoutError) as error:
            raise VendorUnavailable(vendor="statuspage", action="post", reason=type(error).__name__) from None

    async def _bring_up_to(self, board: Board, posted: Posted, post: Post, thread: str | None) -> Receipt:
        found = await self._find(posted, thread)
        if found is None and post.is_last:
            raise VendorRejected(vendor="statuspage", action="post", reason="its start was never posted")
        if found is not None and told_up_to(found) >= post.id:
            return receipt_for(found)  # the last try got through, and its answer did not
        incident = wire_incident(board, posted, post, notify=self._notify)
        if found is None:
            return receipt_for(await self._ask("POST", "/incidents", {"incident": incident}))
        return receipt_for(await self._ask("PATCH", f"/incidents/{found['id']}", {"incident": incident}))

    async def _find(self, posted: Posted, thread: str | None) -> dict[str, Any] | None:
        if thread is not None:
            try:
                return as_incident(await self._ask("GET", f"/incidents/{thread}"))
            except VendorRejected as error:
                if error.status != 404:  # somebody deleted it there
                    raise
        unresolved = await self._ask("GET", "/incidents/unresolved")
        known = [as_incident(each) for each in unresolved] if isinstance(unresolved, list) else []
        return next((each for each in known if mark_of(each).get("incident") == key_of(posted)), None)

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = await self._client.request(method, f"{self._page}{path}", json=body)
        if answer.status_code >= 300:
            raise refused(answer)
        try:
            return answer.json()
        except ValueError:
            raise VendorRejected(
                vendor="statuspage", action="post", status=answer.status_code, reason="not JSON"
            ) from None


def wire_incident(board: Board, posted: Posted, post: Post, *, notify: bool) -> dict[str, Any]:
    """The body of a create or an update. `components` changes their state; they are ours to turn green again."""
    states = board.states()
    touched = {
        shown.statuspage_id: states[shown.service].value
        for shown in affected(posted.service, board.policy)
        if shown.statuspage_id
    }
    return {
        "name": post.title,
        "status": post.status,
        "impact_override": IMPACT.get(posted.severity, "minor"),
        "body": post.body[:LONGEST_BODY],
        "components": touched,
        "component_ids": list(touched),
        "deliver_notifications": notify,
        "metadata": {"watchkeeper": {"incident": key_of(posted), "post": post.id}},
    }


def key_of(posted: Posted) -> str:
    """Ours alone: another installation, or a store that began anew, counts from INC-0001 too."""
    return f"{posted.number} {posted.started_at.isoformat()}"


def mark_of(incident: dict[str, Any]) -> dict[str, Any]:
    metadata = incident.get("metadata")
    mark = metadata.get("watchkeeper") if isinstance(metadata, dict) else None
    return mark if isinstance(mark, dict) else {}


def told_up_to(incident: dict[str, Any]) -> int:
    """The newest post that the vendor's incident has."""
    number = mark_of(incident).get("post", 0)
    return number if isinstance(number, int) else 0


def as_incident(answer: Any) -> dict[str, Any]:
    return answer if isinstance(answer, dict) else {}


def receipt_for(incident: Any) -> Receipt:
    number = str(as_incident(incident).get("id") or "")
    if not number:
        raise VendorRejected(vendor="statuspage", action="post", reason="an answer without an id")
    return Receipt(vendor_id=number, thread=number)


def refused(answer: httpx.Response) -> VendorError:
    status = answer.status_code
    reason = "too many requests" if status in TOO_MANY else "refused"
    if status not in TOO_MANY:
        return refusal("statuspage", "post", status, reason)
    wait = answer.headers.get("Retry-After", "")
    seconds = float(wait) if wait.isdecimal() else RATE_WINDOW_SECONDS
    return VendorUnavailable(
        vendor="statuspage", action="post", status=status, reason=reason, retry_after_seconds=seconds
    )
