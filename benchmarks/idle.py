"""What the whole stack costs when nothing happens but its own sweep each minute: a `watchkeeper up` and all below it.

It watches the stand-in company, which is not counted, and neither is this benchmark.
"""

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.commands import until_ready, watchkeeper
from benchmarks.figures import Figure, Target
from benchmarks.sizes import Sizes
from deployments.environment import base_environment
from deployments.parts import memory_bytes
from drills.screen import Screen
from drills.stand import World, running_world
from watchkeeper.home import settings_environment

MEMORY_MB, CPU_PERCENT = 700, 5
LOOK_SECONDS = 10.0
PATIENCE_SECONDS = 300.0

# What a part's command line has in it and no other's.
PARTS = {
    "lifeline": "guard",
    "server start": "prefect",
    "watchkeeper.intake": "intake",
    "worker start": "worker",
    "postgres": "postgres",
}


async def measure(screen: Screen, sizes: Sizes) -> list[Figure]:
    """Memory and CPU of the command's process and all of its descendants."""
    # A short path: a Unix socket's address has little room.
    folder = Path(tempfile.mkdtemp(prefix="wk-bench-"))
    try:
        async with running_world(folder) as world, running_up(world) as pid:
            screen.say(
                f"idling for {sizes.settle_seconds + sizes.idle_seconds:g} s", word="bench", style="bold cyan"
            )
            await asyncio.sleep(sizes.settle_seconds)
            return await watch(psutil.Process(pid), sizes.idle_seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def running_up(world: World) -> AsyncIterator[int]:
    """`watchkeeper up` for this world, as a user runs it; its process."""
    environment = base_environment() | settings_environment(world.settings(1))
    process = await watchkeeper("up", stdout=asyncio.subprocess.PIPE, environment=environment)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await until_ready(process.stdout)
        yield process.pid
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.communicate()


async def watch(supervisor: psutil.Process, idle_seconds: float) -> list[Figure]:
    began, before = time.monotonic(), cpu_seconds(supervisor)
    memories: list[dict[str, int]] = []
    while (left := began + idle_seconds - time.monotonic()) > 0:
        memories.append(await asyncio.to_thread(memory, supervisor))
        await asyncio.sleep(min(LOOK_SECONDS, left))
    elapsed, after = time.monotonic() - began, cpu_seconds(supervisor)
    percents = {name: 100 * (seconds - before.get(name, 0)) / elapsed for name, seconds in after.items()}
    return figures(memories, percents, elapsed)


def figures(memories: list[dict[str, int]], percents: dict[str, float], seconds: float) -> list[Figure]:
    most = max(memories, key=lambda memory: sum(memory.values()))
    window = f"in {seconds:.0f} s"
    return [
        Figure(
            "idle",
            f"Memory of the idle stack, the most {window}",
            sum(most.values()) / 1e6,
            "MB",
            len(memories),
            Target(MEMORY_MB),
            more={"parts": {name: held / 1e6 for name, held in most.items()}},
        ),
        Figure(
            "idle",
            f"CPU of the idle stack, of one core, {window}",
            sum(percents.values()),
            "%",
            1,
            Target(CPU_PERCENT),
            more={"parts": percents},
        ),
    ]


def memory(supervisor: psutil.Process) -> dict[str, int]:
    """Bytes of each part with its descendants, and of the supervisor; together they are all that the command runs."""
    usage = supervisor.memory_full_info()
    own = {"supervisor": getattr(usage, "pss", usage.uss)}
    return own | {name: memory_bytes(part.pid) for name, part in parts(supervisor).items()}


def cpu_seconds(supervisor: psutil.Process) -> dict[str, float]:
    """What the supervisor and each part have spent so far, with their descendants, also those that have ended."""
    own = supervisor.cpu_times()
    return {"supervisor": own.user + own.system} | {
        name: _with_descendants(part) for name, part in parts(supervisor).items()
    }


def parts(supervisor: psutil.Process) -> dict[str, psutil.Process]:
    """The command's own children; one that is none of the known parts goes by its number."""
    found: dict[str, psutil.Process] = {}
    for child in supervisor.children():
        with suppress(psutil.NoSuchProcess):
            line = " ".join(child.cmdline())
            name = next((name for words, name in PARTS.items() if words in line), str(child.pid))
            found[name] = child
    return found


def _with_descendants(process: psutil.Process) -> float:
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                # A parent's times hold those of the children that it has waited for.
                times = one.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total
