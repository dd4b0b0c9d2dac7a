"""Railway: deployments, rolling back, restarting, deploying again, and variables.

Success is an answer without `errors` in which the mutation is literally true: refusals come with status 200.

Source:
    https://docs.railway.com/integrations/api
"""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import SecretStr

from blocks.railway import RailwayCredentials
from tasks.shapes import action_task
from tasks.vendor_http import Ask, read_json, rejected, send_json
from watchkeeper.policy.services import RailwayTarget

LIST_DEPLOYMENTS = """
query ($input: DeploymentListInput!, $first: Int, $after: String) {
  deployments(input: $input, first: $first, after: $after) {
    edges { node { id status createdAt statusUpdatedAt canRollback meta } }
    pageInfo { hasNextPage endCursor }
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

SHOWN = 10
# Of those before them, where builds that failed hide what serves.
SHOWN_BEFORE = 50
WRITE_LIMIT_SECONDS = 20.0
SERVES, CRASHED = "SUCCESS", "CRASHED"
# When a new one goes live the old ones are removed, good and bad alike.
NOT_SERVING = frozenset({"REMOVED", "REMOVING", "SKIPPED"})
WENT_LIVE = frozenset({SERVES, "SLEEPING", CRASHED})
# These go live by themselves if all goes well.
UNDER_WAY = frozenset({"BUILDING", "DEPLOYING", "INITIALIZING", "QUEUED", "WAITING"})

Deployment = dict[str, Any]
Listing = Callable[[RailwayCredentials, RailwayTarget], Awaitable[list[Deployment]]]


async def list_deployments(credentials: RailwayCredentials, target: RailwayTarget) -> list[Deployment]:
    """The service's deployments, newest first: the ten newest, and fifty before them unless what serves is among those
    ten with one to go back to.

    Returns:
        Each with id, status, created_at and status_updated_at (ISO 8601), commit_hash and commit_message (or
        None), and can_rollback. A status that we do not know is passed on as it is.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    newest, cursor = await _page(credentials, target, {"first": SHOWN})
    if cursor is None or _shows_enough(newest):
        return newest
    before, _ = await _page(credentials, target, {"first": SHOWN_BEFORE, "after": cursor})
    return [*newest, *before]


async def _page(
    credentials: RailwayCredentials, target: RailwayTarget, which: dict[str, Any]
) -> tuple[list[Deployment], str | None]:
    """One page of deployments, and the cursor of the next, if there is one."""
    ask = Ask("railway", "list_deployments")
    where = {
        "projectId": target.project_id,
        "environmentId": target.environment_id,
        "serviceId": target.service_id,
    }
    data = await read_data(credentials, ask, LIST_DEPLOYMENTS, {"input": where, **which})
    try:
        listed = data["deployments"]
        further = listed.get("pageInfo") or {}
        cursor = further.get("endCursor") if further.get("hasNextPage") else None
        return [_deployment(edge["node"]) for edge in listed["edges"]], cursor
    except (KeyError, TypeError, AttributeError):
        raise rejected(ask, "an answer of an unknown shape") from None


def _shows_enough(deployments: list[Deployment]) -> bool:
    """Whether what serves is among them, and one to go back to."""
    current = current_of(deployments)
    return current is not None and current["status"] in WENT_LIVE and previous_of(deployments) is not None


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
    """The newest deployment that went live and was not replaced; only where there is none, the newest that tries to.

    Until a new one goes live the old one serves on, however the new one's building ends.
    """
    left = [d for d in deployments if d["status"] not in NOT_SERVING]
    live = [d for d in left if d["status"] in WENT_LIVE]
    return next(iter(live or left), None)


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


def made_since(deployments: list[Deployment], newest_id: str | None) -> list[Deployment] | None:
    """What was deployed after the one that was the newest then, newest first; None where that one is listed no longer.

    Of one that was skipped nothing was ever made.
    """
    ids = [d["id"] for d in deployments]
    if newest_id not in ids:
        return None
    return [d for d in deployments[: ids.index(newest_id)] if d["status"] != "SKIPPED"]


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


async def read_data(
    credentials: RailwayCredentials, ask: Ask, query: str, variables: dict[str, Any]
) -> dict[str, Any]:
    body = {"query": query, "variables": variables}
    async with credentials.get_client() as client:
        return _data(credentials, ask, await read_json(client, ask, "POST", credentials.base_url, json=body))


@action_task("roll_back_deployment", "railway", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def roll_back(credentials: RailwayCredentials, deployment_id: str) -> None:
    """Go back to this deployment: its image and its variables.

    Raises:
        VendorRejected: Railway refused.
        VendorUnavailable: it may have happened; look before asking again.
    """
    await mutate(credentials, "roll_back", ROLL_BACK, "deploymentRollback", {"id": deployment_id})


@action_task("restart_service", "railway", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def restart_deployment(credentials: RailwayCredentials, deployment_id: str) -> None:
    """Restart this deployment's containers. They keep the variables that it was deployed with.

    Raises:
        VendorRejected: Railway refused.
        VendorUnavailable: it may have happened; look before asking again.
    """
    await mutate(credentials, "restart", RESTART, "deploymentRestart", {"id": deployment_id})


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
    await mutate(credentials, "redeploy_service", REDEPLOY_SERVICE, "serviceInstanceRedeploy", where)


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
    await mutate(
        credentials, "set_variable", SET_VARIABLE, "variableUpsert", {"input": variable}, secret=value
    )


async def mutate(
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
