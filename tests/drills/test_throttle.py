"""A process under a limit of processors: really held back, let go again, and free to end."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from drills.vendors.throttle import Throttle, seconds_used


def running(code: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", code])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    yield from running("while True: pass")


@pytest.fixture
def idle() -> Iterator[subprocess.Popen[bytes]]:
    yield from running("import time; time.sleep(60)")


async def look_until(throttle: Throttle, pid: int | None, limit: float, is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            throttle.look(pid, limit)
            await asyncio.sleep(Throttle.PERIOD_SECONDS)


async def test_whoever_wants_more_than_its_limit_is_held_back(busy: subprocess.Popen[bytes]) -> None:
    throttle, began = Throttle(), time.monotonic()
    await look_until(throttle, busy.pid, 0.05, lambda: throttle.held_back_seconds > 2)
    used, passed = seconds_used(busy.pid), time.monotonic() - began
    # What it earned, begins with and may save; and what it takes until the look that stops it, once for each saving.
    most = Throttle.AT_FIRST_SECONDS + 0.05 * passed + 3 * Throttle.SAVED_SECONDS
    assert used is not None and used < most


async def test_whoever_wants_less_is_left_alone(idle: subprocess.Popen[bytes]) -> None:
    throttle, looks = Throttle(), iter(range(20))
    await look_until(throttle, idle.pid, 0.5, lambda: next(looks, None) is None)
    assert (throttle.held_back_seconds, throttle.is_stopped) == (0, False)


async def test_whoever_is_held_back_can_end(busy: subprocess.Popen[bytes]) -> None:
    throttle, seen = Throttle(), psutil.Process(busy.pid)
    await look_until(throttle, busy.pid, 0.001, lambda: seen.status() == psutil.STATUS_STOPPED)
    busy.terminate()
    throttle.let_go()
    assert await asyncio.to_thread(busy.wait, 10) == -signal.SIGTERM


def test_who_has_served_for_long_has_saved_no_more_than_anybody() -> None:
    throttle = Throttle(pid=1, budget=-9.0)
    throttle.take_up(os.getpid())
    throttle.look(os.getpid(), 0.1)
    assert throttle.pid == os.getpid()
    assert 0 < throttle.budget <= Throttle.SAVED_SECONDS


async def test_who_is_held_back_goes_on_when_its_limit_is_another(busy: subprocess.Popen[bytes]) -> None:
    throttle, seen = Throttle(), psutil.Process(busy.pid)
    await look_until(throttle, busy.pid, 0.001, lambda: seen.status() == psutil.STATUS_STOPPED)
    throttle.take_up(busy.pid)
    await look_until(throttle, None, 1.0, lambda: seen.status() != psutil.STATUS_STOPPED)


def test_a_process_that_is_gone_is_forgotten() -> None:
    throttle = Throttle(pid=1, is_stopped=True, budget=-1.0)
    throttle.look(None, 0.1)
    assert (throttle.pid, throttle.is_stopped) == (None, False)
