"""Action items are chased: reminded before their day, escalated after it, until somebody says that they are done."""

from datetime import date

import httpx
import pytest
import pytest_asyncio

from tests.conftest import MovedClock
from tests.watchkeeper.house import KernelHouse, two_on_call
from tests.watchkeeper.test_reviews import ANA, BEN, away, ended, story
from watchkeeper.deadlines import read_deadlines
from watchkeeper.documents.action_items import Promise
from watchkeeper.errors import BadInput
from watchkeeper.model import Channel, DeadlineKind, DeadlineState, Incident
from watchkeeper.reviews.clock import waive
from watchkeeper.reviews.items import (
    close_item,
    open_action_items,
    raise_priority,
    read_items,
    save_promises,
)
from watchkeeper.store import Store

# The clock stands at Monday 2 March 2026, 03:00; the working day ends at 17:00.
BY_BEN = Promise(1, "Alert on the pool", "Ben", date(2026, 3, 4), "medium")
BY_NOBODY_WE_KNOW = Promise(2, "Ask the vendor", "Team Blue", date(2026, 3, 20), "low")


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    return KernelHouse(store, clock, two_on_call(), httpx.MockTransport(away))


@pytest_asyncio.fixture
async def incident(house: KernelHouse) -> Incident:
    """One whose review is settled and has promised two things."""
    incident = await ended(house, severity="P1")
    async with house.store.transaction() as db:
        await waive(
            db, house.desk, incident, person="ana", reason="not what this is about", now=house.clock()
        )
        for _ in range(2):
            await save_promises(db, house.desk, incident, [BY_BEN, BY_NOBODY_WE_KNOW], now=house.clock())
    return incident


def chased(house: KernelHouse, address: str) -> list[str]:
    mail = house.channels[Channel.EMAIL].sent
    return [m.subject for to, m in mail if to == address and ", action " in m.subject]


async def test_an_owner_is_reminded_and_once_it_is_overdue_so_is_the_next_on_call(
    house: KernelHouse, incident: Incident
) -> None:
    await house.pass_time(hours=37.9)
    assert chased(house, BEN) == []
    await house.pass_time(hours=0.1)
    assert chased(house, BEN) == ["INC-0001, action 1 is due on 2026-03-04: Alert on the pool"]
    assert chased(house, ANA) == []
    await house.pass_time(days=1)
    assert chased(house, BEN)[1:] == ["INC-0001, action 1 is due now: Alert on the pool"]
    assert chased(house, ANA) == ["INC-0001, action 1 is due now: Alert on the pool"]
    await house.pass_time(days=7)
    assert chased(house, ANA)[1:] == ["INC-0001, action 1 is 7 days overdue: Alert on the pool"]
    assert any("action 1 is 7 days" in m.text for _, m in house.channels[Channel.SLACK].sent)


async def test_an_owner_whom_the_policy_does_not_know_is_called_in_the_teams_channel(
    house: KernelHouse, incident: Incident
) -> None:
    await house.pass_time(days=17, hours=14)
    told = [m.text for _, m in house.channels[Channel.SLACK].sent if "action 2" in m.text]
    assert len(told) == 1 and "Team Blue" in told[0]


async def test_open_items_of_all_incidents_stand_with_the_most_urgent_first(
    house: KernelHouse, incident: Incident
) -> None:
    items = await open_action_items(house.store, house.clock())
    assert [(i.name, i.owner, i.handle) for i in items] == [
        ("INC-0001, action 1", "Ben", "ben"),
        ("INC-0001, action 2", "Team Blue", None),
    ]
    house.clock.advance(days=14, hours=14)
    assert items[0].is_overdue(house.clock()) and not items[1].is_overdue(house.clock())
    assert items[0].when(house.clock()) == "12 days overdue"


async def test_a_closed_item_is_chased_no_more_and_the_other_still_is(
    house: KernelHouse, incident: Incident
) -> None:
    async with house.store.transaction() as db:
        await close_item(db, incident, 1, person="Ben", now=house.clock())
    deadlines = await read_deadlines(house.store, 1)
    left = [
        d.number for d in deadlines if d.kind is DeadlineKind.ACTION_ITEM and d.state is DeadlineState.PENDING
    ]
    assert sorted(left) == [2000, 2001]
    await house.pass_time(days=4)
    assert chased(house, BEN) == []
    assert "Action 1 done, says Ben: Alert on the pool" in await story(house)
    assert [i.number for i in await open_action_items(house.store, house.clock())] == [2]


@pytest.mark.parametrize(
    ("number", "person", "problem"),
    [(1, " ", "say who"), (3, "Ben", "action 3 does not exist"), (2, "Ben", "action 2 is dropped already")],
)
async def test_what_cannot_be_closed_says_why(
    house: KernelHouse, incident: Incident, number: int, person: str, problem: str
) -> None:
    await close_item(house.store, incident, 2, person="Ana", state="dropped", now=house.clock())
    with pytest.raises(BadInput, match=problem):
        await close_item(house.store, incident, number, person=person, now=house.clock())


async def test_an_open_items_priority_rises_once(house: KernelHouse, incident: Incident) -> None:
    _, item = await read_items(house.store, 1)
    assert await raise_priority(house.store, item, "INC-0002 had the same cause", now=house.clock())
    assert not await raise_priority(house.store, item, "again", now=house.clock())
    assert [i.priority for i in await read_items(house.store, 1)] == ["medium", "high"]
    assert "Action 2 rises to high priority: INC-0002 had the same cause" in await story(house)
