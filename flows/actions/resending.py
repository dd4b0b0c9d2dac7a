"""Stripe: sending what the company was not told of again, each payment once.

It is guarded three times: only what Stripe could not deliver and has no order, only to an endpoint that is seen
healthy, and the oldest goes alone before all others.
"""

import asyncio
from collections.abc import Collection, Sequence

from flows.actions.payments import LOOK_AGAIN_SECONDS, until_healthy
from flows.actions.site import Site
from tasks import railway, stripe
from tasks.orders import count_orders
from tasks.stripe import Endpoint, current_endpoint
from watchkeeper.clock import utc_now
from watchkeeper.errors import (
    NotPermitted,
    PreconditionChanged,
    VendorError,
    VendorRejected,
    VendorUnavailable,
)
from watchkeeper.model import Plan, Remediation
from watchkeeper.payments import Payment, in_total, payment_line

# What is not delivered in two looks so far apart was not just on its way.
SETTLE_SECONDS = 3.0
# Stripe takes the request and delivers after it.
ARRIVES_WITHIN_SECONDS = 15.0
SHOWN = 20
NAMED = 10
# Stripe says with 429 that it did not take a request: only then is one asked again, under the same key.
TRIES = 4
UNCLEAR_IN_A_ROW = 3


async def undelivered(site: Site) -> list[Payment]:
    """What Stripe could not deliver and the company has no order of, oldest first.

    An order tells more than Stripe: it counts an event as undelivered while any endpoint, however dead, has not had it.
    """
    credentials, target = site.stripe()
    since = utc_now() - site.policy.thresholds.payments_window
    found = await stripe.list_payments(credentials, target, since=since, undelivered=True)
    if target.orders is None or not found:
        return found
    holds = target.orders.holds
    counts = await count_orders(site.credentials.postgres, target.orders, found)
    return [payment for payment in found if not counts.get(payment.key(holds) or "")]


async def stuck(site: Site) -> list[Payment]:
    """What stays undelivered and was not sent again in this incident, oldest first."""
    first = await undelivered(site)
    if first:
        await asyncio.sleep(SETTLE_SECONDS)
    again = {payment.id for payment in await undelivered(site)} if first else set()
    sent = await site.parts.read("resend") if site.parts else {}
    return [p for p in first if p.id in again and part_of(p.id) not in sent]


def part_of(event_id: str) -> str:
    return f"resend:{event_id}"


async def plan_resend(site: Site, *, cause: str) -> Plan | None:
    """Every payment that stayed undelivered, oldest first, as many as the policy lets go at once."""
    await until_healthy(site)
    waiting = await stuck(site)
    if not waiting:
        return None
    credentials, target = site.stripe()
    endpoint = current_endpoint(await stripe.list_endpoints(credentials, target))
    if endpoint is None:
        return None
    chosen = waiting[: site.policy.limits.resend_events]
    left = waiting[len(chosen) :]
    rest = f"; {in_total(left)} stay for another time" if left else ""
    return Plan(
        action="resend_events",
        target=endpoint["id"],
        cause=cause,
        summary=f"Send again what was not delivered: {in_total(chosen)}{rest}",
        preview=preview_of(chosen, endpoint, site.policy.limits.resend_events_per_second),
        parameters={
            "endpoint_id": endpoint["id"],
            "events": [{"id": payment.id, "by": sender(payment, endpoint)} for payment in chosen],
        },
    )


def sender(payment: Payment, endpoint: Endpoint) -> str:
    """Stripe does not send an event to an endpoint that is younger than it: that is left to us.

    https://github.com/stripe/stripe-cli/issues/675
    """
    return "us" if payment.created.timestamp() <= endpoint["created"] else "stripe"


def preview_of(chosen: Sequence[Payment], endpoint: Endpoint, per_second: float) -> list[str]:
    by_us = sum(sender(payment, endpoint) == "us" for payment in chosen)
    lines = [payment_line(payment) for payment in chosen[:SHOWN]]
    if len(chosen) > SHOWN:
        lines.append(f"and {in_total(chosen[SHOWN:])} more")
    if by_us:
        lines.append(
            f"{by_us} of them are older than the endpoint, so Stripe would not send them: delivered from here, "
            "signed with the secret that the service has"
        )
    lines.append(f"oldest first, the oldest alone, then {per_second:g} a second, each once")
    return lines


class ResendEvents:
    """Sends each event of the plan once, oldest first; a run that goes on after a crash leaves out what was begun."""

    limit = "`limits.resend_events` events, `limits.resend_events_per_second`, each once in an incident"
    undo = ""

    async def check(self, site: Site, plan: Plan) -> None:
        credentials, target = site.stripe()
        if not credentials.resend_events:
            raise NotPermitted("sending events again is switched off (WATCHKEEPER_STRIPE__RESEND_EVENTS)")
        endpoint = current_endpoint(await stripe.list_endpoints(credentials, target))
        if endpoint is None or endpoint["id"] != plan.parameters["endpoint_id"]:
            raise PreconditionChanged("another endpoint has our address now")
        if endpoint["status"] != "enabled":
            raise PreconditionChanged(f"{endpoint['id']} is disabled")
        if not await until_healthy(site):
            raise PreconditionChanged("the endpoint does not take events yet, so none was sent")

    async def act(self, site: Site, plan: Plan) -> str:
        parts, events = site.own_parts(), plan.parameters["events"]
        sent: list[str] = []
        unclear = 0
        for event in events:
            if not await parts.claim(part_of(event["id"])):
                continue
            how = await self._send(site, plan, event, left=len(events) - len(sent))
            await parts.end(part_of(event["id"]), how)
            sent.append(event["id"])
            unclear = unclear + 1 if how == "unclear" else 0
            if unclear == UNCLEAR_IN_A_ROW:
                raise PreconditionChanged(f"{unclear} in a row without an answer; {len(sent)} were tried")
            if len(sent) == 1:
                await first_arrived(site, sent[0])
            await asyncio.sleep(1 / site.policy.limits.resend_events_per_second)
        return await self._ending(site, events, sent)

    async def _send(self, site: Site, plan: Plan, event: dict[str, str], *, left: int) -> str:
        """Send one; how it went in a word.

        Raises:
            NotPermitted: Stripe or the company refused it, and so would all the others be.
        """
        try:
            await ask_politely(site, plan.parameters["endpoint_id"], event)
        except VendorUnavailable:
            return "unclear"
        except VendorRejected as error:
            if error.vendor == "stripe" and error.status == 404:
                return "too_old"
            await site.own_parts().end(part_of(event["id"]), "refused")
            raise NotPermitted(f"{error}; {left} were not sent, the first of them {event['id']}") from error
        return "sent"

    async def _ending(self, site: Site, events: Sequence[dict[str, str]], sent: Sequence[str]) -> str:
        """How many arrived.

        Raises:
            PreconditionChanged: some did not; the text names them.
        """
        out = await still_out(site, [event["id"] for event in events])
        before = len(events) - len(sent)
        words = f"{len(sent)} sent again, oldest first"
        words += f"; {before} had been begun by a run that died and were not begun again" if before else ""
        if out:
            named = ", ".join(out[:NAMED])
            raise PreconditionChanged(f"{words}; {len(out)} of {len(events)} did not arrive: {named}")
        return f"{words}; every one has arrived"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        """What was never begun did surely not happen; what was begun shows in whether it arrived."""
        wanted = [event["id"] for event in remediation.plan.parameters["events"]]
        begun = await site.own_parts().read("resend")
        if any(part_of(event_id) not in begun for event_id in wanted):
            return False
        out = {payment.id for payment in await undelivered(site)}
        return True if out.isdisjoint(wanted) else None


async def ask_politely(site: Site, endpoint_id: str, event: dict[str, str]) -> None:
    """Send one event; asked again only after a 429, which says that it was not taken."""
    credentials, target = site.stripe()
    if event["by"] == "us":
        service = site.railway(target.handled_by)
        secret = await railway.read_variable(*service, target.secret_variable)
        await stripe.deliver_event(credentials, target, event["id"], secret, now=utc_now())
        return
    key = f"watchkeeper-{site.own_parts().incident_id}-{event['id']}"
    for tries_left in reversed(range(TRIES)):
        try:
            await stripe.resend_event(credentials, event["id"], endpoint_id, idempotency_key=key)
            return
        except VendorUnavailable as error:
            if error.status != 429 or not tries_left:
                raise
            await asyncio.sleep(min(error.retry_after_seconds or 1, 10))


async def first_arrived(site: Site, event_id: str) -> None:
    """Go on only once the first is seen to have arrived.

    Raises:
        PreconditionChanged: it did not, or nobody can tell; the text says which.
    """
    try:
        is_out = bool(await still_out(site, [event_id]))
    except VendorError as error:
        raise PreconditionChanged(
            f"{event_id} was sent first and alone; whether it arrived cannot be read ({error}): no other was sent"
        ) from error
    if is_out:
        raise PreconditionChanged(
            f"{event_id} was sent first and alone and did not arrive: no other was sent"
        )


async def still_out(site: Site, event_ids: Collection[str]) -> list[str]:
    """Which of these have not arrived within the time that this may take, in their order."""
    out = list(event_ids)
    for _ in range(round(ARRIVES_WITHIN_SECONDS / LOOK_AGAIN_SECONDS)):
        waiting = {payment.id for payment in await undelivered(site)}
        out = [event_id for event_id in out if event_id in waiting]
        if not out:
            break
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return out
