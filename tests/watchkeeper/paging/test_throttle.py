"""The throttle counts what it let go, not only what the vendor has taken."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from tests.watchkeeper.house import BEN, KernelHouse, Phone
from watchkeeper.channels import Receipt
from watchkeeper.decisions import Route
from watchkeeper.model import Channel
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import enqueue
from watchkeeper.paging.pager import receive_receipt
from watchkeeper.store import present


class SlowPhone(Phone):
    """A vendor that takes its time: nothing is sent before it may be."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = 0
        self.may_end = asyncio.Event()

    async def send(
        self, address: str, message: Message, *, callback_url: str | None = None, thread: str | None = None
    ) -> Receipt:
        self.begun += 1
        await self.may_end.wait()
        return await super().send(address, message, callback_url=callback_url, thread=thread)


@pytest_asyncio.fixture
async def phone(house: KernelHouse) -> AsyncIterator[SlowPhone]:
    phone = SlowPhone()
    house.channels[Channel.SMS] = phone
    yield phone
    # What is still on its way would hold its rows for ever when its loop ends.
    phone.may_end.set()
    await house.pager.finish()


async def write(house: KernelHouse, what: str, purpose: Purpose, *, incident_id: int | None = None) -> None:
    async with house.store.transaction() as db:
        await enqueue(
            db,
            key=what,
            incident_id=incident_id,
            purpose=purpose,
            route=Route("ben", Channel.SMS, []),
            message=Message(subject=what, short=what, text=what),
            now=house.clock(),
        )


async def fill(house: KernelHouse, phone: SlowPhone) -> int:
    """As many messages as may go are with the vendor, who has answered none; how many that is."""
    limit = house.desk.policy.throttle.messages
    for number in range(limit):
        await write(house, f"news {number}", Purpose.UPDATE)
    await house.pager.start_due()
    async with asyncio.timeout(10):
        while phone.begun < limit:
            await asyncio.sleep(0.01)
    return limit


async def is_held_back(house: KernelHouse, what: str, *, number: int) -> bool:
    """Ask for one message more, and wait until it was decided whether it may go."""
    await write(house, what, Purpose.APPROVAL)
    await house.pager.start_due()
    async with asyncio.timeout(10):
        while True:
            row = present(await house.store.one("outbox/one", id=number))
            if row["state"] == "pending" or row["let_go"]:
                return bool(row["state"] == "pending")
            await asyncio.sleep(0.01)


async def test_a_more_urgent_message_counts_those_that_went_before_it(
    house: KernelHouse, phone: SlowPhone
) -> None:
    limit = await fill(house, phone)
    assert await is_held_back(house, "asks for a plan", number=limit + 1)
    phone.may_end.set()
    await house.pager.send_all_due()
    assert len(phone.texts(BEN)) == limit
    house.clock.advance(seconds=house.desk.policy.throttle.per.total_seconds() + 1)
    await house.pager.send_all_due()
    assert phone.texts(BEN)[limit:] == ["asks for a plan"]


async def test_what_was_delivered_before_the_vendor_has_answered_counts(
    house: KernelHouse, phone: SlowPhone
) -> None:
    limit = await fill(house, phone)
    async with house.store.transaction() as db:
        for number in range(1, limit + 1):
            await receive_receipt(db, house.desk, number, delivered=True, detail="", now=house.clock())
    assert await is_held_back(house, "asks for a plan", number=limit + 1)


async def test_messages_that_are_sent_at_the_same_moment_count_each_other_and_no_page_is_held_back(
    house: KernelHouse, phone: SlowPhone
) -> None:
    phone.may_end.set()
    limit = house.desk.policy.throttle.messages
    for number in range(2 * limit):
        await write(house, f"news {number}", Purpose.UPDATE)
        await write(house, f"asks {number}", Purpose.APPROVAL)
    await write(house, "wakes", Purpose.PAGE)
    await house.pager.send_all_due()
    assert len(phone.texts(BEN)) == limit
    assert "wakes" in phone.texts(BEN)
    await write(house, "wakes again", Purpose.PAGE)
    await house.pager.send_all_due()
    assert phone.texts(BEN)[limit:] == ["wakes again"]


async def test_an_incidents_first_page_to_each_person_goes_although_it_is_an_escalation(
    house: KernelHouse, phone: SlowPhone
) -> None:
    phone.may_end.set()
    limit = await fill(house, phone)
    await house.hear(severity="P1")
    house.clock.advance(seconds=10)
    await write(house, "Ana has not answered", Purpose.ESCALATION, incident_id=1)
    await house.pager.send_all_due()
    assert phone.texts(BEN)[limit:] == ["Ana has not answered"]
    # It is not new to him a second time, and the first one counts.
    house.clock.advance(seconds=10)
    await write(house, "Ana has still not answered", Purpose.ESCALATION, incident_id=1)
    await house.pager.send_all_due()
    assert phone.texts(BEN)[limit:] == ["Ana has not answered"]
