"""Every look that the runbooks know, in one table: what it is given, and whether it is a probe of the sweep too."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flows.credentials import Credentials
from tasks import (
    bullmq,
    dns,
    gemini,
    health,
    jobs,
    orders,
    postgres,
    railway_looks,
    redis,
    removebg,
    sentry,
    status_pages,
    stripe,
    supabase,
    upstash,
    uptimerobot,
    vercel,
    vercel_variables,
)
from tasks.railway import Listing
from watchkeeper.model import Kind
from watchkeeper.policy import Policy
from watchkeeper.policy.roles import (
    backend_of,
    frontend_name,
    frontend_of,
    payments_name,
    payments_of,
    site_of,
    supabase_project_of,
    upstash_of,
    worker_name,
    worker_of,
)
from watchkeeper.policy.services import RailwayTarget, Service
from watchkeeper.settings import Settings

# In place of a service that the policy does not have: no look finds anything configured in it.
NO_SERVICE = Service(title="", kind=Kind.OTHER)


@dataclass(frozen=True)
class Scene:
    """What looks are given: the services by the part they play, who may be asked, and the time.

    Attributes:
        listing: the deployments of a service on Railway, which several looks of one investigation share.
        swept: whether this is one of many sweeps, which look at lately alone where all of it costs much.
    """

    policy: Policy
    credentials: Credentials
    settings: Settings
    now: datetime
    listing: Listing = field(default_factory=railway_looks.each_once)
    swept: bool = False

    @cached_property
    def backend(self) -> Service:
        return backend_of(self.policy) or NO_SERVICE

    @cached_property
    def worker(self) -> Service:
        return worker_of(self.policy) or NO_SERVICE

    @cached_property
    def frontend(self) -> Service:
        return frontend_of(self.policy) or NO_SERVICE

    @cached_property
    def payments(self) -> Service:
        return payments_of(self.policy) or NO_SERVICE

    def on_railway(self) -> dict[str, RailwayTarget]:
        """Every service that Railway runs."""
        return {name: service.railway for name, service in self.policy.services.items() if service.railway}


Given = dict[str, Any]

# The blocks that the probes of a sweep are given.
PROBES_ASK = ("postgres", "redis", "sentry", "stripe", "uptimerobot")


class Look(NamedTuple):
    """One look.

    Attributes:
        take: a task, or a plain function where no investigation shows it; answers with a Check.
        given: its arguments, by name.
        probe: whether it proves health, and so belongs to every sweep.
        on_card: whether it belongs to every investigation.
    """

    name: str
    take: Any
    given: Callable[[Scene], Given]
    probe: bool = False
    on_card: bool = True


def of_domain(scene: Scene) -> Given:
    """What is asked of whom about the domain."""
    _, site = site_of(scene.policy)
    return {
        "domain": site.domain if site else None,
        "resolvers": scene.settings.resolvers(),
        "expected": dict(site.records) if site else {},
    }


def of_stripe(scene: Scene) -> Given:
    """Whom to ask about payments, and which of them are late."""
    limits = scene.policy.thresholds
    return {
        "credentials": scene.credentials.stripe,
        "target": scene.payments.stripe,
        "now": scene.now,
        "window": limits.payments_window,
        "late_after": limits.undelivered_after,
    }


def of_undelivered(scene: Scene) -> Given:
    given = of_stripe(scene)
    return {"stripe": given.pop("credentials"), "postgres": scene.credentials.postgres, **given}


def of_orders(scene: Scene) -> Given:
    """The same; a sweep compares the newest payments, for every hundred are one more request."""
    limits = scene.policy.thresholds
    window = limits.payments_swept if scene.swept else limits.payments_window
    return of_undelivered(scene) | {"window": window}


def of_backend(scene: Scene) -> Given:
    """The backend's deployments."""
    return {
        "credentials": scene.credentials.railway,
        "target": scene.backend.railway,
        "listing": scene.listing,
    }


def of_workers_logs(scene: Scene) -> Given:
    """The worker's deployments, of which the newest's errors are shown."""
    setting = f"services.{worker_name(scene.policy)}.railway"
    return {
        **of_backend(scene),
        "target": scene.worker.railway,
        "name": "worker_logs",
        "setting": setting,
    }


def of_workers_usage(scene: Scene) -> Given:
    """What the worker uses: one that is not there uses nothing."""
    setting = f"services.{worker_name(scene.policy)}.railway"
    return {**of_usage(scene), "target": scene.worker.railway, "name": "worker_metrics", "setting": setting}


def of_webhooks_logs(scene: Scene) -> Given:
    """The service that takes Stripe's webhooks, and the address that they come to."""
    stripe = scene.payments.stripe
    handler = stripe.handled_by if stripe else "backend"
    service = scene.policy.services.get(handler, NO_SERVICE) if stripe else NO_SERVICE
    return {
        **of_backend(scene),
        "target": service.railway,
        "name": "webhook_logs",
        "setting": f"services.{handler}.railway and services.{payments_name(scene.policy)}.stripe",
        "about": urlsplit(stripe.endpoint_url).path if stripe else None,
    }


def of_usage(scene: Scene) -> Given:
    """What the backend uses, and how far back is lately."""
    return {
        "credentials": scene.credentials.railway,
        "target": scene.backend.railway,
        "now": scene.now,
        "recent": scene.policy.thresholds.recent_deployment,
    }


def of_changes(scene: Scene) -> Given:
    """Every service on Railway, and how far back is lately."""
    return {
        "credentials": scene.credentials.railway,
        "targets": scene.on_railway(),
        "now": scene.now,
        "recent": scene.policy.thresholds.recent_deployment,
        "listing": scene.listing,
    }


def of_connections(scene: Scene) -> Given:
    limits = scene.policy.thresholds
    return {
        "credentials": scene.credentials.postgres,
        "leak_above": limits.leak_above_connections,
        "idle_longer_than": limits.idle_longer_than,
    }


def of_slow_queries(scene: Scene) -> Given:
    limits = scene.policy.thresholds
    return {
        "credentials": scene.credentials.postgres,
        "longer_than": timedelta(milliseconds=limits.slow_query_ms),
        "at_most": limits.slow_queries_above,
    }


def of_queue(scene: Scene) -> Given:
    return {
        "credentials": scene.credentials.redis,
        "target": scene.worker.queue,
        "backing_up": scene.policy.thresholds.queue_backing_up,
        "now": scene.now,
    }


def of_jobs(scene: Scene) -> Given:
    return {
        "credentials": scene.credentials.postgres,
        "target": scene.worker.queue,
        "stalled_after": scene.policy.thresholds.job_stalled_after,
    }


def of_sentry(scene: Scene) -> Given:
    return {"credentials": scene.credentials.sentry, "now": scene.now, "thresholds": scene.policy.thresholds}


def of_supabase(scene: Scene) -> Given:
    return {"credentials": scene.credentials.supabase, "target": supabase_project_of(scene.policy)}


def of_vercel(scene: Scene) -> Given:
    return {"credentials": scene.credentials.vercel, "target": scene.frontend.vercel}


def of_frontends_deployments(scene: Scene) -> Given:
    """The frontend, how far back is lately, and what its changes are called; for its variables too."""
    recent = scene.policy.thresholds.recent_deployment
    return {**of_vercel(scene), "now": scene.now, "recent": recent, "service": frontend_name(scene.policy)}


def of_page(vendor: str) -> Callable[[Scene], Given]:
    """The address of a vendor's status page."""
    return lambda scene: {"url": getattr(scene.settings.status_pages, vendor)}


LOOKS: tuple[Look, ...] = (
    Look("backend_health", health.check_backend_health, lambda s: {"url": s.backend.health_url}, probe=True),
    Look(
        "backend_detailed",
        health.check_backend_detailed,
        lambda s: {"url": s.backend.detailed_health_url},
        probe=True,
    ),
    Look(
        "circuits",
        health.circuits,
        lambda s: {"url": s.backend.detailed_health_url},
        probe=True,
        on_card=False,  # `backend_detailed` shows them there
    ),
    Look("payments_health", health.check_payments_health, lambda s: {"url": s.payments.health_url}),
    Look(
        "stripe_endpoint",
        stripe.check_stripe_endpoint,
        lambda s: {"credentials": s.credentials.stripe, "target": s.payments.stripe},
    ),
    Look("stripe_events", stripe.check_stripe_events, of_stripe),
    Look(
        "stripe_undelivered",
        orders.check_stripe_undelivered,
        of_undelivered,
        probe=True,
        on_card=False,  # `stripe_events` shows them there, with or without an order
    ),
    Look("payment_orders", orders.check_payment_orders, of_orders, probe=True),
    Look("dns", dns.check_dns, of_domain, probe=True),
    Look(
        "frontend_health", health.check_frontend_health, lambda s: {"url": s.frontend.health_url}, probe=True
    ),
    Look("vercel_deployments", vercel.check_vercel_deployments, of_frontends_deployments),
    Look("vercel_variables", vercel_variables.check_vercel_variables, of_frontends_deployments),
    Look("vercel_logs", vercel.check_vercel_logs, of_vercel),
    Look(
        "railway_deployments",
        railway_looks.check_railway_deployments,
        lambda s: {**of_backend(s), "now": s.now},
    ),
    Look("railway_metrics", railway_looks.check_railway_metrics, of_usage),
    Look("railway_logs", railway_looks.check_railway_logs, of_backend),
    Look("worker_metrics", railway_looks.check_worker_metrics, of_workers_usage),
    Look("worker_logs", railway_looks.check_worker_logs, of_workers_logs),
    Look("webhook_logs", railway_looks.check_webhook_logs, of_webhooks_logs),
    Look("railway_changes", railway_looks.check_railway_changes, of_changes),
    Look("postgres_connections", postgres.check_postgres_connections, of_connections, probe=True),
    Look(
        "postgres_slow_queries",
        postgres.check_postgres_slow_queries,
        of_slow_queries,
        probe=True,
    ),
    Look("postgres_size", postgres.check_postgres_size, lambda s: {"credentials": s.credentials.postgres}),
    Look(
        "postgres_writable",
        postgres.check_postgres_writable,
        lambda s: {"credentials": s.credentials.postgres},
        probe=True,
    ),
    Look(
        "redis_ping",
        redis.check_redis_ping,
        lambda s: {"credentials": s.credentials.redis, "slow_after_ms": s.policy.thresholds.slow_redis_ms},
        probe=True,
    ),
    Look(
        "upstash_database",
        upstash.check_upstash_database,
        lambda s: {
            "credentials": s.credentials.upstash,
            "target": upstash_of(s.policy),
            "near_percent": s.policy.thresholds.redis_quota_near_percent,
        },
    ),
    Look("sentry_errors", sentry.check_sentry_errors, of_sentry, probe=True),
    Look("supabase_project", supabase.check_supabase_project, of_supabase),
    Look("supabase_health", supabase.check_supabase_health, of_supabase),
    Look(
        "supabase_disk",
        supabase.check_supabase_disk,
        lambda s: {**of_supabase(s), "full_from_percent": s.policy.thresholds.disk_full_percent},
    ),
    Look("supabase_pooler", supabase.check_supabase_pooler, of_supabase),
    Look(
        "uptimerobot_monitors",
        uptimerobot.check_uptimerobot_monitors,
        lambda s: {
            "credentials": s.credentials.uptimerobot,
            "named": [name for service in s.policy.services.values() for name in service.monitors],
        },
        probe=True,
    ),
    Look("vendor_status_supabase", status_pages.check_vendor_status_supabase, of_page("supabase")),
    Look("vendor_status_railway", status_pages.check_vendor_status_railway, of_page("railway")),
    Look("vendor_status_vercel", status_pages.check_vendor_status_vercel, of_page("vercel")),
    Look("vendor_status_upstash", status_pages.check_vendor_status_upstash, of_page("upstash")),
    Look("vendor_status_stripe", status_pages.check_vendor_status_stripe, of_page("stripe")),
    Look("vendor_status_github", status_pages.check_vendor_status_github, of_page("github")),
    Look(
        "vendor_status_google_cloud", status_pages.check_vendor_status_google_cloud, of_page("google_cloud")
    ),
    Look("gemini_health", gemini.check_gemini_health, lambda s: {"credentials": s.credentials.gemini}),
    Look(
        "removebg_account", removebg.check_removebg_account, lambda s: {"credentials": s.credentials.removebg}
    ),
    Look("queue", bullmq.check_queue, of_queue, probe=True),
    Look("jobs_table", jobs.check_jobs_table, of_jobs, probe=True),
    Look(
        "worker_deployment",
        railway_looks.check_worker_deployment,
        lambda s: {
            "credentials": s.credentials.railway,
            "target": s.worker.railway,
            "now": s.now,
            "listing": s.listing,
        },
    ),
)
