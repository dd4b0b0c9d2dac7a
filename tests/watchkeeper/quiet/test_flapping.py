"""Flapping: an alert that comes and goes is one incident, and wakes somebody once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from tests.watchkeeper.house import KernelHouse
from watchkeeper.closing import close_as_proved
from watchkeeper.deadlines.dispatcher import give_up
from watchkeeper.incidents import change_status, list_open, read_incident
from watchkeeper.model import OPEN_STATUSES, Channel, Status
from watchkeeper.policy.flapping import FlappingRule
from watchkeeper.quiet.flapping import find_flapping
from watchkeeper.timeline import read_timeline

RULE = FlappingRule.model_validate({"changes": 5, "within": "30m"})
START = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def after(*minutes: float) -> list[datetime]:
    return [START + timedelta(minutes=each) for each in minutes]


@pytest.mark.parametrize(
    ("changes", "now", "reason", "until"),
    [
        ([], 0, None, None),
        ([0, 2, 4, 6, 8], 8, None, None),
        ([0, 2, 4, 6, 8, 10], 10, "flapping: 6 changes in 10 minutes", 30),
        ([0, 2, 4, 6, 8, 10, 12], 12, "flapping: 7 changes in 12 minutes", 32),
        ([0, 2, 4, 6, 8, 10], 29.9, "flapping: 6 changes in 10 minutes", 30),
        ([0, 2, 4, 6, 8, 10], 30, None, None),
        ([0, 6, 12, 18, 24, 30], 30, None, None),
    ],
)
def test_more_changes_than_the_policy_allows_in_its_time_are_flapping(
    changes: Sequence[float], now: float, reason: str | None, until: float | None
) -> None:
    flapping = find_flapping(after(*changes), RULE, after(now)[0])
    assert (flapping.reason if flapping else None) == reason
    assert (flapping.until if flapping else None) == (after(until)[0] if until is not None else None)


async def flap(house: KernelHouse, changes: int) -> None:
    """So many changes, two minutes apart, the first of which fires."""
    for number in range(changes):
        await house.hear(firing=number % 2 == 0)
        await house.pass_time(minutes=2)


async def test_a_flapping_monitor_is_one_incident_that_says_so_once(house: KernelHouse) -> None:
    await flap(house, 9)
    assert len(await list_open(house.store)) == 1
    told = [entry.text for entry in await read_timeline(house.store, 1) if "flapping" in entry.text]
    assert len(told) == 1
    assert "flapping: 6 changes in 10 minutes" in told[0]
    chat = [message.text for _, message in house.channels[Channel.SLACK].sent]
    assert len([text for text in chat if "flapping: 6 changes" in text]) == 1


async def test_it_wakes_nobody_anew_with_each_change_after_a_hand_over(house: KernelHouse) -> None:
    await flap(house, 6)
    async with house.store.transaction() as db:
        await give_up(db, await read_incident(db, 1), house.desk.public_url, now=house.clock())
        await house.store.run("outbox/cancel_pages", incident_id=1)
    await house.pager.send_all_due()
    attempt = (await read_incident(house.store, 1)).attempt
    await flap(house, 6)
    # Quiet since; it has stopped flapping half an hour after the sixth change from the end.
    await house.pass_time(minutes=17)
    assert (await read_incident(house.store, 1)).attempt == attempt
    await house.pass_time(minutes=1)
    assert (await read_incident(house.store, 1)).attempt == attempt + 1


async def try_to_close(house: KernelHouse) -> bool:
    async with house.store.transaction() as db:
        await change_status(db, 1, expected=OPEN_STATUSES, new=Status.MONITORING, now=house.clock())
        incident = await read_incident(db, 1)
        closed = dict.fromkeys(("recovered_at", "healthy_at", "now"), house.clock())
        return await close_as_proved(db, house.desk, incident, **closed)


async def test_it_does_not_close_in_one_of_its_pauses(house: KernelHouse) -> None:
    await flap(house, 6)
    house.clock.advance(minutes=17)
    assert not await try_to_close(house)
    house.clock.advance(minutes=1)
    assert await try_to_close(house)


async def test_a_few_changes_are_told_one_by_one(house: KernelHouse) -> None:
    await flap(house, 4)
    told = [entry.text for entry in await read_timeline(house.store, 1) if entry.kind == "alert"]
    assert [text.rpartition(" (")[2] for text in told[1:]] == ["is quiet)", "fires again)", "is quiet)"]
    assert await try_to_close(house)


async def test_it_does_not_close_while_it_fires(house: KernelHouse) -> None:
    await flap(house, 3)
    assert not await try_to_close(house)
