"""One stand-in company with Watchkeeper on watch, and the nights that are played on it."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

from deployments.stack import Stack, running_stack
from drills.grading import count_writes
from drills.night import break_company
from drills.person import LINK
from drills.scenarios import SCENARIOS
from drills.stand import World, running_world
from watchkeeper.clock import utc_now
from watchkeeper.incidents import list_recent, read_incident
from watchkeeper.model import Gate, Incident, Remediation, RemediationState, Status
from watchkeeper.policy import merge
from watchkeeper.remediations import read_remediations
from watchkeeper.store import Store, open_store
from watchkeeper.timeline import read_timeline

Found = TypeVar("Found")

BAD_DEPLOY = SCENARIOS["bad-deploy"]

# Real durations, so that the pages say what they would at night; only the proof that it is over is short,
# and nobody is sent too many messages, however many nights are played within ten minutes.
POLICY = {
    "verification": {"stable_for": "2s", "check_every": "0.5s"},
    "thresholds": {"error_window": "2s"},
    "throttle": {"messages": 100},
}


async def until(look: Callable[[], Awaitable[Found | None]], *, what: str, seconds: float = 90) -> Found:
    """What `look` gives as soon as it gives something.

    Raises:
        AssertionError: it did not in time.
    """
    give_up_at = time.monotonic() + seconds
    while (found := await look()) is None:
        assert time.monotonic() < give_up_at, f"{what}: not within {seconds:g} s"
        await asyncio.sleep(0.2)
    return found


@dataclass(frozen=True)
class Stand:
    """Everything that runs for the tests in a browser."""

    world: World
    stack: Stack
    store: Store
    prefect: httpx.AsyncClient

    async def newest_incident(self) -> Incident | None:
        return next(iter(await list_recent(self.store, 1)), None)

    async def wait_for_incident_after(self, last: int) -> Incident:
        """The first incident with a number above `last`."""

        async def look() -> Incident | None:
            newest = await self.newest_incident()
            return newest if newest is not None and newest.id > last else None

        return await until(look, what="an incident")

    async def wait_until_resolved(self, incident_id: int) -> Incident:
        async def look() -> Incident | None:
            incident = await read_incident(self.store, incident_id)
            return incident if incident.status in (Status.RESOLVED, Status.REVIEWED) else None

        try:
            return await until(look, what="the end of the incident")
        except AssertionError:
            # What it was waiting for is what one wants to know.
            for entry in await read_timeline(self.store, incident_id):
                print(f"{entry.at:%H:%M:%S} {entry.kind:<12} {entry.text}")
            raise

    async def wait_for_text(self, *words: str) -> str:
        """The newest text message to whoever is on call that holds all of these."""

        async def look() -> str | None:
            texts = await self.world.texts("ana")
            return next((text for text in reversed(texts) if all(word in text for word in words)), None)

        return await until(look, what=f"a text message with {' and '.join(words)}")

    async def deployment_of(self, flow: str) -> str:
        """The id of the deployment that runs a flow, by its entry point."""
        answer = await self.prefect.post("/deployments/filter", json={})
        found: dict[str, str] = {each["entrypoint"]: each["id"] for each in answer.raise_for_status().json()}
        return found[flow]

    async def state_of_run(self, flow_run_id: str) -> str:
        answer = await self.prefect.get(f"/flow_runs/{flow_run_id}")
        state: str = answer.raise_for_status().json()["state_type"]
        return state

    async def break_the_company(self) -> "Night":
        """A bad deployment; returns as soon as its response is suspended and has asked for an approval."""
        broken_at = utc_now()
        await break_company(self.world, BAD_DEPLOY)

        async def asked() -> "Night | None":
            # Errors of a company that has just been started may have opened it: then this is what it turned out to be.
            now = await self.newest_incident()
            if now is None or now.waiting_for != "approval" or now.flow_run_id is None:
                return None
            state = await self.state_of_run(now.flow_run_id)
            plans = await read_remediations(self.store, now.id)
            asks = (
                plan
                for plan in plans
                if plan.gate is Gate.APPROVAL and plan.state is RemediationState.PLANNED
            )
            plan = next(asks, None)
            if state != "PAUSED" or plan is None:
                return None
            return Night(self, broken_at, now.id, now.flow_run_id, plan)

        return await until(asked, what="a suspended response with a plan to approve")


@dataclass(frozen=True)
class Night:
    """A company that is down, and a plan that waits for somebody's word."""

    stand: Stand
    broken_at: datetime
    incident_id: int
    flow_run_id: str
    plan: Remediation

    async def incident(self) -> Incident:
        return await read_incident(self.stand.store, self.incident_id)

    async def decided_plan(self) -> Remediation:
        """The plan as its row is now."""
        rows = await read_remediations(self.stand.store, self.incident_id)
        return next(row for row in rows if row.id == self.plan.id)

    async def rollbacks(self) -> int:
        """How often Railway was asked for a rollback in this night."""
        requests = await asyncio.to_thread(self.stand.world.requests, self.broken_at)
        return count_writes(requests, "railway:deploymentRollback")

    async def wait_until_its_run_ends(self) -> str:
        """The state that the response's run ended in."""

        async def look() -> str | None:
            state = await self.stand.state_of_run(self.flow_run_id)
            return state if state not in ("PAUSED", "SCHEDULED", "PENDING", "RUNNING") else None

        return await until(look, what="the end of the response's run")

    async def running_release(self) -> Any:
        return (await self.stand.world.ask("/control/company"))["release"]

    async def texted_link(self, path: str) -> str:
        """The newest link of this kind ("a" acknowledges, "p" decides) in the texts about this night."""
        text = await self.stand.wait_for_text((await self.incident()).number, f"/{path}/")
        links: list[str] = LINK.findall(text)
        return links[-1]

    async def channel_link(self) -> str:
        """The link to the incident's own page, out of the announcement in the channel."""

        async def look() -> str | None:
            channel = await self.stand.world.ask("/control/slack/incidents")
            links = [link for post in channel["messages"] for link in LINK.findall(post["text"])]
            return next((link for link in links if f"/i/i{self.incident_id}." in link), None)

        return await until(look, what="an announcement with the incident's address")


@asynccontextmanager
async def running_stand() -> AsyncIterator[Stand]:
    """The company, its vendors and the whole of Watchkeeper, stopped on leaving."""
    # A short path: a Unix socket's address has little room.
    with tempfile.TemporaryDirectory(prefix="wk-browser-", ignore_cleanup_errors=True) as name:
        async with running_world(Path(name)) as world:
            file = world.folder / "watchkeeper.yaml"
            own = merge(yaml.safe_load(file.read_text()), POLICY)
            file.write_text(yaml.safe_dump(own, sort_keys=False))
            async with (
                running_stack(world.settings(speed=1)) as stack,
                open_store(stack.settings.store_url()) as store,
                httpx.AsyncClient(base_url=stack.api_url, timeout=30) as prefect,
            ):
                yield Stand(world, stack, store, prefect)
