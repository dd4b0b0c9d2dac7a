"""Payments fail."""

from collections import Counter
from typing import Any

from drills.scenarios.scenario import Counterpart, Scenario, Step

# The newest payments may still be on their way when the night is over.
ON_ITS_WAY_SECONDS = 4


def tonight(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """This night's payments, oldest first."""
    began = before["stripe"]["now"] - ON_ITS_WAY_SECONDS
    return [event for event in after["stripe"]["events"] if event["created"] >= began]


def settled(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of them that had time to become orders."""
    until = after["stripe"]["now"] - ON_ITS_WAY_SECONDS
    return [event for event in tonight(before, after) if event["created"] <= until]


def every_payment_is_an_order(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Each payment has exactly one order, of its amount."""
    if after["paid_orders"] is None:
        return ["the company's orders could not be read"]
    rows = Counter(order["event_id"] for order in after["paid_orders"])
    amounts = {order["event_id"]: order["amount"] for order in after["paid_orders"]}
    failures = []
    for event in settled(before, after):
        if rows[event["id"]] != 1:
            failures.append(f"{event['id']} has {rows[event['id']]} orders")
        elif amounts[event["id"]] != event["amount"]:
            failures.append(
                f"the order of {event['id']} is over {amounts[event['id']]}, not {event['amount']}"
            )
    return failures if settled(before, after) else ["nobody paid anything"]


def sent_again_once_in_order(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Something was sent again; nothing twice, nothing younger before anything older."""
    asked = [
        (attempt["at"], event)
        for event in tonight(before, after)
        for attempt in event["attempts"]
        if attempt["by"] == "retry"
    ]
    failures = [] if asked else ["nothing was sent again"]
    twice = Counter(event["id"] for _, event in asked)
    failures += [f"{each} was sent again {times} times" for each, times in twice.items() if times > 1]
    created = [event["created"] for _, event in sorted(asked, key=lambda pair: pair[0])]
    return failures + ([] if created == sorted(created) else ["not sent again oldest first"])


def every_payment_arrived(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    undelivered = [
        f"{event['id']} was not delivered" for event in settled(before, after) if not event["delivered"]
    ]
    return [
        *undelivered,
        *every_payment_is_an_order(before, after),
        *sent_again_once_in_order(before, after),
    ]


def secret_was_replaced(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The endpoint of the beginning is disabled and one other serves, with its secret in the company's variables."""
    known = {endpoint["id"] for endpoint in before["stripe"]["endpoints"] if endpoint["status"] == "enabled"}
    enabled = {endpoint["id"] for endpoint in after["stripe"]["endpoints"] if endpoint["status"] == "enabled"}
    failures = [f"the replaced endpoint {each} is enabled" for each in sorted(known & enabled)]
    if len(enabled - known) != 1:
        failures.append(f"{len(enabled - known)} new endpoints are enabled, not one")
    return [*failures, *every_payment_is_an_order(before, after)]


SCENARIOS = (
    Scenario(
        name="stripe-endpoint-down",
        title="The webhook handler hangs; restarted, and every payment it missed is sent again, once",
        faults=(Step("/control/company/fault/webhook-lock", {}),),
        cause="stripe_endpoint_down",
        needs_approval=False,
        cure={"railway:deploymentRestart": 1},
        proof=every_payment_arrived,
        counterpart=Counterpart(
            title="The webhook handler hangs; restarted, but the key may not send anything again",
            way="is refused",
            first=(Step("/control/fail/stripe", {"status": 403, "times": 1000, "match": "/retry"}),),
            at_most={"railway:deploymentRestart": 1, "stripe:/retry": 1},
        ),
    ),
    Scenario(
        name="stripe-signature",
        title="Stripe's signing secret was rolled and nobody told; replaced after a person approves",
        faults=(Step("/control/stripe/roll", {}),),
        cause="stripe_signature",
        needs_approval=True,
        cure={
            "stripe:POST /v1/webhook_endpoints url=": 1,
            "railway:variableUpsert": 1,
            "stripe:disabled=true": 1,
        },
        proof=secret_was_replaced,
        counterpart=Counterpart(
            title="Stripe's signing secret was rolled; approved, but Railway refuses the variable",
            way="is refused",
            first=(Step("/control/fail/railway", {"status": 403, "times": 1000, "match": "variableUpsert"}),),
            at_most={
                "stripe:POST /v1/webhook_endpoints url=": 1,
                "railway:variableUpsert": 1,
                "stripe:disabled=true": 1,
                "stripe:/retry": 0,
            },
        ),
    ),
)
