"""Every look at a vendor and every change asked of one, with the answer that is good news."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from blocks.gemini import GeminiCredentials
from blocks.github import GitHubCredentials
from blocks.railway import RailwayCredentials
from blocks.removebg import RemoveBgCredentials
from blocks.sentry import SentryCredentials
from blocks.stripe import StripeCredentials
from blocks.supabase import SupabaseCredentials
from blocks.upstash import UpstashCredentials
from blocks.uptimerobot import UptimeRobotCredentials
from blocks.vercel import VercelCredentials
from tasks.gemini import gemini_health
from tasks.github import create_branch, create_issue
from tasks.health import backend_detailed, backend_health, frontend_health
from tasks.orders import payment_orders
from tasks.railway import (
    redeploy,
    redeploy_service,
    restart_deployment,
    roll_back,
    set_variable,
)
from tasks.railway_looks import (
    railway_changes,
    railway_deployments,
    railway_logs,
    railway_metrics,
    worker_deployment,
)
from tasks.railway_usage import update_limits
from tasks.removebg import removebg_account
from tasks.sentry import resolve_issue, sentry_errors
from tasks.status_pages import (
    vendor_status_github,
    vendor_status_google_cloud,
    vendor_status_railway,
    vendor_status_stripe,
    vendor_status_supabase,
    vendor_status_upstash,
    vendor_status_vercel,
)
from tasks.stripe import (
    create_endpoint,
    enable_or_disable_endpoint,
    resend_event,
    stripe_endpoint,
    stripe_events,
)
from tasks.supabase import supabase_disk, supabase_health, supabase_pooler, supabase_project
from tasks.upstash import upstash_database
from tasks.uptimerobot import uptimerobot_monitors
from tasks.vercel import promote as promote_frontend
from tasks.vercel import roll_back as roll_back_frontend
from tasks.vercel import vercel_deployments
from tasks.vercel_variables import vercel_variables
from tests.tasks.conftest import SECRET
from watchkeeper.model import Check
from watchkeeper.policy import load_policy
from watchkeeper.policy.services import (
    OrdersTable,
    RailwayTarget,
    StripeTarget,
    SupabaseTarget,
    UpstashTarget,
    VercelTarget,
)

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
THRESHOLDS = load_policy().thresholds
TARGET = RailwayTarget(project_id="p", environment_id="e", service_id="s")
VERCEL_TARGET = VercelTarget(project_id="p", team_id="t")
VERCEL_WELL = {
    "deployments": [{"uid": "d1", "state": "READY", "createdAt": 1772416800000}],
    "targets": {"production": {"id": "d1"}},
}
DEPLOYMENT = {"id": "d1", "status": "SUCCESS", "createdAt": "2026-03-02T02:00:00Z", "canRollback": True}
ISSUES = "/organizations/shop/issues/"


def railway(url: str) -> RailwayCredentials:
    return RailwayCredentials(token=SecretStr(SECRET), base_url=url)


def sentry(url: str) -> SentryCredentials:
    return SentryCredentials(token=SecretStr(SECRET), organization="shop", base_url=url)


def uptimerobot(url: str) -> UptimeRobotCredentials:
    return UptimeRobotCredentials(api_key=SecretStr(SECRET), base_url=url)


def upstash(url: str) -> UpstashCredentials:
    return UpstashCredentials(email="ops@example.com", api_key=SecretStr(SECRET), base_url=url)


async def look_at_railway(url: str) -> Check:
    return await railway_deployments(
        railway(url),
        TARGET,
        now=NOW,
    )


async def look_at_usage(url: str) -> Check:
    return await railway_metrics(railway(url), TARGET, now=NOW, recent=timedelta(hours=1))


async def look_at_logs(url: str) -> Check:
    return await railway_logs(railway(url), TARGET)


async def look_at_changes(url: str) -> Check:
    return await railway_changes(railway(url), {"backend": TARGET}, now=NOW, recent=timedelta(hours=1))


async def look_at_worker(url: str) -> Check:
    return await worker_deployment(railway(url), TARGET, now=NOW)


ENDPOINT_URL = "https://shop.example.com/webhooks/stripe"
PAID = "payment_intent.succeeded"
STRIPE_TARGET = StripeTarget(endpoint_url=ENDPOINT_URL, event_types=[PAID])
ENDPOINT = {
    "id": "we_1",
    "status": "enabled",
    "created": 1_600_000_000,
    "enabled_events": [PAID],
    "url": ENDPOINT_URL,
    "metadata": {},
    "api_version": None,
}


PAYMENTS: dict[str, Any] = {
    "now": NOW,
    "window": timedelta(hours=24),
    "late_after": timedelta(minutes=5),
}


async def look_at_endpoint(url: str) -> Check:
    return await stripe_endpoint(stripe(url), STRIPE_TARGET)


async def look_at_events(url: str) -> Check:
    return await stripe_events(stripe(url), STRIPE_TARGET, **PAYMENTS)


async def look_at_orders(url: str) -> Check:
    table = OrdersTable(table="orders", column="event_id")
    target = STRIPE_TARGET.model_copy(update={"orders": table})
    return await payment_orders(stripe(url), None, target, **PAYMENTS)


async def look_at_sentry(url: str) -> Check:
    return await sentry_errors(sentry(url), now=NOW, thresholds=THRESHOLDS)


async def look_at_upstash(url: str) -> Check:
    return await upstash_database(upstash(url), UpstashTarget(database_id="db-1"), near_percent=80)


def vercel(url: str) -> VercelCredentials:
    return VercelCredentials(token=SecretStr(SECRET), base_url=url)


async def look_at_vercel(url: str) -> Check:
    return await vercel_deployments(vercel(url), VERCEL_TARGET, now=NOW, recent=timedelta(hours=1))


async def look_at_variables(url: str) -> Check:
    return await vercel_variables(vercel(url), VERCEL_TARGET, now=NOW, recent=timedelta(hours=1))


async def look_at_uptimerobot(url: str) -> Check:
    return await uptimerobot_monitors(uptimerobot(url), ["shop"])


async def look_at_gemini(url: str) -> Check:
    return await gemini_health(GeminiCredentials(api_key=SecretStr(SECRET), base_url=url))


async def look_at_removebg(url: str) -> Check:
    return await removebg_account(RemoveBgCredentials(api_key=SecretStr(SECRET), base_url=url))


REMOVEBG_ACCOUNT = {"data": {"attributes": {"credits": {"total": 200}, "api": {"free_calls": 0}}}}


@dataclass(frozen=True)
class Look:
    """How to look at a vendor, and what it says when all is well."""

    at: Callable[[str], Awaitable[Check]]
    well: Any
    requests: int = 1


def at_supabase(look: Callable[..., Awaitable[Check]], **more: Any) -> Callable[[str], Awaitable[Check]]:
    target = SupabaseTarget(project_ref="abcdefghijklmnopqrst")

    async def look_at_it(url: str) -> Check:
        known = SupabaseCredentials(token=SecretStr(SECRET), base_url=url)
        return await look(known, target, **more)

    return look_at_it


DISK = {"metrics": {"fs_size_bytes": 100, "fs_used_bytes": 5}, "enabled": False}
POOLER = {"database_type": "PRIMARY", "pool_mode": "session", "default_pool_size": 15, "max_client_conn": 200}

LOOKS = {
    "supabase's project": Look(at_supabase(supabase_project), {"status": "ACTIVE_HEALTHY"}),
    "supabase's health": Look(at_supabase(supabase_health), [{"name": "db", "status": "ACTIVE_HEALTHY"}]),
    "supabase's disk": Look(at_supabase(supabase_disk, full_from_percent=90), DISK, requests=2),
    "supabase's pooler": Look(at_supabase(supabase_pooler), [POOLER]),
    "railway": Look(look_at_railway, {"data": {"deployments": {"edges": [{"node": DEPLOYMENT}]}}}),
    "railway's metrics": Look(look_at_usage, {"data": {"metrics": []}}),
    "railway's logs": Look(
        look_at_logs,
        {"data": {"deployments": {"edges": [{"node": DEPLOYMENT}]}, "deploymentLogs": []}},
        requests=2,
    ),
    "railway's changes": Look(look_at_changes, {"data": {"deployments": {"edges": [{"node": DEPLOYMENT}]}}}),
    "railway's worker": Look(look_at_worker, {"data": {"deployments": {"edges": [{"node": DEPLOYMENT}]}}}),
    "stripe's endpoint": Look(look_at_endpoint, {"data": [ENDPOINT], "has_more": False}),
    "stripe's events": Look(look_at_events, {"data": [], "has_more": False}),
    "stripe's payments beside the orders": Look(look_at_orders, {"data": [], "has_more": False}),
    "sentry": Look(look_at_sentry, {"data": []}, requests=3),
    "uptimerobot": Look(look_at_uptimerobot, {"stat": "ok", "monitors": []}),
    "gemini": Look(look_at_gemini, {"models": [{"name": "models/gemini-2.5-flash"}]}),
    "removebg": Look(look_at_removebg, REMOVEBG_ACCOUNT),
    "upstash": Look(
        look_at_upstash, {"state": "active", "total_monthly_requests": 7, "daily_net_commands": 7}, requests=2
    ),
    "vercel": Look(look_at_vercel, VERCEL_WELL, requests=2),
    "vercel's variables": Look(look_at_variables, {"envs": []}),
    "status page of supabase": Look(vendor_status_supabase, {"status": {"indicator": "none"}}),
    "status page of railway": Look(vendor_status_railway, {"activeIncidents": []}),
    "status page of vercel": Look(vendor_status_vercel, {"status": {"indicator": "none"}}),
    "status page of upstash": Look(vendor_status_upstash, {"status": {"indicator": "none"}}),
    "status page of stripe": Look(vendor_status_stripe, {"status": {"indicator": "none"}}),
    "status page of github": Look(vendor_status_github, {"status": {"indicator": "none"}}),
    "status page of google cloud": Look(vendor_status_google_cloud, [{"end": "2025-06-13T01:18:00+00:00"}]),
}


def service(service_id: str) -> RailwayTarget:
    return RailwayTarget(project_id="p", environment_id="e", service_id=service_id)


async def set_a_variable(credentials: RailwayCredentials, service_id: str) -> None:
    await set_variable.fn(credentials, service(service_id), "STRIPE_WEBHOOK_SECRET", SecretStr(SECRET))


async def redeploy_a_service(credentials: RailwayCredentials, service_id: str) -> None:
    await redeploy_service.fn(credentials, service(service_id))


async def update_the_limits(credentials: RailwayCredentials, service_id: str) -> None:
    await update_limits.fn(credentials, service(service_id), memory_gb=0.3, cpu=1)


ACTIONS = {
    "roll back": (roll_back.fn, "deploymentRollback"),
    "restart": (restart_deployment.fn, "deploymentRestart"),
    "set a variable": (set_a_variable, "variableUpsert"),
    "update limits": (update_the_limits, "serviceInstanceLimitsUpdate"),
    "redeploy a service": (redeploy_a_service, "serviceInstanceRedeploy"),
}


def on_railway(name: str) -> Callable[[str], Awaitable[object]]:
    act, _ = ACTIONS[name]
    return lambda url: act(railway(url), "d1")


def stripe(url: str) -> StripeCredentials:
    return StripeCredentials(api_key=SecretStr(SECRET), base_url=url)


async def resend(url: str) -> None:
    await resend_event.fn(stripe(url), "evt_1", "we_1", idempotency_key="k")


async def enable(url: str) -> None:
    await enable_or_disable_endpoint.fn(stripe(url), "we_1", enabled=True, idempotency_key="k")


async def create(url: str) -> None:
    await create_endpoint(stripe(url), ENDPOINT, mark={"watchkeeper": "incident-7"}, idempotency_key="k")


async def resolve(url: str) -> None:
    await resolve_issue.fn(sentry(url), "7")


async def redeploy_one(url: str) -> None:
    await redeploy.fn(railway(url), "d1")


def github(url: str) -> GitHubCredentials:
    return GitHubCredentials(token=SecretStr(SECRET), repository="shop/shop", base_url=url)


async def open_an_issue(url: str) -> None:
    await create_issue.fn(github(url), title="INC-0007", body="what happened")


async def make_a_branch(url: str) -> None:
    await create_branch.fn(github(url), "hotfix/inc-0007", "c" * 40)


async def go_back(url: str) -> None:
    await roll_back_frontend.fn(vercel(url), VERCEL_TARGET, "d1")


async def promote(url: str) -> None:
    await promote_frontend.fn(vercel(url), VERCEL_TARGET, "d1")


# Every change that is asked for over HTTP and whose success has a body.
CHANGES: dict[str, Callable[[str], Awaitable[object]]] = {
    **{f"railway: {name}": on_railway(name) for name in ACTIONS},
    "stripe: send an event again": resend,
    "stripe: enable an endpoint": enable,
    "stripe: create an endpoint": create,
    "sentry: resolve an issue": resolve,
    "railway: redeploy a deployment": redeploy_one,
    "github: open an issue": open_an_issue,
    "github: make a branch": make_a_branch,
}
# Those whose success is a status alone.
BODILESS: dict[str, Callable[[str], Awaitable[object]]] = {
    "vercel: roll back": go_back,
    "vercel: promote": promote,
}
HEALTH = {"frontend": frontend_health, "health": backend_health, "detailed health": backend_detailed}
