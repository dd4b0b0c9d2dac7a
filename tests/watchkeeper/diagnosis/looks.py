"""What the checks of a night saw, as short as a table needs it; and what is made of it."""

from datetime import UTC, datetime
from typing import Any

from watchkeeper.diagnosis import diagnose
from watchkeeper.model import Check, CheckStatus, Finding
from watchkeeper.policy import load_policy

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
POLICY = load_policy()
OK, BAD, UNKNOWN = CheckStatus.OK, CheckStatus.BAD, CheckStatus.UNKNOWN
NOT_CONFIGURED = CheckStatus.NOT_CONFIGURED
NEW = {"id": "d2", "status": "SUCCESS", "commit_hash": "bada55c", "commit_message": "Speed up checkout"}
OLD = {"id": "d1", "status": "REMOVED", "commit_hash": "a11ce5e", "commit_message": "Show delivery times"}


def check(name: str, status: CheckStatus, summary: str = "", **facts: Any) -> Check:
    return Check(
        name=name, system=name, status=status, summary=summary or status, facts=facts, observed_at=NOW
    )


def connections(held: int, idle: int) -> Check:
    status = BAD if held > POLICY.thresholds.leak_above_connections else OK
    return check("postgres_connections", status, application_connections=held, idle_over_limit=idle)


def no_connection(status: CheckStatus = UNKNOWN) -> Check:
    return check("postgres_connections", status, "postgres did not answer")


def health(status: CheckStatus = OK, code: int | None = 200) -> Check:
    return check("backend_health", status, status_code=code)


def detailed(database: str | None = "ok") -> Check:
    dependencies = {} if database is None else {"database": database}
    return check("backend_detailed", OK if database == "ok" else BAD, dependencies=dependencies)


def deployed(
    minutes_ago: float | None, *, status: CheckStatus = OK, previous: Any = OLD, current: Any = NEW
) -> Check:
    facts = {"current": current, "previous_good": previous, "deployed_minutes_ago": minutes_ago}
    return check("railway_deployments", status, **facts)


def disk(percent: float, *, by_vendor: bool = False) -> Check:
    facts = {"percent": percent, "size_bytes": 100, "used_bytes": percent, "read_only": by_vendor}
    return check("supabase_disk", BAD, f"{percent} MB used", **facts)


def read_only() -> Check:
    return check("postgres_writable", BAD, "read-only", read_only=True)


def size(megabytes: int) -> Check:
    table = {"name": "uploads", "bytes": megabytes * 1_000_000}
    return check("postgres_size", OK, bytes=megabytes * 1_000_000, tables=[table])


def sick() -> Check:
    return check("supabase_health", BAD, "db UNHEALTHY", unhealthy=["db"])


def memory(peak: float, falls: int = 0, *, limit: float = 0.15) -> Check:
    share = round(peak / limit, 3)
    facts = {"memory_share": share, "memory_limit_gb": limit, "memory_falls": falls}
    return check("railway_metrics", BAD if share >= 0.9 else OK, **facts)


CRASHED = {**NEW, "status": "CRASHED"}


def vendor_page(vendor: str, status: CheckStatus = BAD) -> Check:
    return check(f"vendor_status_{vendor}", status, "major outage in eu-west")


def ping(trouble: str | None = None) -> Check:
    if trouble is None:
        return check("redis_ping", OK, "PONG in 3 ms", milliseconds=3)
    return check("redis_ping", BAD, f"in trouble: {trouble}", trouble=trouble)


def upstash(used_percent: float = 10, *, state: str = "active") -> Check:
    well = state == "active" and used_percent < POLICY.thresholds.redis_quota_near_percent
    facts = {
        "state": state,
        "plan": "free",
        "limit": 500_000,
        "used_percent": used_percent,
        "used_today": 412,
        "usual_day": 20_000,
        "shares": {"EVALSHA": 52.4, "BZPOPMIN": 34.2, "GET": 8.4, "SET": 4.9},
    }
    return check("upstash_database", OK if well else BAD, f"{used_percent:g} % used", **facts)


def no_redis(database: str = "ok") -> Check:
    return check("backend_detailed", OK, dependencies={"database": database, "redis": "error"})


def dns(status: CheckStatus = BAD) -> Check:
    return check("dns", status, "shop.example.com does not resolve")


def sentry(
    status: CheckStatus = BAD, *, release: str = "r2", errors: int = 30, usual: dict[str, int] | None = None
) -> Check:
    facts = {
        "errors": errors,
        "per_minute": errors / 5,
        "usual_per_minute": 0.1,
        "by_release": {release: errors},
        "by_endpoint": {"POST /orders": errors},
        "usual_by_release": usual or {},
        "new_titles": ["DiscountError"],
    }
    return check("sentry_errors", status, **facts)


def runs(release: str = "r2", **dependencies: str) -> Check:
    """What the backend says of itself."""
    return check("backend_detailed", OK, release=release, dependencies=dependencies or {"database": "ok"})


NEW_SITE = {"id": "dpl_2", "status": "READY", "commit_hash": "deadbea7", "commit_message": "Render the cart"}
NOWHERE = {"resolver": "192.0.2.53", "A": [], "AAAA": [], "CNAME": [], "trouble": "NXDOMAIN", "unknown": ""}


def site(status: CheckStatus = OK, code: int | None = 200) -> Check:
    return check("frontend_health", status, status_code=code)


def site_deployed(minutes_ago: float, *, previous: Any = OLD) -> Check:
    facts = {"current": NEW_SITE, "previous_good": previous, "deployed_minutes_ago": minutes_ago}
    return check("vercel_deployments", OK, **facts)


def vercel_page(indicator: str = "major") -> Check:
    return check("vendor_status_vercel", BAD, f"{indicator}: Edge", indicator=indicator)


def broken_domain(**answer: Any) -> Check:
    facts = {
        "domain": "shop.example",
        "expected": {"A": ["192.0.2.1"]},
        "answers": [{**NOWHERE, **answer}],
    }
    return check("dns", BAD, "shop.example does not lead to the site", **facts)


HEALTHY = [
    site(),
    site_deployed(3000),
    vendor_page("vercel", OK),
    connections(held=4, idle=0),
    health(),
    detailed(),
    deployed(3000),
    vendor_page("supabase", OK),
    vendor_page("railway", OK),
    vendor_page("upstash", OK),
    ping(),
    upstash(),
    dns(OK),
]


def night(*changed: Check) -> list[Check]:
    """All that is looked at, healthy but for what is given."""
    names = {each.name for each in changed}
    return [*(each for each in HEALTHY if each.name not in names), *changed]


def ranked(*changed: Check) -> dict[str, float]:
    """Causes and confidences of such a night, in their order."""
    return {finding.cause: finding.confidence for finding in diagnose(night(*changed), POLICY)}


def finding(cause: str, *checks: Check) -> Finding:
    """What is held of one cause when these are the only looks."""
    return next(found for found in diagnose(checks, POLICY) if found.cause == cause)
