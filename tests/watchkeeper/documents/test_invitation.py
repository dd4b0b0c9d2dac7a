"""The meeting: a time inside business hours before the deadline, and an invitation that calendars understand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar as ICalendar

from tests.watchkeeper.documents.night import HOSTILE, START, incident
from watchkeeper.documents.invitation import find_slot, invitation, uid_of
from watchkeeper.policy import load_policy
from watchkeeper.policy.calendar import Calendar

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
FRIDAY = MONDAY + timedelta(days=4)


def calendar(**own: Any) -> Calendar:
    return Calendar.model_validate(load_policy().calendar.model_dump(mode="json") | own)


@pytest.mark.parametrize(
    ("own", "earliest", "hours", "starts"),
    [
        ({}, MONDAY + timedelta(hours=3), 24, MONDAY + timedelta(hours=9)),
        ({}, MONDAY + timedelta(hours=10, minutes=1), 24, MONDAY + timedelta(hours=10, minutes=30)),
        ({}, MONDAY + timedelta(hours=10, minutes=30), 24, MONDAY + timedelta(hours=10, minutes=30)),
        # 45 minutes from 16:30 on would end after the working day.
        ({}, MONDAY + timedelta(hours=16, minutes=30), 24, MONDAY + timedelta(hours=33)),
        ({}, MONDAY + timedelta(hours=16, minutes=50), 16, None),
        ({}, FRIDAY + timedelta(hours=18), 48, None),
        ({}, FRIDAY + timedelta(hours=18), 72, FRIDAY + timedelta(days=3, hours=9)),
        ({"holidays": {"2026-03-02": "A day off"}}, MONDAY, 24, None),
        # It must be over by the deadline, to the minute.
        ({}, MONDAY, 9.75, MONDAY + timedelta(hours=9)),
        ({}, MONDAY, 9.74, None),
        ({"time_zone": "America/New_York"}, MONDAY, 24, MONDAY + timedelta(hours=14)),
    ],
)
def test_a_slot_lies_in_business_hours_and_ends_before_the_deadline(
    own: dict[str, Any], earliest: datetime, hours: float, starts: datetime | None
) -> None:
    latest = (earliest if earliest.hour else MONDAY) + timedelta(hours=hours)
    assert find_slot(calendar(**own), minutes=45, earliest=earliest, latest=latest) == starts


def test_a_year_of_holidays_has_no_slot() -> None:
    days = {str((MONDAY + timedelta(days=n)).date()): "off" for n in range(400)}
    latest = MONDAY + timedelta(days=400)
    assert find_slot(calendar(holidays=days), minutes=45, earliest=MONDAY, latest=latest) is None


def invited(**more: Any) -> Any:
    known = {
        "starts_at": START,
        "minutes": 45,
        "number": 1,
        "organizer": "ana@example.com",
        "attendees": {"ana@example.com": "Ana", "ben@example.com": 'Ben "B"; Boss\r\nX: y'},
        "now": START,
    }
    return invitation(incident(summary=HOSTILE), **(known | more))


def test_an_invitation_is_a_request_with_every_attendee() -> None:
    attachment = invited()
    assert (attachment.name, attachment.type) == ("invitation.ics", "text/calendar")
    calendar = ICalendar.from_ical(attachment.text)
    (event,) = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "REQUEST"
    assert (event["UID"], event["SEQUENCE"]) == (uid_of(incident()), 1)
    assert event.decoded("DTEND") - event.decoded("DTSTART") == timedelta(minutes=45)
    assert event["ORGANIZER"] == "mailto:ana@example.com"
    assert [str(each) for each in event["ATTENDEE"]] == ["mailto:ana@example.com", "mailto:ben@example.com"]
    assert event["ATTENDEE"][0].params["RSVP"] == "TRUE"
    assert event["SUMMARY"].startswith("Post-mortem of INC-0007: Checkout <img")
    assert "\nX: y" not in attachment.text


def test_a_later_invitation_replaces_the_one_before_and_a_cancellation_takes_it_back() -> None:
    (first, second) = (
        ICalendar.from_ical(each.text) for each in (invited(), invited(number=2, cancelled=True))
    )
    assert second["METHOD"] == "CANCEL"
    (old,), (new,) = first.walk("VEVENT"), second.walk("VEVENT")
    assert old["UID"] == new["UID"] and new["SEQUENCE"] > old["SEQUENCE"]
    assert new["STATUS"] == "CANCELLED"
