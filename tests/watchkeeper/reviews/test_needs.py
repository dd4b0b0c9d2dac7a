"""When a post-mortem is written: the guide's two lists, each with its named reasons."""

from datetime import timedelta
from typing import Any

import pytest

from tests.rows import NOW, an_incident
from tests.watchkeeper.house import two_on_call
from watchkeeper.model import Incident, Kind, Severity
from watchkeeper.reviews.needs import PAYMENT_CAUSES, Facts, Need, judge_need

POLICY = two_on_call()
DAY, TWO_DAYS = timedelta(hours=24), timedelta(hours=48)


def ended(severity: Severity, **more: Any) -> Incident:
    known = {"kind": Kind.OTHER, "severity": severity, "service": "backend", "summary": "Backend is slow"}
    return an_incident(**(known | more))


@pytest.mark.parametrize(
    ("severity", "facts", "reasons", "within"),
    [
        ("P0", {}, ["severity_p0"], DAY),
        ("P1", {}, ["severity_p1"], TWO_DAYS),
        ("P0", {"complaints": 2}, ["severity_p0", "customer_complained"], DAY),
        ("P2", {"touched_payments": True}, ["touched_payments"], TWO_DAYS),
        ("P3", {"touched_payments": True}, ["touched_payments"], TWO_DAYS),
        ("P3", {"complaints": 1}, ["customer_complained"], TWO_DAYS),
    ],
)
def test_a_post_mortem_is_required(
    severity: Severity, facts: dict[str, Any], reasons: list[str], within: timedelta
) -> None:
    need = judge_need(ended(Severity(severity)), Facts(**facts), POLICY)
    assert need == Need("required", reasons, within)


@pytest.mark.parametrize(
    ("severity", "incident", "facts", "reasons"),
    [
        ("P2", {}, {"causes": 0}, ["cause_not_found"]),
        ("P2", {}, {"causes": 1, "failed_changes": 1}, ["change_did_not_work"]),
        (
            "P2",
            {"round": 2, "handed_over_at": NOW},
            {"causes": 1},
            ["took_several_rounds", "handed_to_a_person"],
        ),
        ("P2", {}, {"causes": 1, "late": 1}, ["deadline_missed"]),
        ("P2", {"kind": Kind.SITE_OUTAGE}, {"causes": 1}, ["near_miss"]),
        ("P3", {"users_affected_percent": 40}, {}, ["near_miss"]),
        ("P3", {}, {"kinds": ["other", "database_down"]}, ["near_miss"]),
        ("P3", {}, {"repeats": 3}, ["repeated_p3"]),
    ],
)
def test_a_post_mortem_is_recommended(
    severity: Severity, incident: dict[str, Any], facts: dict[str, Any], reasons: list[str]
) -> None:
    need = judge_need(ended(Severity(severity), **incident), Facts.model_validate(facts), POLICY)
    assert need == Need("recommended", reasons)


@pytest.mark.parametrize(
    ("severity", "incident", "facts"),
    [
        ("P2", {}, {"causes": 1}),
        ("P3", {"users_affected_percent": 39.9}, {"repeats": 2, "failed_changes": 3}),
        ("P3", {}, {"kinds": ["redis_down"]}),
    ],
)
def test_the_rest_is_left_to_people(
    severity: Severity, incident: dict[str, Any], facts: dict[str, Any]
) -> None:
    need = judge_need(ended(Severity(severity), **incident), Facts.model_validate(facts), POLICY)
    assert need == Need("optional", [])


def test_a_payment_failure_is_about_payments_whatever_its_alerts_were() -> None:
    incident = ended(Severity.P2, kind=Kind.PAYMENT_FAILURE)
    assert judge_need(incident, Facts(), POLICY).reasons == ["touched_payments"]
    assert {"stripe_endpoint_down", "stripe_signature", "stripe_outage", "stripe_down"} <= set(PAYMENT_CAUSES)
