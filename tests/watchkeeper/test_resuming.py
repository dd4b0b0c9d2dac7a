"""A response that waited for a person's word goes on, whatever becomes of its run."""

import httpx
import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, KernelHouse, link_id, two_on_call
from tests.watchkeeper.prefect_stand_in import PrefectStandIn
from tests.watchkeeper.test_approvals import plan_a_rollback
from watchkeeper.answers import decide_by_link
from watchkeeper.incidents import START_GRACE, read_incident, take_lease, wait_for
from watchkeeper.model import Incident
from watchkeeper.store import Store
from watchkeeper.timeline import read_timeline


@pytest.fixture
def house(store: Store, clock: MovedClock, prefect: PrefectStandIn) -> KernelHouse:
    return KernelHouse(store, clock, two_on_call(), httpx.MockTransport(prefect))


async def decided(house: KernelHouse, prefect: PrefectStandIn, *, run_is: str) -> str:
    """The response waits for an approval, and Ana gives it; the id of the run that waits."""
    await plan_a_rollback(house)
    await drive(house)
    run = str(prefect.runs["INC-0001:1"]["id"])
    now = house.clock()
    await take_lease(house.store, 1, attempt=1, holder=run, lease=START_GRACE, now=now)
    await wait_for(house.store, 1, "approval", holder=run, now=now)
    prefect.states[run] = run_is
    async with house.store.transaction() as db:
        link = link_id(house.phone(ANA)[-1])
        answer = await decide_by_link(db, link, approved=True, reason="", now=house.clock())
    assert answer.refusal is None
    await drive(house)
    return run


async def drive(house: KernelHouse, **pause: float) -> None:
    house.clock.advance(**pause or {"seconds": 6})
    await house.dispatcher.pass_once()
    await house.dispatcher.drive_motor()


async def pass_the_grace(house: KernelHouse) -> None:
    await drive(house, seconds=START_GRACE.total_seconds() + 1)
    await drive(house)


async def incident(house: KernelHouse) -> Incident:
    return await read_incident(house.store, 1)


async def test_a_run_that_dies_before_it_goes_on_is_followed_by_another(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    run = await decided(house, prefect, run_is="PAUSED")
    assert prefect.resumed == [run]
    prefect.states[run] = "CRASHED"  # it never came to take its lease
    await pass_the_grace(house)
    assert (await incident(house)).attempt == 2
    assert prefect.created.count("INC-0001:2") == 1
    assert any("attempt 2 asked for" in entry.text for entry in await read_timeline(house.store, 1))


async def test_a_run_that_goes_on_is_left_alone(house: KernelHouse, prefect: PrefectStandIn) -> None:
    run = await decided(house, prefect, run_is="PAUSED")
    await take_lease(house.store, 1, attempt=1, holder=run, lease=3 * START_GRACE, now=house.clock())
    await pass_the_grace(house)
    assert ((await incident(house)).attempt, prefect.resumed) == (1, [run])


async def test_a_run_that_took_its_lease_before_prefect_said_so_keeps_it(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    run = await decided(
        house, prefect, run_is="RUNNING"
    )  # it decided to suspend and saw the word just in time
    held = await take_lease(house.store, 1, attempt=1, holder=run, lease=START_GRACE, now=house.clock())
    await drive(house)
    assert (await incident(house)).lease_until == held.lease_until
    assert prefect.resumed == []


async def test_a_run_that_died_while_it_suspended_itself_is_followed_by_another(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    run = await decided(
        house, prefect, run_is="RUNNING"
    )  # as Prefect shows one whose worker died with it, for ever
    assert (await incident(house)).attempt == 1
    await pass_the_grace(house)
    assert (await incident(house)).attempt == 2
    assert run in prefect.cancelled


async def test_a_run_that_is_gone_is_followed_by_another_at_once(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    await decided(house, prefect, run_is="CANCELLED")
    assert (await incident(house)).attempt == 2
