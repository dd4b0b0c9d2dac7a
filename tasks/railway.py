"""Railway: deployments and their logs, what a service uses, rolling back, restarting, limits and variables.

Success is an answer without `errors` in which the mutation is literally true: refusals come with status 200.

Source:
    https://docs.railway.com/integrations/api
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from blocks.railway import RailwayCredentials
from tasks.looking import Seen, look
from tasks.masking import masked
from tasks.shapes import action_task, look_task
from tasks.vendor_http import Ask, read_json, rejected, send_json
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check
from watchkeeper.policy.services import RailwayTarget

LIST_DEPLOYMENTS = """
query ($input: DeploymentListInput!, $first: Int) {
  deployments(input: $input, first: $first) {
    edges { node { id status createdAt statusUpdatedAt canRollback meta } }
  }
}
"""
VARIABLES = """
query ($projectId: String!, $environmentId: String!, $serviceId: String) {
  variables(projectId: $projectId, environmentId: $environmentId, serviceId: $serviceId)
}
"""
ROLL_BACK = "mutation ($id: String!) { deploymentRollback(id: $id) }"
RESTART = "mutation ($id: String!) { deploymentRestart(id: $id) }"
REDEPLOY = "mutation ($id: String!) { deploymentRedeploy(id: $id) { id } }"
REDEPLOY_SERVICE = """
mutation ($environmentId: String!, $serviceId: String!) {
  serviceInstanceRedeploy(environmentId: $environmentId, serviceId: $serviceId)
}
"""
SET_VARIABLE = "mutation ($input: VariableUpsertInput!) { variableUpsert(input: $input) }"

METRICS = """
query ($startDate: DateTime!, $measurements: [MetricMeasurement!]!, $environmentId: String, $serviceId: String) {
  metrics(
    startDate: $startDate, measurements: $measurements, environmentId: $environmentId, serviceId: $serviceId
  ) { measurement values { ts value } }
}
"""
LOGS = """
query ($deploymentId: String!, $limit: Int) {
  deploymentLogs(deploymentId: $deploymentId, limit: $limit) { timestamp message severity }
}
"""
# Both answer with an opaque scalar, so nothing is selected of it.
LIMITS = """
query ($environmentId: String!, $serviceId: String!) {
  serviceInstanceLimits(environmentId: $environmentId, serviceId: $serviceId)
}
"""
UPDATE_LIMITS = """
mutation ($input: ServiceInstanceLimitsUpdateInput!) { serviceInstanceLimitsUpdate(input: $input) }
"""
MEASUREMENTS = ("CPU_USAGE", "CPU_LIMIT", "MEMORY_USAGE_GB", "MEMORY_LIMIT_GB")
BYTES_PER_GB = 1_000_000_000
# From this share of its limit on a container is about to be killed for it.
FULL_SHARE = 0.9

LOG_LINES_READ = 100
LOG_LINES_SHOWN = 20
LONGEST_LOG_LINE = 300
ERROR_SEVERITIES = frozenset({"error", "err", "fatal", "critical", "panic"})

SHOWN = 10
WRITE_LIMIT_SECONDS = 20.0
# When a new one goes live the old ones are removed, good and bad alike.
NOT_SERVING = frozenset({"REMOVED", "REMOVING", "SKIPPED"})
BROKEN = frozenset({"CRASHED", "FAILED"})

Deployment = dict[str, Any]


async def list_deployments(credentials: RailwayCredentials, target: RailwayTarget) -> list[Deployment]:
    """The service's deployments, newest first.

    Returns:
        Each with id, status, created_at and status_updated_at (ISO 8601), commit_hash and commit_message (or
        None), and can_rollback. A status that we do not know is passed on as it is.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("railway", "list_deployments")
    where = {
        "projectId": target.project_id,
        "environmentId": target.environment_id,
        "serviceId": target.service_id,
    }
    data = await _read(credentials, ask, LIST_DEPLOYMENTS, {"input": where, "first": SHOWN})
    try:
        return [_deployment(edge["node"]) for edge in data["deployments"]["edges"]]
    except (KeyError, TypeError, AttributeError):
        raise rejected(ask, "an answer of an unknown shape") from None


def _deployment(node: dict[str, Any]) -> Deployment:
    meta = node.get("meta") or {}
    return {
        "id": node["id"],
        "status": node["status"],
        "created_at": node["createdAt"],
        "status_updated_at": node.get("statusUpdatedAt"),
        "commit_hash": meta.get("commitHash"),
        "commit_message": meta.get("commitMessage"),
        "can_rollback": bool(node.get("canRollback")),
    }


def current_of(deployments: list[Deployment]) -> Deployment | None:
    """The newest deployment that serves, or tries to."""
    return next((d for d in deployments if d["status"] not in NOT_SERVING), None)


def previous_of(deployments: list[Deployment]) -> Deployment | None:
    """The newest deployment, from before this commit first ran, that Railway offers to go back to.

    After a rollback that is not the release that was left.
    """
    current = current_of(deployments)
    if current is None:
        return None
    first = max(i for i, d in enumerate(deployments) if d["commit_hash"] == current["commit_hash"])
    older = deployments[first + 1 :]
    return next((d for d in older if d["can_rollback"] and d["commit_hash"] != current["commit_hash"]), None)


async def railway_deployments(
    credentials: RailwayCredentials | None,
    target: RailwayTarget | None,
    *,
    now: datetime,
    recent: timedelta,
) -> Check:
    """What runs, since when, and what could be gone back to."""

    async def read() -> Seen:
        if credentials is None or target is None:
            raise NotConfigured("Railway", setting="WATCHKEEPER_RAILWAY__TOKEN and services.backend.railway")
        deployments = await list_deployments(credentials, target)
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
    credentials: RailwayCredentials | None, target: RailwayTarget | None, *, now: datetime
) -> Check:
    """Whether the worker runs, by the platform's word. A worker that ended without an error counts as running there."""

    async def read() -> Seen:
        if credentials is None or target is None:
            raise NotConfigured("Railway", setting="WATCHKEEPER_RAILWAY__TOKEN and services.worker.railway")
        current = current_of(await list_deployments(credentials, target))
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


async def read_variable(credentials: RailwayCredentials, target: RailwayTarget, name: str) -> SecretStr:
    """One variable of the service as it is set now, which is not yet what a running process got.

    Raises:
        VendorRejected: there is none of this name, or it is sealed and told to nobody.
        VendorUnavailable: as in `tasks.vendor_http`.

    Source:
        https://docs.railway.com/integrations/api/manage-variables
    """
    ask = Ask("railway", "read_variable")
    where = {
        "projectId": target.project_id,
        "environmentId": target.environment_id,
        "serviceId": target.service_id,
    }
    body = {"query": VARIABLES, "variables": where}
    async with credentials.get_client() as client:
        told = await read_json(client, ask, "POST", credentials.base_url, json=body)
    known = _data(credentials, ask, told).get("variables")
    value = known.get(name) if isinstance(known, dict) else None
    if not isinstance(value, str) or not value:
        raise rejected(ask, f"{name} is not set, or sealed")
    return SecretStr(value)


async def read_usage(
    credentials: RailwayCredentials, target: RailwayTarget, *, since: datetime
) -> dict[str, float | None]:
    """What the service used since then, and what it may.

    Returns:
        memory_gb and cpu (the newest), memory_peak_gb and cpu_peak, memory_limit_gb and cpu_limit (the newest); in
        GB and virtual CPUs, and None where Railway has no value; and memory_falls: how often it fell to less than
        half of what it was, from where it was close to the limit, as it does when a container is killed for it.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("railway", "read_usage")
    where = {"environmentId": target.environment_id, "serviceId": target.service_id}
    wanted = {"startDate": since.isoformat(), "measurements": list(MEASUREMENTS), **where}
    told = await _read(credentials, ask, METRICS, wanted)
    try:
        values: dict[str, list[float]] = {name: [] for name in MEASUREMENTS}
        memory: list[list[float]] = []
        for series in told["metrics"]:
            # One series for each container, where there are several.
            points = [
                float(point["value"]) for point in sorted(series["values"], key=lambda each: each["ts"])
            ]
            values.setdefault(str(series["measurement"]), []).extend(points)
            if series["measurement"] == "MEMORY_USAGE_GB":
                memory.append(points)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise rejected(ask, "an answer of an unknown shape") from None
    newest = {name: found[-1] if found else None for name, found in values.items()}
    return {
        "memory_gb": newest["MEMORY_USAGE_GB"],
        "memory_peak_gb": max(values["MEMORY_USAGE_GB"], default=None),
        "memory_limit_gb": newest["MEMORY_LIMIT_GB"],
        "memory_falls": float(sum(falls(points, values["MEMORY_LIMIT_GB"]) for points in memory)),
        "cpu": newest["CPU_USAGE"],
        "cpu_peak": max(values["CPU_USAGE"], default=None),
        "cpu_limit": newest["CPU_LIMIT"],
    }


def falls(points: Sequence[float], limits: Sequence[float]) -> int:
    """How often memory fell to less than half from where it was close to the lowest limit of the time."""
    full = FULL_SHARE * min(limits, default=float("inf"))
    count, high = 0, 0.0
    for value in points:
        if high >= full and value < high / 2:
            count, high = count + 1, 0.0
        high = max(high, value)
    return count


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
    told = await _read(credentials, ask, LOGS, wanted)
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


async def railway_logs(credentials: RailwayCredentials | None, target: RailwayTarget | None) -> Check:
    """The newest deployment's last error lines. They are shown, and nothing is concluded from a stranger's words."""

    async def read() -> Seen:
        if credentials is None or target is None:
            raise NotConfigured("Railway", setting="WATCHKEEPER_RAILWAY__TOKEN and services.backend.railway")
        current = current_of(await list_deployments(credentials, target))
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
) -> Check:
    """What was deployed lately, of every service.

    Railway tells neither which variable was changed nor when; a deployment of the same commit as the one before it is
    what a changed variable or setting looks like from outside.
    """

    async def read() -> Seen:
        if credentials is None or not targets:
            raise NotConfigured("Railway", setting="WATCHKEEPER_RAILWAY__TOKEN and services.*.railway")
        listed = await asyncio.gather(*(list_deployments(credentials, target) for target in targets.values()))
        found = [
            change
            for service, deployments in zip(targets, listed, strict=True)
            for change in changes_of(service, deployments, now=now, recent=recent)
        ]
        changes = sorted(found, key=lambda change: str(change["at"]), reverse=True)
        words = f"{len(changes)} deployments lately" if changes else "nothing was deployed lately"
        lines = [f"{c['at']} {c['service']}: {c['status']} {c['what']}" for c in changes]
        note = "which variables were changed is not readable"
        return Seen(True, f"{words}; {note}", {"changes": changes}, output="\n".join([*lines, note]))

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


async def read_limits(credentials: RailwayCredentials, target: RailwayTarget) -> dict[str, float | None]:
    """The service's limits as they are set: memory_gb and cpu; None where the answer names none.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("railway", "read_limits")
    where = {"environmentId": target.environment_id, "serviceId": target.service_id}
    told = (await _read(credentials, ask, LIMITS, where)).get("serviceInstanceLimits")
    if not isinstance(told, dict):
        raise rejected(ask, "an answer of an unknown shape")
    return limits_of(told)


def limits_of(scalar: dict[str, Any]) -> dict[str, float | None]:
    """Railway describes this scalar nowhere; it has been seen with bytes below "containers", and with GB."""
    containers = scalar.get("containers")
    inner = containers if isinstance(containers, dict) else scalar
    memory = _number(inner.get("memoryGB"))
    in_bytes = _number(inner.get("memoryBytes"))
    if memory is None and in_bytes is not None:
        memory = in_bytes / BYTES_PER_GB
    cpu = _number(inner.get("cpu"))
    return {"memory_gb": memory, "cpu": cpu if cpu is not None else _number(inner.get("vCPUs"))}


def _number(told: Any) -> float | None:
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) and told > 0 else None


async def _read(
    credentials: RailwayCredentials, ask: Ask, query: str, variables: dict[str, Any]
) -> dict[str, Any]:
    body = {"query": query, "variables": variables}
    async with credentials.get_client() as client:
        return _data(credentials, ask, await read_json(client, ask, "POST", credentials.base_url, json=body))


@action_task("update_limits", "railway", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def update_limits(
    credentials: RailwayCredentials, target: RailwayTarget, *, memory_gb: float, cpu: float | None
) -> None:
    """Set the service's limits. `cpu` is given as it is: what is left out may fall back to the plan's.

    It is not documented whether a running container gets them: start another.

    Raises:
        VendorRejected: Railway refused.
        VendorUnavailable: it may have happened; look before asking again.
    """
    limits: dict[str, Any] = {
        "environmentId": target.environment_id,
        "serviceId": target.service_id,
        "memoryGB": memory_gb,
    }
    if cpu is not None:
        limits["vCPUs"] = cpu
    await _mutate(
        credentials, "update_limits", UPDATE_LIMITS, "serviceInstanceLimitsUpdate", {"input": limits}
    )


@action_task("roll_back_deployment", "railway", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def roll_back(credentials: RailwayCredentials, deployment_id: str) -> None:
    """Go back to this deployment: its image and its variables.

    Raises:
        VendorRejected: Railway refused.
        VendorUnavailable: it may have happened; look before asking again.
    """
    await _mutate(credentials, "roll_back", ROLL_BACK, "deploymentRollback", {"id": deployment_id})


@action_task("restart_service", "railway", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def restart_deployment(credentials: RailwayCredentials, deployment_id: str) -> None:
    """Restart this deployment's containers. They keep the variables that it was deployed with.

    Raises:
        VendorRejected: Railway refused.
        VendorUnavailable: it may have happened; look before asking again.
    """
    await _mutate(credentials, "restart", RESTART, "deploymentRestart", {"id": deployment_id})


@action_task("redeploy_deployment", "railway", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def redeploy(credentials: RailwayCredentials, deployment_id: str) -> str:
    """Deploy again what this deployment was built from, with its own variables; the id of the new one.

    Raises:
        VendorRejected: Railway refused, or answered without a deployment.
        VendorUnavailable: it may have happened; look before asking again.
    """
    ask = Ask("railway", "redeploy", WRITE_LIMIT_SECONDS)
    told = await _send(credentials, ask, REDEPLOY, {"id": deployment_id})
    made = told.get("deploymentRedeploy")
    if not isinstance(made, dict) or not isinstance(made.get("id"), str):
        raise rejected(ask, "the answer names no deployment")
    return str(made["id"])


@action_task("redeploy_service", "railway", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def redeploy_service(credentials: RailwayCredentials, target: RailwayTarget) -> None:
    """Deploy the service's latest commit again, with the variables that the service has now.

    This, and not a restart, is what brings a changed variable into force. Railway says yes before the new
    deployment is there: look for a new id in `list_deployments`.

    Raises:
        VendorRejected: Railway refused.
        VendorUnavailable: it may have happened; look before asking again.
    """
    where = {"environmentId": target.environment_id, "serviceId": target.service_id}
    await _mutate(credentials, "redeploy_service", REDEPLOY_SERVICE, "serviceInstanceRedeploy", where)


@action_task("set_variable", "railway", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def set_variable(
    credentials: RailwayCredentials,
    target: RailwayTarget,
    name: str,
    value: SecretStr,
    *,
    deploy: bool = True,
) -> None:
    """Set one variable of the service, and nothing else of it.

    A process that runs keeps the variables that its deployment was made with, and so does a restart: Railway brings
    a change into force by a new deployment of the latest commit. With `deploy` it makes one by itself; without, call
    `redeploy_service` once everything is set. A later rollback brings the old variables back.

    Raises:
        VendorRejected: Railway refused; neither the value nor the token is in its text.
        VendorUnavailable: it may have happened; setting the same value again does no harm, a deployment does.
    """
    variable = {
        "projectId": target.project_id,
        "environmentId": target.environment_id,
        "serviceId": target.service_id,  # without it the variable is every service's
        "name": name,
        "value": value.get_secret_value(),
        "skipDeploys": not deploy,
    }
    await _mutate(
        credentials, "set_variable", SET_VARIABLE, "variableUpsert", {"input": variable}, secret=value
    )


async def _mutate(
    credentials: RailwayCredentials,
    action: str,
    mutation: str,
    field: str,
    variables: dict[str, Any],
    *,
    secret: SecretStr | None = None,
) -> None:
    ask = Ask("railway", action, WRITE_LIMIT_SECONDS)
    told = await _send(credentials, ask, mutation, variables, secret=secret)
    if told.get(field) is not True:
        raise rejected(ask, "the answer was not true")


async def _send(
    credentials: RailwayCredentials,
    ask: Ask,
    mutation: str,
    variables: dict[str, Any],
    *,
    secret: SecretStr | None = None,
) -> dict[str, Any]:
    body = {"query": mutation, "variables": variables}
    async with credentials.get_client() as client:
        told = await send_json(client, ask, "POST", credentials.base_url, json=body)
    return _data(credentials, ask, told, secret)


def _data(
    credentials: RailwayCredentials, ask: Ask, told: Any, secret: SecretStr | None = None
) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise rejected(ask, "an answer of an unknown shape")
    if told.get("errors"):
        raise rejected(ask, _refusal([credentials.token, secret], told["errors"]))
    data = told.get("data")
    if not isinstance(data, dict):
        raise rejected(ask, "an answer without data")
    return data


def _refusal(secrets: list[SecretStr | None], errors: Any) -> str:
    listed = errors if isinstance(errors, list) else []
    words = "; ".join(str(error.get("message", "")) for error in listed if isinstance(error, dict))
    # A vendor may repeat what it was sent; hidden before it is cut, for half a token is one too much.
    for secret in secrets:
        if secret is not None and secret.get_secret_value():
            words = words.replace(secret.get_secret_value(), "***")
    return words[:200] or "refused without a word"


check_railway_deployments = look_task("check_railway_deployments", "railway")(railway_deployments)
check_worker_deployment = look_task("check_worker_deployment", "railway")(worker_deployment)


check_railway_metrics = look_task("check_railway_metrics", "railway")(railway_metrics)
check_railway_logs = look_task("check_railway_logs", "railway")(railway_logs)
check_railway_changes = look_task("check_railway_changes", "railway")(railway_changes)
