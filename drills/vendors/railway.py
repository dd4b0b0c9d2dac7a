"""Railway's GraphQL API, as far as deployments, their logs and their limits go, and its webhook.

Refusals come with status 200, as they do there.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.loopback import http_client
from drills.vendors.config import Railway
from drills.vendors.platform import Platform
from drills.vendors.releases import commit_of
from drills.vendors.service import GB, Deployment, Sample, Service
from drills.vendors.vendor import Handler, Vendor

# The first field of the operation's selection.
ROOT_FIELD = re.compile(r"^\s*(?:query|mutation)?[^{]*\{\s*(\w+)", re.S)

# What can be measured, and where a sample holds it.
MEASUREMENTS: dict[str, Callable[[Sample], float]] = {
    "CPU_USAGE": lambda sample: sample.cpu,
    "CPU_LIMIT": lambda sample: sample.cpu_limit,
    "MEMORY_USAGE_GB": lambda sample: sample.memory_gb,
    "MEMORY_LIMIT_GB": lambda sample: sample.memory_limit_gb,
}
# Of a service's volume; none of these has one.
OF_A_VOLUME = frozenset({"DISK_USAGE_GB"})
WEBHOOK_SECONDS = 5

Resolver = Callable[[dict[str, Any]], Awaitable[Any]]


class RefusedError(Exception):
    """A GraphQL error."""


class RailwayApi(Vendor):
    """The fields that are known here; any other is an error, as for a misspelt one there."""

    def __init__(self, config: Railway, platform: Platform) -> None:
        self._config = config
        self._platform = platform
        self._fields: dict[str, Resolver] = {
            "projectToken": self._project_token,
            "deployments": self._deployments,
            "deployment": self._deployment,
            "deploymentRollback": self._rollback,
            "deploymentRestart": self._restart,
            "deploymentRedeploy": self._redeploy,
            "serviceInstanceRedeploy": self._redeploy_service,
            "variables": self._variables,
            "variableUpsert": self._set_variable,
            "metrics": self._metrics,
            "deploymentLogs": self._logs,
            "serviceInstanceLimits": self._limits,
            "serviceInstanceLimitsUpdate": self._update_limits,
        }
        # What the next writes of a kind are refused with, by the mutation's name.
        self._refusals: dict[str, str] = {}
        platform.listen(self._tell)

    def controls(self) -> dict[str, Handler]:
        return {"refuse": self.refuse, "outdate": self.outdate, "confine": self.confine}

    def reset(self) -> None:
        self._refusals.clear()

    async def refuse(self, request: Request) -> JSONResponse:
        """From now on a field is refused: {"field": "deploymentRestart", "message": "..."}."""
        asked = await request.json()
        self._refusals[asked["field"]] = asked["message"]
        return JSONResponse({})

    async def outdate(self, request: Request) -> JSONResponse:
        """A variable was changed since: every deployment of now holds a value that no longer works."""
        asked = await request.json()
        service = self._platform.service(asked.get("service", "backend"))
        for deployment in service.deployments:
            deployment.variables = deployment.variables | {asked["name"]: asked["value"]}
        return JSONResponse({})

    async def confine(self, request: Request) -> JSONResponse:
        """A service has had no more processors than these for as long as anybody knows: {"vCPUs": 0.2}."""
        asked = await request.json()
        self._platform.service(asked.get("service", "backend")).confine(asked["vCPUs"])
        return JSONResponse({})

    async def _tell(self, event: str, service: Service, deployment: Deployment) -> None:
        """One webhook per change, unsigned, with the header that the team gave it, and no second try."""
        if self._config.webhook_url is None:
            return
        body = webhook_of(event, service, deployment, self._config)
        try:
            async with http_client(timeout=WEBHOOK_SECONDS) as client:
                await client.post(self._config.webhook_url, json=body, headers=self._config.webhook_headers)
        except httpx.TransportError as error:
            print(f"railway: webhook not delivered: {type(error).__name__}", flush=True)

    def routes(self) -> list[Route]:
        return [Route("/railway/graphql/v2", self.answer, methods=["POST"])]

    async def answer(self, request: Request) -> JSONResponse:
        try:
            self._authorise(request)
            asked = await request.json()
            found = ROOT_FIELD.match(str(asked.get("query", "")))
            field = found[1] if found else ""
            if field not in self._fields:
                raise RefusedError(f'Cannot query field "{field}".')
            if field in self._refusals:
                raise RefusedError(self._refusals[field])
            data = {field: await self._fields[field](asked.get("variables") or {})}
        except RefusedError as error:
            return JSONResponse({"errors": [{"message": str(error)}], "data": None})
        return JSONResponse({"data": data})

    def _authorise(self, request: Request) -> None:
        given = request.headers.get("Project-Access-Token")
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if (given or bearer) != self._config.token:
            raise RefusedError("Not Authorized")

    async def _project_token(self, variables: dict[str, Any]) -> dict[str, str]:
        return {"projectId": self._config.project_id, "environmentId": self._config.environment_id}

    async def _deployments(self, variables: dict[str, Any]) -> dict[str, Any]:
        where = variables.get("input")
        if not isinstance(where, dict):
            raise RefusedError('Variable "$input" of required type "DeploymentListInput!" was not provided.')
        service = self._service(where)
        if where.get("projectId") != self._config.project_id:
            raise RefusedError("Not Authorized")
        first, after = int(variables.get("first") or 20), variables.get("after")
        ids = [d.id for d in service.deployments]
        if after is not None and after not in ids:
            raise RefusedError("Invalid cursor")
        rest = service.deployments[ids.index(after) + 1 :] if after is not None else service.deployments
        shown = rest[:first]
        edges = [{"node": node_of(d), "cursor": d.id} for d in shown]
        further = {"hasNextPage": len(rest) > first, "endCursor": shown[-1].id if shown else None}
        return {"edges": edges, "pageInfo": further}

    async def _deployment(self, variables: dict[str, Any]) -> dict[str, Any]:
        _, deployment = self._find(variables)
        return node_of(deployment)

    async def _rollback(self, variables: dict[str, Any]) -> bool:
        service, deployment = self._find(variables)
        if not await service.roll_back(deployment.id):
            raise RefusedError("Deployment cannot be rolled back")
        return True

    async def _restart(self, variables: dict[str, Any]) -> bool:
        service, deployment = self._find(variables)
        if not await service.restart(deployment.id):
            raise RefusedError("Deployment is not running")
        return True

    async def _redeploy(self, variables: dict[str, Any]) -> dict[str, str]:
        service, deployment = self._find(variables)
        made = await service.redeploy(deployment.id)
        return {"id": made.id if made else ""}

    async def _redeploy_service(self, variables: dict[str, Any]) -> bool:
        service = self._service(variables)
        self._in_environment(variables)
        await service.redeploy()
        return True

    async def _variables(self, variables: dict[str, Any]) -> dict[str, str]:
        """What is set now: a process that runs may have been made with something else."""
        self._in_environment(variables)
        return dict(self._service(variables).variables)

    async def _set_variable(self, variables: dict[str, Any]) -> bool:
        """One variable, in force with the next deployment; which is made at once, unless it is told not to."""
        given = variables.get("input")
        if not isinstance(given, dict) or not all(
            isinstance(given.get(key), str) for key in ("name", "value")
        ):
            raise RefusedError('Variable "$input" of required type "VariableUpsertInput!" was not provided.')
        if given.get("projectId") != self._config.project_id:
            raise RefusedError("Not Authorized")
        self._in_environment(given)
        # Without a service it would be every service's; nothing in this project is shared.
        service = self._service(given)
        service.variables[given["name"]] = given["value"]
        if not given.get("skipDeploys", False):
            await service.redeploy()
        return True

    async def _metrics(self, variables: dict[str, Any]) -> list[dict[str, Any]]:
        self._in_environment(variables)
        service = self._service(variables)
        wanted = variables.get("measurements") or []
        if unknown := [name for name in wanted if name not in {*MEASUREMENTS, *OF_A_VOLUME}]:
            raise RefusedError(f'Value "{unknown[0]}" does not exist in "MetricMeasurement" enum.')
        since = moment_of(variables.get("startDate"), "startDate")
        samples = [sample for sample in service.samples if sample.at >= since.timestamp()]
        return [
            {
                "measurement": name,
                "tags": {},
                "values": [{"ts": int(s.at), "value": MEASUREMENTS[name](s)} for s in samples],
            }
            for name in wanted
            if name in MEASUREMENTS
        ]

    async def _logs(self, variables: dict[str, Any]) -> list[dict[str, Any]]:
        service, deployment = self._find({"id": variables.get("deploymentId")})
        lines = [line for line in service.lines if line.deployment_id == deployment.id]
        return [
            {
                "timestamp": line.at.isoformat(),
                "message": line.message,
                "severity": line.severity,
                "attributes": [{"key": "level", "value": f'"{line.severity}"'}],
            }
            for line in lines[-int(variables.get("limit") or 100) :]
        ]

    async def _limits(self, variables: dict[str, Any]) -> dict[str, Any]:
        self._in_environment(variables)
        service = self._service(variables)
        return {"containers": {"cpu": service.cpu, "memoryBytes": round(service.memory_gb * GB)}}

    async def _update_limits(self, variables: dict[str, Any]) -> bool:
        """In force with the next container, as nothing of Railway's says that it would be sooner."""
        given = variables.get("input")
        if not isinstance(given, dict):
            raise RefusedError('Variable "$input" of required type "ServiceInstanceLimitsUpdateInput!"')
        self._in_environment(given)
        service = self._service(given)
        for name in ("memoryGB", "vCPUs"):
            if given.get(name) is not None and not (
                isinstance(given[name], int | float) and 0 < given[name] <= 32
            ):
                raise RefusedError(f"{name} is not within the limits of your plan")
        service.memory_gb = float(given.get("memoryGB") or service.memory_gb)
        service.cpu = float(given.get("vCPUs") or service.cpu)
        return True

    def _service(self, where: dict[str, Any]) -> Service:
        service = self._platform.by_id(str(where.get("serviceId")))
        if service is None:
            raise RefusedError("Not Authorized")
        return service

    def _in_environment(self, where: dict[str, Any]) -> None:
        if where.get("environmentId") != self._config.environment_id:
            raise RefusedError("Not Authorized")

    def _find(self, variables: dict[str, Any]) -> tuple[Service, Deployment]:
        deployment_id = str(variables.get("id"))
        service = self._platform.of_deployment(deployment_id)
        found = service.find(deployment_id) if service else None
        if service is None or found is None:
            raise RefusedError("Deployment not found")
        return service, found


def node_of(deployment: Deployment) -> dict[str, Any]:
    commit, message = commit_of(deployment.release)
    return {
        "id": deployment.id,
        "status": deployment.status,
        "createdAt": deployment.created_at.isoformat(),
        "updatedAt": deployment.updated_at.isoformat(),
        "statusUpdatedAt": deployment.updated_at.isoformat(),
        "canRollback": deployment.can_rollback,
        "canRedeploy": True,
        "deploymentStopped": deployment.status == "REMOVED",
        "meta": {
            "commitHash": commit,
            "commitMessage": message,
            "commitAuthor": "dev",
            "branch": "main",
        },
        "staticUrl": "shop.up.railway.app",
    }


def moment_of(value: Any, name: str) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise RefusedError(f'Variable "${name}" of required type "DateTime!" was not provided.') from None


def webhook_of(event: str, service: Service, deployment: Deployment, config: Railway) -> dict[str, Any]:
    """A delivery as Railway's documents show it; its status is as misleading as in their own sample."""
    commit, message = commit_of(deployment.release)
    details = {"id": deployment.id, "source": "GitHub", "status": "SUCCESS", "branch": "main"}
    return {
        "type": f"Deployment.{event}",
        "details": {**details, "commitHash": commit, "commitAuthor": "dev", "commitMessage": message},
        "resource": {
            "workspace": {"id": "ws-shop", "name": "shop"},
            "project": {"id": config.project_id, "name": "shop"},
            "environment": {"id": config.environment_id, "name": "production", "isEphemeral": False},
            "service": {"id": service.config.service_id, "name": service.name},
            "deployment": {"id": deployment.id},
        },
        "severity": "CRITICAL" if event in ("crashed", "oomKilled") else "INFO",
        "timestamp": datetime.now(UTC).isoformat(),
    }
