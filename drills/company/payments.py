"""Paid orders, told by Stripe's webhooks, and the bug that a request switches on: a lock that nobody gives back."""

import asyncio
import os
from collections import deque
from typing import Any

import sentry_sdk
import stripe
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.feature import Check, Feature, Handler

LOCK_WAIT_SECONDS = 1.5
# So many of the newest webhooks in a row have to fail before it is called unwell: one may be a stranger's.
UNWELL_AFTER = 2

SIGNATURE, ERROR, OK = "signature", "error", "ok"


class WebhookFailureError(Exception):
    """What /health/payments reports while the newest webhooks fail."""


class Payments(Feature):
    """Each paid order is written down once, whichever event tells of it and however often it comes."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], redis: Redis, release: str) -> None:
        super().__init__(pool, redis, release)
        self.secret = os.environ.get("STRIPE_WEBHOOK_SECRET", "")
        self.lock = asyncio.Lock()
        self.counts = {"received": 0, "signature_failures": 0, "errors": 0}
        self.newest: deque[str] = deque(maxlen=UNWELL_AFTER)

    def routes(self) -> list[Route]:
        return [Route("/webhooks/stripe", self.take, methods=["POST"])]

    def faults(self) -> dict[str, Handler]:
        return {"webhook-lock": self.lose_lock}

    def checks(self) -> dict[str, Check]:
        return {"payments": self.check_webhooks}

    def facts(self) -> dict[str, Any]:
        return {"webhooks": {"stripe": {**self.counts, "newest": list(self.newest)}}}

    async def take(self, request: Request) -> JSONResponse:
        self.counts["received"] += 1
        payload = (await request.body()).decode()
        try:
            event = stripe.Webhook.construct_event(
                payload, request.headers.get("Stripe-Signature", ""), self.secret
            )
        except (ValueError, stripe.SignatureVerificationError):
            self.counts["signature_failures"] += 1
            self.newest.append(SIGNATURE)
            return JSONResponse({"error": "signature"}, 400)
        try:
            await self.write_down(event.to_dict())
        except Exception as error:  # noqa: BLE001  # whatever it is, Stripe is to come again
            self.counts["errors"] += 1
            self.newest.append(ERROR)
            sentry_sdk.capture_exception(error)
            return JSONResponse({"error": type(error).__name__}, 500)
        self.newest.append(OK)
        return JSONResponse({"received": True})

    async def write_down(self, event: dict[str, Any]) -> None:
        """One row per event: a duplicate changes nothing, and is answered as the first was."""
        paid = event["data"]["object"]
        reference = paid.get("client_reference_id") or (paid.get("metadata") or {}).get("order")
        amount = paid.get("amount_total") or paid.get("amount_received") or 0
        await asyncio.wait_for(self.lock.acquire(), LOCK_WAIT_SECONDS)
        try:
            async with self.pool.connection() as connection:
                await connection.execute(
                    "INSERT INTO paid_orders (event_id, reference, amount, currency) VALUES (%s, %s, %s, %s) "
                    "ON CONFLICT (event_id) DO NOTHING",
                    (event["id"], reference, amount, paid.get("currency", "")),
                )
        finally:
            self.lock.release()

    async def check_webhooks(self) -> None:
        if len(self.newest) == UNWELL_AFTER and OK not in self.newest:
            raise WebhookFailureError(", ".join(self.newest))

    async def lose_lock(self, request: Request) -> JSONResponse:
        """The bug: somebody takes the lock and never gives it back. A restart cures it."""
        await self.lock.acquire()
        return JSONResponse({"locked": True})
