"""Holding an incident's lease while a response works on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from flows.bench import Bench
from watchkeeper.errors import LeaseLost
from watchkeeper.incidents import renew_lease, take_lease
from watchkeeper.model import Incident

RENEWALS_PER_LEASE = 3


@asynccontextmanager
async def hold_lease(bench: Bench, incident_id: int, *, attempt: int, holder: str) -> AsyncIterator[Incident]:
    """Take the lease and renew it until the block ends; losing it stops the block.

    Raises:
        LeaseLost: another run holds the incident, or took it over meanwhile.
    """
    incident = await take_lease(
        bench.store, incident_id, attempt=attempt, holder=holder, lease=bench.lease, now=bench.now()
    )
    body = asyncio.current_task()
    keeper = asyncio.create_task(_keep(bench, incident_id, holder))
    if body is not None:
        keeper.add_done_callback(lambda task: None if task.cancelled() else body.cancel())
    try:
        yield incident
    except asyncio.CancelledError as error:
        if keeper.done() and not keeper.cancelled():
            raise LeaseLost(f"incident {incident_id} was taken over") from (keeper.exception() or error)
        raise
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _keep(bench: Bench, incident_id: int, holder: str) -> None:
    while True:
        await asyncio.sleep(bench.settings.lease_seconds / RENEWALS_PER_LEASE)
        await renew_lease(bench.store, incident_id, holder=holder, lease=bench.lease, now=bench.now())
