"""Silences and maintenance windows: which alerts they hold back, and until when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.watchkeeper.house import two_on_call
from watchkeeper.errors import BadInput
from watchkeeper.model import Alert, Kind
from watchkeeper.policy import load_policy, merge, validate_policy
from watchkeeper.policy.windows import MaintenanceWindow, Matcher
from watchkeeper.quiet.silences import Silence, find_hold, make_silence

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN = two_on_call(calendar={"time_zone": "Europe/Berlin"}).calendar


def alert(**told: Any) -> Alert:
    known = {
        "source": "uptimerobot",
        "fingerprint": "uptimerobot:7",
        "service": "backend",
        "kind": "site_outage",
        "summary": "Backend is down",
        "started_at": NOW,
    }
    return Alert.model_validate(known | told)


def silence(number: int = 1, starts: timedelta = -HOUR, ends: timedelta = HOUR, **named: str) -> Silence:
    return Silence(
        id=number,
        match=Matcher.model_validate(named or {"service": "backend"}),
        starts_at=NOW + starts,
        ends_at=NOW + ends,
        person="ana",
        reason="deploying",
    )


@pytest.mark.parametrize(
    ("named", "matches"),
    [
        ({"service": "backend"}, True),
        ({"service": "database"}, False),
        ({"kind": "site_outage"}, True),
        ({"source": "uptimerobot", "service": "backend"}, True),
        ({"source": "sentry", "service": "backend"}, False),
        ({"fingerprint": "uptimerobot:7"}, True),
        ({"fingerprint": "uptimerobot:"}, False),
    ],
)
def test_an_alert_matches_that_has_everything_that_is_named(named: dict[str, str], matches: bool) -> None:
    assert Matcher.model_validate(named).matches(alert()) is matches


@pytest.mark.parametrize(
    ("silences", "held_by"),
    [
        ([], None),
        ([silence()], 1),
        ([silence(starts=HOUR, ends=2 * HOUR)], None),
        ([silence(ends=timedelta())], None),
        ([silence(1), silence(2, ends=2 * HOUR), silence(3, service="redis", ends=3 * HOUR)], 2),
    ],
)
def test_the_longest_silence_that_holds_now_counts(silences: list[Silence], held_by: int | None) -> None:
    hold = find_hold(alert(), silences, load_policy(), NOW)
    assert (hold.silence_id if hold else None) == held_by


@pytest.mark.parametrize("severity", ["P0", "P3", None])
def test_what_a_person_tells_is_never_silenced(severity: str | None) -> None:
    assert find_hold(alert(source="person", severity=severity), [silence()], load_policy(), NOW) is None


@pytest.mark.parametrize(
    ("starts", "ends", "at", "until"),
    [
        ("02:00", "04:00", "2026-03-08 01:00", "2026-03-08 03:00"),
        ("02:00", "04:00", "2026-03-08 00:59", None),
        ("02:00", "04:00", "2026-03-08 03:00", None),
        ("02:00", "04:00", "2026-03-09 01:30", None),
        # It begins on Sunday and ends on Monday.
        ("23:00", "01:00", "2026-03-08 23:30", "2026-03-09 00:00"),
        ("23:00", "01:00", "2026-03-07 23:30", None),
        # The night on which Berlin's clocks skip from 02:00 to 03:00, and the one on which 02:00 comes twice.
        ("01:00", "04:00", "2026-03-29 01:59", "2026-03-29 02:00"),
        ("01:00", "04:00", "2026-03-29 02:00", None),
        ("01:00", "04:00", "2026-10-24 22:59", None),
        ("01:00", "04:00", "2026-10-24 23:00", "2026-10-25 03:00"),
    ],
)
def test_a_window_opens_every_week_on_the_teams_own_clock(
    starts: str, ends: str, at: str, until: str | None
) -> None:
    window = MaintenanceWindow.model_validate(
        {
            "name": "backup",
            "match": {"service": "database"},
            "days": ["sunday"],
            "starts": starts,
            "ends": ends,
        }
    )
    moment = datetime.fromisoformat(f"{at}+00:00")
    expected = datetime.fromisoformat(f"{until}+00:00") if until else None
    assert window.ends_at(moment, BERLIN) == expected


def test_a_window_of_the_policy_holds_back_with_its_name() -> None:
    window = {"name": "backup", "match": {"service": "backend"}, "days": ["monday"]}
    policy = two_on_call(maintenance_windows=[{**window, "starts": "02:00", "ends": "04:00"}])
    hold = find_hold(alert(), [], policy, NOW)
    assert hold is not None
    assert (hold.decision, hold.until) == ("in_maintenance_window", NOW + HOUR)
    assert "'backup'" in hold.by


@pytest.mark.parametrize(
    ("window", "advice"),
    [
        (
            {"match": {}},
            "maintenance_windows.0.match: names nothing and would mean every alert; write at least",
        ),
        ({"starts": "04:00"}, "maintenance_windows.0: starts and ends at 04:00; write two different times"),
        ({"days": []}, "maintenance_windows.0.days"),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(window: dict[str, Any], advice: str) -> None:
    good = {
        "name": "x",
        "match": {"service": "database"},
        "days": ["sunday"],
        "starts": "02:00",
        "ends": "04:00",
    }
    data = merge(load_policy().model_dump(mode="json"), {"maintenance_windows": [good | window]})
    with pytest.raises(BadInput, match=r"maintenance_windows") as refused:
        validate_policy(data, source="test")
    assert advice in str(refused.value)


@pytest.mark.parametrize(
    ("named", "lasts", "reason", "advice"),
    [
        ({}, HOUR, "deploying", "names nothing and would mean every alert; write at least one of service"),
        ({"service": "backend"}, timedelta(0), "deploying", "write a later end"),
        ({"service": "backend"}, timedelta(days=31), "deploying", "longer than 30 days"),
        ({"service": "backend"}, HOUR, "", "reason"),
    ],
)
def test_a_silence_that_cannot_be_meant_is_refused(
    named: dict[str, str | None], lasts: timedelta, reason: str, advice: str
) -> None:
    with pytest.raises(BadInput) as refused:
        make_silence(
            named,
            sort="silence",
            starts_at=NOW,
            ends_at=NOW + lasts,
            person="ana",
            reason=reason,
            now=NOW,
        )
    assert advice in str(refused.value)


def test_a_silence_names_a_kind_that_there_is() -> None:
    assert Matcher.model_validate({"kind": "redis_down"}).kind is Kind.REDIS_DOWN
