"""What a vendor's own status page means for us: an outage somewhere, or one of what we use. Pure.

A page is one light for everything that a vendor has, in every region: red for others, it must not hold back our cure.
"""

from collections.abc import Callable, Sequence
from typing import Any

from watchkeeper.diagnosis.case import Looks
from watchkeeper.model import Check, CheckStatus
from watchkeeper.policy import Policy

PAGE = "vendor_status_"
# Of a status page's words, those that mean that something does not work: for all of it, and for one component.
OUTAGE = ("major", "critical")
COMPONENT_OUTAGE = ("partial_outage", "major_outage")
# How a page looks to us: as `level_for_us` says.
WELL, LESS, OUT = 0, 1, 2
NO_ANSWER = ("connection", "timeout")
# How we know of a red page that it is about us where it does not name what we use.
FELT = "and our own way to it fails too"


def cannot_be_asked(*looks_at: str) -> Callable[[Looks], bool]:
    return lambda looks: any(looks.status(name) is CheckStatus.UNKNOWN for name in looks_at)


# Whether our own way to a vendor fails, by which its actions would go too.
FEELS: dict[str, Callable[[Looks], bool]] = {
    "supabase": lambda looks: (
        cannot_be_asked("postgres_connections")(looks)
        or bool(looks.facts("supabase_health").get("unhealthy"))
    ),
    "upstash": lambda looks: looks.facts("redis_ping").get("trouble") in NO_ANSWER,
    "railway": cannot_be_asked("railway_deployments", "worker_deployment"),
    "vercel": cannot_be_asked("vercel_deployments"),
    "stripe": cannot_be_asked("stripe_events", "stripe_endpoint"),
}


def red_pages(checks: Sequence[Check]) -> frozenset[str]:
    """The vendors whose own status pages tell of an outage of whatever; a minor one stops nothing."""
    return frozenset(check.system for check in pages_of(checks) if is_red(check.facts))


def red_for_us(checks: Sequence[Check], policy: Policy) -> dict[str, str]:
    """The vendors whose pages are red for what we use, each with how we know that it is ours."""
    looks = Looks(checks)
    found = {}
    for page in pages_of(checks):
        parts = our_parts(page.system, page.facts, policy)
        if parts:
            found[page.system] = f"for what we use of it ({', '.join(parts)})"
        elif is_red(page.facts) and FEELS.get(page.system, never)(looks):
            found[page.system] = FELT
    return found


def level_for_us(vendor: str, facts: dict[str, Any], policy: Policy, *, felt: bool = False) -> int:
    """How a page looks to us: 2 for an outage, 1 for anything less, 0 when all is well or the trouble is not ours.

    Where the policy does not name what we use, all of it counts. An outage that was `felt` is ours, whatever it names.
    """
    if facts.get("indicator") == "none":
        return WELL
    if felt and is_red(facts):
        return OUT
    named = parts_of(vendor, policy)
    if our_parts(vendor, facts, policy) or (not named and is_red(facts)):
        return OUT
    return LESS if not named or mentioned(named, texts_of(facts)) else WELL


def our_parts(vendor: str, facts: dict[str, Any], policy: Policy) -> list[str]:
    """Which of the parts that we use a page says are out: as a component, or in the words of a major incident."""
    broken = [name for name, state in facts.get("components", {}).items() if state in COMPONENT_OUTAGE]
    told = [*broken, *(facts.get("incidents", []) if is_red(facts) else [])]
    return mentioned(parts_of(vendor, policy), told)


def mentioned(parts: Sequence[str], texts: Sequence[str]) -> list[str]:
    return [part for part in parts if any(part.lower() in text.lower() for text in texts)]


def texts_of(facts: dict[str, Any]) -> list[str]:
    return [*facts.get("components", {}), *facts.get("incidents", [])]


def parts_of(vendor: str, policy: Policy) -> list[str]:
    return next((known.parts for name, known in policy.vendors.items() if name == vendor), [])


def is_red(facts: dict[str, Any]) -> bool:
    return facts.get("indicator") in OUTAGE


def pages_of(checks: Sequence[Check]) -> list[Check]:
    return [check for check in checks if check.name.startswith(PAGE)]


def never(looks: Looks) -> bool:
    return False
