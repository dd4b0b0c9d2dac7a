"""Nights on which nobody need be woken, and those on which somebody must: business hours and tickets."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, PUBLIC_URL, KernelHouse, two_on_call
from watchkeeper.answers import Verb
from watchkeeper.closing import close_by_hand
from watchkeeper.deadlines import read_deadlines
from watchkeeper.errors import VendorRejected
from watchkeeper.incidents import read_incident
from watchkeeper.links import PageOf, incident_address
from watchkeeper.model import Channel, DeadlineKind, DeadlineState
from watchkeeper.paging.desk import hand_over
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.store import Store
from watchkeeper.timeline import read_timeline

FRIDAY_EVENING = datetime(2026, 3, 6, 19, 30, tzinfo=UTC)
MONDAY_MORNING = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    clock.now = FRIDAY_EVENING
    return KernelHouse(store, clock, two_on_call())


def emails(house: KernelHouse, address: str = "ana@example.com") -> list[str]:
    return [message.subject for to, message in house.channels[Channel.EMAIL].sent if to == address]


def rung(house: KernelHouse) -> int:
    return len(house.channels[Channel.SMS].sent) + len(house.channels[Channel.VOICE].sent)


async def texts(house: KernelHouse) -> str:
    return "\n".join(entry.text for entry in await read_timeline(house.store, 1))


async def go_to(house: KernelHouse, moment: datetime) -> None:
    await house.pass_time(seconds=(moment - house.clock()).total_seconds())


async def test_a_p2_on_friday_evening_comes_on_monday_morning(house: KernelHouse) -> None:
    await house.hear(severity="P2")
    assert emails(house) == [] and rung(house) == 0
    said = "The page goes out on Mon 9 Mar 09:00 (UTC)."
    assert said in await texts(house)
    assert said in house.channels[Channel.SLACK].sent[0][1].text
    await go_to(house, MONDAY_MORNING - timedelta(seconds=1))
    assert emails(house) == []
    await go_to(house, MONDAY_MORNING)
    (subject,) = emails(house)
    assert subject == "P2 INC-0001: Backend is down"
    assert rung(house) == 0
    text = house.channels[Channel.EMAIL].sent[0][1].text
    assert "Held until now" in text
    await go_to(house, MONDAY_MORNING + timedelta(hours=4) - timedelta(seconds=1))
    assert len(emails(house)) == 1
    await go_to(house, MONDAY_MORNING + timedelta(hours=4))
    assert "Ana has not answered" in emails(house)[-1]
    assert "Ana has not answered" in emails(house, "ben@example.com")[-1]


async def test_the_link_in_a_page_that_was_held_works_on_monday(house: KernelHouse) -> None:
    await house.hear(severity="P2")
    await go_to(house, MONDAY_MORNING)
    row = await house.store.one("links/read", id=1)
    assert row and row["expires_at"] > MONDAY_MORNING


async def test_a_held_page_goes_out_at_once_when_the_incident_gets_worse(house: KernelHouse) -> None:
    await house.hear(severity="P2")
    await house.pass_time(hours=5)
    assert rung(house) == 0
    await house.hear(fingerprint="site", severity="P1")
    assert len(house.phone(ANA)) == 1
    deadlines = await read_deadlines(house.store, 1)
    assert {d.state for d in deadlines if d.kind is DeadlineKind.PAGE} == {DeadlineState.CANCELLED}
    (due,) = [d.due_at for d in deadlines if d.kind is DeadlineKind.ACKNOWLEDGE]
    assert due == house.clock() + timedelta(hours=1)
    await go_to(house, MONDAY_MORNING)
    assert len([subject for subject in emails(house) if subject.startswith("P1 INC-0001: ")]) == 1


@pytest.mark.parametrize("verb", [Verb.ACKNOWLEDGE, Verb.RESOLVE])
async def test_a_held_page_is_not_sent_when_it_is_dealt_with_before(house: KernelHouse, verb: Verb) -> None:
    await house.hear(severity="P2")
    await house.says("ben", verb)
    await go_to(house, MONDAY_MORNING + timedelta(hours=8))
    assert emails(house) == [] and rung(house) == 0


async def test_clocks_that_stood_still_through_monday_ring_on_tuesday_and_not_at_night(
    house: KernelHouse,
) -> None:
    await house.hear(severity="P2")
    await go_to(house, MONDAY_MORNING + timedelta(hours=14))
    assert emails(house) == []
    await go_to(house, MONDAY_MORNING + timedelta(days=1))
    assert len(emails(house)) >= 1
    assert rung(house) == 0


async def test_nothing_rings_at_night_where_a_p2_is_handed_over_and_email_fails(house: KernelHouse) -> None:
    await house.hear(severity="P2")
    refused = VendorRejected(vendor="sendgrid", action="send_email", status=400)
    house.channels[Channel.EMAIL].failures = [refused, refused]
    async with house.store.transaction() as db:
        await hand_over(db, house.desk, await read_incident(db, 1), "no fix held", [], now=house.clock())
    await house.pager.send_all_due()
    assert rung(house) == 0
    assert {n.state for n in await read_notifications(house.store, 1) if n.purpose == "handover"} == {
        "failed"
    }
    await go_to(house, MONDAY_MORNING)
    assert len(emails(house)) == 1


async def test_a_p3_is_a_ticket_that_asks_again_in_business_hours_and_rings_nobody(
    house: KernelHouse,
) -> None:
    await house.hear(severity="P3")
    assert emails(house) == ["Ticket P3 INC-0001: Backend is down"]
    assert "pages nobody" in await texts(house)
    assert "Answer by: Mon 9 Mar 09:00 (UTC)" in house.channels[Channel.EMAIL].sent[0][1].text
    await go_to(house, MONDAY_MORNING - timedelta(seconds=1))
    assert len(emails(house)) == 1
    for day in range(3):
        await go_to(house, MONDAY_MORNING + timedelta(days=day))
        assert len(emails(house)) == 2 + day
    assert emails(house, "ben@example.com") == [] and rung(house) == 0


async def test_a_ticket_that_cannot_be_sent_rings_nobody_either(house: KernelHouse) -> None:
    house.channels[Channel.EMAIL].failures = [
        VendorRejected(vendor="sendgrid", action="send_email", status=400)
    ]
    await house.hear(severity="P3")
    await house.pass_time(minutes=5)
    assert rung(house) == 0


async def test_a_ticket_goes_to_the_ticket_system_that_the_policy_names(
    store: Store, clock: MovedClock
) -> None:
    policy = two_on_call(tickets_to="tickets@example.com")
    house = KernelHouse(store, clock, policy)
    await house.hear(severity="P3")
    assert emails(house, "tickets@example.com") == ["Ticket P3 INC-0001: Backend is down"]
    copies = dict(house.channels[Channel.EMAIL].sent)
    answers, shared = f"{PUBLIC_URL}/a/", house.signer.address(incident_address(PUBLIC_URL, PageOf(1)))
    for who, may_answer in (("ana@example.com", True), ("tickets@example.com", False)):
        message = copies[who]
        for text in (message.text, message.html, message.short + (message.link or "")):
            assert (answers in text) is may_answer, "whoever reads the ticket system would answer as Ana"
        assert shared in message.text and shared in message.html
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        await close_by_hand(db, house.desk, incident, person="ben", reason="mended", now=house.clock())
    await house.pager.send_all_due()
    assert emails(house, "tickets@example.com")[-1].startswith("Resolved after")


async def test_a_p2_in_business_hours_is_paged_at_once(house: KernelHouse) -> None:
    await go_to(house, MONDAY_MORNING + timedelta(hours=2))
    await house.hear(severity="P2")
    assert emails(house) == ["P2 INC-0001: Backend is down"]
