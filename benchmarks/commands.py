"""What a person waits for at the terminal: `watchkeeper up` until it is ready, and a whole drill with its memory."""

import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.figures import Beside, Figure, Target
from benchmarks.site import CouldNotRun
from drills.screen import Screen
from drills.world_config import free_ports

READY_SECONDS = 30.0
DRILL_SECONDS = 120.0
DRILL_MB = 1000.0
DRILLS = ("connection-leak", "bad-deploy")
PATIENCE_SECONDS = 300.0


async def measure(screen: Screen, *, starts: int) -> list[Figure]:
    """Start everything on a fresh home and again on what that left; then play the first two drills.

    Raises:
        CouldNotRun: it did not become ready, or a drill was not a pass.
    """
    folder = Path(tempfile.mkdtemp(prefix="wk-bench-"))
    try:
        screen.say(f"watchkeeper up, {starts + 1} times", word="bench", style="bold cyan")
        first, *later = [await start_once(folder / "home") for _ in range(starts + 1)]
        figures = [start_figure(first, later)]
        for scenario in DRILLS:
            screen.say(f"watchkeeper drill {scenario}", word="bench", style="bold cyan")
            figures += drill_figures(scenario, *await play_once(scenario, folder / scenario))
        return figures
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def start_once(home: Path) -> float:
    """Seconds from the command until it says that everything is ready; stopped again with Ctrl-C's signal."""
    began = time.monotonic()
    ports = free_ports()
    where = (f"--home={home}", f"--port={ports.intake}", f"--prefect-port={ports.prefect}")
    process = await watchkeeper("up", *where, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until_ready(process.stdout)
        return time.monotonic() - began
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()


async def until_ready(said: asyncio.StreamReader | None) -> None:
    while said is not None and (line := await said.readline()):
        if b"ready in" in line:
            return
    raise CouldNotRun("watchkeeper up ended before it was ready")


async def play_once(scenario: str, folder: Path) -> tuple[float, dict[str, Any]]:
    """Seconds that the command took, start and stop included, and its report."""
    began = time.monotonic()
    process = await watchkeeper("drill", scenario, f"--report={folder}", stdout=asyncio.subprocess.DEVNULL)
    async with asyncio.timeout(PATIENCE_SECONDS):
        code = await process.wait()
    taken = time.monotonic() - began
    if code != 0:
        raise CouldNotRun(f"the drill {scenario} was not a pass (exit code {code})")
    return taken, json.loads((folder / "report.json").read_text())


async def watchkeeper(
    *arguments: str, stdout: int, environment: dict[str, str] | None = None
) -> asyncio.subprocess.Process:
    """The command as a user runs it, with this process's environment unless another is given."""
    command = (sys.executable, "-m", "watchkeeper.cli", *arguments)
    return await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=stdout, stderr=asyncio.subprocess.STDOUT
    )


def start_figure(first: float, later: list[float]) -> Figure:
    beside = Beside("the first, which sets the databases up", first, "s", 1)
    what = "watchkeeper up until it is ready on a second start, the slowest"
    return Figure("commands", what, max(later), "s", len(later), Target(READY_SECONDS), beside=[beside])


def drill_figures(scenario: str, seconds: float, report: dict[str, Any]) -> list[Figure]:
    waiting = Beside("of it from the fault to the all-clear", night_seconds(report), "s", 1)
    memory = float(report["peak_memory_mb"])
    return [
        Figure(
            "commands",
            f"watchkeeper drill {scenario}",
            seconds,
            "s",
            1,
            Target(DRILL_SECONDS),
            beside=[waiting],
        ),
        Figure("commands", f"Memory of that drill, the most ({scenario})", memory, "MB", 1, Target(DRILL_MB)),
    ]


def night_seconds(report: dict[str, Any]) -> float:
    parts = ("fault_to_alert", "alert_to_mitigated", "mitigated_to_resolved")
    return sum(report["seconds"][part] or 0.0 for part in parts)
