"""Working time: business hours, holidays, and nights on which the clocks change."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from watchkeeper.errors import BadInput
from watchkeeper.policy import load_policy, merge, validate_policy
from watchkeeper.policy.calendar import Calendar


def calendar(**own: Any) -> Calendar:
    hours = {
        "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "starts": "09:00",
        "ends": "17:00",
    }
    return Calendar.model_validate({"time_zone": "Europe/Berlin", "business_hours": hours, **own})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T08:00", True),  # Monday, 9:00 in Berlin
        ("2026-03-02T07:59", False),
        ("2026-03-02T15:59", True),
        ("2026-03-02T16:00", False),
        ("2026-03-07T10:00", False),  # Saturday
        ("2026-03-30T07:00", True),  # the Monday after the clocks went forward
        ("2026-10-26T07:59", False),  # the Monday after they went back
    ],
)
def test_business_time_is_told_by_the_wall_clock(at: str, expected: bool) -> None:
    assert calendar().is_business_time(utc(at)) is expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T10:00", "2026-03-02T10:00"),
        ("2026-03-02T03:00", "2026-03-02T08:00"),
        ("2026-03-06T20:00", "2026-03-09T08:00"),  # Friday evening
        ("2026-03-27T20:00", "2026-03-30T07:00"),  # over the weekend of daylight saving
        ("2026-12-24T20:00", "2026-12-28T08:00"),
    ],
)
def test_business_hours_begin_next_at(at: str, expected: str) -> None:
    closed = calendar(holidays={"2026-12-25": "Christmas Day"})
    assert closed.next_business_time(utc(at)) == utc(expected)


@pytest.mark.parametrize(
    ("at", "hours", "expected"),
    [
        ("2026-03-02T10:00", 4, "2026-03-02T14:00"),
        ("2026-03-02T14:00", 4, "2026-03-03T10:00"),
        ("2026-03-06T15:00", 9, "2026-03-09T16:00"),
        ("2026-03-06T22:00", 4, "2026-03-09T12:00"),
    ],
)
def test_business_time_is_added(at: str, hours: int, expected: str) -> None:
    assert calendar().add_business_time(utc(at), timedelta(hours=hours)) == utc(expected)
    assert calendar().business_time_between(utc(at), utc(expected)) == timedelta(hours=hours)


def test_no_business_time_passes_outside_of_it() -> None:
    night, morning = utc("2026-03-02T22:00"), utc("2026-03-03T06:00")
    assert calendar().business_time_between(night, morning) == timedelta()


def test_a_time_that_daylight_saving_skips_is_the_moment_after_the_gap() -> None:
    assert calendar().at(date(2026, 3, 29), time(2, 30)) == utc("2026-03-29T01:30")


def test_a_year_of_holidays_is_said_and_not_searched_for_ever() -> None:
    days = {str(date(2026, 1, 1) + timedelta(days=n)): "closed" for n in range(400)}
    with pytest.raises(ValueError, match="every day is a holiday"):
        calendar(holidays=days).next_business_time(utc("2026-01-01T00:00"))


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"time_zone": "Europe/Atlantis"}, "calendar.time_zone: there is no time zone 'Europe/Atlantis'"),
        ({"time_zone": "../etc"}, "calendar.time_zone: there is no time zone"),
        ({"business_hours": {"ends": "08:00"}}, "ends at 08:00, before it starts"),
    ],
)
def test_an_impossible_calendar_is_refused_in_words(own: dict[str, Any], words: str) -> None:
    data = merge(load_policy().model_dump(mode="json"), {"calendar": own})
    with pytest.raises(BadInput, match=words):
        validate_policy(data, source="test")
