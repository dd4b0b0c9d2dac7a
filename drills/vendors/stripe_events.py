"""What Stripe keeps: endpoints, payments as events in the shape of its API, and what became of their delivery."""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

API_VERSION = "2026-10-28.endive"
# A checkout page and a payment form in turn: the two ways in which a shop is paid.
TYPES = ("checkout.session.completed", "payment_intent.succeeded")


@dataclass
class Endpoint:
    """Where events are delivered to. Its secret is told once, when it is created."""

    id: str
    url: str
    secret: str
    enabled_events: list[str]
    created: int
    status: str = "enabled"
    metadata: dict[str, str] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "webhook_endpoint",
            "api_version": None,
            "created": self.created,
            "description": None,
            "enabled_events": self.enabled_events,
            "livemode": True,
            "metadata": self.metadata,
            "status": self.status,
            "url": self.url,
        }


@dataclass
class Attempt:
    """One delivery that was tried; `status` is None when nobody answered."""

    endpoint: str
    by: str
    at: float
    status: int | None = None


@dataclass
class Event:
    """One payment's event. `endpoints` were subscribed when it was made."""

    id: str
    type: str
    created: int
    body: dict[str, Any]
    endpoints: list[str]
    attempts: list[Attempt] = field(default_factory=list)

    def delivered_to(self, endpoint: str) -> bool:
        return any(a.endpoint == endpoint and a.status is not None and a.status < 300 for a in self.attempts)

    @property
    def pending(self) -> int:
        return sum(not self.delivered_to(endpoint) for endpoint in self.endpoints)

    def told(self) -> dict[str, Any]:
        return {**self.body, "pending_webhooks": self.pending}


def event_of(number: int, kind: str) -> dict[str, Any]:
    """A paid order as an event, in the shape of the vendor's API."""
    amount, reference = 900 + 125 * (number % 17), f"order-{number}"
    intent = f"pi_{secrets.token_hex(12)}"
    if kind == "checkout.session.completed":
        paid = {
            "id": f"cs_live_{secrets.token_hex(12)}",
            "object": "checkout.session",
            "amount_total": amount,
            "client_reference_id": reference,
            "currency": "usd",
            "payment_intent": intent,
            "payment_status": "paid",
        }
    else:
        paid = {
            "id": intent,
            "object": "payment_intent",
            "amount": amount,
            "amount_received": amount,
            "currency": "usd",
            "metadata": {"order": reference},
            "status": "succeeded",
        }
    return {
        "id": f"evt_1{secrets.token_hex(11)}",
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": paid},
        "livemode": True,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def amount_of(body: dict[str, Any]) -> int:
    paid = body["data"]["object"]
    return int(paid.get("amount_total") or paid.get("amount_received") or 0)


def signature_of(body: bytes, secret: str, at: int) -> str:
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"
