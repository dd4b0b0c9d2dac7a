"""Stripe: sending what the company was not told of again, each payment once, and replacing a signing secret.

Sending again is guarded three times: only what Stripe could not deliver and has no order, only to an endpoint that
is seen healthy, and the oldest goes alone before all others.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta

from blocks.stripe import StripeCredentials
from flows.actions.site import Site
from tasks import health, railway, stripe
from tasks.orders import count_orders
from tasks.railway import current_of
from tasks.shapes import action_task
from tasks.stripe import Endpoint, current_endpoint
from watchkeeper.clock import utc_now
from watchkeeper.errors import (
    NotPermitted,
    PreconditionChanged,
    VendorError,
    VendorRejected,
    VendorUnavailable,
)
from watchkeeper.model import CheckStatus, Plan, Remediation
from watchkeeper.payments import Payment, in_total, payment_line

# A repaired endpoint may take a moment until it says so.
HEALTHY_WITHIN_SECONDS = 20.0
# What is not delivered in two looks so far apart was not just on its way.
SETTLE_SECONDS = 3.0
# Stripe takes the request and delivers after it.
ARRIVES_WITHIN_SECONDS = 15.0
LOOK_AGAIN_SECONDS = 0.5
DEPLOYED_WITHIN = timedelta(minutes=5)
SHOWN = 20
NAMED = 10
# Stripe says with 429 that it did not take a request: only then is one asked again, under the same key.
TRIES = 4
UNCLEAR_IN_A_ROW = 3
MARK = "watchkeeper"


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


async def healthy(site: Site) -> bool:
    """Whether the company says that it takes webhooks; where no address says so, the first event will show."""
    url = site.payments().health_url
    return url is None or (await health.payments_health(url)).status is CheckStatus.OK


async def until_healthy(site: Site) -> bool:
    for _ in range(round(HEALTHY_WITHIN_SECONDS / LOOK_AGAIN_SECONDS)):
        if await healthy(site):
            return True
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return await healthy(site)


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
            if len(sent) == 1 and await still_out(site, sent):
                raise PreconditionChanged(
                    f"{sent[0]} was sent first and alone and did not arrive: no other was sent"
                )
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


async def plan_enable_endpoint(site: Site, *, cause: str) -> Plan | None:
    """Stripe disables an endpoint that has failed for days, and so may a person."""
    credentials, target = site.stripe()
    endpoint = current_endpoint(await stripe.list_endpoints(credentials, target))
    if endpoint is None or endpoint["status"] == "enabled":
        return None
    return Plan(
        action="enable_endpoint",
        target=endpoint["id"],
        cause=cause,
        summary=f"Enable Stripe's webhook endpoint {endpoint['id']} again",
        preview=[
            f"{endpoint['url']} is disabled at Stripe: by Stripe after days of failures, or by a person"
        ],
        parameters={"endpoint_id": endpoint["id"]},
        undo=EnableEndpoint.undo,
    )


class EnableEndpoint:
    """Enables the endpoint that was shown, once the company takes webhooks."""

    limit = "one webhook endpoint"
    undo = "disable it again on Stripe"

    async def check(self, site: Site, plan: Plan) -> None:
        if not await until_healthy(site):
            raise PreconditionChanged("the endpoint does not take events yet, so it stays disabled")

    async def act(self, site: Site, plan: Plan) -> str:
        await set_status(site, plan.parameters["endpoint_id"], enabled=True)
        return "Stripe enabled it"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        return await has_status(site, [remediation.plan.parameters["endpoint_id"]], "enabled")


async def set_status(site: Site, endpoint_id: str, *, enabled: bool) -> None:
    credentials, _ = site.stripe()
    word = "enable" if enabled else "disable"
    key = f"watchkeeper-{site.own_parts().incident_id}-{word}-{endpoint_id}"
    await stripe.enable_or_disable_endpoint(credentials, endpoint_id, enabled=enabled, idempotency_key=key)


async def has_status(site: Site, endpoint_ids: Collection[str], status: str) -> bool:
    credentials, target = site.stripe()
    known = {each["id"]: each["status"] for each in await stripe.list_endpoints(credentials, target)}
    return all(known.get(endpoint_id) == status for endpoint_id in endpoint_ids)


async def plan_replace_secret(site: Site, *, cause: str) -> Plan | None:
    """A new endpoint in the place of the one that serves: only a new one's secret is ever told."""
    credentials, target = site.stripe()
    endpoint = current_endpoint(await stripe.list_endpoints(credentials, target))
    service = site.railway(target.handled_by)
    current = current_of(await railway.list_deployments(*service))
    if endpoint is None or current is None:
        return None
    return Plan(
        action="replace_signing_secret",
        target=target.handled_by,
        cause=cause,
        summary=f"Replace Stripe's signing secret: new endpoint, {target.secret_variable}, new deployment",
        preview=[
            f"creates an endpoint beside {endpoint['id']}: {endpoint['url']}, the same events",
            f"sets {target.secret_variable} of {target.handled_by} to its secret, which is shown nowhere",
            f"Railway deploys {target.handled_by} again with it, from its latest commit",
            f"then {endpoint['id']} is disabled, and what was not delivered is sent again",
        ],
        parameters={"endpoint_id": endpoint["id"], "deployment_id": current["id"]},
        undo=ReplaceSigningSecret.undo,
    )


class ReplaceSigningSecret:
    """The secret goes from Stripe's answer into Railway's variable, and stands nowhere else."""

    limit = "one webhook endpoint, one variable of one service"
    undo = "enable the old endpoint on Stripe, disable the new one, and roll the service back"

    async def check(self, site: Site, plan: Plan) -> None:
        credentials, target = site.stripe()
        endpoint = current_endpoint(await stripe.list_endpoints(credentials, target))
        if endpoint is None or endpoint["id"] != plan.parameters["endpoint_id"]:
            raise PreconditionChanged("another endpoint has our address now")

    async def act(self, site: Site, plan: Plan) -> str:
        new_id = await replace_secret(site, plan.parameters["endpoint_id"])
        _, target = site.stripe()
        live = await until_deployed(site, target.handled_by, plan.parameters["deployment_id"])
        state = "is deployed with its secret" if live else "is still being deployed with its secret"
        return f"{new_id} takes the place of {plan.parameters['endpoint_id']}; {target.handled_by} {state}"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        """No endpoint of ours: surely not. With one, nobody can compare a secret that is never told again."""
        ours = [each for each in await own_endpoints(site) if each["status"] == "enabled"]
        return None if ours else False


async def own_endpoints(site: Site) -> list[Endpoint]:
    """The endpoints that were created in this incident."""
    credentials, target = site.stripe()
    mark = mark_of(site)[MARK]
    return [e for e in await stripe.list_endpoints(credentials, target) if e["metadata"].get(MARK) == mark]


def mark_of(site: Site) -> dict[str, str]:
    return {MARK: f"incident-{site.own_parts().incident_id}"}


@action_task("replace_signing_secret", "stripe", limit_seconds=60)  # type: ignore[untyped-decorator]
async def replace_secret(site: Site, endpoint_id: str) -> str:
    """Create the endpoint and set the variable in one go; the new endpoint's id.

    Raises:
        VendorRejected: Stripe created none, or Railway refused the variable and the new endpoint is disabled again.
        VendorUnavailable: it cannot be told how far it came.
    """
    credentials, target = site.stripe()
    endpoints = await stripe.list_endpoints(credentials, target)
    like = next(each for each in endpoints if each["id"] == endpoint_id)
    mark = mark_of(site)
    key = f"{MARK}-{mark[MARK]}-replaces-{endpoint_id}"
    new_id, secret = await stripe.create_endpoint(credentials, like, mark=mark, idempotency_key=key)
    try:
        await railway.set_variable.fn(*site.railway(target.handled_by), target.secret_variable, secret)
    except VendorRejected:
        await withdraw(credentials, new_id)
        raise
    return new_id


async def withdraw(credentials: StripeCredentials, endpoint_id: str) -> None:
    """Disable an endpoint whose secret nobody has; the failure that led here says more than this one's."""
    try:
        key = f"{MARK}-withdraws-{endpoint_id}"
        await stripe.set_endpoint(credentials, endpoint_id, enabled=False, idempotency_key=key)
    except VendorError as error:
        raise PreconditionChanged(
            f"Railway refused the variable, and the new endpoint {endpoint_id} could not be disabled: {error}"
        ) from error


async def until_deployed(site: Site, service: str, before_id: str) -> bool:
    """Whether another deployment than this one serves, within the time that one may take."""
    give_up_at = utc_now() + DEPLOYED_WITHIN
    while utc_now() < give_up_at:
        current = current_of(await railway.list_deployments(*site.railway(service)))
        if current and current["id"] != before_id and current["status"] == "SUCCESS":
            return True
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return False


async def plan_retire_endpoints(site: Site, *, cause: str) -> Plan | None:
    """The endpoints that the one of this incident replaces: their events fail their signature from now on."""
    credentials, target = site.stripe()
    ours = {endpoint["id"] for endpoint in await own_endpoints(site)}
    endpoints = await stripe.list_endpoints(credentials, target)
    old = [e["id"] for e in endpoints if e["status"] == "enabled" and e["id"] not in ours]
    if not ours or not old:
        return None
    return Plan(
        action="disable_endpoint",
        target=old[0],
        cause=cause,
        summary=f"Disable the replaced endpoint {', '.join(old)}",
        preview=[f"{each}: its events are signed with the old secret, and fail" for each in old],
        parameters={"endpoint_ids": old},
        undo=DisableEndpoint.undo,
    )


class DisableEndpoint:
    """Disables what was replaced, as long as what replaces it is enabled."""

    limit = "the endpoints that one of this incident replaces"
    undo = "enable it again on Stripe"

    async def check(self, site: Site, plan: Plan) -> None:
        if not any(endpoint["status"] == "enabled" for endpoint in await own_endpoints(site)):
            raise PreconditionChanged("the endpoint that replaces it is not enabled")

    async def act(self, site: Site, plan: Plan) -> str:
        for endpoint_id in plan.parameters["endpoint_ids"]:
            await set_status(site, endpoint_id, enabled=False)
        return "Stripe disabled it"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        return await has_status(site, remediation.plan.parameters["endpoint_ids"], "disabled")
