"""Readings: an incident's are kept, and those of sweeps for a while."""

from datetime import datetime, timedelta

from tests.conftest import MovedClock
from tests.watchkeeper.house import KernelHouse, two_on_call
from watchkeeper.findings import forget_readings, read_readings, save_reading
from watchkeeper.model import Reading
from watchkeeper.store import Store


def reading(at: datetime) -> Reading:
    return Reading(probe="p", service="backend", value=1, unit="", threshold=None, ok=True, observed_at=at)


async def test_old_readings_of_sweeps_are_forgotten_and_an_incidents_are_not(
    store: Store, clock: MovedClock
) -> None:
    house = KernelHouse(store, clock, two_on_call())
    incident_id = (await house.hear()).incident_id
    old, young = clock() - timedelta(days=8), clock()
    for owner in (None, incident_id):
        for at in (old, young):
            await save_reading(store, owner, reading(at))
    await forget_readings(store, before=clock() - timedelta(days=7))
    assert [each.observed_at for each in await read_readings(store, incident_id or 0)] == [old, young]
    # What a second forgetting of everything finds is what the first one left.
    assert await store.run("readings/prune", before=clock() + timedelta(seconds=1)) == 1
