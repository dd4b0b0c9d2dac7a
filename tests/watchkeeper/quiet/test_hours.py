"""When an incident may interrupt people: by its severity, and on the team's own clock."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.watchkeeper.house import two_on_call
from watchkeeper.decisions import Route
from watchkeeper.model import Channel, Severity
from watchkeeper.quiet.hours import channels_now, due_after, in_words, routes_now, when_to_page

# 2026-03-06 is a Friday. Berlin is at UTC+1 until 2026-03-29 and at UTC+2 from then on.
BERLIN = two_on_call(calendar={"time_zone": "Europe/Berlin", "holidays": {"2026-04-06": "Easter Monday"}})


def at(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}:00+00:00")


@pytest.mark.parametrize(
    ("severity", "now", "choice", "when"),
    [
        ("P0", at("2026-03-07", "02:00"), "page", at("2026-03-07", "02:00")),
        ("P1", at("2026-03-07", "02:00"), "page", at("2026-03-07", "02:00")),
        ("P2", at("2026-03-06", "15:59"), "page", at("2026-03-06", "15:59")),
        ("P2", at("2026-03-06", "16:00"), "hold", at("2026-03-09", "08:00")),
        ("P2", at("2026-03-09", "07:59"), "hold", at("2026-03-09", "08:00")),
        ("P2", at("2026-03-27", "20:00"), "hold", at("2026-03-30", "07:00")),
        ("P2", at("2026-04-03", "18:00"), "hold", at("2026-04-07", "07:00")),
        ("P3", at("2026-03-06", "12:00"), "ticket", at("2026-03-06", "12:00")),
    ],
)
def test_a_severity_interrupts_people_when_its_rule_says_so(
    severity: str, now: datetime, choice: str, when: datetime
) -> None:
    timing = when_to_page(Severity(severity), BERLIN, now)
    assert (timing.choice, timing.at) == (choice, when)


@pytest.mark.parametrize(
    ("severity", "began", "hours", "due"),
    [
        ("P1", at("2026-03-06", "23:00"), 1, at("2026-03-07", "00:00")),
        ("P2", at("2026-03-06", "09:00"), 4, at("2026-03-06", "13:00")),
        ("P2", at("2026-03-06", "14:00"), 4, at("2026-03-09", "10:00")),
        ("P2", at("2026-03-06", "21:00"), 4, at("2026-03-09", "12:00")),
        ("P3", at("2026-03-05", "10:00"), 24, at("2026-03-06", "10:00")),
        ("P3", at("2026-03-06", "10:00"), 24, at("2026-03-09", "08:00")),
        ("P3", at("2026-03-04", "22:00"), 24, at("2026-03-06", "08:00")),
    ],
)
def test_a_time_to_answer_runs_while_people_are_expected_to(
    severity: str, began: datetime, hours: int, due: datetime
) -> None:
    assert due_after(Severity(severity), BERLIN, began, timedelta(hours=hours)) == due


def test_nothing_rings_while_a_page_is_held() -> None:
    night, day = at("2026-03-07", "02:00"), at("2026-03-06", "12:00")
    routes = [
        Route("ana", Channel.SMS, [Channel.EMAIL]),
        Route("ana", Channel.EMAIL, [Channel.VOICE, Channel.SLACK]),
    ]
    assert routes_now(routes, Severity.P2, BERLIN, night) == [Route("ana", Channel.EMAIL, [Channel.SLACK])]
    assert routes_now(routes, Severity.P2, BERLIN, day) == routes
    assert routes_now(routes, Severity.P1, BERLIN, night) == routes
    assert Channel.VOICE not in channels_now(Severity.P3, BERLIN, day)


def test_a_moment_is_said_on_the_teams_own_clock() -> None:
    assert in_words(datetime(2026, 3, 9, 8, 0, tzinfo=UTC), BERLIN) == "Mon 9 Mar 09:00 (Europe/Berlin)"
