"""What can take Redis down. Pure."""

from typing import Any

from watchkeeper.diagnosis.case import Case, Cause, Looks
from watchkeeper.diagnosis.processors import processors_are_full
from watchkeeper.model import Fault, Kind
from watchkeeper.policy import Policy

UPSTASH_OUTAGE = "upstash_outage"
REDIS_QUOTA = "redis_quota"
REDIS_CONNECTION = "redis_connection"
REDIS_UNREACHABLE = "redis_unreachable"

NO_ANSWER = frozenset({"connection", "timeout"})
# What is asked again and again, whether there is work or not, and what sets how often.
WORKER = "the worker's polling interval"
POLLING = {
    "BZPOPMIN": "BullMQ's drainDelay",
    "EVALSHA": "BullMQ's drainDelay and stalledInterval",
    "EVAL": WORKER,
    "BRPOPLPUSH": WORKER,
    "BLMOVE": WORKER,
    "BRPOP": WORKER,
    "BLPOP": WORKER,
    "XREAD": WORKER,
    "XREADGROUP": WORKER,
    "PING": "the health checks' interval",
}
WORTH_NAMING_PERCENT = 5
DAYS_A_MONTH = 30


def redis_state(looks: Looks) -> str | None:
    """What the backend says of its Redis: "ok", "error", or nothing."""
    state: str | None = looks.facts("backend_detailed").get("dependencies", {}).get("redis")
    return state


def trouble(looks: Looks) -> str | None:
    """What kind of trouble our own PING has."""
    found: str | None = looks.facts("redis_ping").get("trouble")
    return found


def upstash_outage(looks: Looks, policy: Policy) -> Case:
    """The vendor's own status page is red, and Redis does not answer. A page that is red elsewhere is none."""
    case = Case(UPSTASH_OUTAGE, Fault.VENDOR)
    red = looks.is_bad("vendor_status_upstash")
    said = redis_state(looks)
    case.weigh(4, red, f"Upstash: {looks.summary('vendor_status_upstash')}")
    case.weigh(
        4,
        red and trouble(looks) in NO_ANSWER,
        f"our own PING gets {looks.summary('redis_ping')}",
        "our own PING is answered",
        seen=red and looks.saw("redis_ping"),
    )
    case.weigh(2, red and said == "error", "the backend cannot use Redis", seen=red and said == "ok")
    case.advice = [
        "do not restart anything for it: jobs stay queued, the backend works on without rate limiting",
        "follow the incident at https://status.upstash.com, and say so on your own status page",
    ]
    return case


def redis_quota(looks: Looks, policy: Policy) -> Case:
    """The plan's commands are used up: every command is answered with the quota's error."""
    case = Case(REDIS_QUOTA, Fault.OURS)
    facts = looks.facts("upstash_database")
    used = facts.get("used_percent")
    case.weigh(6, trouble(looks) == "quota", f"Redis {looks.summary('redis_ping')}")
    case.weigh(1, used is not None and used >= 100, f"Upstash's figures: {looks.summary('upstash_database')}")
    near = used is not None and policy.thresholds.redis_quota_near_percent <= used < 100
    # That the plan is nearly used up breaks nothing yet: worth showing, in whatever incident.
    if near:
        case.weigh(0.5, near, f"the plan is nearly used up: {looks.summary('upstash_database')}")
    said = redis_state(looks)
    case.weigh(1, trouble(looks) == "quota" and said == "error", "the backend cannot use Redis")
    case.advice = quota_advice(facts, looks.summary("upstash_database"))
    return case


def quota_advice(facts: dict[str, Any], why_none: str) -> list[str]:
    """What a person may do, with what each of it is worth. It costs money, so nothing of it is done unasked."""
    plan = (
        "upgrade: Upstash console -> the database -> Upgrade (pay as you go has no command limit; a fixed plan "
        "is what Upstash recommends for BullMQ), or wait for the quota's next period"
    )
    if not facts:
        reason = why_none or "it was not asked"
        return [
            plan,
            f"which commands used it up is not known here, for Upstash's API gave nothing ({reason}): "
            "console -> the database -> Usage shows it",
        ]
    return [*usage_lines(facts), *polling_lines(facts), plan]


def usage_lines(facts: dict[str, Any]) -> list[str]:
    """Commands a day against what the plan allows a day."""
    day, limit = commands_a_day(facts), facts.get("limit")
    if not limit:
        return [f"{day:,} commands a day; the plan names no limit"]
    allowed = limit // DAYS_A_MONTH
    return [
        f"{day:,} commands a day, {percent(day, allowed)} of the {allowed:,} a day that {limit:,} a month allow "
        f"(plan {facts.get('plan', 'unknown')})"
    ]


def commands_a_day(facts: dict[str, Any]) -> int:
    """A usual day's, or today's where there was no other day, or today is the worst."""
    return max(facts.get("usual_day") or 0, facts.get("used_today") or 0)


def polling_lines(facts: dict[str, Any]) -> list[str]:
    """What each command that polls costs, and what polling half as often would save."""
    day, lines = commands_a_day(facts), []
    allowed = (facts.get("limit") or 0) // DAYS_A_MONTH
    for name, share in facts.get("shares", {}).items():
        if share < WORTH_NAMING_PERCENT:
            continue
        count = round(day * share / 100)
        of_plan = f" = {percent(count, allowed)} of the plan" if allowed else ""
        saves = f"; doubling {POLLING[name]} saves about {count // 2:,}" if name in POLLING else ""
        lines.append(f"{name}: {count:,} a day{of_plan}{saves}")
    return lines


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "nothing"


def redis_connection(looks: Looks, policy: Policy) -> Case:
    """Redis is well, or has too many connections, and the backend says that it cannot use it: its own fault.

    While its vendor's page is red, what looks like that may be the vendor's: then a restart would be useless.
    """
    case = Case(REDIS_CONNECTION, Fault.OURS)
    answers = looks.saw("redis_ping") and not looks.is_bad("redis_ping")
    red = looks.is_bad("vendor_status_upstash")
    lost = (answers or trouble(looks) == "connections") and redis_state(looks) == "error" and not red
    case.weigh(6, lost, f"the backend cannot use Redis, and Redis answers us: {looks.summary('redis_ping')}")
    active = looks.saw("upstash_database") and looks.facts("upstash_database").get("state") == "active"
    case.weigh(1, lost and active, f"Upstash: {looks.summary('upstash_database')}")
    green = looks.saw("vendor_status_upstash")
    case.weigh(2, lost and green, "Upstash's status page is green")
    serves = looks.saw("backend_health") and not looks.is_bad("backend_health")
    case.weigh(1, lost and serves, "the backend itself serves")
    if processors_are_full(looks):
        case.weigh(8, False, "", "its processors are used up, and so its own checks of others come too late")
    case.advice = [
        "restart the backend (Railway -> Backend -> Settings -> Restart); its client has to connect anew",
        "then look for what keeps connections: Upstash's console shows how many there are",
    ]
    return case


def redis_unreachable(looks: Looks, policy: Policy) -> Case:
    """Redis answers nobody, and its vendor says nothing of it: the page may lag, or the address be wrong."""
    case = Case(REDIS_UNREACHABLE, Fault.VENDOR)
    away = trouble(looks) in NO_ANSWER and not looks.is_bad("vendor_status_upstash")
    case.weigh(4, away, f"our own PING gets {looks.summary('redis_ping')}")
    case.weigh(3, away and redis_state(looks) == "error", "the backend cannot use Redis either")
    suspended = looks.facts("upstash_database").get("state", "active") != "active"
    case.weigh(1, away and suspended, f"Upstash: {looks.summary('upstash_database')}")
    case.advice = [
        "look at the database in https://console.upstash.com: is it active, is its address the one in REDIS_URL?",
        "status pages lag: if the console shows trouble too, wait; jobs stay queued, nothing needs a restart",
    ]
    return case


CAUSES = (
    Cause(UPSTASH_OUTAGE, Kind.REDIS_DOWN, upstash_outage),
    Cause(REDIS_QUOTA, Kind.REDIS_DOWN, redis_quota),
    Cause(REDIS_CONNECTION, Kind.REDIS_DOWN, redis_connection),
    Cause(REDIS_UNREACHABLE, Kind.REDIS_DOWN, redis_unreachable),
)
