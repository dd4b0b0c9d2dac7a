"""What can take payments down. Pure.

A site that is down as a whole takes no webhooks either: then its own runbook comes first, and what was not
delivered meanwhile is named here all the same.
"""

from typing import Any

from watchkeeper.diagnosis.case import Case, Cause, Looks
from watchkeeper.diagnosis.database import database_state
from watchkeeper.diagnosis.processors import backend_is_unwell, processors_are_full
from watchkeeper.model import CheckStatus, Fault, Kind
from watchkeeper.policy import Policy

STRIPE_ENDPOINT_DOWN = "stripe_endpoint_down"
STRIPE_SIGNATURE = "stripe_signature"
STRIPE_OUTAGE = "stripe_outage"
EVENTS_UNDELIVERED = "events_undelivered"

SUPPORT = "https://support.stripe.com"


def webhooks(looks: Looks) -> dict[str, Any]:
    """The backend's own count of Stripe's webhooks; empty when it does not say."""
    told: dict[str, Any] = looks.facts("backend_detailed").get("webhooks") or {}
    return told


def newest_are(looks: Looks, what: str) -> bool:
    newest = webhooks(looks).get("newest", [])
    return bool(newest) and all(each == what for each in newest)


def rest_is_well(looks: Looks) -> bool:
    """Whether everything but the webhooks works: then their trouble is their own."""
    return (
        looks.status("backend_health") is CheckStatus.OK
        and database_state(looks) in (None, "ok")
        and not looks.is_bad("postgres_connections")
    )


def not_delivered(looks: Looks) -> int:
    return int(looks.facts("stripe_events").get("newest_undelivered", 0))


def advise(case: Case, looks: Looks) -> None:
    """What a person needs who has to finish this by hand: which payments, and how much money."""
    facts = looks.facts("stripe_events")
    if not facts.get("undelivered"):
        return
    case.advice.append(
        f"see that these reach the company ({facts['total']}), oldest first: "
        "Stripe Dashboard, Developers, Webhooks, the endpoint, Failed events, Resend"
    )
    case.advice += facts.get("lines", [])
    shown = len(facts.get("lines", []))
    if facts["undelivered"] > shown:
        case.advice.append(f"and {facts['undelivered'] - shown} more")


def stripe_endpoint_down(looks: Looks, policy: Policy) -> Case:
    """Webhooks fail by themselves, while the rest serves."""
    case = Case(STRIPE_ENDPOINT_DOWN, Fault.OURS)
    well = rest_is_well(looks)
    disabled = looks.facts("stripe_endpoint").get("status") == "disabled"
    errors = newest_are(looks, "error")
    down = looks.is_bad("payments_health") and not newest_are(looks, "signature")
    case.weigh(
        4,
        well and (down or disabled),
        f"{looks.summary('stripe_endpoint')} at Stripe"
        if disabled
        else f"the webhook address is unwell ({looks.summary('payments_health')}) while the rest serves",
        "webhooks are taken" if well else "the site itself is unwell, which comes first",
        seen=looks.saw("payments_health"),
    )
    case.weigh(
        2,
        well and (errors or disabled),
        "Stripe sends nothing to it"
        if disabled
        else f"it answers errors: {webhooks(looks).get('errors', 0)} so far",
    )
    lost = not_delivered(looks)
    case.weigh(
        2,
        lost > 0,
        f"Stripe could not deliver {lost} payments",
        "Stripe delivered every payment",
        seen=looks.saw("stripe_events"),
    )
    advise(case, looks)
    return case


def stripe_signature(looks: Looks, policy: Policy) -> Case:
    """The secret in the environment does not match the endpoint's. Strangers' forgeries fail too, and lose nothing."""
    case = Case(STRIPE_SIGNATURE, Fault.OURS)
    failing, lost = newest_are(looks, "signature"), not_delivered(looks)
    counted = webhooks(looks)
    case.weigh(
        6,
        failing and lost > 0,
        f"the newest webhooks failed their signature ({counted.get('signature_failures')} of "
        f"{counted.get('received')} since the backend's start)",
        "webhooks fail their signature, and Stripe's own arrive: somebody else sends them"
        if failing
        else "signatures hold",
        seen=bool(counted),
    )
    case.weigh(2, failing and lost > 0, f"Stripe could not deliver {lost} payments")
    enabled = looks.facts("stripe_endpoint").get("status") == "enabled"
    case.weigh(1, failing and enabled, "the endpoint is enabled at Stripe")
    if failing:
        advise(case, looks)
    return case


def stripe_outage(looks: Looks, policy: Policy) -> Case:
    """The vendor's own status page is red, and we feel it."""
    case = Case(STRIPE_OUTAGE, Fault.VENDOR)
    red = looks.is_bad("vendor_status_stripe")
    case.weigh(5, red, f"Stripe: {looks.summary('vendor_status_stripe')}")
    silent = looks.status("stripe_events") is CheckStatus.UNKNOWN
    case.weigh(3, red and silent, f"its API fails us too: {looks.summary('stripe_events')}")
    if red:
        case.advice.append(
            f"contact Stripe's support ({SUPPORT}) with the times of this incident; nothing of ours helps, and "
            "Stripe itself delivers for up to three days what it could not deliver"
        )
    return case


# Where one of these is bad, something else is at work, and what was not delivered is its trace.
OTHER_TROUBLE = ("frontend_health", "dns", "redis_ping", "queue", "jobs_table", "sentry_errors")


def events_undelivered(looks: Looks, policy: Policy) -> Case:
    """Payments were missed while something was down that is well again: they only have to be sent again."""
    case = Case(EVENTS_UNDELIVERED, Fault.OURS)
    late = int(looks.facts("stripe_events").get("undelivered", 0))
    failing = newest_are(looks, "error") or newest_are(looks, "signature")
    enabled = looks.facts("stripe_endpoint").get("status") == "enabled"
    taken = rest_is_well(looks) and enabled and not failing and not looks.is_bad("payments_health")
    case.weigh(
        5,
        late > 0 and taken,
        f"Stripe could not deliver {late} payments, and webhooks are taken again",
        "webhooks are not taken, which comes first",
        seen=late > 0,
    )
    # Between two kills for its memory the backend answers, and takes webhooks; under a higher limit that is over.
    killed = looks.is_bad("railway_metrics") and looks.facts("railway_metrics").get("memory_falls", 0) > 0
    # So does one that lacks processors, between its stalls; what is sent to it again would come on top.
    stalls = processors_are_full(looks) and backend_is_unwell(looks, policy)
    alone = not killed and not stalls and not any(looks.is_bad(name) for name in OTHER_TROUBLE)
    case.weigh(4, late > 0 and taken and alone, "nothing else is unwell")
    advise(case, looks)
    return case


CAUSES = (
    Cause(STRIPE_ENDPOINT_DOWN, Kind.PAYMENT_FAILURE, stripe_endpoint_down),
    Cause(STRIPE_SIGNATURE, Kind.PAYMENT_FAILURE, stripe_signature),
    Cause(STRIPE_OUTAGE, Kind.PAYMENT_FAILURE, stripe_outage),
    Cause(EVENTS_UNDELIVERED, Kind.PAYMENT_FAILURE, events_undelivered),
)
