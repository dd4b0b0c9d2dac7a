"""Vercel: deployments of the frontend, and the address where the production one is served."""

import asyncio
import hashlib
import hmac
import json
import uuid
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from drills.company.loopback import http_client
from drills.vendors.config import Vercel
from drills.vendors.releases import commit_of
from drills.vendors.vendor import Handler, Vendor
from drills.vendors.vercel_variables import DAY_MILLISECONDS, Variables, milliseconds
from drills.vendors.website import Website

# How long it takes until the production address follows.
MOVES_AFTER_SECONDS = 0.7
KEPT_LINES = 50


@dataclass
class Deployment:
    """One build. `served`: whether production ever pointed to it, without which it cannot be rolled back to."""

    release: str
    created: int = field(default_factory=milliseconds)
    state: str = "READY"
    served: bool = False
    uid: str = field(default_factory=lambda: f"dpl_{uuid.uuid4().hex[:24]}")
    lines: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))

    @property
    def is_broken(self) -> bool:
        return self.release.endswith("broken")


class VercelApi(Vendor):
    """One project of one team. A release whose name ends in "broken" builds well and answers 500."""

    def __init__(self, config: Vercel) -> None:
        self._config = config
        first = Deployment("site-1", milliseconds() - 3 * DAY_MILLISECONDS, served=True)
        older = Deployment("site-0", milliseconds() - 9 * DAY_MILLISECONDS, served=True)
        self._first = self._production = first
        self._deployments = [first, older]
        self._first_deployments = (first, older)
        self._alias_request: dict[str, Any] | None = None
        self._assigns_by_itself = True
        self._stuck = False
        self._variables = Variables()
        self._website = Website(
            config.port,
            config.backend_url,
            release=lambda: self._production.release,
            is_broken=lambda: self._production.is_broken,
            log=self._write_down,
        )
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        project = "/vercel/v1/projects/{project}"
        return [
            Route("/vercel/v6/deployments", self.list_deployments),
            Route("/vercel/v13/deployments/{id}", self.one_deployment),
            Route("/vercel/v3/deployments/{id}/events", self.build_logs),
            Route("/vercel/v9/projects/{project}", self.project),
            Route("/vercel/v10/projects/{project}/env", self.list_variables),
            Route(f"{project}/deployments/{{id}}/runtime-logs", self.runtime_logs),
            Route(f"{project}/rollback/{{id}}", self.roll_back, methods=["POST"]),
            Route("/vercel/v10/projects/{project}/promote/{id}", self.promote, methods=["POST"]),
        ]

    def controls(self) -> dict[str, Handler]:
        return {"deploy": self.deploy, "stuck": self.get_stuck, "variable": self.set_variable}

    def state(self) -> dict[str, Any]:
        return {
            "production": self._production.uid,
            "release": self._production.release,
            "assigns_by_itself": self._assigns_by_itself,
            "served": {str(status): count for status, count in self._website.served.items()},
            "last_status": self._website.last_status,
            "last_shown": self._website.last_shown,
        }

    def issued(self) -> list[str]:
        """What stands in its variables: nobody who asks which of them were changed has any use for it."""
        return self._variables.issued

    def reset(self) -> None:
        self._variables.reset()
        self._stuck, self._assigns_by_itself = False, True
        self._production = self._first
        # The next night is another week's: nobody goes back to what was broken in this one.
        self._deployments = list(self._first_deployments)

    async def deploy(self, request: Request) -> JSONResponse:
        """A push to the main branch; with "fails", its build does."""
        asked = await request.json()
        deployment = Deployment(asked["release"])
        self._deployments.insert(0, deployment)
        self._tell("deployment.created", deployment)
        if asked.get("fails"):
            deployment.state = "ERROR"
            self._tell("deployment.error", deployment)
        else:
            self._tell("deployment.succeeded", deployment)
            if self._assigns_by_itself:
                self._point_to(deployment)
                self._tell("deployment.promoted", deployment)
        return JSONResponse({"id": deployment.uid})

    async def get_stuck(self, request: Request) -> JSONResponse:
        """From now on changes of the production address are accepted, and the address does not move."""
        self._stuck = True
        return JSONResponse({})

    async def set_variable(self, request: Request) -> JSONResponse:
        """{"key": "API_URL", "target": ["production"]}: somebody gives a variable another value."""
        asked = await request.json()
        self._variables.set(asked["key"], asked.get("target", ["production"]))
        return JSONResponse({})

    def _point_to(self, deployment: Deployment) -> None:
        self._production = deployment
        deployment.served = True

    async def list_deployments(self, request: Request) -> Response:
        query = request.query_params
        if refusal := self._refusal(request, query.get("projectId", "")):
            return refusal
        listed = [d for d in self._deployments if self._is_asked_for(d, query)]
        shown = listed[: int(query.get("limit", "20"))]
        older = shown[-1].created if len(shown) < len(listed) else None
        pagination = {"count": len(shown), "next": older, "prev": None}
        return JSONResponse({"deployments": [self._row(d) for d in shown], "pagination": pagination})

    def _is_asked_for(self, deployment: Deployment, query: QueryParams) -> bool:
        """Every filter of the query holds; `until` is what was created before, and the next page's as well."""
        states = query["state"].split(",") if "state" in query else [deployment.state]
        return (
            query.get("target", "production") == "production"
            and deployment.state in states
            and (query.get("rollbackCandidate") != "true" or self._offers(deployment))
            and ("until" not in query or deployment.created < int(query["until"]))
        )

    async def one_deployment(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        found = self._find(request)
        if found is None:
            return no_such("deployment")
        row = self._row(found)
        return JSONResponse({**row, "id": row.pop("uid")})

    async def project(self, request: Request) -> Response:
        if refusal := self._refusal(request, request.path_params["project"]):
            return refusal
        production = {
            "id": self._production.uid,
            "readyState": self._production.state,
            "target": "production",
        }
        return JSONResponse(
            {
                "id": self._config.project_id,
                "accountId": self._config.team_id,
                "name": "shop",
                "targets": {"production": production},
                "lastAliasRequest": self._alias_request,
                "autoAssignCustomDomains": self._assigns_by_itself,
            }
        )

    async def list_variables(self, request: Request) -> Response:
        if refusal := self._refusal(request, request.path_params["project"]):
            return refusal
        return JSONResponse(self._variables.told(decrypt=request.query_params.get("decrypt") == "true"))

    async def build_logs(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        found = self._find(request)
        if found is None:
            return no_such("deployment")
        words = ["Build failed"] if found.state == "ERROR" else ["Build completed"]
        lines = ["Running build", f"Building {found.release}", *words]
        events = [{"type": "stdout", "payload": {"text": text, "date": found.created}} for text in lines]
        return JSONResponse(events[::-1] if request.query_params.get("direction") == "backward" else events)

    async def runtime_logs(self, request: Request) -> Response:
        """A stream without an end, one JSON object a line."""
        if refusal := self._refusal(request, request.path_params["project"]):
            return refusal
        found = self._find(request)
        if found is None:
            return no_such("deployment")

        async def lines() -> AsyncIterator[str]:
            for line in list(found.lines):
                yield json.dumps(line) + "\n"
            await asyncio.Event().wait()

        return StreamingResponse(lines(), media_type="application/stream+json")

    async def roll_back(self, request: Request) -> Response:
        """Only to what served production before; from then on pushes are not assigned by themselves."""
        if refusal := self._refusal(request, request.path_params["project"]):
            return refusal
        found = self._find(request)
        if found is None or not self._offers(found):
            return error(422, "invalid_rollback", "The deployment cannot be rolled back to.")
        return self._move(found, "rollback", 201)

    async def promote(self, request: Request) -> Response:
        if refusal := self._refusal(request, request.path_params["project"]):
            return refusal
        found = self._find(request)
        if found is None or found.state != "READY":
            return no_such("deployment")
        return self._move(found, "promote", 202)

    def _move(self, deployment: Deployment, kind: str, status: int) -> Response:
        if self._alias_request and self._alias_request["jobStatus"] == "in-progress":
            return error(409, "conflict", "Another request is in progress.")
        self._alias_request = {
            "type": kind,
            "fromDeploymentId": self._production.uid,
            "toDeploymentId": deployment.uid,
            "jobStatus": "in-progress",
            "requestedAt": milliseconds(),
        }
        self._assigns_by_itself = kind == "promote"
        if not self._stuck:
            self._later(self._moved(deployment, self._alias_request))
        return Response(status_code=status)

    async def _moved(self, deployment: Deployment, request: dict[str, Any]) -> None:
        await asyncio.sleep(MOVES_AFTER_SECONDS)
        request["jobStatus"] = "succeeded"
        self._point_to(deployment)

    def _offers(self, deployment: Deployment) -> bool:
        return deployment.served and deployment.state == "READY" and deployment is not self._production

    def _find(self, request: Request) -> Deployment | None:
        return next((d for d in self._deployments if d.uid == request.path_params["id"]), None)

    def _row(self, deployment: Deployment) -> dict[str, Any]:
        commit, message = commit_of(deployment.release)
        return {
            "uid": deployment.uid,
            "name": "shop",
            "url": f"shop-{deployment.uid[-8:]}.vercel.app",
            "created": deployment.created,
            "createdAt": deployment.created,
            "state": deployment.state,
            "readyState": deployment.state,
            "readySubstate": "PROMOTED" if deployment.served else "STAGED",
            "target": "production",
            "isRollbackCandidate": self._offers(deployment),
            "meta": {"githubCommitSha": commit, "githubCommitMessage": message, "githubCommitRef": "main"},
        }

    def _refusal(self, request: Request, project: str | None = None) -> Response | None:
        if request.headers.get("Authorization") != f"Bearer {self._config.token}":
            return JSONResponse(
                {"error": {"code": "forbidden", "message": "Not authorized", "invalidToken": True}}, 403
            )
        # Without its team, the project is looked for in the token's own scope.
        if request.query_params.get("teamId") != self._config.team_id:
            return error(403, "forbidden", "You don't have permission to access this resource.")
        if project is not None and project != self._config.project_id:
            return no_such("project")
        return None

    def _tell(self, kind: str, deployment: Deployment) -> None:
        self._later(self._send(kind, deployment))

    def _later(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, kind: str, deployment: Deployment) -> None:
        """One webhook, signed over the exact bytes."""
        row = self._row(deployment)
        body = json.dumps(
            {
                "id": f"evt_{uuid.uuid4().hex[:24]}",
                "type": kind,
                "createdAt": milliseconds(),
                "region": "fra1",
                "payload": {
                    "team": {"id": self._config.team_id},
                    "project": {"id": self._config.project_id},
                    "deployment": {
                        "id": row["uid"],
                        "name": "shop",
                        "url": row["url"],
                        "meta": row["meta"],
                    },
                    "target": "production",
                    "links": {"deployment": "https://vercel.com/shop", "project": "https://vercel.com/shop"},
                },
            }
        ).encode()
        signature = hmac.new(self._config.webhook_secret.encode(), body, hashlib.sha1).hexdigest()
        headers = {"Content-Type": "application/json", "x-vercel-signature": signature}
        try:
            async with http_client(timeout=2) as client:
                await client.post(self._config.webhook_url, content=body, headers=headers)
        except httpx.TransportError as problem:
            print(f"vercel: webhook not delivered: {type(problem).__name__}", flush=True)

    async def live(self) -> None:
        await self._website.serve_for_ever()

    def _write_down(self, path: str, status: int, error_words: str) -> None:
        """A visit, in the log of the deployment that it came to."""
        self._production.lines.append(
            {
                "level": "error" if error_words else "info",
                "message": error_words,
                "source": "serverless",
                "timestampInMs": milliseconds(),
                "requestMethod": "GET",
                "requestPath": path,
                "responseStatusCode": status,
            }
        )


def error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)


def no_such(what: str) -> Response:
    return error(404, "not_found", f"The {what} was not found.")
