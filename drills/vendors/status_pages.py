"""Vendors' status pages: green until the drill says otherwise."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.vendors.vendor import Vendor


class StatusPages(Vendor):
    """What each vendor says of itself: an indicator and, when it is not "none", a title."""

    def __init__(self) -> None:
        self.states: dict[str, tuple[str, str]] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/statuspage/railway/api/status", self.railway),
            Route("/statuspage/google_cloud/incidents.json", self.google_cloud),
            Route("/statuspage/{vendor}/api/v2/summary.json", self.summary),
        ]

    def set(self, vendor: str, indicator: str, title: str) -> None:
        self.states[vendor] = (indicator, title)

    def reset(self) -> None:
        self.states.clear()

    async def summary(self, request: Request) -> JSONResponse:
        """Atlassian Statuspage's version 2 format."""
        vendor = request.path_params["vendor"]
        indicator, title = self.states.get(vendor, ("none", ""))
        incidents: list[dict[str, Any]] = []
        if indicator != "none":
            incidents = [{"id": "inc1", "name": title, "status": "investigating", "impact": indicator}]
        words = "All Systems Operational" if indicator == "none" else title
        return JSONResponse(
            {
                "page": {"id": vendor, "name": vendor.capitalize()},
                "status": {"indicator": indicator, "description": words},
                "components": [],
                "incidents": incidents,
                "scheduled_maintenances": [],
            }
        )

    async def google_cloud(self, request: Request) -> JSONResponse:
        """All incidents of years as one list, newest first; one without an end is active."""
        indicator, title = self.states.get("google_cloud", ("none", ""))
        gemini = {"title": "Vertex Gemini API", "id": "Z0FZJAMvEB4j3NbCJs6B"}
        active = {
            "id": "active1",
            "number": "2",
            "begin": datetime.now(UTC).isoformat(),
            "external_desc": title,
            "severity": "high",
            "status_impact": "SERVICE_OUTAGE" if indicator in ("major", "critical") else "SERVICE_DISRUPTION",
            "service_key": "zall",
            "service_name": "Multiple Products",
            "affected_products": [gemini],
            "uri": "incidents/active1",
        }
        past = active | {
            "id": "past1",
            "number": "1",
            "begin": "2025-06-12T17:51:00+00:00",
            "end": "2025-06-13T01:18:00+00:00",
            "external_desc": "Multiple products had trouble",
            "uri": "incidents/past1",
        }
        return JSONResponse([past] if indicator == "none" else [active, past])

    async def railway(self, request: Request) -> JSONResponse:
        """Railway's page has a format of its own."""
        indicator, title = self.states.get("railway", ("none", ""))
        components = [{"name": "Deployments", "groupName": "Platform", "impact": "PARTIAL_OUTAGE"}]
        incident = {
            "id": "1",
            "slug": "one",
            "title": title,
            "status": "INVESTIGATING",
            "components": components,
        }
        active = [] if indicator == "none" else [incident]
        return JSONResponse({"activeIncidents": active, "recentIncidents": [], "maintenances": []})
