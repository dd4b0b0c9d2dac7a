"""`python -m benchmarks.sweeping N`: N sweeps in this process, as the worker's runs do them; a line of JSON for each.

A line has `seconds` and `cpu_seconds` of the whole sweep with its readings written down, and `probes`: what each probe
took within it, by name.
"""

import asyncio
import json
import sys
import time
from collections.abc import Coroutine
from typing import Any

from flows import checks, detection
from watchkeeper.model import Check


async def sweep_once() -> dict[str, Any]:
    """One sweep, and what was seen over its shoulder of each probe."""
    probes: dict[str, float] = {}
    look_at_all = checks.all_of

    async def watched(**looks: Coroutine[Any, Any, Check]) -> list[Check]:
        found = await look_at_all(**looks)
        probes.update({check.name: check.seconds for check in found})
        return found

    checks.all_of = watched
    try:
        began, spent = time.monotonic(), time.process_time()
        told = await detection.detection()
        seconds, cpu_seconds = time.monotonic() - began, time.process_time() - spent
    finally:
        checks.all_of = look_at_all
    bad = [probe for probe, well in told.items() if not well]
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "probes": probes, "bad": bad}


async def sweep(count: int) -> None:
    for _ in range(count):
        print(json.dumps(await sweep_once()), flush=True)


if __name__ == "__main__":
    asyncio.run(sweep(int(sys.argv[1])))
