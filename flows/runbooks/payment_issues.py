"""The payment-issues runbook.

If the webhook endpoint is down, the guide repairs the backend first and then sends again what failed. If signatures
fail, it replaces the signing secret; that is asked for, since it changes who may tell the company of payments.
"""

from prefect import flow

from flows.actions.payments import (
    healthy,
    plan_enable_endpoint,
    plan_replace_secret,
    plan_retire_endpoints,
)
from flows.actions.railway import plan_restart
from flows.actions.resending import plan_resend
from flows.actions.site import Site
from flows.rehearsal import rehearse
from flows.runbooks import Cure
from watchkeeper.diagnosis.payments import (
    EVENTS_UNDELIVERED,
    STRIPE_ENDPOINT_DOWN,
    STRIPE_OUTAGE,
    STRIPE_SIGNATURE,
)
from watchkeeper.model import Kind, Plan


async def restart_handler(site: Site) -> Plan | None:
    """Unneeded where webhooks are taken again by now."""
    if site.payments().health_url is not None and await healthy(site):
        return None
    _, target = site.stripe()
    why = "take Stripe's webhooks again"
    return await plan_restart(site, target.handled_by, cause=STRIPE_ENDPOINT_DOWN, why=why)


async def enable_endpoint(site: Site) -> Plan | None:
    return await plan_enable_endpoint(site, cause=STRIPE_ENDPOINT_DOWN)


async def resend_after_repair(site: Site) -> Plan | None:
    return await plan_resend(site, cause=STRIPE_ENDPOINT_DOWN)


async def replace_secret(site: Site) -> Plan | None:
    return await plan_replace_secret(site, cause=STRIPE_SIGNATURE)


async def retire_endpoints(site: Site) -> Plan | None:
    return await plan_retire_endpoints(site, cause=STRIPE_SIGNATURE)


async def resend_with_new_secret(site: Site) -> Plan | None:
    return await plan_resend(site, cause=STRIPE_SIGNATURE)


async def resend_missed(site: Site) -> Plan | None:
    return await plan_resend(site, cause=EVENTS_UNDELIVERED)


CURES = (
    Cure(STRIPE_ENDPOINT_DOWN, (restart_handler, enable_endpoint, resend_after_repair), may_be_over=True),
    Cure(STRIPE_SIGNATURE, (replace_secret, retire_endpoints, resend_with_new_secret)),
    Cure(STRIPE_OUTAGE, waits_for="Stripe"),
    Cure(EVENTS_UNDELIVERED, (resend_missed,)),
)


@flow(name="payment-issues", flow_run_name="payment-issues dry run")
async def payment_issues() -> list[Plan]:
    """Look, diagnose and plan as in an incident, and change nothing: a dry run of this runbook."""
    return await rehearse(Kind.PAYMENT_FAILURE, CURES)
