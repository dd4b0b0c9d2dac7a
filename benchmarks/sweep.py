"""A whole sweep, each probe in it, beside its slowest probe and beside all of them one after another."""

import json
import sys
from typing import Any

from benchmarks.figures import Beside, Figure, Target, percentile, spread
from benchmarks.site import CouldNotRun, Site, output_of
from benchmarks.sizes import Sizes
from deployments.environment import program_environment

OVER_SLOWEST_SECONDS, CPU_SECONDS = 1.0, 3.0
PATIENCE_SECONDS = 300.0


async def measure(site: Site, sizes: Sizes) -> list[Figure]:
    """Sweeps in a process of their own, so that nothing else's CPU is counted."""
    site.say(f"{sizes.sweeps} sweeps, one after another")
    return figures(await sweeps(site, sizes.sweeps))


async def sweeps(site: Site, count: int) -> list[dict[str, Any]]:
    """What each sweep took, as `benchmarks.sweeping` tells it.

    Raises:
        CouldNotRun: a sweep failed, or found something wrong with a company that is well.
    """
    said = await output_of(
        "sweeping",
        *(sys.executable, "-m", "benchmarks.sweeping", str(count)),
        seconds=PATIENCE_SECONDS,
        env=program_environment(site.stack.settings, site.stack.home),
    )
    told = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    if bad := {probe for each in told for probe in each["bad"]}:
        raise CouldNotRun(f"the company was not well: {', '.join(sorted(bad))}")
    return told


def figures(told: list[dict[str, Any]]) -> list[Figure]:
    """The slowest sweep over its own slowest probe, and the dearest sweep; the first, with everything cold, is in it."""
    over = [each["seconds"] - max(each["probes"].values()) for each in told]
    whole = [each["seconds"] for each in told]
    one_by_one = [sum(each["probes"].values()) for each in told]
    slowest = [max(each["probes"].values()) for each in told]
    probes = len(told[0]["probes"])
    beside = [
        Beside("the whole sweep, p50", percentile(whole, 50), "s", len(told)),
        Beside("its slowest probe, p50", percentile(slowest, 50), "s", len(told)),
        Beside(f"its {probes} probes one after another, p50", percentile(one_by_one, 50), "s", len(told)),
    ]
    cpu = [each["cpu_seconds"] for each in told]
    return [
        Figure(
            "sweep",
            "A whole sweep beyond its slowest probe, the most",
            max(over),
            "s",
            len(told),
            Target(OVER_SLOWEST_SECONDS),
            beside,
            more={"whole": spread(whole), "slowest_probe": spread(slowest)},
        ),
        Figure(
            "sweep",
            "CPU of a whole sweep, the most",
            max(cpu),
            "s",
            len(told),
            Target(CPU_SECONDS),
            [Beside("p50", percentile(cpu, 50), "s", len(told))],
        ),
    ]
