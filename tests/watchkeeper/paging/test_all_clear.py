"""Everyone who was told, or may have been, hears that it is over, and nobody is called up for it."""

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, KernelHouse, two_on_call
from watchkeeper.admission import admit
from watchkeeper.answers import Verb
from watchkeeper.closing import close_by_hand
from watchkeeper.errors import VendorRejected, VendorUnavailable
from watchkeeper.incidents import read_incident
from watchkeeper.model import Channel
from watchkeeper.paging.desk import without_calls
from watchkeeper.paging.outbox import Told, told_of_start
from watchkeeper.store import Store

REFUSED = VendorRejected(vendor="any", action="send", status=400)
TIMED_OUT = VendorUnavailable(vendor="any", action="send", reason="ReadTimeout")


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    return KernelHouse(store, clock, two_on_call())


async def close(house: KernelHouse) -> None:
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        await close_by_hand(db, house.desk, incident, person="ben", reason="over", now=house.clock())
    await house.pager.send_all_due()


def test_who_was_called_and_written_to_hears_it_as_they_were_written_to() -> None:
    told = [Told("ana", "voice"), Told("ana", "email"), Told("ben", "voice"), Told("#incidents", "slack")]
    assert without_calls(told) == [Told("ana", "email"), Told("#incidents", "slack"), Told("ben", "sms")]


async def test_whoever_was_told_by_nothing_but_a_call_gets_one_text_message(house: KernelHouse) -> None:
    for channel in (Channel.SMS, Channel.EMAIL):
        house.channels[channel].failures = [REFUSED]
    await house.hear(severity="P1")
    calls = house.channels[Channel.VOICE]
    assert (len(calls.sent), house.phone(ANA)) == (1, [])
    await close(house)
    (text,) = house.phone(ANA)
    assert "resolved" in text.lower()
    assert len(calls.sent) == 1


async def test_where_that_text_message_does_not_get_through_an_email_does(house: KernelHouse) -> None:
    house.channels[Channel.SMS].failures = [REFUSED] * 2
    house.channels[Channel.EMAIL].failures = [REFUSED]
    await house.hear(severity="P1")
    await close(house)
    mails = [message.subject for to, message in house.channels[Channel.EMAIL].sent if to == "ana@example.com"]
    assert len([subject for subject in mails if "resolved" in subject.lower()]) == 1
    assert len(house.channels[Channel.VOICE].sent) == 1


async def test_a_page_whose_answer_was_lost_may_have_been_read_and_is_answered(house: KernelHouse) -> None:
    for channel in (Channel.SMS, Channel.EMAIL):
        house.channels[channel].failures = [TIMED_OUT]
    await house.hear(severity="P1")
    await close(house)
    (text,) = house.phone(ANA)
    assert "resolved" in text.lower()


async def test_a_page_that_is_being_sent_is_answered_and_one_that_never_left_is_not(
    house: KernelHouse,
) -> None:
    async with house.store.transaction() as db:
        await admit(db, house.desk, house.alert(severity="P1"), now=house.clock())
    assert Told("ana", "sms") not in await told_of_start(house.store, 1)
    await house.store.all("outbox/claim", now=house.clock(), lease_until=house.clock(), limit=50)
    assert Told("ana", "sms") in await told_of_start(house.store, 1)


async def test_what_was_called_off_before_it_was_given_to_its_vendor_told_nobody(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    house.clock.advance(minutes=60)
    await house.dispatcher.pass_once()
    rows = await house.store.all("outbox/claim", now=house.clock(), lease_until=house.clock(), limit=50)
    await house.says("ana", Verb.ACKNOWLEDGE)
    for row in rows:
        await house.pager._send_row(row)
    told = await told_of_start(house.store, 1)
    assert "ben" not in {each.recipient for each in told} and Told("ana", "sms") in told
