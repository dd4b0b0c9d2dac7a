"""The downtime ledger: the same minute never counts twice."""

import random
from datetime import timedelta

import pytest

from tests.watchkeeper.figures.past_incidents import AT, past
from watchkeeper.figures.ledger import Account, service_accounts, vendor_accounts
from watchkeeper.figures.past import Past, month_of
from watchkeeper.policy import load_policy

POLICY = load_policy()
MARCH = month_of("2026-03", POLICY.calendar)
LATER = MARCH.ends + timedelta(days=3)


def of(service: str, *incidents: Past) -> Account:
    return next(a for a in service_accounts(incidents, POLICY, MARCH, LATER) if a.name == service)


def test_overlapping_outages_are_one_to_the_minute() -> None:
    backend = of("backend", past(1), past(2, started_at=20, detected_at=21, mitigated_at=50))
    (outage,) = backend.outages
    assert (outage.starts, outage.ends) == (AT, AT + timedelta(minutes=50))
    assert outage.numbers == ("INC-0001", "INC-0002")
    assert backend.availability_percent == pytest.approx(100 * (1 - 50 / (31 * 24 * 60)))


def test_minute_that_was_touched_counts_whole() -> None:
    backend = of("backend", past(started_at=0.5, detected_at=0.9, mitigated_at=1.2))
    assert backend.minutes == 2


def test_what_a_service_cannot_work_without_takes_it_down() -> None:
    database = past(kind="database_down", service="database")
    assert {name: of(name, database).minutes for name in ("database", "backend", "frontend", "redis")} == {
        "database": 30,
        "backend": 30,
        "frontend": 30,
        "redis": 0,
    }


def test_errors_degrade_a_service_and_do_not_take_it_down() -> None:
    assert of("backend", past(kind="high_error_rate")).minutes == 0


def test_only_the_months_part_counts() -> None:
    before = past(started_at=-4 * 24 * 60, detected_at=-4 * 24 * 60)
    assert of("backend", before).minutes == (AT + timedelta(minutes=30) - MARCH.starts) // timedelta(
        minutes=1
    )


def test_open_incident_lasts_until_now() -> None:
    open_one = past(status="investigating", mitigated_at=None, resolved_at=None)
    account = service_accounts([open_one], POLICY, MARCH, AT + timedelta(minutes=7))[0]
    assert (account.name, account.minutes) == ("backend", 7)


def test_vendors_account_holds_what_was_found_to_be_its_outage() -> None:
    known = past(1, cause="supabase_outage", cause_confidence=0.9)
    guess = past(2, cause="railway_outage", cause_confidence=0.4)
    (account,) = vendor_accounts([known, guess, past(3)], MARCH, LATER)
    assert (account.name, account.minutes) == ("supabase", 30)


def test_ledger_agrees_with_counting_each_minute() -> None:
    chance = random.Random(5)  # noqa: S311  # it must fall alike each time
    incidents = []
    for number in range(60):
        start = chance.randrange(29 * 24 * 60)
        end = start + chance.randrange(1, 600)
        incidents.append(past(number, started_at=start, detected_at=start, mitigated_at=end))
    minutes = {
        m
        for i in incidents
        if i.ended_at
        for m in range((i.started_at - AT) // timedelta(minutes=1), (i.ended_at - AT) // timedelta(minutes=1))
    }
    inside = {m for m in minutes if AT + timedelta(minutes=m) < MARCH.ends}
    assert of("backend", *incidents).minutes == len(inside)
