"""Phase 1: the sweep, every minute. A reading on the wrong side of its threshold becomes an alert."""

import asyncio
from datetime import timedelta

from prefect import flow

from flows.bench import Bench, open_bench
from flows.checks import run_probes
from watchkeeper.admission import admit, is_watched
from watchkeeper.findings import forget_readings, save_reading
from watchkeeper.model import Alert, Reading
from watchkeeper.paging import Desk
from watchkeeper.policy import Policy

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
        readings = await run_probes(policy)
        if not all(reading.ok for reading in readings):
            await asyncio.sleep(SECOND_LOOK_SECONDS)
            readings = confirmed(readings, await run_probes(policy))
        for reading in readings:
            await tell(bench, policy, reading)
        await forget_readings(bench.store, before=bench.now() - KEPT)
        return {reading.probe: reading.ok for reading in readings}


def confirmed(first: list[Reading], second: list[Reading]) -> list[Reading]:
    """The second look; a probe that was well in the first is bad only when both were."""
    was_ok = {reading.probe: reading.ok for reading in first}
    return [
        reading.model_copy(update={"ok": reading.ok or was_ok.get(reading.probe, False)})
        for reading in second
    ]


async def tell(bench: Bench, policy: Policy, reading: Reading) -> None:
    """Keep the reading, and admit it as an alert, firing or quiet."""
    known = policy.services.get(reading.service)
    await save_reading(bench.store, None, reading)
    if known is None:
        return
    alert = Alert(
        source="sweep",
        fingerprint=f"sweep:{reading.probe}",
        firing=not reading.ok,
        service=reading.service,
        kind=known.kind,
        summary=f"{known.title}: {reading.detail or reading.probe}"[:500],
        started_at=reading.observed_at,
    )
    desk = Desk(policy, bench.settings.public_url)
    async with bench.store.transaction() as db:
        if not alert.firing and not await is_watched(db, alert.fingerprint):
            return  # all is well and was: that is not worth a row every minute
        await admit(db, desk, alert, now=bench.now())
