"""A lifeline: processes that must not outlive the one that started them, even when it is killed with -9.

`Lifeline` starts a small guard in a session of its own and tells it through a pipe which processes it
holds. However the holder dies, the kernel closes its end of the pipe; the guard reads the end of file,
stops what is still held, newest first, each politely and then by force, and exits. A parent-death
signal would be lost by the processes that step down to another user, and exists on Linux alone.

Every process started with `lifeline.marker` in its environment is found by it at the end, too: a flow run
outlives a worker that was killed, and would otherwise outlive everything.

This file is also the guard's program; it runs without the rest of the package to stay small.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import NamedTuple

import psutil

MARKER = "WATCHKEEPER_LIFELINE"


class Held(NamedTuple):
    """A process to stop: the signal that asks it to, and how many seconds it has before SIGKILL."""

    pid: int
    signal: int
    seconds: float


class Lifeline:
    """Holds processes for as long as this one lives. Each must lead a process group of its own.

    Args:
        lock: a lock's descriptor, which the guard keeps until everything is stopped.
    """

    def __init__(self, *, lock: int | None = None) -> None:
        self._token = secrets.token_hex(8)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", __file__, self._token],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            # A session of its own: Ctrl-C in the terminal must not reach it before it has work to do.
            start_new_session=True,
            pass_fds=() if lock is None else (lock,),
            bufsize=0,
        )

    @property
    def marker(self) -> dict[str, str]:
        """What a held process finds in its environment, and hands on to its own children."""
        return {MARKER: self._token}

    @property
    def guard_pid(self) -> int:
        return self._guard.pid

    def hold(self, pid: int, *, stop_with: signal.Signals, seconds: float) -> None:
        """Stop this process if we die. `seconds` is how long it may take before it is killed."""
        self._tell(f"hold {pid} {int(stop_with)} {seconds}")

    def release(self, pid: int) -> None:
        """This process has ended; its number may soon be another's."""
        self._tell(f"release {pid}")

    def close(self) -> None:
        """Let the guard go, after it has stopped whatever is still held. Idempotent."""
        if self._guard.stdin is not None and not self._guard.stdin.closed:
            self._guard.stdin.close()
        self._guard.wait()

    def _tell(self, line: str) -> None:
        if self._guard.stdin is not None and not self._guard.stdin.closed:
            # Somebody killed the guard: the work goes on, without a net.
            with suppress(BrokenPipeError):
                self._guard.stdin.write(f"{line}\n".encode())


def stop_group(held: Held) -> None:
    """Stop a process group and wait until its leader is gone. Nothing happens if it is gone already."""
    if not _signal_group(held.pid, held.signal):
        return
    if not _wait_for_end(held.pid, held.seconds):
        _signal_group(held.pid, signal.SIGKILL)
        _wait_for_end(held.pid, 5)


def _signal_group(pid: int, number: int) -> bool:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return False
    return True


def _wait_for_end(pid: int, seconds: float) -> bool:
    """True when the process ended in time."""
    give_up_at = time.monotonic() + seconds
    while is_running(pid):
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.05)
    return True


def is_running(pid: int) -> bool:
    """False also for one that has ended but that nobody has reaped: in a container nobody may ever."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_marked(token: str) -> None:
    """Kill every process that carries the marker, wherever its parent has gone."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARKER) == token:
                process.kill()


def guard(token: str) -> None:
    """Read what to hold until the holder is gone, then stop it. Runs in the guard's own process."""
    held: dict[int, Held] = {}
    for line in sys.stdin:
        word, pid, *rest = line.split()
        if word == "hold":
            held[int(pid)] = Held(int(pid), int(rest[0]), float(rest[1]))
        else:
            held.pop(int(pid), None)
    for process in reversed(held.values()):
        stop_group(process)
    kill_marked(token)


if __name__ == "__main__":
    guard(sys.argv[1])
