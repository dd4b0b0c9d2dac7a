"""Circuit breakers around what the shop asks of others: Gemini, Remove.bg, Stripe.

After three failures in a row a circuit opens: nothing is asked for a while, then one try decides. Without Gemini no
design is made (its job is tried again later), without Remove.bg a design keeps its original picture.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from typing import Any

import httpx
import sentry_sdk

from drills.company.feature import Feature
from drills.company.loopback import http_client

OPENS_AFTER = 3
OPEN_SECONDS = 2.0
EVERY_SECONDS = 1.0
WHO = {"User-Agent": "shop-backend/1.0"}
PATIENCE_SECONDS = 2.0


class CircuitOpenedError(Exception):
    """A circuit opened: what is behind it failed several times in a row."""


class Breaker:
    """One circuit: closed, open, or half open while one try is made."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.failures = 0
        self.opened_at: float | None = None

    @property
    def state(self) -> str:
        if self.opened_at is None:
            return "closed"
        return "half_open" if time.monotonic() - self.opened_at > OPEN_SECONDS else "open"

    def succeeded(self) -> None:
        self.failures, self.opened_at = 0, None

    def failed(self) -> bool:
        """Count a failure; whether this one opened the circuit."""
        self.failures += 1
        opens = self.opened_at is None and self.failures >= OPENS_AFTER
        if opens or self.opened_at is not None:
            self.opened_at = time.monotonic()
        return opens


# Where each is asked, and with which of its headers; an address that the environment does not name is not asked.
CALLS: Mapping[str, tuple[str, str, str, str]] = {
    "gemini": ("GEMINI_URL", "/v1beta/models", "x-goog-api-key", "GEMINI_API_KEY"),
    "removebg": ("REMOVEBG_URL", "/v1.0/account", "X-API-Key", "REMOVEBG_API_KEY"),
    # Without a key it answers 401, which is an answer.
    "stripe": ("STRIPE_URL", "/v1/events", "Authorization", "STRIPE_AUTHORIZATION"),
}
FALLBACKS = {"removebg": "the original picture"}


class Circuits(Feature):
    """What is asked of others, now and then, as customers' designs and payments would."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.breakers = {name: Breaker(name) for name, call in CALLS.items() if call[0] in os.environ}
        self.fell_back = dict.fromkeys(FALLBACKS, 0)

    def facts(self) -> dict[str, Any]:
        return {"circuits": {name: self.told(breaker) for name, breaker in self.breakers.items()}}

    def told(self, breaker: Breaker) -> dict[str, Any]:
        told: dict[str, Any] = {"state": breaker.state, "failures": breaker.failures}
        if breaker.name in FALLBACKS:
            told |= {"fallback": FALLBACKS[breaker.name], "fell_back": self.fell_back[breaker.name]}
        return told

    async def live(self) -> None:
        async with http_client(timeout=PATIENCE_SECONDS, headers=WHO) as client:
            while True:
                await asyncio.gather(*(self.ask(client, breaker) for breaker in self.breakers.values()))
                await asyncio.sleep(EVERY_SECONDS)

    async def ask(self, client: httpx.AsyncClient, breaker: Breaker) -> None:
        if breaker.state == "open":
            self.fall_back(breaker)
            return
        base, path, header, secret = CALLS[breaker.name]
        try:
            headers = {header: os.environ.get(secret, "")}
            answer = await client.get(os.environ[base] + path, headers=headers)
            works = answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR
        except httpx.TransportError:
            works = False
        if works:
            breaker.succeeded()
            return
        self.fall_back(breaker)
        if breaker.failed():
            self.report(breaker)

    def fall_back(self, breaker: Breaker) -> None:
        if breaker.name in self.fell_back:
            self.fell_back[breaker.name] += 1

    def report(self, breaker: Breaker) -> None:
        """An error where customers feel it; a warning where there is a fallback."""
        with sentry_sdk.new_scope() as scope:
            scope.set_transaction_name(f"circuit {breaker.name}")
            if breaker.name in FALLBACKS:
                scope.set_level("warning")
            sentry_sdk.capture_exception(CircuitOpenedError(f"the circuit of {breaker.name} opened"))
