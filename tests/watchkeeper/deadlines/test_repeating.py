"""Looking for ever: at each ring, each second, and when something falls due in between."""

import asyncio
import time

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import KernelHouse, two_on_call
from watchkeeper.deadlines.dispatcher import repeat
from watchkeeper.store import Store


@pytest.mark.parametrize(("sooner", "most_seconds"), [(0.01, 5), (None, 5)])
async def test_it_looks_again_when_something_falls_due_or_the_bell_rings(
    sooner: float | None, most_seconds: float
) -> None:
    looks = 0
    bell, enough = asyncio.Event(), asyncio.Event()

    async def look() -> float | None:
        nonlocal looks
        looks += 1
        if looks == 3:
            enough.set()
        elif sooner is None:
            bell.set()
        return sooner

    began = time.monotonic()
    loop = asyncio.create_task(repeat(look, bell, every_seconds=60))
    async with asyncio.timeout(most_seconds):
        await enough.wait()
    loop.cancel()
    assert time.monotonic() - began < most_seconds


async def test_the_dispatcher_knows_when_the_next_deadline_falls_due(store: Store, clock: MovedClock) -> None:
    house = KernelHouse(store, clock, two_on_call())
    assert await house.dispatcher.pass_once() is None
    await house.hear(severity="P1")
    await house.dispatcher.pass_once()
    clock.advance(minutes=59)
    seconds = await house.dispatcher.pass_once()
    assert seconds is not None and 0 < seconds <= 60
