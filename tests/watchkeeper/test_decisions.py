"""Decisions: which severity, which incident, whom to page, which gate."""

from datetime import timedelta
from typing import Any

import pytest

from tests.rows import NOW, an_incident
from tests.watchkeeper.house import two_on_call
from watchkeeper.decisions import (
    first_pages,
    gate_for,
    hold_back,
    judge_severity,
    place,
    retry_after,
    routes_to_person,
    service_of_kind,
    stands_in_the_way,
)
from watchkeeper.model import Alert, Channel, Gate, Incident, Kind, Severity, Status
from watchkeeper.oncall import on_call
from watchkeeper.policy import Policy, load_policy


@pytest.fixture
def policy() -> Policy:
    return two_on_call()


def alert(**changes: object) -> Alert:
    told = {
        "source": "generic",
        "fingerprint": "f",
        "service": "backend",
        "kind": Kind.SITE_OUTAGE,
        "summary": "down",
        "started_at": NOW,
    }
    return Alert.model_validate(told | changes)


def incident(policy: Policy, **changes: object) -> Incident:
    return an_incident(policy=policy.model_dump(mode="json"), **({"status": Status.DETECTED} | changes))


@pytest.mark.parametrize(
    ("told", "severity", "reason"),
    [
        ({"severity": "P3"}, "P3", "chosen_by_person"),
        ({}, "P0", "kind_site_outage"),
        ({"kind": "other"}, "P3", "kind_other"),
        ({"kind": "other", "users_affected_percent": 51}, "P0", "users_affected_over_p0_limit"),
        ({"kind": "other", "users_affected_percent": 50}, "P1", "users_affected_over_p1_limit"),
        ({"kind": "other", "users_affected_percent": 9.9}, "P2", "users_affected_over_p2_limit"),
        ({"kind": "other", "users_affected_percent": 0.9}, "P3", "few_users_affected"),
        ({"kind": "high_error_rate"}, "P1", "kind_high_error_rate"),
        ({"kind": "high_error_rate", "error_rate_percent": 5.1}, "P1", "error_rate_over_p1_limit"),
        ({"kind": "high_error_rate", "error_rate_percent": 5}, "P2", "error_rate_over_p2_limit"),
        ({"kind": "high_error_rate", "error_rate_percent": 0.5}, "P3", "error_rate_low"),
        ({"kind": "redis_down", "users_affected_percent": 60}, "P0", "users_affected_over_p0_limit"),
    ],
)
def test_severity_follows_the_guides_table(
    told: dict[str, object], severity: str, reason: str, policy: Policy
) -> None:
    assert judge_severity(alert(**told), policy) == (severity, reason)


def test_what_depends_on_a_service_that_is_down_joins_its_incident(policy: Policy) -> None:
    placed = place(alert(service="payments"), [incident(policy)], policy, NOW)
    assert (placed.choice, placed.incident_id) == ("attach", 7)
    assert placed.reason == "depends_on_service_already_down"


def test_what_the_open_incident_depends_on_becomes_its_subject(policy: Policy) -> None:
    open_one = incident(policy, service="backend", kind=Kind.SITE_OUTAGE)
    placed = place(alert(service="database"), [open_one], policy, NOW)
    assert (placed.choice, placed.incident_id) == ("deepen", 7)


@pytest.mark.parametrize("status", [Status.IDENTIFIED, Status.MONITORING])
def test_what_a_cure_disturbs_does_not_become_its_subject(policy: Policy, status: Status) -> None:
    """A restart takes the database's address away for a second, and the payments' incident stays one of payments."""
    at_work = incident(policy, service="payments", kind=Kind.PAYMENT_FAILURE, status=status)
    placed = place(alert(service="database"), [at_work], policy, NOW)
    assert (placed.choice, placed.incident_id) == ("attach", 7)


def test_an_unrelated_service_opens_an_incident_of_its_own(policy: Policy) -> None:
    placed = place(alert(service="redis"), [incident(policy)], policy, NOW)
    assert (placed.choice, placed.incident_id) == ("open", None)


def test_two_that_need_the_same_service_are_one_incident_until_its_cause_is_cured(policy: Policy) -> None:
    """Whose monitor is the first to see that the database is gone is chance."""
    payments = {"service": "payments", "kind": Kind.PAYMENT_FAILURE}
    placed = place(alert(service="worker"), [incident(policy, **payments)], policy, NOW)
    assert (placed.choice, placed.incident_id) == ("attach", 7)
    assert placed.reason == "depends_on_the_same_service"

    cured = incident(policy, **payments, mitigated_at=NOW - timedelta(minutes=16))
    assert place(alert(service="worker"), [cured], policy, NOW).choice == "open"


def looked_at_through_the_backend(policy: Policy) -> Policy:
    backend = policy.services["backend"].model_copy(
        update={"depends_on": ["database", "redis"], "detailed_health_url": "https://shop.test/health"}
    )
    return policy.model_copy(update={"services": {**policy.services, "backend": backend}})


@pytest.mark.parametrize(
    ("cured_ago", "choice"),
    [(None, "attach"), (timedelta(minutes=15), "attach"), (timedelta(minutes=16), "open")],
)
def test_what_is_seen_through_the_same_service_fails_along_with_it_until_the_cure_has_settled(
    cured_ago: timedelta | None, choice: str, policy: Policy
) -> None:
    shop = looked_at_through_the_backend(policy)
    mitigated_at = None if cured_ago is None else NOW - cured_ago

    placed = place(alert(service="redis"), [incident(shop, mitigated_at=mitigated_at)], shop, NOW)

    assert placed.choice == choice


def test_an_old_incident_explains_nothing_new(policy: Policy) -> None:
    later = NOW + policy.correlate_within + timedelta(seconds=1)
    assert place(alert(), [incident(policy)], policy, later).choice == "open"


@pytest.mark.parametrize(
    ("state", "choice"),
    [
        ({"lease_until": timedelta(seconds=9)}, "attach"),
        ({"lease_until": timedelta(seconds=-1)}, "open"),
        ({"waiting_for": "approval"}, "attach"),
        ({"waiting_for": "person", "lease_until": timedelta(seconds=9)}, "open"),
    ],
)
def test_an_old_incident_explains_what_comes_while_its_response_is_at_work(
    state: dict[str, Any], choice: str, policy: Policy
) -> None:
    later = NOW + policy.correlate_within + timedelta(seconds=1)
    if "lease_until" in state:
        state = state | {"lease_until": later + state["lease_until"]}
    assert place(alert(), [incident(policy, **state)], policy, later).choice == choice


def test_the_end_of_something_unknown_opens_nothing(policy: Policy) -> None:
    assert place(alert(firing=False), [], policy, NOW).choice == "record"


def test_p0_wakes_the_primary_by_voice_sms_and_email(policy: Policy) -> None:
    routes = first_pages(Severity.P0, policy, on_call(policy, [], NOW))
    assert [(r.recipient, r.channel) for r in routes] == [("ana", "voice"), ("ana", "sms"), ("ana", "email")]
    assert routes[1].fallback == [Channel.VOICE, Channel.EMAIL]


def test_a_person_without_a_phone_is_reached_by_email_alone(policy: Policy) -> None:
    people = dict(policy.people, ana=policy.people["ana"].model_copy(update={"phone": None}))
    routes = routes_to_person("ana", list(Channel), policy.model_copy(update={"people": people}))
    assert [(r.channel, r.fallback) for r in routes] == [(Channel.EMAIL, [])]


@pytest.mark.parametrize(
    ("autonomy", "action", "gate", "reason"),
    [
        ({}, "end_idle_connections", Gate.NONE, "guide_does_it_unasked"),
        ({}, "roll_back_deployment", Gate.APPROVAL, "guide_asks_a_person_first"),
        (
            {"actions": {"roll_back_deployment": "act"}},
            "roll_back_deployment",
            Gate.APPROVAL,
            "guide_asks_a_person_first",
        ),
        ({"default": "ask"}, "restart_service", Gate.APPROVAL, "autonomy_ask"),
        ({"default": "observe"}, "restart_service", Gate.OBSERVE, "autonomy_observe"),
        ({"actions": {"restart_service": "observe"}}, "restart_service", Gate.OBSERVE, "autonomy_observe"),
    ],
)
def test_gate(autonomy: dict[str, object], action: str, gate: Gate, reason: str, policy: Policy) -> None:
    rules = policy.autonomy.model_validate(autonomy)
    assert gate_for(action, policy.model_copy(update={"autonomy": rules})) == (gate, reason)


def test_a_message_is_tried_four_times_before_another_channel_takes_over() -> None:
    assert [retry_after(attempts) is not None for attempts in (1, 2, 3, 4)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("kind", "near", "service"),
    [
        (Kind.SITE_OUTAGE, "database", "backend"),
        (Kind.SITE_OUTAGE, "frontend", "frontend"),
        (Kind.DATABASE_DOWN, "frontend", "database"),
        (Kind.OTHER, "backend", None),
    ],
)
def test_an_incident_is_about_the_nearest_service_of_its_kind(
    kind: Kind, near: str, service: str | None
) -> None:
    assert service_of_kind(kind, near, load_policy()) == service


@pytest.mark.parametrize(
    ("action", "kind", "red", "held_for"),
    [
        ("restart_service", Kind.SITE_OUTAGE, {"railway"}, "waits_for_railway"),
        ("roll_back_deployment", Kind.SITE_OUTAGE, {"railway"}, "waits_for_railway"),
        ("raise_resources", Kind.SITE_OUTAGE, {"railway"}, "waits_for_railway"),
        ("end_idle_connections", Kind.DATABASE_DOWN, {"supabase"}, "waits_for_supabase"),
        ("delete_data", Kind.DATABASE_DOWN, {"supabase"}, "waits_for_supabase"),
        # Restarting who waits for the database brings it no nearer; one that is out of memory it helps all the same.
        ("restart_service", Kind.DATABASE_DOWN, {"supabase"}, "waits_for_supabase"),
        ("restart_service", Kind.SITE_OUTAGE, {"supabase"}, None),
        ("roll_back_deployment", Kind.SITE_OUTAGE, {"supabase", "upstash"}, None),
        ("end_idle_connections", Kind.DATABASE_DOWN, {"railway"}, None),
        ("roll_back_frontend", Kind.SITE_OUTAGE, {"vercel"}, "waits_for_vercel"),
        ("promote_frontend", Kind.SITE_OUTAGE, {"vercel"}, "waits_for_vercel"),
        ("roll_back_frontend", Kind.SITE_OUTAGE, {"railway"}, None),
        ("roll_back_deployment", Kind.SITE_OUTAGE, {"vercel"}, None),
        ("resend_events", Kind.PAYMENT_FAILURE, {"stripe"}, "waits_for_stripe"),
        ("replace_signing_secret", Kind.PAYMENT_FAILURE, {"stripe"}, "waits_for_stripe"),
        ("replace_signing_secret", Kind.PAYMENT_FAILURE, {"railway"}, "waits_for_railway"),
        ("restart_service", Kind.PAYMENT_FAILURE, {"stripe"}, None),
        # What stalls while Redis is away goes on when it is back; failing it, or a restart, would only harm.
        ("fail_job", Kind.WORKER_STUCK, {"upstash"}, "waits_for_upstash"),
        ("restart_service", Kind.WORKER_STUCK, {"upstash"}, "waits_for_upstash"),
        ("restart_service", Kind.SITE_OUTAGE, {"upstash"}, None),
        ("end_idle_connections", Kind.DATABASE_DOWN, set(), None),
        ("restart_service", Kind.DATABASE_DOWN, {"supabase", "railway"}, "waits_for_railway"),
    ],
)
def test_what_a_vendors_outage_makes_useless_is_held_back(
    action: str, kind: Kind, red: set[str], held_for: str | None
) -> None:
    decision = hold_back(action, kind, red)

    assert decision.choice == ("hold" if held_for else "go")
    assert held_for is None or decision.reason == held_for


def test_what_does_no_harm_while_a_vendor_is_away_is_not_held_back() -> None:
    assert hold_back("open_hotfix", Kind.SITE_OUTAGE, {"railway", "supabase"}).choice == "go"


@pytest.mark.parametrize(
    ("away", "red", "vendor"),
    [
        ("railway", {"railway"}, "railway"),
        ("railway", {"vercel"}, ""),
        ("postgres", {"supabase"}, "supabase"),
        ("redis", {"upstash"}, "upstash"),
        ("bullmq", {"upstash"}, "upstash"),
        # Nothing that is held back goes through GitHub.
        ("github", {"github"}, ""),
        ("", {"railway"}, ""),
    ],
)
def test_who_is_away_is_waited_for_where_its_own_page_is_red(away: str, red: set[str], vendor: str) -> None:
    assert stands_in_the_way(away, red) == vendor
