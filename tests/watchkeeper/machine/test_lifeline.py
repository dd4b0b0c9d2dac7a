"""The lifeline: whatever happens to the holder, what it held is gone within seconds."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from watchkeeper.errors import BadInput
from watchkeeper.machine.lifeline import is_running
from watchkeeper.machine.locks import hold_lock

# Holds two sleepers, one of which ignores the polite signal, and has a third that has left their groups.
HOLDER = """
import os, signal, subprocess, sys, time
from watchkeeper.machine.lifeline import Lifeline
from watchkeeper.machine.locks import hold_lock
def sleeper(code):
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE,
                            env=os.environ | lifeline.marker)
with hold_lock(sys.argv[1], what="it") as lock:
    lifeline = Lifeline(lock=lock)
    polite = sleeper("import time; print(flush=True); time.sleep(600)")
    stubborn = sleeper("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                       "print(flush=True); time.sleep(600)")
    stray = sleeper("import time; print(flush=True); time.sleep(600)")
    for process in (polite, stubborn, stray):
        process.stdout.readline()
    lifeline.hold(polite.pid, stop_with=signal.SIGTERM, seconds=5)
    lifeline.hold(stubborn.pid, stop_with=signal.SIGTERM, seconds=0.5)
    print(polite.pid, stubborn.pid, stray.pid, lifeline.guard_pid, flush=True)
    sys.stdin.readline()
    lifeline.close()
"""


def start_holder(lock: Path) -> tuple[subprocess.Popen[str], list[int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, [int(pid) for pid in process.stdout.readline().split()]


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.05)


def test_killing_the_holder_ends_all_that_it_held(tmp_path: Path) -> None:
    process, pids = start_holder(tmp_path / "lock")
    with process:
        assert len(pids) == 4 and all(map(is_running, pids))
        process.kill()
    wait_until(lambda: not any(map(is_running, pids)))


def test_closing_it_waits_until_all_is_stopped(tmp_path: Path) -> None:
    process, pids = start_holder(tmp_path / "lock")
    process.communicate("close\n", timeout=20)
    assert process.returncode == 0
    assert not any(map(is_running, pids))


def test_a_lock_outlives_its_killed_owner_until_what_it_held_is_stopped(tmp_path: Path) -> None:
    process, pids = start_holder(tmp_path / "lock")
    with process:
        process.kill()
    with hold_lock(tmp_path / "lock", what="it"):
        assert not any(map(is_running, pids[:3]))


def test_a_lock_with_a_living_owner_is_refused_at_once(tmp_path: Path) -> None:
    process, _ = start_holder(tmp_path / "lock")
    asked_at = time.monotonic()
    refused = pytest.raises(BadInput, match=f"it is already in use by process {process.pid}")
    with refused, hold_lock(tmp_path / "lock", what="it"):
        pass
    assert time.monotonic() - asked_at < 2
    process.communicate("close\n", timeout=20)
