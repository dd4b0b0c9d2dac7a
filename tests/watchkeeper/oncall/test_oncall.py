"""Who is on call: rotation, swaps, holidays and absences, as a function of the roster and the time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.watchkeeper.house import two_on_call
from watchkeeper.oncall import Change, Shift, on_call, shifts_between
from watchkeeper.policy import Policy

PEOPLE = {name: {"name": name.title(), "phone": "+14155550101"} for name in ("ana", "ben", "cleo", "dora")}
BERLIN = {"time_zone": "Europe/Berlin", "holidays": {"2026-12-25": "Christmas Day"}}
ROTATION = {"people": ["ana", "ben", "cleo"], "starts_on": "2026-01-05"}


def team(**roster: Any) -> Policy:
    return two_on_call(people=PEOPLE, calendar=BERLIN, roster=roster or {"rotation": ROTATION})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def people(shift: Shift) -> tuple[str, str | None]:
    return shift.primary, shift.secondary


@pytest.mark.parametrize(
    ("moment", "primary", "secondary"),
    [
        ("2026-01-05T09:00+01:00", "ana", "ben"),
        ("2026-01-12T08:59:59+01:00", "ana", "ben"),
        ("2026-01-12T09:00+01:00", "ben", "cleo"),
        ("2026-01-19T09:00+01:00", "cleo", "ana"),
        ("2026-01-26T09:00+01:00", "ana", "ben"),
        ("2026-01-05T08:59+01:00", "cleo", "ana"),  # before the first week it goes backwards
        # Daylight saving begins on 29 March and ends on 25 October, each in the night before a handover.
        ("2026-03-30T08:59+02:00", "cleo", "ana"),
        ("2026-03-30T09:00+02:00", "ana", "ben"),
        ("2026-10-26T08:59+01:00", "cleo", "ana"),
        ("2026-10-26T09:00+01:00", "ana", "ben"),
    ],
)
def test_turns_change_on_monday_at_nine_by_the_teams_clock(moment: str, primary: str, secondary: str) -> None:
    assert people(on_call(team(), [], at(moment))) == (primary, secondary)


@pytest.mark.parametrize(
    ("moment", "hours"),
    [
        ("2026-03-16T12:00+01:00", 168),
        ("2026-03-25T12:00+01:00", 167),
        ("2026-10-21T12:00+02:00", 169),
    ],
)
def test_a_week_in_which_the_clocks_change_is_an_hour_shorter_or_longer(moment: str, hours: int) -> None:
    shift = on_call(team(), [], at(moment))
    assert shift.since is not None and shift.until is not None
    assert shift.until - shift.since == timedelta(hours=hours)


def test_every_moment_of_a_year_has_exactly_one_primary() -> None:
    start, end = at("2026-01-05T09:00+01:00"), at("2027-01-04T09:00+01:00")
    shifts = shifts_between(team(), [], start, end)
    assert len(shifts) == 52
    assert [shift.since for shift in shifts] == [start, *(shift.until for shift in shifts[:-1])]
    assert [shift.primary for shift in shifts] == ["ana", "ben", "cleo"] * 17 + ["ana"]


@pytest.mark.parametrize(
    ("roster", "expected"),
    [
        ({"primary": "ana"}, ("ana", None)),
        ({"primary": "ana", "secondary": "ben"}, ("ana", "ben")),
        ({"rotation": {**ROTATION, "people": ["ana"]}}, ("ana", None)),
        ({"rotation": ROTATION, "secondary": "dora"}, ("ana", "dora")),
        # Nobody stands behind themselves.
        ({"rotation": ROTATION, "secondary": "ana"}, ("ana", "ben")),
    ],
)
def test_who_comes_second(roster: dict[str, Any], expected: tuple[str, str | None]) -> None:
    assert people(on_call(team(**roster), [], at("2026-01-05T10:00+01:00"))) == expected


def swap(role: str, person: str, starts: str = "2026-01-06 12:00", ends: str = "2026-01-07 12:00") -> Any:
    return {"role": role, "person": person, "starts": starts, "ends": ends}


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([swap("primary", "dora")], ("dora", "ben")),
        # Who gives the first place away is not there for the second either.
        ([swap("primary", "ben")], ("ben", "cleo")),
        ([swap("secondary", "dora")], ("ana", "dora")),
        ([swap("primary", "ben"), swap("secondary", "ana")], ("ben", "ana")),
        # What stands last counts.
        ([swap("primary", "ben"), swap("primary", "dora")], ("dora", "ben")),
        ([swap("secondary", "ana")], ("ana", "ben")),
    ],
)
def test_an_override_gives_a_role_away_for_a_time(overrides: list[Any], expected: tuple[str, str]) -> None:
    policy = team(rotation=ROTATION, overrides=overrides)
    assert people(on_call(policy, [], at("2026-01-06T11:59+01:00"))) == ("ana", "ben")
    during = on_call(policy, [], at("2026-01-06T12:00+01:00"))
    assert people(during) == expected
    assert (during.since, during.until) == (at("2026-01-06T12:00+01:00"), at("2026-01-07T12:00+01:00"))
    assert people(on_call(policy, [], at("2026-01-07T12:00+01:00"))) == ("ana", "ben")


def test_two_people_of_whom_one_is_away_leave_the_other_alone() -> None:
    policy = team(primary="ana", secondary="ben", overrides=[swap("primary", "ben")])
    shift = on_call(policy, [], at("2026-01-06T13:00+01:00"))
    assert (people(shift), shift.reason) == (("ben", None), "override")


def test_a_holiday_is_covered_from_midnight_to_midnight_of_the_teams_clock() -> None:
    policy = team(primary="ana", secondary="ben", holiday_covers={"2026-12-25": "dora"})
    shift = on_call(policy, [], at("2026-12-25T00:00+01:00"))
    assert (people(shift), shift.reason) == (("dora", "ben"), "holiday_cover")
    assert shift.until == at("2026-12-26T00:00+01:00")
    assert on_call(policy, [], at("2026-12-24T23:59+01:00")).primary == "ana"


def said(kind: Any, person: str, starts: str, ends: str) -> Change:
    return Change(kind=kind, person=person, starts_at=at(starts), ends_at=at(ends))


def test_what_was_said_since_counts_more_than_the_plan() -> None:
    policy = team(rotation=ROTATION, overrides=[swap("primary", "ben")])
    change = said("primary", "dora", "2026-01-06T13:00+01:00", "2026-01-06T14:00+01:00")
    assert on_call(policy, [change], at("2026-01-06T13:30+01:00")).primary == "dora"
    assert on_call(policy, [change], at("2026-01-06T14:00+01:00")).primary == "ben"


def test_somebody_whom_this_policy_does_not_know_takes_no_place() -> None:
    change = said("primary", "newcomer", "2026-01-06T13:00+01:00", "2026-01-06T14:00+01:00")
    assert on_call(team(), [change], at("2026-01-06T13:30+01:00")).primary == "ana"


AWAY = ("2026-01-06T14:00+01:00", "2026-01-06T18:00+01:00")


@pytest.mark.parametrize(
    ("away", "moment", "in_turn"),
    [
        (["ana"], "2026-01-06T13:59+01:00", ["ana", "ben"]),
        (["ana"], "2026-01-06T14:00+01:00", ["ben"]),
        (["ana"], "2026-01-06T18:00+01:00", ["ana", "ben"]),
        (["ben"], "2026-01-06T15:00+01:00", ["ana"]),
        (["cleo"], "2026-01-06T15:00+01:00", ["ana", "ben"]),
        # A page that nobody may get is worse than one at a bad time.
        (["ana", "ben"], "2026-01-06T15:00+01:00", ["ana", "ben"]),
    ],
)
def test_who_cannot_be_reached_is_not_paged(away: list[str], moment: str, in_turn: list[str]) -> None:
    shift = on_call(team(), [said("unreachable", person, *AWAY) for person in away], at(moment))
    assert people(shift) == ("ana", "ben")
    assert shift.in_turn == in_turn


def test_the_next_one_comes_after_each_and_nobody_after_the_last() -> None:
    shift = on_call(team(), [], at("2026-01-06T12:00+01:00"))
    assert [shift.after(handle) for handle in ("ana", "ben", "dora")] == ["ben", None, "ana"]


def test_a_roster_without_changes_has_no_end_in_sight() -> None:
    shift = on_call(team(primary="ana"), [], at("2026-01-06T12:00+01:00"))
    assert (shift.since, shift.until, shift.reason) == (None, None, "fixed_roster")
