"""Prefect, as far as the kernel knows it."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class PrefectStandIn:
    """As much of Prefect's REST as the kernel asks. `moods` are how the next requests go wrong."""

    away: bool = False
    moods: list[str] = field(default_factory=list)
    registered: bool = True
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    # What else than scheduled a run is.
    states: dict[str, str] = field(default_factory=dict)
    resumed: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path))
        mood = self.moods.pop(0) if self.moods else ""
        if self.away or mood == "away":
            raise httpx.ConnectError("refused", request=request)
        if mood.isdigit():
            return httpx.Response(int(mood), json={"detail": mood})
        if mood == "html":
            return httpx.Response(200, text="<html>a proxy's page</html>")
        answer = self._answer(request)
        if mood == "lost answer":
            raise httpx.ReadTimeout("too late", request=request)
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api")
        if named := re.fullmatch(r"/deployments/name/(\w+)/watchkeeper", path):
            found = {"id": f"deployment-{named[1]}"}
            return httpx.Response(200, json=found) if self.registered else httpx.Response(404, json={})
        if path.endswith("/create_flow_run"):
            return httpx.Response(201, json=self._create(json.loads(request.content)))
        if run := re.fullmatch(r"/flow_runs/([\w-]+)", path):
            return httpx.Response(200, json={"id": run[1], "state_type": self.state_of(run[1])})
        if run := re.fullmatch(r"/flow_runs/([\w-]+)/set_state", path):
            self.cancelled.append(run[1])
            return httpx.Response(200, json={"status": "ACCEPT"})
        if run := re.fullmatch(r"/flow_runs/([\w-]+)/resume", path):
            self.resumed.append(run[1])
            self.states[run[1]] = "SCHEDULED"
            return httpx.Response(201, json={"status": "ACCEPT"})
        return httpx.Response(404, json={})

    def _create(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Like Prefect, the run that is there under this key, or a new one."""
        key = wanted["idempotency_key"]
        self.created.append(key)
        return self.runs.setdefault(key, {"id": f"run-{len(self.runs)}", **wanted})

    def state_of(self, run_id: str) -> str:
        return "CANCELLED" if run_id in self.cancelled else self.states.get(run_id, "SCHEDULED")

    def scheduled(self, kind: str) -> list[str]:
        """When the runs of this kind that are still to come are due."""
        return [
            run["state"]["state_details"]["scheduled_time"]
            for run in self.runs.values()
            if run["parameters"].get("kind") == kind and self.state_of(run["id"]) == "SCHEDULED"
        ]
