"""Those who took part are invited to meet over the post-mortem, before its deadline; where that cannot be, it is said."""

from datetime import timedelta
from math import inf

from icalendar import Calendar

from tests.watchkeeper.house import KernelHouse
from tests.watchkeeper.reviews.test_clock import ANA, BEN, ended, story
from watchkeeper.closing import close_by_hand
from watchkeeper.incidents import read_incident
from watchkeeper.model import Channel
from watchkeeper.paging.model import Message
from watchkeeper.reviews import read_review
from watchkeeper.reviews.clock import move, waive
from watchkeeper.timeline import record


def invitations(house: KernelHouse, address: str) -> list[Message]:
    """As calendars order what left side by side, by their numbers; what has none comes last."""
    mail = house.channels[Channel.EMAIL].sent
    return sorted((m for to, m in mail if to == address and "meeting" in m.subject), key=number_of)


def number_of(mail: Message) -> float:
    return method_of(mail)[1] if mail.attachments else inf


def method_of(mail: Message) -> tuple[str, int]:
    """An invitation's method and number."""
    calendar = Calendar.from_ical(mail.attachments[0].text)
    return str(calendar["METHOD"]), calendar.walk("VEVENT")[0]["SEQUENCE"]


def methods(mails: list[Message]) -> list[tuple[str, int]]:
    return [method_of(mail) for mail in mails]


async def test_those_who_took_part_get_an_invitation_and_nobody_else(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    incident = await read_incident(house.store, 1)
    async with house.store.transaction() as db:
        await record(db, 1, "note", "Looked at the pool", now=house.clock(), actor="Ben")
        await close_by_hand(db, house.desk, incident, person="Cleo", reason="mended", now=house.clock())
    await house.pager.send_all_due()
    (mail,) = invitations(house, ANA)
    assert mail.subject == "Post-mortem meeting of INC-0001 is at 2026-03-02 09:00 UTC"
    (attachment,) = mail.attachments
    (event,) = Calendar.from_ical(attachment.text).walk("VEVENT")
    assert [str(each) for each in event["ATTENDEE"]] == [f"mailto:{ANA}", f"mailto:{BEN}"]
    assert len(invitations(house, BEN)) == 1
    assert {to for to, m in house.channels[Channel.EMAIL].sent if "meeting" in m.subject} == {ANA, BEN}
    review = await read_review(house.store, 1)
    assert review and review["meeting_at"] == house.clock() + timedelta(hours=6)


async def test_people_have_a_while_to_themselves_where_the_deadline_leaves_it(house: KernelHouse) -> None:
    house.clock.advance(hours=8)  # 11:00: two hours later is 13:00
    await ended(house, severity="P1")
    review = await read_review(house.store, 1)
    assert review and review["meeting_at"] == house.clock() + timedelta(hours=2)


async def test_where_no_business_hours_lie_before_the_deadline_that_is_said(house: KernelHouse) -> None:
    house.clock.advance(days=4, hours=15)  # Friday, 18:00
    await ended(house, severity="P0")
    (mail,) = invitations(house, ANA)
    assert mail.attachments == []
    assert "the next ones begin: 2026-03-09 09:00 UTC" in mail.text
    assert any(text.startswith("No post-mortem meeting of INC-0001 fits") for text in await story(house))
    review = await read_review(house.store, 1)
    assert review and review["meeting_at"] is None


async def test_a_deadline_that_moves_takes_the_meeting_along_only_where_it_must(house: KernelHouse) -> None:
    incident = await ended(house, severity="P1")
    said = {"person": "ben", "reason": "Ana is ill", "now": house.clock()}
    async with house.store.transaction() as db:
        await move(db, house.desk, incident, house.clock() + timedelta(hours=96), **said)
    assert (await read_review(house.store, 1) or {})["meetings"] == 1
    house.clock.advance(hours=5.5)  # 08:30; the meeting would be at 09:00
    said["now"] = house.clock()
    async with house.store.transaction() as db:
        await move(db, house.desk, incident, house.clock() + timedelta(hours=1), **said)
    await house.pager.send_all_due()
    called, cancelled, none = invitations(house, ANA)
    assert methods([called, cancelled]) == [("REQUEST", 1), ("CANCEL", 2)]
    assert (none.attachments, none.subject) == ([], "No time for a post-mortem meeting of INC-0001")
    assert (
        "of 2026-03-02 09:00 UTC is cancelled: it is not over before the post-mortem is due" in cancelled.text
    )


async def test_everybody_who_was_invited_gets_the_cancellation_of_a_meeting_that_no_longer_fits(
    house: KernelHouse,
) -> None:
    await house.hear(severity="P1")
    incident = await read_incident(house.store, 1)
    async with house.store.transaction() as db:
        await record(db, 1, "note", "Looked at the pool", now=house.clock(), actor="Ben")
        await close_by_hand(db, house.desk, incident, person="Cleo", reason="mended", now=house.clock())
    said = {"person": "Cleo", "reason": "an audit", "now": house.clock()}
    incident = await read_incident(house.store, 1)
    async with house.store.transaction() as db:
        await move(db, house.desk, incident, house.clock() + timedelta(hours=1), **said)
    await house.pager.send_all_due()
    for address in (ANA, BEN):
        held = [mail for mail in invitations(house, address) if mail.attachments]
        assert methods(held) == [("REQUEST", 1), ("CANCEL", 2)]
    assert len(invitations(house, BEN)) == 2
    # A calendar that holds nothing is told nothing more; a meeting that fits again has the next number.
    async with house.store.transaction() as db:
        await move(db, house.desk, incident, house.clock() + timedelta(hours=24), **said)
        await waive(db, house.desk, incident, **said)
    await house.pager.send_all_due()
    assert [method for method, _ in methods([m for m in invitations(house, BEN) if m.attachments])] == [
        *("REQUEST", "CANCEL"),
        *("REQUEST", "CANCEL"),
    ]
    story_told = [text for text in await story(house) if "meeting" in text and "cancelled" in text]
    assert story_told[0].endswith("cancelled: it is not over before the post-mortem is due")
    assert story_told[1].endswith("cancelled: there will be no post-mortem")


async def test_a_waived_post_mortem_takes_its_meeting_back(house: KernelHouse) -> None:
    incident = await ended(house, severity="P1")
    async with house.store.transaction() as db:
        await waive(db, house.desk, incident, person="Ben", reason="known", now=house.clock())
    await house.pager.send_all_due()
    called, cancelled = (Calendar.from_ical(m.attachments[0].text) for m in invitations(house, ANA))
    assert (called["METHOD"], cancelled["METHOD"]) == ("REQUEST", "CANCEL")
    assert cancelled.walk("VEVENT")[0]["SEQUENCE"] == 2


async def test_a_meeting_that_has_taken_place_is_not_called_again(house: KernelHouse) -> None:
    incident = await ended(house, severity="P1")
    house.clock.advance(hours=20)
    said = {"person": "ben", "reason": "Ana is ill", "now": house.clock()}
    async with house.store.transaction() as db:
        await move(db, house.desk, incident, house.clock() + timedelta(minutes=30), **said)
    assert (await read_review(house.store, 1) or {})["meetings"] == 1
