"""Whether somebody may sleep on: each reason, and nothing but the policy, the signatures and the time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.watchkeeper.house import two_on_call
from tests.watchkeeper.night.signing import at_night
from watchkeeper.model import Incident, Kind, Plan, Reading, Severity, Status
from watchkeeper.night.cures import find_cure
from watchkeeper.night.deciding import Told, may_act, may_sleep_on, may_wait
from watchkeeper.night.signatures import Signature, terms_of
from watchkeeper.policy import Policy

AT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
POLICY = at_night()


def signature(person: str = "ana", cause: str = "worker_crashed", **own: Any) -> Signature:
    known = {
        "id": 1,
        "person": person,
        "cause": cause,
        "terms": terms_of(find_cure(cause, POLICY), POLICY),
        "asked_by": "ben",
        "asked_at": AT,
        "sign_by": AT + timedelta(days=1),
        "ends_at": AT + timedelta(days=30),
        "signed_at": AT,
    }
    return Signature.model_validate(known | own)


SIGNED = [signature()]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("signed_in_advance", {}),
        ("signed_in_advance", {"policy": at_night(services=["worker"])}),
        ("not_at_night", {"now": AT.replace(hour=12)}),
        ("not_at_night", {"now": AT.replace(hour=7)}),
        ("severity_is_paged_at_once", {"severity": Severity.P0}),
        ("service_is_paged_at_once", {"policy": at_night(services=["redis"])}),
        ("nothing_signed_for_this", {"signatures": []}),
        ("nothing_signed_for_this", {"kind": Kind.REDIS_DOWN}),
        ("nothing_signed_for_this", {"signatures": [signature(signed_at=None)]}),
        ("nothing_signed_for_this", {"signatures": [signature(withdrawn_at=AT)]}),
        ("nothing_signed_for_this", {"signatures": [signature(ends_at=AT)]}),
        ("nothing_signed_for_this", {"signatures": [signature(cause="worker_crashed", ends_at=AT)]}),
        ("signed_by_somebody_who_is_not_on_call", {"person": "ben"}),
        ("policy_changed_since_it_was_signed", {"signatures": [signature(terms="others")]}),
        ("night_budget_used_up", {"used": 3}),
        ("night_budget_used_up", {"used": 2, "signatures": [signature(cause="stuck_job")]}),
        ("signed_in_advance", {"used": 2}),
    ],
)
def test_a_first_page_waits_only_for_what_was_signed(reason: str, told: dict[str, Any]) -> None:
    policy: Policy = told.get("policy", POLICY)
    signatures = told.get("signatures") or ([] if "signatures" in told else SIGNED)
    if "policy" in told:
        terms = terms_of(find_cure("worker_crashed", policy), policy)
        signatures = [s.model_copy(update={"terms": terms}) for s in signatures]
    holding = may_wait(
        told.get("kind", Kind.WORKER_STUCK),
        told.get("severity", Severity.P1),
        "worker",
        policy,
        Told(told.get("person", "ana"), signatures),
        told.get("now", AT),
        used=told.get("used", 0),
    )
    assert holding.reason == reason
    assert (holding.choice == "hold") is (reason == "signed_in_advance")


@pytest.mark.parametrize(
    ("own", "now", "until", "latest"),
    [
        # The guide calls a P1 a quarter of an hour before its answer is overdue: no page waits for longer.
        ({}, "03:00", "03:15", "03:45"),
        ({"night": {"cure_within": "2h"}}, "03:00", "03:45", "03:45"),
        ({"severities": {"P1": {"acknowledge_within": "10m"}}}, "03:00", "03:10", "03:10"),
        # The night's end is the end of waiting.
        ({}, "06:50", "07:00", "07:00"),
    ],
)
def test_it_waits_for_the_policys_time_and_never_past_the_guides_first_call(
    own: dict[str, Any], now: str, until: str, latest: str
) -> None:
    policy = two_on_call(**own)
    terms = terms_of(find_cure("worker_crashed", policy), policy)
    told = Told("ana", [signature(terms=terms)])
    at = datetime.fromisoformat(f"2026-03-02T{now}:00+00:00")
    holding = may_wait(Kind.WORKER_STUCK, Severity.P1, "worker", policy, told, at, used=0)
    assert (f"{holding.until:%H:%M}", f"{holding.latest:%H:%M}") == (until, latest)


def incident(**own: Any) -> Incident:
    known = {
        "id": 1,
        "kind": Kind.WORKER_STUCK,
        "severity": Severity.P1,
        "status": Status.IDENTIFIED,
        "service": "worker",
        "summary": "Worker is stuck",
        "source": "generic",
        "users_affected_percent": None,
        "started_at": AT,
        "detected_at": AT,
        "policy": {},
    }
    return Incident.model_validate(known | own)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("signed_in_advance", {}),
        ("cure_is_not_signed", {"cause": "stuck_job"}),
        ("cure_is_not_signed", {"person": "ben"}),
        ("change_is_not_signed", {"action": "roll_back_deployment"}),
        ("severity_is_paged_at_once", {"severity": Severity.P0}),
        ("night_is_over", {"now": AT.replace(hour=7)}),
        ("signed_in_advance", {"policy": at_night(services=["worker"])}),
        ("service_is_paged_at_once", {"policy": at_night(services=["redis"])}),
    ],
)
def test_only_a_change_that_was_signed_is_slept_through(reason: str, told: dict[str, Any]) -> None:
    plan = Plan(
        action=told.get("action", "restart_service"),
        target="worker",
        cause=told.get("cause", "worker_crashed"),
        summary="Restart the worker",
        preview=[],
    )
    policy: Policy = told.get("policy", POLICY)
    terms = terms_of(find_cure("worker_crashed", policy), policy)
    whose = Told(told.get("person", "ana"), [signature(terms=terms)])
    severity = told.get("severity", Severity.P1)
    assert may_act(plan, incident(severity=severity), policy, whose, told.get("now", AT)).reason == reason


def reading(probe: str, ok: bool, minute: int) -> Reading:
    at = AT + timedelta(minutes=minute)
    return Reading(probe=probe, service="worker", value=None, unit="", threshold=None, ok=ok, observed_at=at)


WATCHED = {"status": Status.MONITORING, "mitigated_at": AT + timedelta(minutes=5)}


@pytest.mark.parametrize(
    ("reason", "own", "readings", "at_work"),
    [
        ("better_and_being_watched", WATCHED, [reading("health", True, 6)], True),
        (
            "better_and_being_watched",
            WATCHED,
            [reading("health", False, 6), reading("health", True, 7)],
            True,
        ),
        ("not_cured_in_time", {"status": Status.IDENTIFIED}, [reading("health", True, 6)], True),
        ("not_better_in_time", WATCHED, [], True),
        ("not_better_in_time", WATCHED, [reading("health", True, 4)], True),
        ("not_better_in_time", WATCHED, [reading("health", True, 6), reading("queue", False, 6)], True),
        ("nobody_watches_whether_it_holds", WATCHED, [reading("health", True, 6)], False),
    ],
)
def test_its_person_sleeps_on_only_while_it_is_better_and_watched(
    reason: str, own: dict[str, Any], readings: list[Reading], at_work: bool
) -> None:
    now, latest = AT + timedelta(minutes=15), AT + timedelta(minutes=45)
    decision = may_sleep_on(incident(**own), readings, at_work=at_work, latest=latest, now=now)
    assert decision.reason == reason
    assert (decision.choice == "sleep") is (reason == "better_and_being_watched")


def test_what_is_not_proved_at_the_very_latest_wakes() -> None:
    now = AT + timedelta(minutes=45)
    decision = may_sleep_on(
        incident(**WATCHED), [reading("health", True, 6)], at_work=True, latest=now, now=now
    )
    assert (decision.choice, decision.reason) == ("wake", "not_proved_in_time")
