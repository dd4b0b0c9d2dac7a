"""Vercel: the frontend's deployments, its logs, rolling back and promoting; over its REST API.

Every question names the team: without it the token's own default scope applies, and the project is not found or
refused. A rollback that was accepted is no traffic moved: what serves is what the project's production target says.

Source:
    https://vercel.com/docs/rest-api and https://vercel.com/docs/instant-rollback
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from blocks.vercel import VercelCredentials
from tasks.looking import Seen, look
from tasks.masking import masked_line
from tasks.shapes import action_task, look_task
from tasks.vendor_http import Ask, raise_for_status, read_json, rejected, send, unavailable
from watchkeeper.errors import NotConfigured, VendorError, VendorUnavailable
from watchkeeper.model import Check
from watchkeeper.policy.services import VercelTarget

SHOWN = 20
WRITE_LIMIT_SECONDS = 20.0
# Runtime logs are a stream without an end: so long is listened once it is answered, and so much is taken.
LISTEN_SECONDS = 3.0
LOG_LINES = 100
LONGEST_LINE = 300
LARGEST_STREAM_BYTES = 500_000

SERVING = "READY"
ERRORS = frozenset({"error", "fatal"})

Deployment = dict[str, Any]


async def list_deployments(
    credentials: VercelCredentials,
    target: VercelTarget,
    *,
    only_candidates: bool = False,
    only_built: bool = False,
    before: Deployment | None = None,
) -> list[Deployment]:
    """The project's newest production deployments, newest first: one page, on which failed builds hide what is older.

    So whoever looks for an earlier one says what it must be: one that can be gone back to, or is built, from `before`
    that one.

    Returns:
        Each with id, status (BUILDING, ERROR, INITIALIZING, QUEUED, READY, CANCELED or DELETED), created_at (ISO
        8601), commit_hash and commit_message (or None), and can_rollback.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("vercel", "list_deployments")
    query = {
        "projectId": target.project_id,
        "teamId": target.team_id,
        "target": "production",
        "limit": str(SHOWN),
    }
    if only_candidates:
        query["rollbackCandidate"] = "true"
    if only_built:
        query["state"] = SERVING
    if before is not None:
        query["until"] = str(round(datetime.fromisoformat(before["created_at"]).timestamp() * 1000))
    async with credentials.get_client() as client:
        told = await read_json(client, ask, "GET", "/v6/deployments", params=query)
    try:
        return [_deployment(each) for each in told["deployments"]]
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        raise rejected(ask, "an answer of an unknown shape") from None


async def read_deployment(
    credentials: VercelCredentials, target: VercelTarget, deployment_id: str
) -> Deployment:
    """One deployment, as in `list_deployments`.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("vercel", "read_deployment")
    async with credentials.get_client() as client:
        address = f"/v13/deployments/{deployment_id}"
        told = await read_json(client, ask, "GET", address, params={"teamId": target.team_id})
    try:
        return _deployment(told)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        raise rejected(ask, "an answer of an unknown shape") from None


def _deployment(told: dict[str, Any]) -> Deployment:
    meta = told.get("meta") or {}
    created = datetime.fromtimestamp(told["createdAt"] / 1000, UTC)
    return {
        "id": told.get("uid") or told["id"],
        "status": told.get("readyState") or told["state"],
        "created_at": created.isoformat(),
        "commit_hash": meta.get("githubCommitSha"),
        "commit_message": meta.get("githubCommitMessage"),
        "can_rollback": bool(told.get("isRollbackCandidate")),
        "error": told.get("errorMessage"),
    }


async def read_production(credentials: VercelCredentials, target: VercelTarget) -> str | None:
    """The id of the deployment that the production address serves now; None when it serves none.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("vercel", "read_production")
    async with credentials.get_client() as client:
        address = f"/v9/projects/{target.project_id}"
        told = await read_json(client, ask, "GET", address, params={"teamId": target.team_id})
    try:
        serving = told["targets"].get("production")
        return None if serving is None else str(serving["id"])
    except (KeyError, TypeError, AttributeError):
        raise rejected(ask, "an answer of an unknown shape") from None


def previous_of(deployments: list[Deployment], current: Deployment | None) -> Deployment | None:
    """The newest deployment from before the current one that Vercel offers to go back to."""
    if current is None:
        return None
    return next(
        (
            d
            for d in deployments
            if d["can_rollback"] and d["status"] == SERVING and d["created_at"] < current["created_at"]
        ),
        None,
    )


async def _previous(
    credentials: VercelCredentials,
    target: VercelTarget,
    deployments: list[Deployment],
    current: Deployment | None,
) -> Deployment | None:
    """The same; where a page full of others hides it, Vercel is asked for what it offers alone."""
    found = previous_of(deployments, current)
    if found or current is None or len(deployments) < SHOWN:
        return found
    offered = await list_deployments(credentials, target, only_candidates=True, before=current)
    return previous_of(offered, current)


async def vercel_deployments(
    credentials: VercelCredentials | None,
    target: VercelTarget | None,
    *,
    now: datetime,
    recent: timedelta,
    service: str = "frontend",
) -> Check:
    """What the frontend's production address serves, since when, what could be gone back to, and what was deployed
    lately."""

    async def read() -> Seen:
        known, where = configured(credentials, target)
        deployments = await list_deployments(known, where)
        serving = await read_production(known, where)
        current = next((d for d in deployments if d["id"] == serving), None)
        if current is None and serving is not None:  # older than the newest twenty
            current = await read_deployment(known, where, serving)
        minutes = _minutes_since(current["created_at"], now) if current else None
        facts = {
            "deployments": deployments,
            "current": current,
            "previous_good": await _previous(known, where, deployments, current),
            "deployed_minutes_ago": minutes,
            "changes": changes_of(service, deployments, now=now, recent=recent),
        }
        lines = [
            f"{d['created_at']} {d['status']} {d['commit_hash']} {d['commit_message']}" for d in deployments
        ]
        lines += await _why_it_failed(known, where, deployments)
        serves = current is not None and current["status"] == SERVING
        return Seen(serves, _words(deployments, current, minutes), facts, output="\n".join(lines))

    return await look("vercel_deployments", "vercel", "Vercel: Deployments", read)


def changes_of(
    service: str, deployments: list[Deployment], *, now: datetime, recent: timedelta
) -> list[dict[str, Any]]:
    """The deployments within the recent time: at, platform, service, status and what."""
    return [
        {
            "at": each["created_at"],
            "platform": "Vercel",
            "service": service,
            "status": each["status"],
            "what": str(each["commit_message"] or each["commit_hash"] or "unknown commit")[:LONGEST_LINE],
        }
        for each in deployments
        if now - datetime.fromisoformat(each["created_at"]) <= recent
    ]


async def _why_it_failed(
    credentials: VercelCredentials, target: VercelTarget, deployments: list[Deployment]
) -> list[str]:
    """The end of the newest build's log where that build failed; what cannot be read spoils nothing."""
    if not deployments or deployments[0]["status"] != "ERROR":
        return []
    try:
        log = await read_build_logs(credentials, target, deployments[0]["id"])
    except VendorError as error:
        return [f"its build log could not be read: {error}"]
    return ["the newest build failed:", *log[-SHOWN:]]


def configured(
    credentials: VercelCredentials | None, target: VercelTarget | None
) -> tuple[VercelCredentials, VercelTarget]:
    if credentials is None or target is None:
        raise NotConfigured("Vercel", setting="WATCHKEEPER_VERCEL__TOKEN and services.frontend.vercel")
    return credentials, target


def _minutes_since(moment: str, now: datetime) -> float:
    return round((now - datetime.fromisoformat(moment)).total_seconds() / 60, 2)


def _words(deployments: list[Deployment], current: Deployment | None, minutes: float | None) -> str:
    if current is None or minutes is None:
        return "no deployment serves production"
    age = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
    words = f"{current['status']}, deployed {age} ago: {current['commit_message'] or current['commit_hash']}"
    newest = deployments[0] if deployments else current
    return f"{words}; the newest build failed" if newest["status"] == "ERROR" else words


async def vercel_logs(credentials: VercelCredentials | None, target: VercelTarget | None) -> Check:
    """What the deployment that serves says while it serves: its answers and its errors, as of now."""

    async def read() -> Seen:
        known, where = configured(credentials, target)
        serving = await read_production(known, where)
        lines = [] if serving is None else await read_runtime_logs(known, where, serving)
        errors = [line for line in lines if line["level"] in ERRORS or (line["status_code"] or 0) >= 500]
        words = f"{len(errors)} errors in {len(lines)} lines"
        if errors:
            words = f"{words}; last: {errors[-1]['message']}"
        shown = "\n".join(f"{e['at']} {e['status_code'] or ''} {e['message']}" for e in errors[-SHOWN:])
        facts = {"lines": len(lines), "errors": len(errors), "last_error": errors[-1] if errors else None}
        return Seen(not errors, words, facts, output=shown)

    return await look("vercel_logs", "vercel", "Vercel: Logs", read)


async def read_build_logs(
    credentials: VercelCredentials, target: VercelTarget, deployment_id: str
) -> list[str]:
    """The end of a deployment's build log, oldest line first; at most a hundred lines.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("vercel", "read_build_logs")
    query = {"teamId": target.team_id, "limit": str(LOG_LINES), "direction": "backward", "builds": "1"}
    async with credentials.get_client() as client:
        told = await read_json(client, ask, "GET", f"/v3/deployments/{deployment_id}/events", params=query)
    try:
        lines = [str((event.get("payload") or event).get("text", "")) for event in told]
    except (TypeError, AttributeError):
        raise rejected(ask, "an answer of an unknown shape") from None
    return [masked_line(line, longest=LONGEST_LINE) for line in reversed(lines[:LOG_LINES]) if line]


async def read_runtime_logs(
    credentials: VercelCredentials, target: VercelTarget, deployment_id: str
) -> list[dict[str, Any]]:
    """What a deployment says within a few seconds; the stream has no end, so its limits are its end.

    Returns:
        Each line with at (ISO 8601), level, message, path and status_code (or None).

    Raises:
        VendorUnavailable: no answer, 429 or 5xx.
        VendorRejected: another 4xx, or lines of an unknown shape.
    """
    ask = Ask("vercel", "read_runtime_logs")
    address = f"/v1/projects/{target.project_id}/deployments/{deployment_id}/runtime-logs"
    lines: list[str] = []
    answered = False
    try:
        async with credentials.get_client() as client, asyncio.timeout(ask.time_limit_seconds) as limit:
            query = {"teamId": target.team_id}
            async with client.stream("GET", address, params=query, timeout=None) as answer:
                raise_for_status(ask, answer)
                answered = True
                limit.reschedule(asyncio.get_running_loop().time() + LISTEN_SECONDS)
                await _listen(answer, lines)
    except TimeoutError as error:
        if not answered:
            raise VendorUnavailable(vendor=ask.vendor, action=ask.action, reason="time limit") from error
    except httpx.HTTPError as error:
        raise unavailable(ask, error) from None
    try:
        return [_line(json.loads(line)) for line in lines if line.strip()]
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError, OverflowError):
        raise rejected(ask, "an answer of an unknown shape") from None


async def _listen(answer: httpx.Response, lines: list[str]) -> None:
    """Gather whole lines until there are enough; what is cut off in the middle is left."""
    rest, taken = "", 0
    async for text in answer.aiter_text():
        *whole, rest = (rest + text).split("\n")
        lines.extend(whole)
        taken += len(text)
        if len(lines) >= LOG_LINES or taken >= LARGEST_STREAM_BYTES:
            del lines[LOG_LINES:]
            return


def _line(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": datetime.fromtimestamp(told["timestampInMs"] / 1000, UTC).isoformat(),
        "level": str(told["level"]),
        "message": masked_line(str(told.get("message") or ""), longest=LONGEST_LINE),
        "path": told.get("requestPath"),
        "status_code": told.get("responseStatusCode"),
    }


@action_task("roll_back_frontend", "vercel", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def roll_back(
    credentials: VercelCredentials, target: VercelTarget, deployment_id: str, *, description: str = ""
) -> None:
    """Ask Vercel to serve this earlier deployment again. Accepted is not moved: read the production target.

    Raises:
        VendorRejected: Vercel refused; 402 for a plan that goes back one deployment only, 403 for a token without
            the right, 409 while another such request runs.
        VendorUnavailable: it may have happened; look before asking again.
    """
    address = f"/v1/projects/{target.project_id}/rollback/{deployment_id}"
    await _change(credentials, target, "roll_back", address, description=description)


@action_task("promote_frontend", "vercel", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def promote(credentials: VercelCredentials, target: VercelTarget, deployment_id: str) -> None:
    """Ask Vercel to serve this deployment; it also ends a rollback, so that later pushes go live by themselves.

    Raises:
        VendorRejected, VendorUnavailable: as for a rollback.
    """
    await _change(
        credentials, target, "promote", f"/v10/projects/{target.project_id}/promote/{deployment_id}"
    )


async def _change(
    credentials: VercelCredentials, target: VercelTarget, action: str, address: str, **more: str
) -> None:
    ask = Ask("vercel", action, WRITE_LIMIT_SECONDS)
    query = {"teamId": target.team_id, **{name: value for name, value in more.items() if value}}
    async with credentials.get_client() as client:
        await send(client, ask, "POST", address, params=query)  # a success has no body to speak of


check_vercel_deployments = look_task("check_vercel_deployments", "vercel")(vercel_deployments)
check_vercel_logs = look_task("check_vercel_logs", "vercel")(vercel_logs)
