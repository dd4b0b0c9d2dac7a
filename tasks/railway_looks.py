"""Railway, looked at: what runs and since when, what it uses, what it says, and what was changed lately."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from blocks.railway import RailwayCredentials
from tasks.asking_once import asked_once
from tasks.looking import Seen, look
from tasks.masking import masked_line
from tasks.railway import (
    NOT_SERVING,
    Deployment,
    Listing,
    current_of,
    list_deployments,
    previous_of,
    read_data,
)
from tasks.railway_usage import read_usage
from tasks.shapes import look_task
from tasks.vendor_http import Ask, rejected
from watchkeeper.diagnosis.processors import FULL_SHARE
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check
from watchkeeper.policy.services import RailwayTarget

LOGS = """
query ($deploymentId: String!, $limit: Int) {
  deploymentLogs(deploymentId: $deploymentId, limit: $limit) { timestamp message severity }
}
"""
LOG_LINES_READ = 100
# One address is a small part of what a service says.
LOG_LINES_SEARCHED = 500
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
        return Seen(not broken, _words(deployments, current, minutes), facts, output="\n".join(lines))

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
        deployments = await listing(credentials, target)
        current = current_of(deployments)
        minutes = minutes_since(current["created_at"], now) if current else None
        facts = {"current": current, "deployed_minutes_ago": minutes}
        words = _words(deployments, current, minutes)
        return Seen(current is not None and current["status"] not in BROKEN, words, facts)

    return await look("worker_deployment", "railway", "Railway: Worker, Deployments", read)


def minutes_since(moment: str, now: datetime) -> float:
    return round((now - datetime.fromisoformat(moment)).total_seconds() / 60, 2)


def _words(deployments: list[Deployment], current: Deployment | None, minutes: float | None) -> str:
    """What serves, and what was meant to replace it and has not."""
    if current is None or minutes is None:
        return "no deployment serves"
    age = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
    words = f"{current['status']}, deployed {age} ago: {current['commit_message'] or current['commit_hash']}"
    newest = deployments[0]
    if newest is current or newest["status"] in NOT_SERVING:
        return words
    return f"{words}; not live: {newest['status']} {newest['commit_message'] or newest['commit_hash']}"


async def railway_metrics(
    credentials: RailwayCredentials | None,
    target: RailwayTarget | None,
    *,
    now: datetime,
    recent: timedelta,
    name: str = "railway_metrics",
    setting: str = "services.backend.railway",
) -> Check:
    """Memory and processors against their limits, and what its volume holds, where it has one."""

    async def read() -> Seen:
        if credentials is None or target is None:
            raise NotConfigured("Railway", setting=f"WATCHKEEPER_RAILWAY__TOKEN and {setting}")
        used = await read_usage(credentials, target, since=now - recent)
        memory_share = _share(used["memory_peak_gb"], used["memory_limit_gb"])
        cpu_share = _share(used["cpu_lately"], used["cpu_limit"])
        words = "; ".join(
            f"{title} {_amount(used[key], unit)} now, {_amount(used[peak], unit)} at most, "
            f"limit {_amount(used[limit], unit)}"
            for title, key, peak, limit, unit in (
                ("memory", "memory_gb", "memory_peak_gb", "memory_limit_gb", "GB"),
                ("CPU", "cpu", "cpu_peak", "cpu_limit", "vCPU"),
            )
        )
        if used["disk_gb"] is not None:
            words += f"; disk {_amount(used['disk_gb'], 'GB')} now"
        well = (memory_share or 0) < FULL_SHARE
        return Seen(well, words, {**used, "memory_share": memory_share, "cpu_share": cpu_share})

    return await look(name, "railway", "Railway: Metrics", read)


def _share(peak: float | None, limit: float | None) -> float | None:
    return round(peak / limit, 3) if peak is not None and limit else None


def _amount(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{value:.2f} {unit}"


async def last_error_lines(credentials: RailwayCredentials, deployment_id: str) -> list[str]:
    """What this deployment's containers said last that sounds like an error; as in `last_lines`."""
    return await last_lines(credentials, deployment_id, _is_error)


async def last_lines(
    credentials: RailwayCredentials,
    deployment_id: str,
    wanted: Callable[[Mapping[str, Any]], bool],
    *,
    of: int = LOG_LINES_READ,
) -> list[str]:
    """The last of these lines among a deployment's last `of`; oldest first, bounded, secrets masked.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("railway", "read_logs")
    told = await read_data(credentials, ask, LOGS, {"deploymentId": deployment_id, "limit": of})
    try:
        lines = sorted(told["deploymentLogs"], key=lambda line: str(line["timestamp"]))
        found = [line for line in lines if wanted(line)]
        return [f"{line['timestamp']} {_bounded(str(line['message']))}" for line in found[-LOG_LINES_SHOWN:]]
    except (KeyError, TypeError, AttributeError):
        raise rejected(ask, "an answer of an unknown shape") from None


def _is_error(line: Mapping[str, Any]) -> bool:
    words = str(line["message"]).lower()
    return str(line.get("severity")).lower() in ERROR_SEVERITIES or "error" in words or "exception" in words


def _bounded(message: str) -> str:
    return masked_line(message, longest=LONGEST_LOG_LINE)


async def railway_logs(
    credentials: RailwayCredentials | None,
    target: RailwayTarget | None,
    *,
    name: str = "railway_logs",
    setting: str = "services.backend.railway",
    about: str | None = None,
    listing: Listing = list_deployments,
) -> Check:
    """The newest deployment's last error lines, or what it last said `about` an address.

    They are shown, and nothing is concluded from a stranger's words.
    """

    async def read() -> Seen:
        if credentials is None or target is None:
            raise NotConfigured("Railway", setting=f"WATCHKEEPER_RAILWAY__TOKEN and {setting}")
        current = current_of(await listing(credentials, target))
        if current is None:
            return Seen(True, "no deployment serves, so there are no logs of one", {"error_lines": 0})
        if about is None:
            lines, what = await last_error_lines(credentials, current["id"]), "error lines"
        else:
            mentions = partial(_mentions, about)
            lines = await last_lines(credentials, current["id"], mentions, of=LOG_LINES_SEARCHED)
            what = f"lines about {about}"
        words = f"{len(lines)} {what} lately" if lines else f"no {what}"
        return Seen(True, words, {"error_lines": len(lines)}, output="\n".join(lines))

    return await look(name, "railway", "Railway: Deployments, Logs", read)


def _mentions(about: str, line: Mapping[str, Any]) -> bool:
    return about in str(line["message"])


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
check_worker_metrics = look_task("check_worker_metrics", "railway")(railway_metrics)
check_railway_logs = look_task("check_railway_logs", "railway")(railway_logs)
check_worker_logs = look_task("check_worker_logs", "railway")(railway_logs)
check_webhook_logs = look_task("check_webhook_logs", "railway")(railway_logs)
check_railway_changes = look_task("check_railway_changes", "railway")(railway_changes)
