"""Stripe: events that were not delivered, the webhook endpoint, and sending an event again.

Source:
    https://docs.stripe.com/webhooks/process-undelivered-events
    https://docs.stripe.com/api/events/list and https://docs.stripe.com/api/webhook_endpoints
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from blocks.stripe import StripeCredentials
from tasks.looking import Seen, look
from tasks.shapes import action_task, look_task
from tasks.vendor_http import Ask, read_json, rejected, send_json
from watchkeeper.errors import NotConfigured, VendorRejected, VendorUnavailable
from watchkeeper.model import Check
from watchkeeper.payments import Payment, in_total, payment_line
from watchkeeper.policy.services import StripeTarget
from watchkeeper.tls import tls_context

SETTINGS = "WATCHKEEPER_STRIPE__API_KEY and services.payments.stripe"
PAGE = 100
# A thousand payments: what a look has time for.
MOST_PAGES = 10
SHOWN = 20
WRITE_LIMIT_SECONDS = 20.0
DELIVERY_LIMIT_SECONDS = 15.0

Endpoint = dict[str, Any]


async def list_payments(
    credentials: StripeCredentials, target: StripeTarget, *, since: datetime, undelivered: bool = False
) -> list[Payment]:
    """The events since then that make an order, oldest first; the newest thousand where there are more.

    Args:
        undelivered: only those that Stripe still has to deliver to an endpoint, or could not.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("stripe", "list_events")
    asked: list[tuple[str, str | int | float | None]] = [
        *(("types[]", kind) for kind in target.event_types),
        ("created[gte]", int(since.timestamp())),
        ("limit", PAGE),
        *([("delivery_success", "false")] if undelivered else []),
    ]
    found: list[Payment] = []
    async with credentials.get_client() as client:
        for _ in range(MOST_PAGES):
            after = [("starting_after", found[-1].id)] if found else []
            told = await read_json(client, ask, "GET", "/v1/events", params=[*asked, *after])
            page, more = _page(ask, told)
            found += [payment_of(ask, event) for event in page]
            if not more:
                break
    return found[::-1]


def _page(ask: Ask, told: Any) -> tuple[list[dict[str, Any]], bool]:
    if not isinstance(told, dict) or not isinstance(told.get("data"), list):
        raise rejected(ask, "an answer of an unknown shape")
    more = bool(told.get("has_more")) and bool(told["data"])
    return told["data"], more


def payment_of(ask: Ask, event: Any) -> Payment:
    """What an event says of a payment, a checkout's or a payment intent's.

    Raises:
        VendorRejected: it has another shape.
    """
    try:
        paid = event["data"]["object"]
        is_intent = paid.get("object") == "payment_intent"
        reference = paid.get("client_reference_id") or (paid.get("metadata") or {}).get("order")
        amount = paid.get("amount_received") if is_intent else paid.get("amount_total")
        return Payment(
            id=str(event["id"]),
            type=str(event["type"]),
            created=datetime.fromtimestamp(event["created"], UTC),
            amount=int(amount or 0),
            currency=str(paid.get("currency") or ""),
            reference=None if reference is None else str(reference)[:80],
            payment_intent=str(paid["id"]) if is_intent else paid.get("payment_intent"),
            pending=int(event["pending_webhooks"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise rejected(ask, "an event of an unknown shape") from None


async def list_endpoints(credentials: StripeCredentials, target: StripeTarget) -> list[Endpoint]:
    """The webhook endpoints with the company's address, newest first: id, status, created, enabled_events, metadata."""
    ask = Ask("stripe", "list_endpoints")
    async with credentials.get_client() as client:
        told = await read_json(client, ask, "GET", "/v1/webhook_endpoints", params={"limit": PAGE})
    page, _ = _page(ask, told)
    try:
        ours = [_endpoint(each) for each in page if each["url"] == target.endpoint_url]
    except (KeyError, TypeError, AttributeError):
        raise rejected(ask, "an answer of an unknown shape") from None
    return sorted(ours, key=lambda each: -each["created"])


def _endpoint(told: dict[str, Any]) -> Endpoint:
    wanted = ("id", "status", "created", "enabled_events", "url")
    return {name: told[name] for name in wanted} | {
        "metadata": dict(told.get("metadata") or {}),
        "api_version": told.get("api_version"),
    }


def current_endpoint(endpoints: Sequence[Endpoint]) -> Endpoint | None:
    """The newest that is enabled, or else the newest."""
    return next((e for e in endpoints if e["status"] == "enabled"), next(iter(endpoints), None))


async def stripe_endpoint(credentials: StripeCredentials | None, target: StripeTarget | None) -> Check:
    """Whether Stripe would deliver at all: the endpoint is there, enabled, and takes the events that make orders."""

    async def read() -> Seen:
        if credentials is None or target is None:
            raise NotConfigured("Stripe", setting=SETTINGS)
        endpoints = await list_endpoints(credentials, target)
        current = current_endpoint(endpoints)
        if current is None:
            return Seen(False, "no webhook endpoint has our address", {"status": None})
        wanted = set(target.event_types)
        deaf = [] if "*" in current["enabled_events"] else sorted(wanted - set(current["enabled_events"]))
        facts = {
            "id": current["id"],
            "status": current["status"],
            "deaf_to": deaf,
            "endpoints": len(endpoints),
        }
        words = f"{current['id']} is {current['status']}" + (f"; not sent {', '.join(deaf)}" if deaf else "")
        return Seen(current["status"] == "enabled" and not deaf, words, facts)

    return await look("stripe_endpoint", "stripe", "GET /v1/webhook_endpoints", read)


async def stripe_events(
    credentials: StripeCredentials | None,
    target: StripeTarget | None,
    *,
    now: datetime,
    window: timedelta,
    late_after: timedelta,
) -> Check:
    """Payments that Stripe could not tell the company of, older than what may still be on its way."""

    async def read() -> Seen:
        if credentials is None or target is None:
            raise NotConfigured("Stripe", setting=SETTINGS)
        undelivered = await list_payments(credentials, target, since=now - window, undelivered=True)
        late = [payment for payment in undelivered if now - payment.created >= late_after]
        lines = [payment_line(payment) for payment in late]
        words = f"{in_total(late)} not delivered" if late else "every payment was delivered"
        facts = {
            "undelivered": len(late),
            "newest_undelivered": len(undelivered),
            "events": [payment.id for payment in late[:PAGE]],
            "lines": lines[:SHOWN],
            "total": in_total(late),
        }
        return Seen(not late, words, facts, output="\n".join([words, *lines[:PAGE]]))

    return await look("stripe_events", "stripe", "GET /v1/events?delivery_success=false", read)


async def send_again(
    credentials: StripeCredentials, event_id: str, endpoint_id: str, *, idempotency_key: str
) -> None:
    """Ask Stripe to deliver an event to this endpoint once more; it was taken, not yet delivered.

    The address is not in Stripe's documents and may vanish; its shape is the one that Stripe's own command line uses.

    Raises:
        VendorRejected: 404, the event is older than 30 days; 403, this key may not.
        VendorUnavailable: it may have happened; 429 says that it did not.

    Source:
        https://github.com/stripe/stripe-cli, pkg/cmd/resource/events_resend.go
    """
    ask = Ask("stripe", "send_again", WRITE_LIMIT_SECONDS)
    async with credentials.get_client() as client:
        await send_json(
            client,
            ask,
            "POST",
            f"/v1/events/{event_id}/retry",
            data={"webhook_endpoint": endpoint_id},
            headers={"Idempotency-Key": idempotency_key},
        )


async def set_endpoint(
    credentials: StripeCredentials, endpoint_id: str, *, enabled: bool, idempotency_key: str
) -> None:
    """Enable or disable a webhook endpoint. A disabled one gets no automatic retries either.

    Raises:
        VendorRejected: Stripe refused, or says that it is not so.
        VendorUnavailable: it may have happened; look before asking again.
    """
    ask = Ask("stripe", "set_endpoint", WRITE_LIMIT_SECONDS)
    async with credentials.get_client() as client:
        told = await send_json(
            client,
            ask,
            "POST",
            f"/v1/webhook_endpoints/{endpoint_id}",
            data={"disabled": "false" if enabled else "true"},
            headers={"Idempotency-Key": idempotency_key},
        )
    if not isinstance(told, dict) or told.get("status") != ("enabled" if enabled else "disabled"):
        raise rejected(ask, "the endpoint's status is not what was asked for")


async def create_endpoint(
    credentials: StripeCredentials, like: Endpoint, *, mark: dict[str, str], idempotency_key: str
) -> tuple[str, SecretStr]:
    """Create an endpoint like this one; its id and its signing secret, which Stripe tells this once.

    Raises:
        VendorRejected: Stripe refused, or told no secret.
        VendorUnavailable: it may have happened; look before asking again.
    """
    ask = Ask("stripe", "create_endpoint", WRITE_LIMIT_SECONDS)
    form: dict[str, Any] = {
        "url": like["url"],
        "enabled_events[]": like["enabled_events"],
        **{f"metadata[{name}]": value for name, value in mark.items()},
        **({"api_version": like["api_version"]} if like["api_version"] else {}),
    }
    async with credentials.get_client() as client:
        told = await send_json(
            client,
            ask,
            "POST",
            "/v1/webhook_endpoints",
            data=form,
            headers={"Idempotency-Key": idempotency_key},
        )
    if (
        not isinstance(told, dict)
        or not told.get("id")
        or not str(told.get("secret", "")).startswith("whsec_")
    ):
        raise rejected(ask, "an answer without a signing secret")
    return str(told["id"]), SecretStr(told["secret"])


async def deliver(
    credentials: StripeCredentials, target: StripeTarget, event_id: str, secret: SecretStr, *, now: datetime
) -> None:
    """Deliver an event to the company ourselves, as Stripe would, signed with the secret that its service holds.

    For events that Stripe does not send to an endpoint that is younger than they are.

    Raises:
        VendorRejected: Stripe does not know the event, or the company refused it.
        VendorUnavailable: no answer; the company may have taken it.

    Source:
        https://docs.stripe.com/webhooks#verify-manually
    """
    ask = Ask("stripe", "read_event")
    async with credentials.get_client() as client:
        event = await read_json(client, ask, "GET", f"/v1/events/{event_id}")
    if not isinstance(event, dict) or event.get("id") != event_id:
        raise rejected(ask, "an answer of an unknown shape")
    body = json.dumps(event).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(body, secret, at=int(now.timestamp())),
    }
    await _post_to_company(target.endpoint_url, body, headers)


def signature(body: bytes, secret: SecretStr, *, at: int) -> str:
    """The header that proves to the company that it is told so by somebody who holds its secret."""
    signed = f"{at}.".encode() + body
    return f"t={at},v1={hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()}"


async def _post_to_company(url: str, body: bytes, headers: dict[str, str]) -> None:
    """Only the status counts: what a webhook's receiver answers need not be JSON."""
    try:
        async with httpx.AsyncClient(timeout=DELIVERY_LIMIT_SECONDS, verify=tls_context()) as client:
            answer = await client.post(url, content=body, headers=headers)
    except httpx.HTTPError as error:
        reason = type(error).__name__
        raise VendorUnavailable(vendor="backend", action="take_event", reason=reason) from None
    if not answer.is_success:
        kind = VendorUnavailable if answer.status_code >= 500 else VendorRejected
        raise kind(vendor="backend", action="take_event", status=answer.status_code)


check_stripe_endpoint = look_task("check_stripe_endpoint", "stripe")(stripe_endpoint)
check_stripe_events = look_task("check_stripe_events", "stripe")(stripe_events)
resend_event = action_task("resend_event", "stripe", limit_seconds=WRITE_LIMIT_SECONDS + 5)(send_again)
deliver_event = action_task("deliver_event", "stripe", limit_seconds=WRITE_LIMIT_SECONDS + 25)(deliver)
enable_or_disable_endpoint = action_task("set_endpoint", "stripe", limit_seconds=WRITE_LIMIT_SECONDS + 5)(
    set_endpoint
)
