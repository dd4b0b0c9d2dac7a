"""The dispatcher's clocks go on, whatever is wrong with one of them."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import KernelHouse, two_on_call
from watchkeeper.deadlines import dispatcher, read_deadlines
from watchkeeper.guarding import Guard
from watchkeeper.model import Deadline, DeadlineKind, DeadlineState, Incident
from watchkeeper.store import Store

BEN = "+14155550102"


async def test_a_deadline_that_cannot_be_dealt_with_keeps_no_other_waiting(
    store: Store, clock: MovedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house = KernelHouse(store, clock, two_on_call())
    await house.hear(fingerprint="first", service="backend", severity="P1")
    await house.hear(fingerprint="second", service="redis", severity="P1", summary="Redis is down")
    healthy = dispatcher.MISSED[DeadlineKind.ACKNOWLEDGE]
    broken = True

    async def breaks_for_the_first(db: Any, desk: Any, incident: Incident, *rest: Any, **how: Any) -> None:
        if broken and incident.id == 1:
            raise ValueError("a row that nobody foresaw")
        await healthy(db, desk, incident, *rest, **how)

    monkeypatch.setitem(dispatcher.MISSED, DeadlineKind.ACKNOWLEDGE, breaks_for_the_first)
    await house.pass_time(hours=1)
    assert any("Redis is down" in text for text in house.phone(BEN))
    assert not any("Backend is down" in text for text in house.phone(BEN))
    assert "the deadline 1:acknowledge:1 cannot be dealt with (ValueError" in caplog.text

    broken = False
    await house.pass_time(minutes=1)
    assert any("Backend is down" in text for text in house.phone(BEN))
    first = [d for d in await read_deadlines(store, 1) if d.kind is DeadlineKind.ACKNOWLEDGE]
    assert is_missed(first[0])


async def test_an_incidents_deadlines_that_are_due_together_are_dealt_with_in_their_order(
    store: Store, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looked for an hour: the call that was due long ago calls off nothing that was due after it."""
    house = KernelHouse(store, clock, two_on_call())
    await house.hear(severity="P1")
    call = dispatcher.MISSED[DeadlineKind.CALL_AGAIN]

    async def takes_its_time(*what: Any, **how: Any) -> None:
        await asyncio.sleep(0.2)
        await call(*what, **how)

    monkeypatch.setitem(dispatcher.MISSED, DeadlineKind.CALL_AGAIN, takes_its_time)
    await house.pass_time(hours=1)
    assert any("Backend is down" in text for text in house.phone(BEN))


async def test_a_deadline_that_falls_due_during_a_look_is_dealt_with_by_the_next_one_at_once(
    store: Store, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = KernelHouse(store, clock, two_on_call())
    await house.hear(fingerprint="first", service="backend", severity="P1")
    (acknowledge,) = [d for d in await read_deadlines(store, 1) if d.kind is DeadlineKind.ACKNOWLEDGE]
    clock.now = acknowledge.due_at - timedelta(seconds=1)

    async def an_hour_passes(store: Store, guard: Guard, *, now: datetime) -> None:
        clock.advance(hours=1)

    monkeypatch.setattr(dispatcher, "watch_where_quiet", an_hour_passes)
    in_seconds = await house.dispatcher.pass_once()
    assert in_seconds is not None and in_seconds <= 0
    await house.dispatcher.pass_once()
    assert any(is_missed(d) for d in await read_deadlines(store, 1) if d.kind is DeadlineKind.ACKNOWLEDGE)


def is_missed(deadline: Deadline) -> bool:
    return deadline.state is DeadlineState.MISSED
