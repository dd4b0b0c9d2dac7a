"""A probe's check as a reading: the number in it, its threshold, and the service that it speaks for. Pure."""

from collections.abc import Sequence

from watchkeeper.model import Check, CheckStatus, Reading
from watchkeeper.policy import Policy
from watchkeeper.policy.roles import frontend_name, payments_name, site_of


def reading_of(check: Check, policy: Policy, *, with_unread: bool = False) -> Reading | None:
    """A check as a reading, or None where nothing is configured to be read.

    A witness that cannot be asked gives a reading only `with_unread`: there its word is needed.
    """
    if check.status is CheckStatus.NOT_CONFIGURED:
        return None
    if check.status is CheckStatus.UNKNOWN and check.name in WITNESSES and not with_unread:
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
        unread=check.status is CheckStatus.UNKNOWN,
    )


# They tell of us from elsewhere: when they cannot be asked, that says nothing of us.
PAYMENT_PROBES = frozenset({"stripe_undelivered", "payment_orders"})
# A database that cannot be asked is told of by the other looks at it, and is worse than slow.
WITNESSES = (
    frozenset({"sentry_errors", "circuits", "postgres_slow_queries", "uptimerobot_monitors"}) | PAYMENT_PROBES
)


def is_unread(reading: Reading) -> bool:
    """Whether a witness could not be asked: that proves nothing, neither for us nor against us."""
    return reading.unread and reading.probe in WITNESSES


# Which service a probe speaks for when it is bad.
SERVICE_OF_PROBE = {
    "postgres_connections": "database",
    "postgres_writable": "database",
    "postgres_slow_queries": "database",
    "redis_ping": "redis",
    # Sentry's own alert tells of it first; a sweep needs no second one, and this names no service.
    "sentry_errors": "errors",
    "circuits": "external APIs",
    "queue": "worker",
    "jobs_table": "worker",
}


def service_of(check: Check, policy: Policy) -> str:
    """The service that a check is about: what the backend cannot use, where it says so itself."""
    for dependency, state in check.facts.get("dependencies", {}).items():
        if state != "ok" and dependency in policy.services:
            return str(dependency)
    if check.name == "dns":
        return site_of(policy)[0]
    if check.name in PAYMENT_PROBES:
        return payments_name(policy)
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
        case "postgres_slow_queries":
            slow = facts.get("slow")
            limit = float(policy.thresholds.slow_queries_above)
            return None if slow is None else float(len(slow)), "slow queries", limit
        case "redis_ping":
            return facts.get("milliseconds"), "ms", None
        case "queue":
            return facts.get("depth"), "jobs waiting", float(policy.thresholds.queue_backing_up)
        case "jobs_table":
            stalled = facts.get("stalled")
            return None if stalled is None else float(len(stalled)), "stalled jobs", 0
        case "stripe_undelivered":
            return facts.get("undelivered"), "payments not delivered", 0
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
