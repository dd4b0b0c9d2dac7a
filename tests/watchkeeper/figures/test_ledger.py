"""The downtime ledger: the same minute never counts twice."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.watchkeeper.figures.past_incidents import AT, past
from watchkeeper.figures.ledger import (
    Account,
    alike,
    cost_of_incident,
    service_accounts,
    vendor_accounts,
    whole_cost,
)
from watchkeeper.figures.past import Past, month_of
from watchkeeper.money import Money
from watchkeeper.policy import Policy, load_policy, merge, validate_policy

POLICY = load_policy()
MARCH = month_of("2026-03", POLICY.calendar)
LATER = MARCH.ends + timedelta(days=3)


def of(service: str, *incidents: Past) -> Account:
    return next(a for a in service_accounts(incidents, POLICY, MARCH, LATER) if a.name == service)


def test_overlapping_outages_are_one_to_the_minute() -> None:
    backend = of("backend", past(1), past(2, started_at=20, detected_at=21, recovered_at=50))
    (outage,) = backend.outages
    assert (outage.starts, outage.ends) == (AT, AT + timedelta(minutes=50))
    assert outage.numbers == ("INC-0001", "INC-0002")
    assert backend.availability_percent == pytest.approx(100 * (1 - 50 / (31 * 24 * 60)))


def test_minute_that_was_touched_counts_whole() -> None:
    backend = of("backend", past(started_at=0.5, detected_at=0.9, recovered_at=1.2))
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
    open_one = past(status="investigating", recovered_at=None, resolved_at=None)
    account = service_accounts([open_one], POLICY, MARCH, AT + timedelta(minutes=7))[0]
    assert (account.name, account.minutes) == ("backend", 7)


def test_vendors_account_holds_what_was_found_to_be_its_outage() -> None:
    known = past(1, cause="supabase_outage", cause_confidence=0.9)
    guess = past(2, cause="railway_outage", cause_confidence=0.4)
    (account,) = vendor_accounts([known, guess, past(3)], POLICY, MARCH, LATER)
    assert (account.name, account.minutes) == ("supabase", 30)


def test_ledger_agrees_with_counting_each_minute() -> None:
    chance = random.Random(5)  # noqa: S311  # it must fall alike each time
    incidents = []
    for number in range(60):
        start = chance.randrange(29 * 24 * 60)
        end = start + chance.randrange(1, 600)
        incidents.append(past(number, started_at=start, detected_at=start, recovered_at=end))
    minutes = {
        m
        for i in incidents
        if i.ended_at
        for m in range((i.started_at - AT) // timedelta(minutes=1), (i.ended_at - AT) // timedelta(minutes=1))
    }
    inside = {m for m in minutes if AT + timedelta(minutes=m) < MARCH.ends}
    assert of("backend", *incidents).minutes == len(inside)


def costing(general: Any, **services: Any) -> Policy:
    """The shipped policy, with what an hour costs in euros: of anything, and of single services."""
    data = load_policy().model_dump(mode="json")
    for name, figure in services.items():
        data["services"][name]["revenue_per_hour"] = figure
    costs = {"costs": {"currency": "EUR", "revenue_per_hour": general}}
    return validate_policy(merge(data, costs), source="test")


def told(amount: Money | None) -> str | None:
    return amount.in_words() if amount else None


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (POLICY, None),
        (costing(None), None),
        (costing(120), "60.00 EUR"),
        (costing("120.10"), "60.05 EUR"),
        (costing("0.05"), "0.03 EUR"),  # half a cent and more is a cent
        (costing(120, frontend=300), "150.00 EUR"),
        (costing(120, backend=0, frontend=0, payments=0), "0.00 EUR"),
        (costing(None, payments=80), "40.00 EUR"),
        (costing(None, worker=80), None),  # the worker does not need the backend
    ],
)
def test_half_an_hour_costs_half_of_the_highest_figure_of_what_was_down(
    policy: Policy, expected: str
) -> None:
    cost = cost_of_incident(past(), policy, LATER)
    assert (told(cost.amount), cost.services, cost.minutes) == (
        expected,
        ("backend", "frontend", "payments"),
        30,
    )


def test_services_that_are_down_together_cost_once_and_each_layer_for_its_own_minutes() -> None:
    policy = costing(60, frontend=600)
    whole = past(1)  # half an hour at 600, the website with it
    worker = past(2, service="worker", kind="worker_stuck", started_at=15, detected_at=15, recovered_at=75)
    accounts = service_accounts([whole, worker], policy, MARCH, LATER)
    costs = {each.name: told(each.cost) for each in accounts if each.minutes}
    assert costs == {
        "backend": "30.00 EUR",
        "frontend": "300.00 EUR",
        "payments": "30.00 EUR",
        "worker": "60.00 EUR",
    }
    assert told(whole_cost(accounts, policy)) == "345.00 EUR"  # 30 minutes at 600, 45 more at 60


def test_services_with_the_same_outages_are_told_of_together() -> None:
    accounts = service_accounts([past(1), past(2, service="redis", kind="redis_down")], POLICY, MARCH, LATER)
    assert [names for names, _ in alike(accounts)] == [
        ["backend", "frontend", "payments"],
        ["redis", "worker"],
    ]


def test_errors_that_take_nothing_down_have_no_price() -> None:
    cost = cost_of_incident(past(kind="high_error_rate"), costing(120), LATER)
    assert cost.services == () and told(cost.amount) == "0.00 EUR"


def test_vendors_outage_costs_what_it_took_down() -> None:
    down = past(1, cause="railway_outage", cause_confidence=0.9)
    slow = past(2, cause="gemini_down", cause_confidence=0.9, kind="high_error_rate")
    accounts = vendor_accounts([down, slow], costing(120), MARCH, LATER)
    assert {each.name: told(each.cost) for each in accounts} == {"gemini": "0.00 EUR", "railway": "60.00 EUR"}
    assert [each.cost for each in vendor_accounts([down], POLICY, MARCH, LATER)] == [None]


def test_cost_agrees_with_adding_up_each_minute() -> None:
    policy, chance = costing(90, frontend=250, worker=10), random.Random(9)  # noqa: S311  # alike each time
    rates = {"backend": 90, "frontend": 250, "payments": 90, "worker": 10}
    downs = {"backend": ("backend", "frontend", "payments"), "worker": ("worker",)}
    worst: dict[int, int] = {}
    incidents = []
    for number in range(40):
        service = chance.choice(("backend", "worker"))
        start = chance.randrange(25 * 24 * 60)
        end = start + chance.randrange(1, 3000)
        kind = "site_outage" if service == "backend" else "worker_stuck"
        incidents.append(
            past(number, service=service, kind=kind, started_at=start, detected_at=start, recovered_at=end)
        )
        for minute in range(start, end):
            highest = max(rates[each] for each in downs[service])
            worst[minute] = max(worst.get(minute, 0), highest)
    cost = whole_cost(service_accounts(incidents, policy, MARCH, LATER), policy)
    assert cost is not None
    assert cost.amount == Decimal(sum(worst.values())) / 60
