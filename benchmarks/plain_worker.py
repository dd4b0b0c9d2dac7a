"""A plain Prefect deployment on the stack's own server: the flow, a pool and an ordinary process worker."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.site import CouldNotRun, Site, first_texts, until
from deployments.environment import program_environment
from deployments.parts import Program
from drills.world_config import PEOPLE
from watchkeeper.clock import utc_now

POOL = "plain"
ENTRYPOINT = "benchmarks.plain.page"
PATIENCE_SECONDS = 60.0
# What Prefect's worker does when nobody says otherwise (PREFECT_WORKER_QUERY_SECONDS).
DEFAULT_POLL_SECONDS = 10.0


@dataclass(frozen=True)
class Plain:
    """A deployment that can be run, and how often its worker looks."""

    site: Site
    prefect: httpx.AsyncClient
    deployment_id: str
    poll_seconds: float

    async def page(self, name: str) -> float:
        """Ask for a run that sends a text; the seconds until the phone has it.

        Raises:
            CouldNotRun: it never came.
        """
        parameters = {"phone": PEOPLE["ben"]["phone"], "text": f"P1 {name}"}
        asked_at = utc_now()
        path = f"/deployments/{self.deployment_id}/create_flow_run"
        (await self.prefect.post(path, json={"parameters": parameters})).raise_for_status()
        is_time_left = until(PATIENCE_SECONDS)
        while is_time_left():
            texts = await first_texts(self.site.world, "ben", lambda text: text.removeprefix("P1 "))
            if name in texts:
                return (texts[name] - asked_at).total_seconds()
            await asyncio.sleep(0.1)
        raise CouldNotRun("the plain Prefect deployment sent no text")


@asynccontextmanager
async def plain_deployment(site: Site, *, poll_seconds: float) -> AsyncIterator[Plain]:
    """The deployment with its worker at work."""
    async with httpx.AsyncClient(base_url=site.stack.api_url, timeout=10) as prefect:
        deployment_id = await _deploy(prefect)
        worker = _worker(site, poll_seconds)
        await worker.start()
        try:
            await _until_online(prefect, worker.name)
            yield Plain(site, prefect, deployment_id, poll_seconds)
        finally:
            await worker.stop()


def _worker(site: Site, poll_seconds: float) -> Program:
    stack, name = site.stack, f"plain-worker-{poll_seconds:g}"
    options = ["--pool", POOL, "--type", "process", "--name", name, "--install-policy", "never"]
    more = {
        "PREFECT_WORKER_QUERY_SECONDS": str(poll_seconds),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    return Program(
        name=name,
        command=[sys.executable, "-m", "prefect", "worker", "start", *options],
        environment=program_environment(stack.settings, stack.home) | more,
        directory=stack.home.path,
        log_file=stack.home.log(name),
        lifeline=stack.lifeline,
    )


async def _deploy(prefect: httpx.AsyncClient) -> str:
    """Register what one would by hand; again is no harm."""
    flow = await _post(prefect, "/flows/", {"name": "page"})
    if (await prefect.get(f"/work_pools/{POOL}")).status_code == httpx.codes.NOT_FOUND:
        await _post(prefect, "/work_pools/", {"name": POOL, "type": "process"})
    deployment = {"name": POOL, "flow_id": flow["id"], "entrypoint": ENTRYPOINT, "work_pool_name": POOL}
    return str((await _post(prefect, "/deployments/", deployment))["id"])


async def _until_online(prefect: httpx.AsyncClient, name: str) -> None:
    is_time_left = until(PATIENCE_SECONDS)
    while is_time_left():
        workers = await _post(prefect, f"/work_pools/{POOL}/workers/filter", {})
        if any(each["name"] == name and each["status"] == "ONLINE" for each in workers):
            return
        await asyncio.sleep(0.2)
    raise CouldNotRun("the plain process worker did not start")


async def _post(prefect: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Any:
    return (await prefect.post(path, json=body)).raise_for_status().json()
