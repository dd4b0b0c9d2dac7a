"""Atlassian Statuspage's API for our own page: incidents with their updates, and the components that they change."""

import itertools
from collections import deque
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.vendors.config import Statuspage
from drills.vendors.vendor import Vendor

INCIDENT_STATUSES = ("investigating", "identified", "monitoring", "resolved")
COMPONENT_STATUSES = (
    "operational",
    "under_maintenance",
    "degraded_performance",
    "partial_outage",
    "major_outage",
)
IMPACTS = ("none", "maintenance", "minor", "major", "critical")
LONGEST_BODY = 25_000
# One request a second, counted over a minute.
REQUESTS, WINDOW = 60, timedelta(minutes=1)


class StatuspageApi(Vendor):
    """One page. Creating an incident twice makes two: the real one knows no idempotency key either."""

    def __init__(self, config: Statuspage) -> None:
        self._config = config
        self._numbers = itertools.count(1)
        self._asked: deque[datetime] = deque()
        self.incidents: list[dict[str, Any]] = []
        self.components = {
            number: {"id": number, "name": name, "status": "operational"}
            for number, name in config.components.items()
        }
        # Said to subscribers by email, as the real one does unless it is told not to.
        self.subscribers_told = 0

    def routes(self) -> list[Route]:
        page = "/statuspage_api/v1/pages/{page_id}"
        return [
            Route(f"{page}/incidents", self.create, methods=["POST"]),
            Route(f"{page}/incidents/unresolved", self.unresolved, methods=["GET"]),
            Route(f"{page}/incidents/{{incident_id}}", self.one, methods=["GET", "PATCH"]),
            Route(f"{page}/components", self.list_components, methods=["GET"]),
        ]

    def state(self) -> dict[str, Any]:
        return {
            "incidents": self.incidents,
            "components": list(self.components.values()),
            "subscribers_told": self.subscribers_told,
        }

    async def create(self, request: Request) -> JSONResponse:
        if (no := self._turned_away(request)) is not None:
            return no
        asked = (await request.json()).get("incident", {})
        if problems := self._problems(asked, is_new=True):
            return refuse(422, problems)
        incident: dict[str, Any] = {
            "id": f"inc{next(self._numbers):09d}",
            "page_id": self._config.page_id,
            "created_at": self._stamp(),
            "resolved_at": None,
            "incident_updates": [],
            "metadata": {},
        }
        self.incidents.append(incident)
        self._apply(incident, asked)
        return JSONResponse(incident, 201)

    async def one(self, request: Request) -> JSONResponse:
        if (no := self._turned_away(request)) is not None:
            return no
        number = request.path_params["incident_id"]
        incident = next((each for each in self.incidents if each["id"] == number), None)
        if incident is None:
            return refuse(404, "Incident not found")
        if request.method == "PATCH":
            asked = (await request.json()).get("incident", {})
            if problems := self._problems(asked, is_new=False):
                return refuse(422, problems)
            self._apply(incident, asked)
        return JSONResponse(incident)

    async def unresolved(self, request: Request) -> JSONResponse:
        no = self._turned_away(request)
        return no or JSONResponse([each for each in self.incidents if each["status"] != "resolved"])

    async def list_components(self, request: Request) -> JSONResponse:
        return self._turned_away(request) or JSONResponse(list(self.components.values()))

    def _turned_away(self, request: Request) -> JSONResponse | None:
        if request.headers.get("Authorization") != f"OAuth {self._config.token}":
            return refuse(401, "Could not authenticate")
        now = self.clock()
        while self._asked and now - self._asked[0] > WINDOW:
            self._asked.popleft()
        if len(self._asked) >= REQUESTS:
            return refuse(420, "Too many requests")
        self._asked.append(now)
        if request.path_params["page_id"] != self._config.page_id:
            return refuse(404, "Page not found")
        return None

    def _problems(self, asked: dict[str, Any], *, is_new: bool) -> list[str]:
        """What the real one would not take."""
        components, metadata = asked.get("components", {}), asked.get("metadata", {})
        wrong = {
            "name can't be blank": is_new and not asked.get("name"),
            "status is not included in the list": asked.get("status", "investigating")
            not in INCIDENT_STATUSES,
            "impact_override is not included in the list": asked.get("impact_override", "none")
            not in IMPACTS,
            "body is too long": len(asked.get("body", "")) > LONGEST_BODY,
            "components is invalid": not set(components) <= set(self.components)
            or not set(components.values()) <= set(COMPONENT_STATUSES),
            "component_ids is invalid": not set(asked.get("component_ids", [])) <= set(self.components),
            "metadata is invalid": not all(isinstance(value, dict) for value in metadata.values()),
        }
        return [words for words, is_wrong in wrong.items() if is_wrong]

    def _apply(self, incident: dict[str, Any], asked: dict[str, Any]) -> None:
        incident["name"] = asked.get("name", incident.get("name"))
        incident["status"] = asked.get("status", incident.get("status", "investigating"))
        incident["impact"] = asked.get("impact_override", incident.get("impact", "none"))
        incident["metadata"] |= asked.get("metadata", {})
        if incident["status"] == "resolved":
            incident["resolved_at"] = incident["resolved_at"] or self._stamp()
        if asked.get("body") or "status" in asked:
            update = {
                "status": incident["status"],
                "body": asked.get("body", ""),
                "created_at": self._stamp(),
            }
            incident["incident_updates"].insert(0, update)
        # `component_ids` alone only associates.
        for number, status in asked.get("components", {}).items():
            self.components[number]["status"] = status
        self.subscribers_told += bool(asked.get("deliver_notifications", True))

    def _stamp(self) -> str:
        return self.clock().isoformat()


def refuse(status: int, error: str | list[str]) -> JSONResponse:
    return JSONResponse({"error": error}, status)
