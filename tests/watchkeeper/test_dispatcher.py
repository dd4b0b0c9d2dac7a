"""The dispatcher's clocks go on, whatever is wrong with one of them."""

from typing import Any

import httpx
import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import KernelHouse, two_on_call
from watchkeeper import dispatcher
from watchkeeper.deadlines import read_deadlines
from watchkeeper.model import Deadline, DeadlineKind, DeadlineState, Incident
from watchkeeper.store import Store

BEN = "+14155550102"


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("prefect is away", request=request)


async def test_a_deadline_that_cannot_be_dealt_with_keeps_no_other_waiting(
    store: Store, clock: MovedClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    house = KernelHouse(store, clock, two_on_call(), httpx.MockTransport(away))
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
    assert "acknowledge deadline of incident 1 is tried again" in caplog.text

    broken = False
    await house.pass_time(minutes=1)
    assert any("Backend is down" in text for text in house.phone(BEN))
    first = [d for d in await read_deadlines(store, 1) if d.kind is DeadlineKind.ACKNOWLEDGE]
    assert is_missed(first[0])


def is_missed(deadline: Deadline) -> bool:
    return deadline.state is DeadlineState.MISSED
