"""Phase 1: the sweep, every minute. A reading on the wrong side of its threshold becomes an alert."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from prefect import flow

from flows.bench import Bench, open_bench
from flows.checks import PROBES, plainly, scene_of_sweep, take
from flows.looks import Look, Scene
from flows.readings import reading_of
from watchkeeper.admission import admit, is_watched
from watchkeeper.clock import utc_now
from watchkeeper.findings import forget_readings, save_reading
from watchkeeper.model import Reading
from watchkeeper.paging.desk import Desk
from watchkeeper.policy import Policy
from watchkeeper.sweeping import alert_of_reading

# A sweep a minute writes some ten thousand readings a day.
KEPT = timedelta(days=7)

# One bad look is not an outage: a sleeping service answers 404 for seconds while it wakes.
SECOND_LOOK_SECONDS = 2.0


@flow(name="detection", flow_run_name="sweep")
async def detection() -> dict[str, bool]:
    """Look at every probe; what is bad twice fires an alert, what is good again quiets it.

    Returns:
        Each probe's name and whether it is well.
    """
    async with open_bench() as bench:
        policy = bench.settings.policy()
        readings = await sweep(policy)
        for reading in readings:  # first: an alert must not wait for the writing down
            await tell(bench, policy, reading)
        async with bench.store.transaction() as db:
            for reading in readings:
                await save_reading(db, None, reading)
            await forget_readings(db, before=bench.now() - KEPT)
        return {reading.probe: reading.ok for reading in readings}


async def sweep(policy: Policy) -> list[Reading]:
    """Every probe side by side, each looked at once more by itself where it is bad.

    So a sweep takes as long as its slowest probe: what is well is neither asked twice nor waits for what is not.
    """
    scene = await scene_of_sweep(policy)
    readings = await asyncio.gather(*(sure(look, scene) for look in PROBES))
    return [reading for reading in readings if reading is not None]


async def sure(look: Look, scene: Scene) -> Reading | None:
    """A probe's reading: the second one where the first was bad."""
    reading = await read(look, scene)
    if reading is None or reading.ok:
        return reading
    await asyncio.sleep(SECOND_LOOK_SECONDS)
    return await read(look, replace(scene, now=utc_now()))


async def read(look: Look, scene: Scene) -> Reading | None:
    [check] = await take([look], scene, plainly)
    return reading_of(check, scene.policy)


async def tell(bench: Bench, policy: Policy, reading: Reading) -> None:
    """Admit a reading as an alert, firing or quiet."""
    alert = alert_of_reading(reading, policy)
    if alert is None:
        return
    if not alert.firing and not await is_watched(bench.store, alert.fingerprint):
        return  # all is well and was: that is not worth a row every minute, nor a transaction
    desk = Desk(policy, bench.settings.public_url)
    async with bench.store.transaction() as db:
        await admit(db, desk, alert, now=bench.now())
