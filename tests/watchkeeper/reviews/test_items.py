"""Action items are chased: reminded before their day, escalated after it, until somebody says that they are done."""

from datetime import date

import pytest
import pytest_asyncio

from tests.watchkeeper.house import KernelHouse
from tests.watchkeeper.reviews.test_clock import ANA, BEN, ended, story
from watchkeeper.deadlines import read_deadlines
from watchkeeper.documents.action_items import Promise
from watchkeeper.errors import BadInput
from watchkeeper.model import Channel, DeadlineKind, DeadlineState, Incident
from watchkeeper.reviews.clock import waive
from watchkeeper.reviews.items import (
    close_item,
    move_item,
    open_action_items,
    raise_priority,
    read_items,
    save_promises,
)

# The clock stands at Monday 2 March 2026, 03:00; the working day ends at 17:00.
BY_BEN = Promise(1, "Alert on the pool", "Ben", date(2026, 3, 4), "medium")
BY_NOBODY_WE_KNOW = Promise(2, "Ask the vendor", "Team Blue", date(2026, 3, 20), "low")


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


async def move(house: KernelHouse, incident: Incident, due_on: date, number: int = 1, **said: str) -> None:
    known = {"person": "Ben", "reason": "the vendor is slow"} | said
    async with house.store.transaction() as db:
        await move_item(db, house.desk, incident, number, due_on, **known, now=house.clock())


async def test_a_moved_item_is_chased_by_its_new_day_and_the_timeline_says_who_moved_it(
    house: KernelHouse, incident: Incident
) -> None:
    await house.pass_time(days=4)  # it was due two days ago, and has been chased
    before = len(chased(house, BEN))
    await move(house, incident, date(2026, 3, 16))
    assert "Action 1 moved to 2026-03-16 by Ben: the vendor is slow" in await story(house)
    await house.pass_time(days=9, hours=13)
    assert len(chased(house, BEN)) == before
    await house.pass_time(hours=1)
    assert chased(house, BEN)[before:] == ["INC-0001, action 1 is due on 2026-03-16: Alert on the pool"]
    await house.pass_time(days=1)
    assert chased(house, BEN)[-1] == "INC-0001, action 1 is due now: Alert on the pool"
    await house.pass_time(days=7)
    assert "INC-0001, action 1 is 7 days overdue: Alert on the pool" in chased(house, ANA)


@pytest.mark.parametrize(
    ("day", "problem"),
    [
        (date(2026, 3, 1), "is past"),
        (date(2027, 3, 3), "more than a year ahead; name a day until 2027-03-02"),
        (date.max, "more than a year ahead"),
    ],
)
async def test_an_item_is_moved_to_no_day_that_is_past_or_beyond_a_year(
    house: KernelHouse, incident: Incident, day: date, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        await move(house, incident, day)


async def test_an_item_may_be_moved_again_and_sooner(house: KernelHouse, incident: Incident) -> None:
    for day in (20, 9, 3):
        await move(house, incident, date(2026, 3, day))
    pending = [
        d
        for d in await read_deadlines(house.store, 1)
        if d.kind is DeadlineKind.ACTION_ITEM and d.state is DeadlineState.PENDING and d.number < 2000
    ]
    # The last move's reminder and day; those of the others are cancelled.
    assert [d.due_at.isoformat() for d in pending] == [
        "2026-03-02T17:00:00+00:00",
        "2026-03-03T17:00:00+00:00",
    ]
    await house.pass_time(days=1, hours=14)
    assert chased(house, BEN)[-1] == "INC-0001, action 1 is due now: Alert on the pool"


@pytest.mark.parametrize(
    ("number", "day", "said", "problem"),
    [
        (1, 20, {"person": " "}, "a name and a reason"),
        (1, 20, {"reason": ""}, "a name and a reason"),
        (1, 1, {}, "2026-03-01 is past"),
        (3, 20, {}, "action 3 does not exist"),
        (2, 20, {}, "action 2 is done already"),
    ],
)
async def test_what_cannot_be_moved_says_why_and_stays(
    house: KernelHouse, incident: Incident, number: int, day: int, said: dict[str, str], problem: str
) -> None:
    await close_item(house.store, incident, 2, person="Ana", now=house.clock())
    with pytest.raises(BadInput, match=problem):
        await move(house, incident, date(2026, 3, day), number, **said)
    assert [i.due_on.day for i in await read_items(house.store, 1)] == [4, 20]


async def test_whoever_is_reminded_has_a_link_of_their_own_and_the_channel_has_none(
    house: KernelHouse, incident: Incident
) -> None:
    await house.pass_time(days=4)
    mails = [(to, m) for to, m in house.channels[Channel.EMAIL].sent if ", action 1 is " in m.subject]
    links = {to: m.text.partition("by another day? ")[2].split()[0] for to, m in mails if to in (ANA, BEN)}
    assert len(set(links.values())) == 2
    for link in links.values():
        token = link.rpartition("/d/")[2]
        assert house.signer.read(token)
    posts = [m.text for _, m in house.channels[Channel.SLACK].sent if "action 1 is " in m.text]
    assert posts and not any("/d/" in text for text in posts)
