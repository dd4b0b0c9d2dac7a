"""The parts of a running stack, each one process with its descendants: started, watched, restarted, stopped."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol

import psutil

from watchkeeper.errors import WatchkeeperError
from watchkeeper.machine.embedded import EmbeddedPostgres, start_postgres
from watchkeeper.machine.lifeline import Lifeline

Echo = Callable[[str], None]

# Python's many arenas per thread cost a small machine tens of megabytes a process and bring it nothing.
LEAN = {"MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"}
LARGEST_LOG_BYTES = 20_000_000
RAN_WELL_SECONDS = 20.0
# One machine bears a start every three seconds; nobody bears a pager that is gone for longer.
LONGEST_PAUSE_SECONDS = 3.0


class Part(Protocol):
    """Something that runs as one process with its descendants."""

    @property
    def name(self) -> str: ...

    @property
    def pid(self) -> int | None:
        """None while it does not run."""

    async def start(self) -> None: ...

    async def wait(self) -> int:
        """Its exit code, once it has ended; minus the signal's number if one ended it."""

    async def stop(self) -> None:
        """Stop it and wait until it is gone. Nothing happens if it does not run."""


@dataclass
class Program:
    """A program in a session of its own, its output in a log file.

    Attributes:
        stop_seconds: how long it has after SIGTERM before it is killed.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    directory: Path
    log_file: Path
    lifeline: Lifeline
    stop_seconds: float = 10
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        keep_small(self.log_file)
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=self.environment | LEAN | self.lifeline.marker,
                # Ctrl-C in a terminal goes to the supervisor, which stops its parts in their order.
                start_new_session=True,
            )
        self.lifeline.hold(self._process.pid, stop_with=signal.SIGTERM, seconds=self.stop_seconds)

    async def wait(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        code = await self._process.wait()
        self.lifeline.release(self._process.pid)
        return code

    async def stop(self) -> None:
        if self._process is None:
            return
        _signal_group(self._process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), self.stop_seconds)
        # Also what it left in its group when it went by itself.
        _signal_group(self._process.pid, signal.SIGKILL)
        await self.wait()
        self._process = None


@dataclass
class Postgres:
    """The embedded Postgres as a part."""

    directory: Path
    databases: tuple[str, ...]
    log_file: Path
    lifeline: Lifeline
    name: str = "postgres"
    _server: EmbeddedPostgres | None = field(default=None, init=False)
    _give_up: Event = field(default_factory=Event, init=False)

    @property
    def server(self) -> EmbeddedPostgres:
        if self._server is None:
            raise RuntimeError("the embedded Postgres was never started")
        return self._server

    @property
    def pid(self) -> int | None:
        return self._server.pid if self._server is not None else None

    async def start(self) -> None:
        keep_small(self.log_file)
        self._give_up.clear()
        task = asyncio.ensure_future(asyncio.to_thread(self._start))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            # A thread cannot be cancelled: ask it to give up, and wait until it has.
            self._give_up.set()
            await asyncio.wait([task])
            raise

    def _start(self) -> None:
        if self._server is None:
            self._server = start_postgres(
                self.directory,
                self.databases,
                log_file=self.log_file,
                lifeline=self.lifeline,
                give_up=self._give_up,
            )
        else:
            self._server.start()

    async def wait(self) -> int:
        # It was started in a thread, by a library that has no event to wait for.
        while self.server.is_running:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        return self.server.exit_code

    async def stop(self) -> None:
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)


class Keeper:
    """Keeps a part running: one that ends by itself is started again, after a pause that grows."""

    def __init__(self, part: Part, echo: Echo) -> None:
        self.part = part
        self.restarts = 0
        self._echo = echo
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.part.start()
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.part.name}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self.part.stop()

    async def _keep(self) -> None:
        failures = 0
        started_at = time.monotonic()
        while True:
            code = await self.part.wait()
            failures = 1 if time.monotonic() - started_at > RAN_WELL_SECONDS else failures + 1
            pause_seconds = pause_before_restart(failures)
            soon = f"in {pause_seconds:g} s" if pause_seconds else "at once"
            self._echo(f"{self.part.name} ended ({describe_exit(code)}); starting it again {soon}")
            await asyncio.sleep(pause_seconds)
            started_at = time.monotonic()
            self.restarts += 1
            try:
                await self.part.start()
            except (WatchkeeperError, OSError) as error:
                # It has not started, so the wait above ends at once and the next pause is longer.
                self._echo(f"{self.part.name} could not be started: {error}")


def pause_before_restart(failures: int) -> float:
    """Seconds to wait, by how often in a row it ended soon after its start; at first none, for it may page."""
    return min(0.5 * 2.0**failures, LONGEST_PAUSE_SECONDS) if failures > 1 else 0.0


def describe_exit(code: int) -> str:
    """An exit code as a person says it: "exit code 1", "killed by SIGKILL"."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def keep_small(log_file: Path) -> None:
    """Set a log aside as `.1` when it has grown large; the one before that is forgotten."""
    if log_file.exists() and log_file.stat().st_size > LARGEST_LOG_BYTES:
        log_file.replace(log_file.with_suffix(".log.1"))


def last_lines(log_file: Path, count: int = 15) -> str:
    """The end of a log, for a message; empty when nothing was ever written."""
    if not log_file.exists():
        return ""
    return "\n".join(log_file.read_text(errors="replace").splitlines()[-count:])


def memory_bytes(pid: int) -> int:
    """What a process and its descendants hold, shared pages divided among their holders where that is known."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                usage = one.memory_full_info()
                total += getattr(usage, "pss", usage.uss)
    return total


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)
