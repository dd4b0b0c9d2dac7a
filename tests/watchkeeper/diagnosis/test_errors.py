"""Errors: an API that is down, the fallback that stands in for it, and a deployment that is to blame."""

from typing import Any

import pytest

from tests.watchkeeper.diagnosis.looks import (
    BAD,
    NEW,
    OK,
    OLD,
    POLICY,
    UNKNOWN,
    check,
    deployed,
    finding,
    health,
    ranked,
    runs,
    sentry,
    vendor_page,
)
from watchkeeper.diagnosis import ACT_ABOVE, AT_LEAST, diagnose
from watchkeeper.model import Check, Fault, Severity
from watchkeeper.policy.services import Service


def test_errors_of_a_site_that_is_down_are_another_runbooks() -> None:
    assert "errors_after_deploy" not in ranked(deployed(5), health(BAD, 500), sentry(), runs())


def test_a_release_that_was_gone_back_to_is_not_rolled_back() -> None:
    gone_back = check(
        "railway_deployments",
        OK,
        current=OLD,
        previous_good=None,
        deployed_minutes_ago=1,
        deployments=[OLD, NEW, OLD],
    )

    found = finding("errors_after_deploy", health(), gone_back, sentry(), runs())

    assert found.confidence < ACT_ABOVE
    assert "what was deployed lately ran before: Show delivery times" in found.against


def circuit(name: str, state: str = "open", **more: Any) -> Check:
    circuits = {name: {"state": state, "failures": 3, "fallback": "", "fell_back": 0} | more}
    return check("backend_detailed", OK, dependencies={"database": "ok"}, circuits=circuits)


@pytest.mark.parametrize(
    ("cause", "name", "own_look"),
    [
        ("gemini_down", "gemini", "gemini_health"),
        ("removebg_down", "removebg", "removebg_account"),
        ("stripe_down", "stripe", "stripe_endpoint"),
    ],
)
def test_an_open_circuit_names_the_api_that_is_down(cause: str, name: str, own_look: str) -> None:
    alone = finding(cause, circuit(name))
    half = finding(cause, circuit(name, "half_open"))

    assert alone.confidence == half.confidence >= ACT_ABOVE
    assert (alone.fault, bool(alone.advice)) == (Fault.VENDOR, True)
    seen = finding(cause, circuit(name), check(own_look, UNKNOWN, "answered 503"))
    assert seen.confidence > alone.confidence
    assert cause not in ranked(circuit(name, "closed"), check("gemini_health", UNKNOWN))


def test_a_fallback_is_confirmed_with_its_figures() -> None:
    used = finding("removebg_down", circuit("removebg", fallback="the original picture", fell_back=7))
    missing = finding("removebg_down", circuit("removebg"))

    assert used.advice[0].startswith("The fallback works: the original picture was used 7 times.")
    assert missing.advice[0].startswith("The backend tells of no fallback")
    assert AT_LEAST["removebg_down"] is Severity.P2


def test_the_note_to_stripes_support_is_ready_to_be_sent() -> None:
    endpoint = check("stripe_endpoint", OK, id="we_1")

    contact, note = finding("stripe_down", circuit("stripe"), endpoint, vendor_page("stripe")).advice

    assert contact.startswith("Contact Stripe support, https://support.stripe.com/contact")
    assert "seen at 2026-03-02 03:00 UTC" in note and "3 in a row" in note
    assert "major outage in eu-west" in note and "we_1" in note
    assert AT_LEAST["stripe_down"] is Severity.P0


def test_the_note_names_our_own_address_while_stripe_tells_nothing_of_it() -> None:
    address = "https://shop.example.com/webhooks/stripe"
    stripe = {"endpoint_url": address, "event_types": ["payment_intent.succeeded"]}
    payments = {"title": "Payments", "kind": "payment_failure", "stripe": stripe}
    services = {**POLICY.services, "payments": Service.model_validate(payments)}
    away = check("stripe_endpoint", UNKNOWN, "answered 503")

    found = diagnose([circuit("stripe"), away], POLICY.model_copy(update={"services": services}))

    assert any(address in line for line in found[0].advice)


@pytest.mark.parametrize(
    ("cause", "name", "own_look"),
    [("gemini_down", "gemini", "gemini_health"), ("stripe_down", "stripe", "stripe_endpoint")],
)
def test_a_release_of_just_now_is_left_alone_while_what_it_needs_is_down_for_us_too(
    cause: str, name: str, own_look: str
) -> None:
    """Its first errors are those of the API: by Sentry's split alone it would be rolled back."""
    broken = circuit(name).model_copy(update={"facts": circuit(name).facts | {"release": "r2"}})
    night = [health(), deployed(5), sentry(), broken]

    for_us_too = diagnose([*night, check(own_look, UNKNOWN, "answered 503")], POLICY)
    ours_alone = diagnose([*night, check(own_look, OK)], POLICY)

    assert for_us_too[0].cause == cause
    blamed = next(f for f in for_us_too if f.cause == "errors_after_deploy")
    assert blamed.confidence < ACT_ABOVE
    assert any("does not answer us either" in line for line in blamed.against)
    # A release may well break its own way to an API that is well.
    assert ours_alone[0].cause == "errors_after_deploy"


def test_what_has_a_fallback_explains_no_errors() -> None:
    open_one = circuit("removebg", fallback="the original picture")
    broken = open_one.model_copy(update={"facts": open_one.facts | {"release": "r2"}})

    found = diagnose([health(), deployed(5), sentry(), broken, check("removebg_account", UNKNOWN)], POLICY)

    assert found[0].cause == "errors_after_deploy"


def test_errors_while_an_api_is_down_are_not_blamed_on_the_deployment_alone() -> None:
    broken = circuit("gemini").model_copy(update={"facts": circuit("gemini").facts | {"release": "r2"}})

    blamed = finding("errors_after_deploy", health(), deployed(5), sentry(), broken)

    assert "the backend cannot use gemini" in blamed.against
