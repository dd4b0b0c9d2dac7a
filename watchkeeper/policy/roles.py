"""Which service plays which part: the backend, the worker, the frontend, what takes payments. Pure."""

from watchkeeper.model import Kind
from watchkeeper.policy.services import Service, SupabaseTarget, UpstashTarget
from watchkeeper.policy.whole import Policy


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


def payments_name(policy: Policy) -> str:
    """The name of the service that is told of payments by Stripe: the first."""
    return next((name for name, service in policy.services.items() if service.stripe), "payments")


def payments_of(policy: Policy) -> Service | None:
    """The service that is told of payments by Stripe, where there is one."""
    service = policy.services.get(payments_name(policy))
    return service if service is not None and service.stripe else None


def upstash_of(policy: Policy) -> UpstashTarget | None:
    """The database at Upstash: the first service's that names one."""
    return next((s.upstash for s in policy.services.values() if s.upstash), None)


def supabase_project_of(policy: Policy) -> SupabaseTarget | None:
    """The first service's project, where any has one."""
    return next((service.supabase for service in policy.services.values() if service.supabase), None)
