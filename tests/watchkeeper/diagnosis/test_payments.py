"""Payments: the endpoint, its secret, Stripe itself, and what a site that is down explains."""

import pytest

from tests.watchkeeper.diagnosis.looks import BAD, OK, POLICY, UNKNOWN, check, health, memory, vendor_page
from watchkeeper.diagnosis import ACT_ABOVE, diagnose
from watchkeeper.model import Check


def webhooks(*newest: str, database: str = "ok") -> Check:
    told = {"received": 9, "signature_failures": newest.count("signature"), "errors": newest.count("error")}
    facts = {"dependencies": {"database": database}, "webhooks": {**told, "newest": list(newest)}}
    return check("backend_detailed", OK if database == "ok" else BAD, **facts)


def not_delivered(count: int) -> Check:
    facts = {
        "newest_undelivered": count,
        "undelivered": count,
        "total": f"{count} payments",
        "lines": ["evt_1"],
    }
    return check("stripe_events", BAD if count else OK, **facts)


ENDPOINT = check("stripe_endpoint", OK).model_copy(update={"facts": {"status": "enabled"}})
UNWELL = check("payments_health", BAD, "answers 503")


def payment_confidence(*checks: Check) -> dict[str, float]:
    return {
        finding.cause: finding.confidence for finding in diagnose(checks, POLICY) if "stripe" in finding.cause
    }


def test_a_handler_that_answers_errors_while_the_rest_serves_is_down_by_itself() -> None:
    found = payment_confidence(health(), webhooks("error", "error"), UNWELL, ENDPOINT, not_delivered(3))

    assert found["stripe_endpoint_down"] == 1
    assert "stripe_signature" not in found


@pytest.mark.parametrize(
    "site", [[health(BAD, 500)], [health(), webhooks("error", "error", database="error")], []]
)
def test_a_site_that_is_down_comes_first_and_what_was_missed_is_named(site: list[Check]) -> None:
    [finding] = [
        f for f in diagnose([*site, UNWELL, not_delivered(3)], POLICY) if f.cause == "stripe_endpoint_down"
    ]

    assert finding.confidence < ACT_ABOVE
    assert finding.evidence == ["Stripe could not deliver 3 payments"]
    assert finding.advice[1:] == ["evt_1", "and 2 more"]


def test_a_secret_that_does_not_match_loses_payments() -> None:
    found = payment_confidence(
        health(), webhooks("signature", "signature"), UNWELL, ENDPOINT, not_delivered(3)
    )

    assert found["stripe_signature"] == 1
    assert found["stripe_endpoint_down"] < ACT_ABOVE


def test_a_strangers_forgeries_replace_no_secret() -> None:
    found = payment_confidence(
        health(), webhooks("signature", "signature"), UNWELL, ENDPOINT, not_delivered(0)
    )

    assert found.get("stripe_signature", 0) < ACT_ABOVE


def test_stripes_own_trouble_is_stripes() -> None:
    found = payment_confidence(health(), vendor_page("stripe"), check("stripe_events", UNKNOWN))

    assert found == {"stripe_outage": 1}


FULL = check("railway_metrics", OK, cpu_share=0.99, cpu_limit=1.0)
LATE = (
    check("backend_health", OK, status_code=200, seconds=3.0),
    check("payments_health", OK, status_code=200, seconds=3.0),
)
WELL = (health(), webhooks("ok"), check("payments_health", OK), ENDPOINT)


@pytest.mark.parametrize(
    ("checks", "confidence"),
    [
        ((*WELL, not_delivered(3)), 1.0),
        # Something else is at work: it comes first, and is likelier.
        ((*WELL, not_delivered(3), check("queue", BAD)), 0.56),
        # What the night before left undelivered keeps nobody from seeing why the site leads nowhere in this one.
        ((*WELL, not_delivered(3), check("dns", BAD)), 0.56),
        # Between two kills for its memory a backend answers well; one that merely has much is well.
        ((*WELL, not_delivered(3), memory(0.15, falls=1)), 0.56),
        ((*WELL, not_delivered(3), memory(0.15)), 1.0),
        ((*WELL, not_delivered(3), memory(0.15, falls=1, limit=0.3)), 1.0),
        # So does one that lacks processors, between two stalls; one that is merely busy is well.
        ((*WELL, not_delivered(3), FULL, *LATE), 0.56),
        ((*WELL, not_delivered(3), FULL), 1.0),
        ((*WELL, not_delivered(3), check("railway_metrics", OK, cpu_share=0.5, cpu_limit=1.0)), 1.0),
        ((*WELL, not_delivered(0)), None),
        ((health(), UNWELL, ENDPOINT, not_delivered(3)), None),
        ((health(), webhooks("signature"), ENDPOINT, not_delivered(3)), None),
        ((health(BAD, 500), ENDPOINT, not_delivered(3)), None),
        ((health(), not_delivered(3)), None),
    ],
)
def test_what_an_outage_left_undelivered_only_has_to_be_sent_again(
    checks: tuple[Check, ...], confidence: float | None
) -> None:
    found = {finding.cause: finding.confidence for finding in diagnose(checks, POLICY)}

    assert found.get("events_undelivered") == confidence
