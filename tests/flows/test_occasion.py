"""What the calendar brings, as the run that shows it: done by whoever is first, once."""

from datetime import timedelta

import pytest

from flows import occasion as flow
from tests.flows.conftest import MovedBench
from watchkeeper.model import Channel
from watchkeeper.occasions import Occasions
from watchkeeper.paging.desk import Desk
from watchkeeper.store import present


@pytest.fixture
def opened(bench: MovedBench, monkeypatch: pytest.MonkeyPatch) -> MovedBench:
    monkeypatch.setattr(flow, "open_bench", bench.opened)
    return bench


async def test_the_run_hands_off_when_the_time_has_come_and_only_then(opened: MovedBench) -> None:
    desk = Desk(opened.settings.policy(), opened.settings.public_url)
    await Occasions(opened.store, desk, opened.clock).pass_once()
    due_at = present(await opened.store.one("occasions/pending", kind="handoff"))["due_at"]
    assert await flow.occasion.fn("handoff", due_at) == "not due"
    opened.clock.now = due_at + timedelta(seconds=1)
    assert await flow.occasion.fn("handoff", due_at) == "done here"
    assert await flow.occasion.fn("handoff", due_at) == "done already, or at another time by now"
    sent = await opened.store.all("outbox/claim", now=opened.now(), lease_until=opened.now(), limit=10)
    assert [n["channel"] for n in sent].count(Channel.SLACK) == 1


async def test_a_kind_that_nobody_knows_any_more_is_said_and_harms_nothing(opened: MovedBench) -> None:
    assert await flow.occasion.fn("full_moon", opened.now()) == "unknown"
