"""One stand-in company and one Watchkeeper for all the nights told here, and one company without it."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest_asyncio

from deployments.stack import Stack
from drills.night import Night, play_night
from drills.nights import close_all
from drills.run import drill_stand
from drills.scenarios import SCENARIOS
from drills.screen import Screen
from drills.stand import World, running_world
from tests.drills.company import Company
from watchkeeper.clock import utc_now
from watchkeeper.incidents import list_open
from watchkeeper.store import Store, open_store

SPEED = 180.0


def night_around(now: datetime) -> dict[str, str]:
    """Hours of a night that began an hour ago and outlasts the tests: what ends at a fixed hour ends under one of them."""
    return {"starts": f"{now - timedelta(hours=1):%H:%M}", "ends": f"{now + timedelta(hours=11):%H:%M}"}


# With its durations divided by so much, a night must still leave time to die in it, and to recover, before what the
# policy gives runs out.
PATIENT = {
    "response": {"approval_expires_after": "4h"},
    "thresholds": {"recent_deployment": "8h"},
    "verification": {"give_up_after": "3h"},
    "throttle": {"messages": 100},
    "correlate_within": "8h",
    # It is night here at whatever hour the tests begin, and a P1's own clocks leave a signed cure the minute that it may
    # take; nothing is signed unless a story signs it.
    "severities": {"P1": {"acknowledge_within": "8h", "ask_again_every": None, "escalate_after": "8h"}},
    "night": {**night_around(utc_now()), "cure_within": "4h"},
}


@dataclass(frozen=True)
class Stand:
    """What a night needs: the stand-in company, the stack that watches it, its store, and Prefect's API."""

    world: World
    stack: Stack
    store: Store
    prefect: httpx.AsyncClient
    screen: Screen

    async def night(self, scenario: str) -> Night:
        """Break the company and wait until it is over; the person on call acknowledges and approves."""
        return await play_night(
            SCENARIOS[scenario],
            self.world,
            self.store,
            person="prompt",
            speed=SPEED,
            screen=self.screen,
            prefect_url=self.stack.api_url,
        )


@pytest_asyncio.fixture
async def stand(running_stand: Stand) -> AsyncIterator[Stand]:
    """The stand, on which nothing is left open for the next night: it would call people again and again."""
    yield running_stand
    left = await list_open(running_stand.store)
    await close_all(running_stand.store, running_stand.stack.settings.public_url, left)


@pytest_asyncio.fixture(scope="package")
async def running_stand() -> AsyncIterator[Stand]:
    folder = Path(tempfile.mkdtemp(prefix="wk-nights-"))
    screen = Screen()
    try:
        async with (
            drill_stand(folder, SPEED, screen, policy=PATIENT) as (world, stack),
            open_store(stack.settings.store_url()) as store,
            httpx.AsyncClient(base_url=stack.api_url, timeout=5) as prefect,
        ):
            yield Stand(world, stack, store, prefect, screen)
    finally:
        # A stand that did not come up says why, which a missing folder would hide.
        if (logs := folder / "home" / "logs").is_dir():
            shutil.copytree(logs, Path("build") / "nights-logs", dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="package")
async def company() -> AsyncIterator[Company]:
    """One stand-in company for all who ask it and its vendors without a Watchkeeper; each leaves it well."""
    # A short path: a Unix socket's address has little room.
    folder = Path(tempfile.mkdtemp(prefix="wk-st-"))
    try:
        async with running_world(folder) as world:
            address = f"http://127.0.0.1:{world.ports.vendors}"
            async with httpx.AsyncClient(base_url=address, timeout=20) as client:
                yield Company(world, client)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
