"""The parts of a stack: restarted with patience, their logs kept small."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deployments import parts
from deployments.parts import (
    Keeper,
    Program,
    describe_exit,
    keep_small,
    last_lines,
    memory_bytes,
    pause_before_restart,
)
from watchkeeper.errors import StoreUnavailable
from watchkeeper.machine.lifeline import Lifeline, is_running


@pytest.fixture
def lifeline() -> Iterator[Lifeline]:
    line = Lifeline()
    yield line
    line.close()


@pytest.fixture
def program(tmp_path: Path, lifeline: Lifeline) -> Callable[[str], Program]:
    def build(code: str) -> Program:
        return Program(
            name="part",
            command=[sys.executable, "-c", code],
            environment={},
            directory=tmp_path,
            log_file=tmp_path / "part.log",
            lifeline=lifeline,
            stop_seconds=0.5,
        )

    return build


@dataclass
class Fragile:
    """A part that ends as soon as it is started, and cannot be started at all the second time."""

    name: str = "fragile"
    pid: int | None = None
    starts: int = 0
    seen: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        self.starts += 1
        if self.starts == 2:
            raise StoreUnavailable("no room")
        if self.starts == 4:
            self.seen.set()

    async def wait(self) -> int:
        if self.starts >= 4:
            await asyncio.Event().wait()
        return 3

    async def stop(self) -> None:
        self.starts = -1


async def test_a_part_that_ends_is_started_again_even_when_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "pause_before_restart", lambda failures: failures * 0.001)
    said: list[str] = []
    part = Fragile()
    keeper = Keeper(part, said.append)
    await keeper.start()
    await asyncio.wait_for(part.seen.wait(), 10)
    assert keeper.restarts == 3
    assert said[0] == "fragile ended (exit code 3); starting it again in 0.001 s"
    assert said[1] == "fragile could not be started: no room"
    await keeper.stop()
    assert part.starts == -1


def test_the_first_restart_is_at_once_and_pauses_grow_to_a_limit() -> None:
    pauses = [pause_before_restart(failures) for failures in range(1, 12)]
    assert pauses[:4] == [0, 2, 3, 3]
    assert pauses == sorted(pauses) and pauses[-1] == parts.LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize(("code", "words"), [(1, "exit code 1"), (-9, "killed by SIGKILL")])
def test_an_exit_code_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words


async def test_a_program_that_ignores_the_polite_signal_is_killed_with_what_it_left(
    program: Callable[[str], Program],
) -> None:
    stubborn = program(
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "print(child.pid, flush=True); time.sleep(600)"
    )
    await stubborn.start()
    async with asyncio.timeout(10):
        while not (child := last_lines(stubborn.log_file)):
            await asyncio.sleep(0.02)
    pid = stubborn.pid
    assert pid is not None and memory_bytes(pid) > 1_000_000
    await stubborn.stop()
    assert stubborn.pid is None
    assert not is_running(pid)
    # What is left is killed in the same breath, and it is the system that buries it, in its own time.
    async with asyncio.timeout(10):
        while is_running(int(child)):
            await asyncio.sleep(0.02)


async def test_a_programs_exit_code_and_output_are_kept(program: Callable[[str], Program]) -> None:
    short = program("print('last words'); raise SystemExit(4)")
    await short.start()
    assert await short.wait() == 4
    assert last_lines(short.log_file) == "last words"


def test_a_large_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LARGEST_LOG_BYTES", 10)
    log_file = tmp_path / "part.log"
    keep_small(log_file)
    log_file.write_text("short")
    keep_small(log_file)
    assert log_file.read_text() == "short"
    log_file.write_text("longer than that")
    keep_small(log_file)
    assert not log_file.exists() and (tmp_path / "part.log.1").read_text() == "longer than that"
