"""Occasions: each once, in whichever process, late rather than never."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import PUBLIC_URL, two_on_call
from watchkeeper.occasions import Occasion, Occasions
from watchkeeper.paging import Desk
from watchkeeper.policy import Policy
from watchkeeper.store import Db, Store


class Daily:
    """An occasion at midnight that keeps when it was done; it fails as often as it is told to."""

    def __init__(self) -> None:
        self.done: list[datetime] = []
        self.failures = 0
        self.hour = 0

    def next_time(self, policy: Policy, after: datetime) -> datetime | None:
        today = after.replace(hour=self.hour, minute=0, second=0)
        return today if today > after else today + timedelta(days=1)

    async def handle(self, db: Db, desk: Desk, due_at: datetime, *, now: datetime) -> None:
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise ValueError("secret")
        self.done.append(due_at)


@pytest.fixture
def daily() -> Daily:
    return Daily()


def calendar(store: Store, clock: MovedClock, daily: Daily, **more: Any) -> Occasions:
    kinds = {"daily": Occasion(daily.next_time, daily.handle), **more}
    return Occasions(store, Desk(two_on_call(), PUBLIC_URL), clock, kinds)


def days(daily: Daily) -> list[int]:
    return [at.day for at in daily.done]


async def test_it_is_done_at_its_time_and_the_next_is_planned(
    store: Store, clock: MovedClock, daily: Daily
) -> None:
    occasions = calendar(store, clock, daily)
    for hours in (0, 20, 1, 1, 23, 1):
        clock.advance(hours=hours)
        await occasions.pass_once()
    assert days(daily) == [3, 4]


async def test_many_processes_do_it_once(store: Store, clock: MovedClock, daily: Daily) -> None:
    processes = [calendar(store, clock, daily) for _ in range(5)]
    await asyncio.gather(*(each.pass_once() for each in processes))
    clock.advance(days=1)
    await asyncio.gather(*(each.pass_once() for each in processes))
    assert days(daily) == [3]


async def test_what_fell_due_while_nobody_was_there_is_done_once_and_late(
    store: Store, clock: MovedClock, daily: Daily
) -> None:
    await calendar(store, clock, daily).pass_once()
    clock.advance(days=5)
    started_anew = calendar(store, clock, daily)
    await started_anew.pass_once()
    await started_anew.pass_once()
    assert days(daily) == [3]
    clock.advance(days=1)
    await started_anew.pass_once()
    assert days(daily) == [3, 8]


async def test_one_that_fails_is_tried_again_and_holds_up_nothing(
    store: Store, clock: MovedClock, daily: Daily, caplog: pytest.LogCaptureFixture
) -> None:
    other = Daily()
    occasions = calendar(store, clock, daily, other=Occasion(other.next_time, other.handle))
    await occasions.pass_once()
    daily.failures = 1
    clock.advance(days=1)
    await occasions.pass_once()
    assert (days(daily), days(other)) == ([], [3])
    assert "ValueError" in caplog.text and "secret" not in caplog.text
    for seconds in (59, 1):
        assert days(daily) == []
        clock.advance(seconds=seconds)
        await occasions.pass_once()
    assert days(daily) == [3]


async def test_a_policy_that_moves_it_moves_what_is_planned(
    store: Store, clock: MovedClock, daily: Daily
) -> None:
    await calendar(store, clock, daily).pass_once()
    daily.hour = 12
    moved = calendar(store, clock, daily)
    await moved.pass_once()
    clock.advance(hours=9)
    await moved.pass_once()
    assert [(at.day, at.hour) for at in daily.done] == [(2, 12)]


async def test_a_policy_that_wants_none_has_none(store: Store, clock: MovedClock, daily: Daily) -> None:
    await calendar(store, clock, daily).pass_once()
    never = Occasion(lambda policy, after: None, daily.handle)
    occasions = Occasions(store, Desk(two_on_call(), PUBLIC_URL), clock, {"daily": never})
    await occasions.pass_once()
    clock.advance(days=2)
    await occasions.pass_once()
    assert daily.done == []
