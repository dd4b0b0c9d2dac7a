"""When an incident no longer hurt: what readings prove, or what a person says, and never that a cure was tried."""

from datetime import datetime, timedelta

import pytest

from tests.watchkeeper.figures.past_incidents import AT, past
from tests.watchkeeper.house import KernelHouse
from watchkeeper.closing import close_as_proved, close_by_hand
from watchkeeper.figures.ledger import service_accounts
from watchkeeper.figures.past import month_of, past_of
from watchkeeper.findings import save_reading
from watchkeeper.incidents import change_status, next_round, read_incident, take_lease
from watchkeeper.model import OPEN_STATUSES, Incident, Reading, Status
from watchkeeper.policy import load_policy


def look(house: KernelHouse, probe: str, ok: bool) -> Reading:
    return Reading(
        probe=probe, service="backend", value=1, unit="", threshold=1, ok=ok, observed_at=house.clock()
    )


async def watched(house: KernelHouse) -> Incident:
    """The backend is down; two minutes later a cure of its response is watched, or a vendor is waited for."""
    await house.hear()
    house.clock.advance(minutes=2)
    attempt = (await read_incident(house.store, 1)).attempt
    await take_lease(
        house.store, 1, attempt=attempt, holder="run", lease=timedelta(days=1), now=house.clock()
    )
    moved = await change_status(
        house.store, 1, expected=OPEN_STATUSES, new=Status.MONITORING, now=house.clock()
    )
    assert moved is not None
    return moved


async def looks(house: KernelHouse, lights: str) -> None:
    """One look at two probes each minute: G where both are good, else R, for which the other one is bad in turn."""
    for number, light in enumerate(lights):
        bad = "" if light == "G" else ("backend_health", "redis_ping")[number % 2]
        for probe in ("backend_health", "redis_ping"):
            await save_reading(house.store, 1, look(house, probe, probe != bad))
        house.clock.advance(minutes=1)


async def closed_by_hand(house: KernelHouse) -> datetime | None:
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        await close_by_hand(db, house.desk, incident, person="ana", reason="mended", now=house.clock())
    return past_of(await read_incident(house.store, 1)).ended_at


def test_service_is_down_while_its_vendor_is_waited_for() -> None:
    policy = load_policy()
    waiting = past(status="monitoring", recovered_at=None, resolved_at=None)
    accounts = service_accounts(
        [waiting], policy, month_of("2026-03", policy.calendar), AT + timedelta(hours=3)
    )
    assert {each.name: each.minutes for each in accounts}["backend"] == 180


async def test_a_vendors_outage_lasts_until_the_readings_are_green(house: KernelHouse) -> None:
    incident = await watched(house)
    house.clock.advance(hours=3)
    green_since = house.clock()
    house.clock.advance(minutes=15)
    await house.hear(firing=False)
    async with house.store.transaction() as db:
        proof = {"recovered_at": green_since, "healthy_at": house.clock(), "now": house.clock()}
        assert await close_as_proved(db, house.desk, incident, **proof)
    known = past_of(await read_incident(house.store, 1))
    assert known.ended_at == green_since
    assert known.took()["mitigate"] == timedelta(hours=3, minutes=2)


async def test_what_a_person_mended_after_a_cure_that_failed_ends_when_they_say_so(
    house: KernelHouse,
) -> None:
    incident = await watched(house)
    await looks(house, "RR")
    await next_round(house.store, incident, "the readings did not turn green", now=house.clock())
    house.clock.advance(hours=2)
    assert await closed_by_hand(house) == house.clock()


@pytest.mark.parametrize(("lights", "green_for"), [("RGRGGG", 3), ("GGG", 3), ("GGR", 0), ("", 0)])
async def test_readings_that_stayed_green_prove_an_earlier_end_than_the_person_who_closes_it(
    house: KernelHouse, lights: str, green_for: int
) -> None:
    await watched(house)
    await house.hear(firing=False)
    await looks(house, lights)
    assert await closed_by_hand(house) == house.clock() - timedelta(minutes=green_for)


async def test_green_readings_prove_nothing_where_an_alert_says_otherwise(house: KernelHouse) -> None:
    await watched(house)
    await looks(house, "GGG")
    assert await closed_by_hand(house) == house.clock()


async def test_green_readings_prove_nothing_once_nobody_looks(house: KernelHouse) -> None:
    await watched(house)
    await house.hear(firing=False)
    await looks(house, "GGG")
    house.clock.advance(days=2)
    assert await closed_by_hand(house) == house.clock()
