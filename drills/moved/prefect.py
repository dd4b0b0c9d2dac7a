"""The real Prefect server in a night with the clock moved: it can be away, and its runs are run by the night's clock.

Prefect's own clock cannot be moved. So what it has scheduled is run when the night says that it is time: each run is
asked to start now, as "Run now" in the UI does, and carried out by Prefect's engine in a process that has the night's
clock.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from deployments.environment import program_environment, server_environment
from deployments.parts import Program, last_lines
from deployments.readiness import is_ok, prefect_port, wait_until
from drills.company.loopback import http_client
from watchkeeper.errors import WatchkeeperError
from watchkeeper.home import Home, open_home
from watchkeeper.machine.lifeline import Lifeline
from watchkeeper.motor import POOL_DEPLOYMENT
from watchkeeper.settings import Settings


@dataclass(frozen=True)
class PrefectServer:
    """Prefect's server, with every deployment registered."""

    settings: Settings
    home: Home
    lifeline: Lifeline
    server: Program
    api: httpx.AsyncClient
    clock_file: Path

    async def start(self) -> None:
        """Start it; returns when it answers."""
        await self.server.start()
        url = f"{self.settings.prefect_api_url}/health"
        log_file = self.server.log_file
        await wait_until(lambda: is_ok(self.api, url), name="prefect", restarts=lambda: 0, log_file=log_file)

    async def stop(self) -> None:
        """From here on it is away."""
        await self.server.stop()

    async def shown(self, name: str) -> str:
        """What the UI shows of a run: its state and, of one to come, for when it is scheduled."""
        run = await self._find(name)
        when = datetime.fromisoformat(run["expected_start_time"]).astimezone(UTC)
        return (
            f"{run['state_type']} for {when:%Y-%m-%d %H:%M}"
            if run["state_type"] == "SCHEDULED"
            else run["state_type"]
        )

    async def run(self, name: str) -> str:
        """Carry out the run of this name; the state in which it ends."""
        return await self._carry_out((await self._find(name))["id"])

    async def submit(self, flow: str, **parameters: str) -> str:
        """Send a form of the UI and carry out its run; the state in which it ends."""
        deployment = await self._ask("GET", f"/deployments/name/{flow}/{POOL_DEPLOYMENT}")
        path = f"/deployments/{deployment['id']}/create_flow_run"
        return await self._carry_out((await self._ask("POST", path, {"parameters": parameters}))["id"])

    async def _carry_out(self, run_id: str) -> str:
        """Have a run start now, and carry it out as a worker does."""
        now = {"type": "SCHEDULED", "state_details": {"scheduled_time": datetime.now(UTC).isoformat()}}
        await self._ask("POST", f"/flow_runs/{run_id}/set_state", {"state": now, "force": True})
        await self.program("flow-run", "drills.moved.flow_run", run_id, "--clock", str(self.clock_file))
        return str((await self._ask("GET", f"/flow_runs/{run_id}"))["state_type"])

    async def artifact(self, key: str) -> str:
        """The newest artifact with this key, as Markdown."""
        return str((await self._ask("GET", f"/artifacts/{key}/latest"))["data"])

    async def program(self, name: str, module: str, *arguments: str) -> None:
        """Run one of our programs to its end, with the environment that a worker's have.

        Raises:
            WatchkeeperError: it failed; the text ends with its log's last lines.
        """
        step = Program(
            name=name,
            command=[sys.executable, "-m", module, *arguments],
            environment=program_environment(self.settings, self.home),
            directory=self.home.path,
            log_file=self.home.log(name),
            lifeline=self.lifeline,
        )
        try:
            await step.start()
            code = await step.wait()
        finally:
            await step.stop()
        if code != 0:
            raise WatchkeeperError(f"{name} failed; its log ends:\n{last_lines(step.log_file)}")

    async def _find(self, name: str) -> dict[str, Any]:
        wanted = {"flow_runs": {"name": {"any_": [name]}}, "sort": "START_TIME_DESC", "limit": 1}
        found = await self._ask("POST", "/flow_runs/filter", wanted)
        if not found:
            raise LookupError(f"Prefect has no run {name!r}")
        run: dict[str, Any] = found[0]
        return run

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        url = f"{self.settings.prefect_api_url}{path}"
        return (await self.api.request(method, url, json=body)).raise_for_status().json()


@asynccontextmanager
async def running_prefect(
    settings: Settings, database_url: str, clock_file: Path
) -> AsyncIterator[PrefectServer]:
    """Start the server on an empty database and register everything; stop it on leaving."""
    home = await asyncio.to_thread(open_home, settings.home)
    lifeline = Lifeline()
    port = prefect_port(settings)
    server = Program(
        name="prefect",
        command=[sys.executable, "-m", "prefect", "server", "start"],
        environment=server_environment(settings, home, port=port, database_url=database_url),
        directory=home.path,
        log_file=home.log("prefect"),
        lifeline=lifeline,
    )
    try:
        async with http_client(timeout=20) as api:
            prefect = PrefectServer(settings, home, lifeline, server, api, clock_file)
            await prefect.start()
            await prefect.program("register", "deployments.register", "--pool-type", "process")
            yield prefect
    finally:
        await server.stop()
        await asyncio.to_thread(lifeline.close)
