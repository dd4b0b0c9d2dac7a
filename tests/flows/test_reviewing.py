"""The forms in the Prefect UI for reviews do what the command line does."""

from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from flows import reviewing
from tests.flows.conftest import MovedBench
from watchkeeper.closing import close_by_hand
from watchkeeper.documents.action_items import Promise
from watchkeeper.errors import BadInput
from watchkeeper.model import Incident
from watchkeeper.policy import Policy
from watchkeeper.rendering import utc
from watchkeeper.reviews import read_review
from watchkeeper.reviews.items import read_items, save_promises


@pytest_asyncio.fixture
async def ended(bench: MovedBench, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> Incident:
    """A P3 that is over: the guide asks for nothing."""
    monkeypatch.setattr(reviewing, "open_bench", bench.opened)
    number = await bench.hear(policy, kind="other", severity="P3")
    incident = await bench.incident(number)
    async with bench.store.transaction() as db:
        await close_by_hand(
            db, bench.desk(incident), incident, person="ana", reason="mended", now=bench.now()
        )
    return await bench.incident(number)


async def test_a_complaint_a_move_and_a_waiver_are_forms(bench: MovedBench, ended: Incident) -> None:
    said = await reviewing.complaint.fn("INC-0001", "My cart is gone", "Cleo")
    assert said == f"noted; the post-mortem of INC-0001 is due at {utc(bench.now() + timedelta(hours=48))}"
    assert await reviewing.complaint.fn("inc-0001", "My cart is gone", "Cleo") == "that was noted before"
    naive = datetime(2026, 3, 6, 12, 0)  # noqa: DTZ001  # as the form gives it: the team's own time
    said = await reviewing.move_post_mortem.fn("1", naive, "Ben", "Ana is ill")
    assert said == "the post-mortem of INC-0001 is due at 2026-03-06 12:00 UTC"
    await reviewing.waive_post_mortem.fn("INC-0001", "Ben", "known")
    review = await read_review(bench.store, 1)
    assert review and (review["reasons"], review["waived_because"]) == (["customer_complained"], "known")
    with pytest.raises(BadInput, match="was waived by Ben"):
        await reviewing.waive_post_mortem.fn("INC-0001", "Ana", "again")
    bench.clock.advance(hours=72)
    due = f"the post-mortem of INC-0001 is due at {utc(bench.now() + timedelta(hours=48))}"
    assert await reviewing.complaint.fn("INC-0001", "No mail", "Cleo") == f"noted; {due}"
    await reviewing.waive_post_mortem.fn("INC-0001", "Ana", "again")
    assert await reviewing.require_post_mortem.fn("INC-0001", "Ben") == due


async def test_a_post_mortem_is_asked_for_by_a_form(bench: MovedBench, ended: Incident) -> None:
    await reviewing.require_post_mortem.fn("INC-0001", "Ben")
    review = await read_review(bench.store, 1)
    assert review and review["due_at"] == bench.now() + timedelta(hours=48)


async def test_an_action_item_is_closed_by_a_form(bench: MovedBench, ended: Incident) -> None:
    promise = Promise(1, "Alert", "Ben", bench.now().date(), "low")
    async with bench.store.transaction() as db:
        await save_promises(db, bench.desk(ended), ended, [promise], now=bench.now())
    assert await reviewing.close_action_item.fn("INC-0001", 1, "Ana", True) == "INC-0001, action 1 is dropped"
    assert [(i.state, i.closed_by) for i in await read_items(bench.store, 1)] == [("dropped", "Ana")]


async def test_an_action_item_is_moved_by_a_form(bench: MovedBench, ended: Incident) -> None:
    today = bench.now().date()
    async with bench.store.transaction() as db:
        await save_promises(
            db, bench.desk(ended), ended, [Promise(1, "Alert", "Ben", today, "low")], now=bench.now()
        )
    later = today + timedelta(days=5)
    said = await reviewing.move_action_item.fn("INC-0001", 1, later, "Ben", "Ana is ill")
    assert said == f"INC-0001, action 1 is due on {later}"
    with pytest.raises(BadInput, match="a name and a reason"):
        await reviewing.move_action_item.fn("INC-0001", 1, later, "Ben", " ")
