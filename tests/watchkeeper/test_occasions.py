"""Occasions: each once, in whichever process, late rather than never."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import PUBLIC_URL, KernelHouse, two_on_call
from tests.watchkeeper.prefect_stand_in import PrefectStandIn
from watchkeeper.occasions import OCCASIONS, Occasion, Occasions, hold
from watchkeeper.paging.desk import Desk
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
    for seconds in (14, 1):
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


async def show(store: Store, clock: MovedClock, occasions: Occasions, prefect: PrefectStandIn) -> None:
    """One look at the calendar, then Prefect is asked for what it makes necessary."""
    house = KernelHouse(store, clock, two_on_call(), httpx.MockTransport(prefect))
    await occasions.pass_once()
    clock.advance(seconds=1)
    await house.dispatcher.drive_motor()


async def test_the_next_handoff_and_report_are_shown_as_scheduled_runs(
    store: Store, clock: MovedClock
) -> None:
    prefect = PrefectStandIn()
    await show(store, clock, calendar(store, clock, Daily(), **OCCASIONS), prefect)
    assert prefect.scheduled("handoff") == ["2026-03-02T09:00:00+00:00"]
    assert prefect.scheduled("month_report") == ["2026-03-02T09:00:00+00:00"]
    names = sorted(run["name"] for run in prefect.runs.values())
    assert names == [
        "daily of 2026-03-03",
        "handoff of 2026-03-02",
        "month report of 2026-03-02",
        "night report of 2026-03-02",
    ]


async def test_each_is_shown_once_whoever_asks_and_the_following_when_it_is_done(
    store: Store, clock: MovedClock, daily: Daily
) -> None:
    prefect = PrefectStandIn()
    for _ in range(3):
        await show(store, clock, calendar(store, clock, daily), prefect)
    assert len(prefect.created) == 1
    clock.advance(days=1)
    await show(store, clock, calendar(store, clock, daily), prefect)
    assert [at[:10] for at in prefect.scheduled("daily")] == ["2026-03-03", "2026-03-04"]
    assert prefect.cancelled == []  # the first one's time has come: it runs, and finds it done


async def test_it_is_shown_once_prefect_is_back(store: Store, clock: MovedClock, daily: Daily) -> None:
    prefect = PrefectStandIn(away=True)
    occasions = calendar(store, clock, daily)
    await show(store, clock, occasions, prefect)
    assert prefect.scheduled("daily") == []
    prefect.away = False
    clock.advance(seconds=5)
    await show(store, clock, occasions, prefect)
    assert len(prefect.scheduled("daily")) == 1


async def test_a_policy_that_moves_it_there_and_back_leaves_one_run(
    store: Store, clock: MovedClock, daily: Daily
) -> None:
    prefect = PrefectStandIn()
    for hour in (0, 12, 0):
        daily.hour = hour
        await show(store, clock, calendar(store, clock, daily), prefect)
    assert prefect.scheduled("daily") == ["2026-03-03T00:00:00+00:00"]
    assert (len(prefect.created), len(prefect.cancelled)) == (3, 2)


async def test_one_that_happens_no_more_is_shown_no_more(
    store: Store, clock: MovedClock, daily: Daily
) -> None:
    prefect = PrefectStandIn()
    await show(store, clock, calendar(store, clock, daily), prefect)
    never = Occasion(lambda policy, after: None, daily.handle)
    anew = Occasions(store, Desk(two_on_call(), PUBLIC_URL), clock, {"daily": never})
    await show(store, clock, anew, prefect)
    assert prefect.scheduled("daily") == []


async def test_its_run_and_the_kernel_do_it_once_between_them(
    store: Store, clock: MovedClock, daily: Daily
) -> None:
    occasions = calendar(store, clock, daily)
    await occasions.pass_once()
    clock.advance(days=1)
    (row,) = await store.all("occasions/due", now=clock(), kinds=["daily"])
    desk, kind = Desk(two_on_call(), PUBLIC_URL), Occasion(daily.next_time, daily.handle)
    by_run = [hold(store, desk, "daily", row["due_at"], kind, now=clock()) for _ in range(3)]
    done = await asyncio.gather(*by_run, occasions.pass_once())
    assert days(daily) == [3]
    assert done.count(True) <= 1
