"""`python -m benchmarks.sweeping N`: N sweeps in this process, as the worker's runs do them; a line of JSON for each.

A line has `seconds` and `cpu_seconds` of the whole sweep with its readings written down, and `probes`: what each probe
took within it, by name, with its second look where it needed one.
"""

import asyncio
import json
import sys
import time
from typing import Any

from flows import detection
from flows.looks import Look, Scene
from watchkeeper.model import Reading


async def sweep_once() -> dict[str, Any]:
    """One sweep, and what was seen over its shoulder of each probe."""
    probes: dict[str, float] = {}
    be_sure = detection.sure

    async def watched(look: Look, scene: Scene) -> Reading | None:
        began = time.monotonic()
        try:
            return await be_sure(look, scene)
        finally:
            probes[look.name] = time.monotonic() - began

    detection.sure = watched
    try:
        began, spent = time.monotonic(), time.process_time()
        told = await detection.detection()
        seconds, cpu_seconds = time.monotonic() - began, time.process_time() - spent
    finally:
        detection.sure = be_sure
    bad = [probe for probe, well in told.items() if not well]
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "probes": probes, "bad": bad}


async def sweep(count: int) -> None:
    for _ in range(count):
        print(json.dumps(await sweep_once()), flush=True)


if __name__ == "__main__":
    asyncio.run(sweep(int(sys.argv[1])))
