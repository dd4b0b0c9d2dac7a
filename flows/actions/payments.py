"""Stripe: the webhook endpoint enabled, disabled, or replaced together with its signing secret."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from blocks.stripe import StripeCredentials
from flows.actions.railway import commit_that_will_run, still_serving
from flows.actions.site import Site
from tasks import health, railway, stripe
from tasks.railway import current_of
from tasks.shapes import action_task
from tasks.stripe import Endpoint, current_endpoint
from watchkeeper.clock import utc_now
from watchkeeper.errors import NothingToChange, PreconditionChanged, VendorError, VendorRejected
from watchkeeper.incidents import read_incident
from watchkeeper.model import CheckStatus, Plan, Remediation

# A repaired endpoint may take a moment until it says so.
HEALTHY_WITHIN_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.5
DEPLOYED_WITHIN = timedelta(minutes=5)
# Railway takes 100 requests an hour on its smallest plan, and the night needs some of them for other things:
# https://docs.railway.com/integrations/api
DEPLOYED_LOOK_SECONDS = 5.0
MARK = "watchkeeper"
NO_ENDPOINT = "Stripe has no webhook endpoint of ours"


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


async def plan_enable_endpoint(site: Site, *, cause: str) -> Plan | None:
    """Stripe disables an endpoint that has failed for days, and so may a person.

    Raises:
        NothingToChange: there is no endpoint.
    """
    credentials, target = site.stripe()
    endpoint = current_endpoint(await stripe.list_endpoints(credentials, target))
    if endpoint is None:
        raise NothingToChange(NO_ENDPOINT)
    if endpoint["status"] == "enabled":
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
    parts, word = site.own_parts(), "enable" if enabled else "disable"
    # Stripe answers a key that it knows with its old answer, and does nothing: a later round needs another.
    incident = await read_incident(parts.store, parts.incident_id)
    key = f"watchkeeper-{incident.id}-{incident.round}-{word}-{endpoint_id}"
    await stripe.enable_or_disable_endpoint(credentials, endpoint_id, enabled=enabled, idempotency_key=key)


async def has_status(site: Site, endpoint_ids: Collection[str], status: str) -> bool:
    credentials, target = site.stripe()
    known = {each["id"]: each["status"] for each in await stripe.list_endpoints(credentials, target)}
    return all(known.get(endpoint_id) == status for endpoint_id in endpoint_ids)


async def plan_replace_secret(site: Site, *, cause: str) -> Plan:
    """A new endpoint in the place of the one that serves: only a new one's secret is ever told.

    Raises:
        NothingToChange: there is no endpoint, or nothing deployed that it would be handled by.
    """
    credentials, target = site.stripe()
    endpoint = current_endpoint(await stripe.list_endpoints(credentials, target))
    service = site.railway(target.handled_by)
    deployments = await railway.list_deployments(*service)
    current = current_of(deployments)
    if endpoint is None:
        raise NothingToChange(NO_ENDPOINT)
    if current is None:
        raise NothingToChange(
            f"Railway has no deployment of {target.handled_by} that could take a new secret"
        )
    return Plan(
        action="replace_signing_secret",
        target=target.handled_by,
        cause=cause,
        summary=f"Replace Stripe's signing secret: new endpoint, {target.secret_variable}, new deployment",
        preview=[
            f"creates an endpoint beside {endpoint['id']}: {endpoint['url']}, the same events",
            f"sets {target.secret_variable} of {target.handled_by} to its secret, which is shown nowhere",
            f"Railway deploys {target.handled_by} again with it, from its latest commit",
            *await commit_that_will_run(site, deployments),
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
        await still_serving(site, target.handled_by, plan.parameters["deployment_id"])

    async def act(self, site: Site, plan: Plan) -> str:
        new_id = await replace_secret(site, plan.parameters["endpoint_id"])
        _, target = site.stripe()
        live = await until_deployed(site, target.handled_by, plan.parameters["deployment_id"])
        state = "is deployed with its secret" if live else "was not seen to be deployed with its secret yet"
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
    """Whether another deployment than this one serves, within the time that one may take.

    The secret is set by then: that Railway cannot be asked means that nobody knows yet, and never that it failed.
    """
    give_up_at = utc_now() + DEPLOYED_WITHIN
    while utc_now() < give_up_at:
        with suppress(VendorError):
            current = current_of(await railway.list_deployments(*site.railway(service)))
            if current and current["id"] != before_id and current["status"] == railway.SERVES:
                return True
        await asyncio.sleep(DEPLOYED_LOOK_SECONDS)
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
