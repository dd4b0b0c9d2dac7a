"""Railway, looked at: what runs and since when, what it uses, what it says, and what was changed lately."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from blocks.railway import RailwayCredentials
from tasks.asking_once import asked_once
from tasks.looking import Seen, look
from tasks.masking import masked
from tasks.railway import Deployment, Listing, current_of, list_deployments, previous_of, read_data
from tasks.railway_usage import FULL_SHARE, read_usage
from tasks.shapes import look_task
from tasks.vendor_http import Ask, rejected
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check
from watchkeeper.policy.services import RailwayTarget

LOGS = """
query ($deploymentId: String!, $limit: Int) {
  deploymentLogs(deploymentId: $deploymentId, limit: $limit) { timestamp message severity }
}
"""
LOG_LINES_READ = 100
LOG_LINES_SHOWN = 20
LONGEST_LOG_LINE = 300
ERROR_SEVERITIES = frozenset({"error", "err", "fatal", "critical", "panic"})
BROKEN = frozenset({"CRASHED", "FAILED"})


def each_once() -> Listing:
    """Several looks of one investigation want a service's deployments: Railway is asked once for each service."""
    return asked_once(list_deployments, key=lambda credentials, target: target.service_id)


async def railway_deployments(
    credentials: RailwayCredentials | None,
    target: RailwayTarget | None,
    *,
    now: datetime,
    listing: Listing = list_deployments,
) -> Check:
    """What runs, since when, and what could be gone back to."""

    async def read() -> Seen:
        if credentials is None or target is None:
            raise NotConfigured("Railway", setting="WATCHKEEPER_RAILWAY__TOKEN and services.backend.railway")
        deployments = await listing(credentials, target)
        current = current_of(deployments)
        minutes = minutes_since(current["created_at"], now) if current else None
        facts = {
            "deployments": deployments,
            "current": current,
            "previous_good": previous_of(deployments),
            "deployed_minutes_ago": minutes,
        }
        broken = current is None or current["status"] in BROKEN
        lines = [
            f"{d['created_at']} {d['status']} {d['commit_hash']} {d['commit_message']}" for d in deployments
        ]
        return Seen(not broken, _words(current, minutes), facts, output="\n".join(lines))

    return await look("railway_deployments", "railway", "Railway: Deployments", read)


async def worker_deployment(
    credentials: RailwayCredentials | None,
    target: RailwayTarget | None,
    *,
    now: datetime,
    listing: Listing = list_deployments,
) -> Check:
    """Whether the worker runs, by the platform's word. A worker that ended without an error counts as running there."""

    async def read() -> Seen:
        if credentials is None or target is None:
            raise NotConfigured("Railway", setting="WATCHKEEPER_RAILWAY__TOKEN and services.worker.railway")
        current = current_of(await listing(credentials, target))
        minutes = minutes_since(current["created_at"], now) if current else None
        facts = {"current": current, "deployed_minutes_ago": minutes}
        return Seen(current is not None and current["status"] not in BROKEN, _words(current, minutes), facts)

    return await look("worker_deployment", "railway", "Railway: Worker, Deployments", read)


def minutes_since(moment: str, now: datetime) -> float:
    return round((now - datetime.fromisoformat(moment)).total_seconds() / 60, 2)


def _words(current: Deployment | None, minutes: float | None) -> str:
    if current is None or minutes is None:
        return "no deployment serves"
    age = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
    return f"{current['status']}, deployed {age} ago: {current['commit_message'] or current['commit_hash']}"


async def railway_metrics(
    credentials: RailwayCredentials | None,
    target: RailwayTarget | None,
    *,
    now: datetime,
    recent: timedelta,
) -> Check:
    """Memory and processors against their limits."""

    async def read() -> Seen:
        if credentials is None or target is None:
            raise NotConfigured("Railway", setting="WATCHKEEPER_RAILWAY__TOKEN and services.backend.railway")
        used = await read_usage(credentials, target, since=now - recent)
        shares = {
            what: _share(used[f"{what}_peak{unit}"], used[f"{what}_limit{unit}"]) for what, unit in UNITS
        }
        words = "; ".join(
            f"{title} {_amount(used[key], unit)} now, {_amount(used[peak], unit)} at most, "
            f"limit {_amount(used[limit], unit)}"
            for title, key, peak, limit, unit in (
                ("memory", "memory_gb", "memory_peak_gb", "memory_limit_gb", "GB"),
                ("CPU", "cpu", "cpu_peak", "cpu_limit", "vCPU"),
            )
        )
        well = (shares["memory"] or 0) < FULL_SHARE
        return Seen(well, words, {**used, "memory_share": shares["memory"], "cpu_share": shares["cpu"]})

    return await look("railway_metrics", "railway", "Railway: Metrics", read)


UNITS = (("memory", "_gb"), ("cpu", ""))


def _share(peak: float | None, limit: float | None) -> float | None:
    return round(peak / limit, 3) if peak is not None and limit else None


def _amount(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{value:.2f} {unit}"


async def last_error_lines(credentials: RailwayCredentials, deployment_id: str) -> list[str]:
    """What this deployment's containers said last that sounds like an error; oldest first, bounded, secrets masked.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("railway", "read_logs")
    wanted = {"deploymentId": deployment_id, "limit": LOG_LINES_READ}
    told = await read_data(credentials, ask, LOGS, wanted)
    try:
        lines = sorted(told["deploymentLogs"], key=lambda line: str(line["timestamp"]))
        errors = [line for line in lines if _is_error(line)]
        return [f"{line['timestamp']} {_bounded(str(line['message']))}" for line in errors[-LOG_LINES_SHOWN:]]
    except (KeyError, TypeError, AttributeError):
        raise rejected(ask, "an answer of an unknown shape") from None


def _is_error(line: Mapping[str, Any]) -> bool:
    words = str(line["message"]).lower()
    return str(line.get("severity")).lower() in ERROR_SEVERITIES or "error" in words or "exception" in words


def _bounded(message: str) -> str:
    # Masked before it is cut: half a secret is one too much.
    return masked(message)[:LONGEST_LOG_LINE]


async def railway_logs(
    credentials: RailwayCredentials | None,
    target: RailwayTarget | None,
    *,
    listing: Listing = list_deployments,
) -> Check:
    """The newest deployment's last error lines. They are shown, and nothing is concluded from a stranger's words."""

    async def read() -> Seen:
        if credentials is None or target is None:
            raise NotConfigured("Railway", setting="WATCHKEEPER_RAILWAY__TOKEN and services.backend.railway")
        current = current_of(await listing(credentials, target))
        if current is None:
            return Seen(True, "no deployment serves, so there are no logs of one", {"error_lines": 0})
        lines = await last_error_lines(credentials, current["id"])
        words = f"{len(lines)} error lines lately" if lines else "no error lines"
        return Seen(True, words, {"error_lines": len(lines)}, output="\n".join(lines))

    return await look("railway_logs", "railway", "Railway: Deployments, Logs", read)


async def railway_changes(
    credentials: RailwayCredentials | None,
    targets: Mapping[str, RailwayTarget],
    *,
    now: datetime,
    recent: timedelta,
    listing: Listing = list_deployments,
) -> Check:
    """What was deployed lately, of every service.

    Railway tells neither which variable was changed nor when; a deployment of the same commit as the one before it is
    what a changed variable or setting looks like from outside.
    """

    async def read() -> Seen:
        if credentials is None or not targets:
            raise NotConfigured("Railway", setting="WATCHKEEPER_RAILWAY__TOKEN and services.*.railway")
        listed = await asyncio.gather(*(listing(credentials, target) for target in targets.values()))
        found = [
            change
            for service, deployments in zip(targets, listed, strict=True)
            for change in changes_of(service, deployments, now=now, recent=recent)
        ]
        changes = sorted(found, key=lambda change: str(change["at"]), reverse=True)
        words = f"{len(changes)} deployments lately" if changes else "nothing was deployed lately"
        lines = [f"{c['at']} {c['service']}: {c['status']} {c['what']}" for c in changes]
        note = "which variables were changed is not readable"
        facts = {"changes": changes, "unreadable": f"{note} on Railway"}
        return Seen(True, f"{words}; {note}", facts, output="\n".join([*lines, note]))

    return await look("railway_changes", "railway", "Railway: Deployments of every service", read)


def changes_of(
    service: str, deployments: Sequence[Deployment], *, now: datetime, recent: timedelta
) -> list[dict[str, Any]]:
    """The deployments within the recent time: at, platform, service, status and what."""
    changes = []
    for deployment, before in zip(deployments, [*deployments[1:], None], strict=True):
        if now - datetime.fromisoformat(deployment["created_at"]) > recent:
            continue
        what = str(deployment["commit_message"] or deployment["commit_hash"] or "unknown commit")
        if before is not None and before["commit_hash"] == deployment["commit_hash"]:
            what += " (the same commit again: a variable or a setting may have changed)"
        changes.append(
            {
                "at": deployment["created_at"],
                "platform": "Railway",
                "service": service,
                "status": deployment["status"],
                "what": what[:300],
            }
        )
    return changes


check_railway_deployments = look_task("check_railway_deployments", "railway")(railway_deployments)
check_worker_deployment = look_task("check_worker_deployment", "railway")(worker_deployment)


check_railway_metrics = look_task("check_railway_metrics", "railway")(railway_metrics)
check_railway_logs = look_task("check_railway_logs", "railway")(railway_logs)
check_railway_changes = look_task("check_railway_changes", "railway")(railway_changes)
