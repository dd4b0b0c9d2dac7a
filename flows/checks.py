"""All looks at once: each check has its own time limit, and none of them can spoil another.

A vendor without credentials is "not configured" in the findings and stops nothing.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from prefect.blocks.core import Block

from blocks.gemini import GeminiCredentials
from blocks.github import GitHubCredentials
from blocks.loading import load_block
from blocks.postgres import PostgresCredentials
from blocks.railway import RailwayCredentials
from blocks.redis import RedisCredentials
from blocks.removebg import RemoveBgCredentials
from blocks.sentry import SentryCredentials
from blocks.stripe import StripeCredentials
from blocks.supabase import SupabaseCredentials
from blocks.upstash import UpstashCredentials
from blocks.uptimerobot import UptimeRobotCredentials
from blocks.vercel import VercelCredentials
from tasks import (
    bullmq,
    dns,
    gemini,
    health,
    jobs,
    orders,
    postgres,
    railway,
    redis,
    removebg,
    sentry,
    status_pages,
    stripe,
    supabase,
    upstash,
    uptimerobot,
    vercel,
)
from watchkeeper.clock import utc_now
from watchkeeper.decisions import OUTAGE
from watchkeeper.model import Check, CheckStatus, Kind, Reading
from watchkeeper.policy import Policy
from watchkeeper.policy.services import Service, SupabaseTarget, UpstashTarget
from watchkeeper.settings import Settings


@dataclass(frozen=True)
class Credentials:
    """The blocks that this installation has; None where a vendor is not configured."""

    railway: RailwayCredentials | None = None
    postgres: PostgresCredentials | None = None
    redis: RedisCredentials | None = None
    stripe: StripeCredentials | None = None
    sentry: SentryCredentials | None = None
    supabase: SupabaseCredentials | None = None
    uptimerobot: UptimeRobotCredentials | None = None
    github: GitHubCredentials | None = None
    gemini: GeminiCredentials | None = None
    removebg: RemoveBgCredentials | None = None
    upstash: UpstashCredentials | None = None
    vercel: VercelCredentials | None = None


# Each vendor's block, under its name in Credentials.
BLOCKS: dict[str, type[Block]] = {
    "railway": RailwayCredentials,
    "postgres": PostgresCredentials,
    "redis": RedisCredentials,
    "stripe": StripeCredentials,
    "sentry": SentryCredentials,
    "supabase": SupabaseCredentials,
    "uptimerobot": UptimeRobotCredentials,
    "github": GitHubCredentials,
    "gemini": GeminiCredentials,
    "removebg": RemoveBgCredentials,
    "upstash": UpstashCredentials,
    "vercel": VercelCredentials,
}


async def load_credentials() -> Credentials:
    """Load every block at once."""
    loaded = await asyncio.gather(*(load_block(kind) for kind in BLOCKS.values()))
    found: dict[str, Any] = dict(zip(BLOCKS, loaded, strict=True))
    return Credentials(**found)


def backend_of(policy: Policy) -> Service | None:
    """The service whose health addresses and deployments are looked at.

    One whose outage is the site's and that has a health address comes first: others have deployments and addresses
    too, and the order of services is not kept with an incident's policy.
    """
    others = (each for each in policy.services.values() if not is_something_else(each))
    services = sorted(others, key=lambda service: service.kind is not Kind.SITE_OUTAGE)
    asked = (service for service in services if service.health_url)
    return next(asked, next((service for service in services if service.railway), None))


def is_something_else(service: Service) -> bool:
    """A worker, what Vercel serves, or what Stripe talks to: it may have a health address or deployments of its own."""
    return service.kind is Kind.WORKER_STUCK or service.vercel is not None or service.stripe is not None


def worker_name(policy: Policy) -> str:
    """The service that is the worker: the first that a stuck worker would be about."""
    names = (name for name, service in policy.services.items() if service.kind is Kind.WORKER_STUCK)
    return next(names, "worker")


def worker_of(policy: Policy) -> Service | None:
    return policy.services.get(worker_name(policy))


def frontend_name(policy: Policy) -> str:
    """The name of the service that Vercel serves: the first."""
    return next((name for name, service in policy.services.items() if service.vercel), "frontend")


def frontend_of(policy: Policy) -> Service | None:
    """The service that Vercel serves, where there is one."""
    service = policy.services.get(frontend_name(policy))
    return service if service is not None and service.vercel else None


def site_of(policy: Policy) -> tuple[str, Service | None]:
    """The service whose domain customers type, and its name: the first that has one."""
    named = ((name, service) for name, service in policy.services.items() if service.domain)
    return next(named, ("backend", None))


def payments_of(policy: Policy) -> Service | None:
    """The service that is told of payments by Stripe."""
    return next((service for service in policy.services.values() if service.stripe), None)


def upstash_of(policy: Policy) -> UpstashTarget | None:
    """The database at Upstash: the first service's that names one."""
    return next((s.upstash for s in policy.services.values() if s.upstash), None)


def supabase_project_of(policy: Policy) -> SupabaseTarget | None:
    """The first service's project, where any has one."""
    return next((service.supabase for service in policy.services.values() if service.supabase), None)


async def run_checks(policy: Policy) -> list[Check]:
    """Every look that the runbooks know, side by side, in a fixed order."""
    known = await load_credentials()
    worker = worker_of(policy)
    payments = payments_of(policy)
    project = supabase_project_of(policy)
    backend, frontend = backend_of(policy), frontend_of(policy)
    settings = Settings()
    pages = settings.status_pages
    limits = policy.thresholds
    return await all_of(
        backend_health=health.check_backend_health(backend.health_url if backend else None),
        backend_detailed=health.check_backend_detailed(backend.detailed_health_url if backend else None),
        payments_health=health.check_payments_health(payments.health_url if payments else None),
        stripe_endpoint=stripe.check_stripe_endpoint(known.stripe, payments.stripe if payments else None),
        stripe_events=stripe.check_stripe_events(
            known.stripe,
            payments.stripe if payments else None,
            now=utc_now(),
            window=limits.payments_window,
            late_after=limits.undelivered_after,
        ),
        payment_orders=orders.check_payment_orders(
            known.stripe,
            known.postgres,
            payments.stripe if payments else None,
            now=utc_now(),
            window=limits.payments_window,
            late_after=limits.undelivered_after,
        ),
        dns=dns.check_dns(**domain_of(policy, settings)),
        frontend_health=health.check_frontend_health(frontend.health_url if frontend else None),
        vercel_deployments=vercel.check_vercel_deployments(
            known.vercel, frontend.vercel if frontend else None, now=utc_now()
        ),
        vercel_logs=vercel.check_vercel_logs(known.vercel, frontend.vercel if frontend else None),
        railway_deployments=railway.check_railway_deployments(
            known.railway,
            backend.railway if backend else None,
            now=utc_now(),
            recent=limits.recent_deployment,
        ),
        railway_metrics=railway.check_railway_metrics(
            known.railway,
            backend.railway if backend else None,
            now=utc_now(),
            recent=limits.recent_deployment,
        ),
        railway_logs=railway.check_railway_logs(known.railway, backend.railway if backend else None),
        railway_changes=railway.check_railway_changes(
            known.railway,
            {name: service.railway for name, service in policy.services.items() if service.railway},
            now=utc_now(),
            recent=limits.recent_deployment,
        ),
        postgres_connections=postgres.check_postgres_connections(
            known.postgres,
            leak_above=limits.leak_above_connections,
            idle_longer_than=limits.idle_longer_than,
        ),
        postgres_slow_queries=postgres.check_postgres_slow_queries(
            known.postgres, longer_than=limits.slow_query
        ),
        postgres_size=postgres.check_postgres_size(known.postgres),
        redis_ping=redis.check_redis_ping(known.redis, slow_after_ms=limits.slow_redis_ms),
        upstash_database=upstash.check_upstash_database(
            known.upstash, upstash_of(policy), near_percent=limits.redis_quota_near_percent
        ),
        sentry_errors=sentry.check_sentry_errors(known.sentry, now=utc_now(), thresholds=limits),
        postgres_writable=postgres.check_postgres_writable(known.postgres),
        supabase_project=supabase.check_supabase_project(known.supabase, project),
        supabase_health=supabase.check_supabase_health(known.supabase, project),
        supabase_disk=supabase.check_supabase_disk(
            known.supabase, project, full_from_percent=limits.disk_full_percent
        ),
        supabase_pooler=supabase.check_supabase_pooler(known.supabase, project),
        uptimerobot_monitors=uptimerobot.check_uptimerobot_monitors(known.uptimerobot),
        vendor_status_supabase=status_pages.check_vendor_status_supabase(pages.supabase),
        vendor_status_railway=status_pages.check_vendor_status_railway(pages.railway),
        vendor_status_vercel=status_pages.check_vendor_status_vercel(pages.vercel),
        vendor_status_upstash=status_pages.check_vendor_status_upstash(pages.upstash),
        vendor_status_stripe=status_pages.check_vendor_status_stripe(pages.stripe),
        vendor_status_github=status_pages.check_vendor_status_github(pages.github),
        vendor_status_google_cloud=status_pages.check_vendor_status_google_cloud(pages.google_cloud),
        gemini_health=gemini.check_gemini_health(known.gemini),
        removebg_account=removebg.check_removebg_account(known.removebg),
        queue=bullmq.check_queue(
            known.redis,
            worker.queue if worker else None,
            backing_up=limits.queue_backing_up,
            now=utc_now(),
        ),
        jobs_table=jobs.check_jobs_table(
            known.postgres, worker.queue if worker else None, stalled_after=limits.job_stalled_after
        ),
        worker_deployment=railway.check_worker_deployment(
            known.railway, worker.railway if worker else None, now=utc_now()
        ),
    )


def domain_of(policy: Policy, settings: Settings) -> dict[str, Any]:
    """What is asked of whom about the domain."""
    _, site = site_of(policy)
    return {
        "domain": site.domain if site else None,
        "resolvers": settings.resolvers(),
        "expected": dict(site.records) if site else {},
    }


async def all_of(**looks: Coroutine[Any, Any, Check]) -> list[Check]:
    """Run the looks side by side; one that fails in a way nobody foresaw is an unknown, never a crash."""
    results = await asyncio.gather(*looks.values(), return_exceptions=True)
    return [
        result if isinstance(result, Check) else unforeseen(name, result)
        for name, result in zip(looks, results, strict=True)
    ]


def unforeseen(name: str, error: BaseException) -> Check:
    """A look that broke; its error's type is told, its text may hold what must not be shown."""
    if not isinstance(error, Exception):
        raise error
    return Check(
        name=name,
        system="watchkeeper",
        status=CheckStatus.UNKNOWN,
        summary=f"the look itself failed ({type(error).__name__})",
        observed_at=utc_now(),
    )


async def run_probes(policy: Policy) -> list[Reading]:
    """The few looks that prove health, as plain calls: they are repeated too often to be runs of their own."""
    known = await load_credentials()
    backend, frontend = backend_of(policy), frontend_of(policy)
    worker = worker_of(policy)
    limits = policy.thresholds
    checks = await all_of(
        backend_health=health.backend_health(backend.health_url if backend else None),
        frontend_health=health.frontend_health(frontend.health_url if frontend else None),
        dns=dns.domain_records(**domain_of(policy, Settings())),
        backend_detailed=health.backend_detailed(backend.detailed_health_url if backend else None),
        postgres_connections=postgres.postgres_connections(
            known.postgres,
            leak_above=limits.leak_above_connections,
            idle_longer_than=limits.idle_longer_than,
        ),
        redis_ping=redis.redis_ping(known.redis, slow_after_ms=limits.slow_redis_ms),
        postgres_writable=postgres.postgres_writable(known.postgres),
        queue=bullmq.queue_state(
            known.redis,
            worker.queue if worker else None,
            backing_up=limits.queue_backing_up,
            now=utc_now(),
        ),
        jobs_table=jobs.jobs_table(
            known.postgres, worker.queue if worker else None, stalled_after=limits.job_stalled_after
        ),
        uptimerobot_monitors=uptimerobot.uptimerobot_monitors(known.uptimerobot),
        sentry_errors=sentry.sentry_errors(known.sentry, now=utc_now(), thresholds=limits),
        circuits=health.circuits(backend.detailed_health_url if backend else None),
    )
    readings = [reading_of(check, policy) for check in checks]
    return [reading for reading in readings if reading is not None]


async def run_payment_probes(policy: Policy) -> list[Reading]:
    """Whether every payment has its order: what proves that an incident of payments is over."""
    check = await look_at_payments(policy)
    reading = reading_of(check, policy)
    return [] if reading is None else [reading]


async def look_at_payments(policy: Policy) -> Check:
    """Stripe's payments beside the company's orders, as a plain call."""
    known = await load_credentials()
    payments = payments_of(policy)
    [check] = await all_of(
        payment_orders=orders.payment_orders(
            known.stripe,
            known.postgres,
            payments.stripe if payments else None,
            now=utc_now(),
            window=policy.thresholds.payments_window,
            late_after=policy.thresholds.undelivered_after,
        )
    )
    return check


def reading_of(check: Check, policy: Policy) -> Reading | None:
    """A check as a reading, or None where nothing is configured to be read."""
    if check.status is CheckStatus.NOT_CONFIGURED:
        return None
    if check.status is CheckStatus.UNKNOWN and check.name in WITNESSES:
        return None
    value, unit, threshold = measure_of(check, policy)
    return Reading(
        probe=check.name,
        service=service_of(check, policy),
        value=value,
        unit=unit,
        threshold=threshold,
        ok=check.status is CheckStatus.OK,
        observed_at=check.observed_at,
        detail=check.summary,
    )


# They tell of us from elsewhere: when they cannot be asked, that says nothing of us.
WITNESSES = frozenset({"sentry_errors", "circuits"})


async def read_vendor_page(vendor: str) -> Reading | None:
    """What a vendor that is waited for says of itself; None where it has no page here, or the page says nothing.

    Its value is 2 for an outage, which is not green, 1 for anything less, and 0 when all is well.
    """
    told = Settings().status_pages
    pages = {
        "supabase": (status_pages.vendor_status_supabase, told.supabase),
        "railway": (status_pages.vendor_status_railway, told.railway),
        "vercel": (status_pages.vendor_status_vercel, told.vercel),
        "upstash": (status_pages.vendor_status_upstash, told.upstash),
        "stripe": (status_pages.vendor_status_stripe, told.stripe),
        "github": (status_pages.vendor_status_github, told.github),
        "gemini": (status_pages.vendor_status_google_cloud, told.google_cloud),
    }
    if vendor.lower() not in pages:
        return None
    look, url = pages[vendor.lower()]
    check = await look(url)
    if check.status not in (CheckStatus.OK, CheckStatus.BAD):
        return None
    value = 0 if check.status is CheckStatus.OK else 2 if check.facts.get("indicator") in OUTAGE else 1
    return Reading(
        probe=check.name,
        service=vendor.lower(),
        value=value,
        unit="",
        threshold=1,
        ok=value < 2,
        observed_at=check.observed_at,
        detail=check.summary,
    )


# Which service a probe speaks for when it is bad.
SERVICE_OF_PROBE = {
    "postgres_connections": "database",
    "postgres_writable": "database",
    "redis_ping": "redis",
    # Sentry's own alert tells of it first; a sweep needs no second one, and this names no service.
    "sentry_errors": "errors",
    "circuits": "external APIs",
    "queue": "worker",
    "jobs_table": "worker",
    "payment_orders": "payments",
}


def service_of(check: Check, policy: Policy) -> str:
    """The service that a check is about: what the backend cannot use, where it says so itself."""
    for dependency, state in check.facts.get("dependencies", {}).items():
        if state != "ok" and dependency in policy.services:
            return str(dependency)
    if check.name == "dns":
        return site_of(policy)[0]
    if check.name == "frontend_health":
        return frontend_name(policy)
    if monitored := service_of_monitors(check.facts.get("down", []), policy):
        return monitored
    return SERVICE_OF_PROBE.get(check.name, "backend")


def service_of_monitors(down: Sequence[str], policy: Policy) -> str | None:
    """Which service the monitors that are down watch; of several, the one that all the others depend on."""
    hit = [name for name, service in policy.services.items() if set(service.monitors) & set(down)]
    for name in hit:
        if all(name in policy.depends_on(other) for other in hit if other != name):
            return name
    return hit[0] if hit else None


def measure_of(check: Check, policy: Policy) -> tuple[float | None, str, float | None]:
    """The number in a check, its unit, and the threshold it is held against."""
    facts = check.facts
    match check.name:
        case "backend_health" | "backend_detailed" | "frontend_health":
            return facts.get("status_code"), "", 200
        case "postgres_connections":
            limit = float(policy.thresholds.leak_above_connections)
            return facts.get("application_connections"), "connections", limit
        case "redis_ping":
            return facts.get("milliseconds"), "ms", None
        case "queue":
            return facts.get("depth"), "jobs waiting", float(policy.thresholds.queue_backing_up)
        case "jobs_table":
            stalled = facts.get("stalled")
            return None if stalled is None else float(len(stalled)), "stalled jobs", 0
        case "payment_orders":
            return facts.get("missing"), "payments without an order", 0
        case "uptimerobot_monitors":
            down = facts.get("down")
            return None if down is None else float(len(down)), "monitors down", 0
        case "circuits":
            broken = facts.get("open")
            return None if broken is None else float(len(broken)), "circuits open", 0
        case "sentry_errors":
            return facts.get("per_minute"), "errors a minute", policy.thresholds.errors_per_minute
        case _:
            return None, "", None
