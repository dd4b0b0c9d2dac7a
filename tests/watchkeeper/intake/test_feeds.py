"""The calendar feed's address: signed, for the team or one person, and current."""

from datetime import timedelta

import icalendar

from tests.watchkeeper.house import PUBLIC_URL
from tests.watchkeeper.intake.opened import Intake
from watchkeeper.oncall import Change
from watchkeeper.oncall.shifts import say_change


async def test_a_feed_shows_shifts_and_what_was_said_of_them_to_who_has_its_address(intake: Intake) -> None:
    house, now = intake.house, intake.clock()
    change = Change(kind="primary", person="ben", starts_at=now, ends_at=now + timedelta(days=1))
    async with house.store.transaction() as db:
        await say_change(db, change, house.desk.policy, now=now)
    address = house.signer.feed_address(PUBLIC_URL, "ben")
    answer = await intake.client.get(address)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/calendar")
    shown = [str(e["SUMMARY"]) for e in icalendar.Calendar.from_ical(answer.content).walk("VEVENT")]
    assert "Ben: primary on call" in shown and "Ben: secondary on call" in shown
    team = await intake.client.get(house.signer.feed_address(PUBLIC_URL, None))
    assert "Ana: primary on call" in team.text


async def test_a_forged_address_and_one_of_somebody_who_left_show_nothing(intake: Intake) -> None:
    forged = intake.house.signer.feed_address(PUBLIC_URL, "ana").replace("/shifts/sana", "/shifts/sben")
    assert (await intake.client.get(forged)).status_code == 403
    gone = intake.house.signer.feed_address(PUBLIC_URL, "zed")
    assert (await intake.client.get(gone)).status_code == 404
