"""What the whole stack costs when nothing happens but its own sweep each minute. The stand-in company is not counted."""

import asyncio
import time
from contextlib import suppress

import psutil

from benchmarks.figures import Figure, Target
from benchmarks.site import Site
from benchmarks.sizes import Sizes
from deployments.stack import Stack

MEMORY_MB, CPU_PERCENT = 700, 5
LOOK_SECONDS = 10.0


async def measure(site: Site, sizes: Sizes) -> list[Figure]:
    """Memory and CPU of the parts, their descendants, the guard and this supervisor."""
    site.say(f"idling for {sizes.settle_seconds + sizes.idle_seconds:g} s")
    await asyncio.sleep(sizes.settle_seconds)
    began, before = time.monotonic(), cpu_seconds(site.stack)
    own_before, looking = time.process_time(), 0.0
    memories: list[dict[str, int]] = []
    while (left := began + sizes.idle_seconds - time.monotonic()) > 0:
        looking_since = time.process_time()
        memories.append(site.stack.memory())
        looking += time.process_time() - looking_since
        await asyncio.sleep(min(LOOK_SECONDS, left))
    elapsed, after = time.monotonic() - began, cpu_seconds(site.stack)
    spent = {name: seconds - before.get(name, 0) for name, seconds in after.items()}
    # Looking is the benchmark's work, not the supervisor's.
    spent["supervisor"] = time.process_time() - own_before - looking
    return figures(memories, {name: 100 * seconds / elapsed for name, seconds in spent.items()}, elapsed)


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


def cpu_seconds(stack: Stack) -> dict[str, float]:
    """What each part and the guard have spent so far, with their descendants, also those that have ended."""
    pids = {**stack.pids, "guard": stack.lifeline.guard_pid}
    return {name: _with_descendants(pid) for name, pid in pids.items()}


def _with_descendants(pid: int) -> float:
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                # A parent's times hold those of the children that it has waited for.
                times = one.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total
