"""A backend that lacks processors: it stalls, and what it says of others while it does is worth little. Pure."""

from watchkeeper.diagnosis.case import Case, Looks
from watchkeeper.model import Fault
from watchkeeper.policy import Policy
from watchkeeper.policy.roles import backend_of

CPU_MAXED = "cpu_maxed"
# From this share of its limit on, a container has used up what it may have; of memory, it is about to be killed for it.
FULL_SHARE = 0.9

# What the backend needs: where one of these is bad, processors that are used up follow from it.
NEEDED = ("postgres_connections", "postgres_writable", "postgres_slow_queries", "redis_ping")
# What it tells of in its own words, and how it looks to us.
DEPENDENCIES = (("database", "postgres_connections"), ("redis", "redis_ping"))

# Between two of its stalls, a backend that lacks processors answers: late, and not one of its addresses alone.
LATE_SECONDS = 2.0
ASKED_OF_BACKEND = ("backend_health", "backend_detailed", "payments_health")


def processors_are_full(looks: Looks) -> bool:
    """Whether the backend used all that it may use of its processors, most of the last minutes."""
    return (looks.facts("railway_metrics").get("cpu_share") or 0) >= FULL_SHARE


def backend_is_unwell(looks: Looks, policy: Policy) -> bool:
    """It answers badly or not at all, late at two of its addresses, or misses what answers us; or a monitor says so."""
    backend = backend_of(policy)
    down = looks.facts("uptimerobot_monitors").get("down") or []
    watched = backend is not None and not set(backend.monitors).isdisjoint(down)
    late = sum((looks.facts(name).get("seconds") or 0) > LATE_SECONDS for name in ASKED_OF_BACKEND)
    return looks.is_bad("backend_health") or watched or late > 1 or misses_what_answers(looks)


def misses_what_answers(looks: Looks) -> bool:
    """It says that it cannot use what answers us: its own checks come too late."""
    states = looks.facts("backend_detailed").get("dependencies", {})
    return any(
        states.get(name) == "error" and looks.saw(look) and not looks.is_bad(look)
        for name, look in DEPENDENCIES
    )


def cpu_maxed(looks: Looks, policy: Policy) -> Case:
    """Its processors are used up, and it does not answer well: it needs more of them, or less to do."""
    case = Case(CPU_MAXED, Fault.OURS)
    used = looks.facts("railway_metrics")
    share: float = used.get("cpu_share") or 0
    full = processors_are_full(looks)
    case.weigh(
        4,
        full,
        f"{share:.0%} of its {used.get('cpu_limit') or 0:g} vCPU were used most of the last minutes",
        f"{share:.0%} of its processors were used most of the last minutes",
        seen=used.get("cpu_share") is not None,
    )
    unwell = backend_is_unwell(looks, policy)
    case.weigh(4, full and unwell, "it does not answer well", "it answers all the same", seen=full)
    # Whoever waits for a broken database or runs a broken release is busy too: then it is no cause of its own.
    minutes = looks.facts("railway_deployments").get("deployed_minutes_ago")
    is_new = minutes is not None and minutes <= policy.thresholds.recent_deployment.total_seconds() / 60
    alone = not is_new and not any(looks.is_bad(name) for name in NEEDED)
    case.weigh(
        6,
        full and unwell and alone,
        "what it needs is well, and nothing was deployed lately",
        "something else is wrong that would make it busy",
        seen=full and unwell,
    )
    maximum = policy.limits.cpu_maximum
    if (used.get("cpu_limit") or 0) >= maximum:
        case.advice.append(f"the limit is the policy's maximum of {maximum:g} vCPU")
    case.advice.append("find what takes them: the slowest requests in Sentry, and what was deployed lately")
    return case
