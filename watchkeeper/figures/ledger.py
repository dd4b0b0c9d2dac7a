"""The downtime ledger: from when to when each service was down, and each vendor, to the minute. Pure.

A service is down while an incident of its own kind lasts: a site outage of the backend, a database that is down. Other
incidents of it, such as a high error rate, degrade it. What a service cannot work without takes it down with it.
An incident lasts from when it started until the readings that proved its end were green, or a person closed it.

Downtime costs what the policy says that an hour of it costs. Of services that are down together the highest figure counts,
once: it is the same customers who cannot buy.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from watchkeeper.diagnosis import database, errors, frontend, payments, redis, site
from watchkeeper.figures.past import Month, Past
from watchkeeper.money import Money
from watchkeeper.policy import Policy

MINUTE = timedelta(minutes=1)
MINUTES_OF_AN_HOUR = 60


class Outage(NamedTuple):
    """One stretch of downtime, with the incidents that make it."""

    starts: datetime
    ends: datetime
    numbers: tuple[str, ...]

    @property
    def minutes(self) -> int:
        return (self.ends - self.starts) // MINUTE


class Account(NamedTuple):
    """One service's month, or one vendor's: its outages and the share of the time so far in which there was none.

    `cost` is None where the policy gives no figure.
    """

    name: str
    outages: tuple[Outage, ...]
    minutes: int
    availability_percent: float
    cost: Money | None = None


class Cost(NamedTuple):
    """What one incident's downtime cost: which services were down for how long, and the amount, where there is one."""

    services: tuple[str, ...]
    minutes: int
    amount: Money | None


def outage_of(incident: Past, now: datetime) -> Outage:
    """From the minute in which it started to the end of the minute in which it was over; an open one lasts until now."""
    starts = min(incident.started_at, incident.detected_at)
    ends = max(incident.ended_at or now, starts)
    return Outage(_minute(starts), _minute(ends + MINUTE - timedelta.resolution), (incident.number,))


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def merged(outages: Iterable[Outage]) -> list[Outage]:
    """The same minutes, each counted once: those that overlap or touch become one."""
    found: list[Outage] = []
    for outage in sorted(outages):
        last = found[-1] if found else None
        if last is None or outage.starts > last.ends:
            found.append(outage)
        else:
            numbers = tuple(dict.fromkeys(last.numbers + outage.numbers))
            found[-1] = Outage(last.starts, max(last.ends, outage.ends), numbers)
    return found


def clipped(outages: Iterable[Outage], starts: datetime, ends: datetime) -> list[Outage]:
    """What of them lies between two moments."""
    cut = (Outage(max(o.starts, starts), min(o.ends, ends), o.numbers) for o in outages)
    return [outage for outage in cut if outage.starts < outage.ends]


def account(name: str, outages: Iterable[Outage], month: Month, now: datetime) -> Account:
    """A month's outages, and how much of it, up to now, had none."""
    ends = min(month.ends, max(now, month.starts + MINUTE))
    within = clipped(merged(outages), month.starts, ends)
    minutes = sum(outage.minutes for outage in within)
    whole = (ends - month.starts) / MINUTE
    return Account(name, tuple(within), minutes, 100 * (1 - minutes / whole))


def service_accounts(incidents: Sequence[Past], policy: Policy, month: Month, now: datetime) -> list[Account]:
    """Every service's month, as those felt it who used it: also while only what it depends on was down."""
    found = []
    for name in sorted(policy.services):
        outages = (outage_of(i, now) for i in incidents if takes_down(i, name, policy))
        known = account(name, outages, month, now)
        found.append(known._replace(cost=cost_of([(name, outage) for outage in known.outages], policy)))
    return found


def alike(accounts: Sequence[Account]) -> list[tuple[list[str], tuple[Outage, ...]]]:
    """The outages that there were, each list once, with the names of all that had it."""
    names: dict[tuple[Outage, ...], list[str]] = {}
    for each in accounts:
        if each.outages:
            names.setdefault(each.outages, []).append(each.name)
    return [(those, outages) for outages, those in names.items()]


def takes_down(incident: Past, service: str, policy: Policy) -> bool:
    known = policy.services.get(incident.service)
    is_down = known is not None and known.kind is incident.kind
    return is_down and incident.service in {service, *policy.depends_on(service)}


def cost_of(down: Sequence[tuple[str, Outage]], policy: Policy) -> Money | None:
    """What these outages of these services cost together; None where the policy has no figure for any of them.

    Each layer of the figures counts for the minutes in which at least so much was lost.
    """
    if policy.costs.currency is None:
        return None
    rates = [(outage, rate.amount) for name, outage in down if (rate := policy.revenue_per_hour(name))]
    if down and not rates:
        return None
    cost, levels = Decimal(0), sorted({rate for _, rate in rates} | {Decimal(0)}, reverse=True)
    for level, below in pairwise(levels):
        minutes = sum(outage.minutes for outage in merged(o for o, rate in rates if rate >= level))
        cost += minutes * (level - below)
    return Money(cost / MINUTES_OF_AN_HOUR, policy.costs.currency)


def whole_cost(accounts: Sequence[Account], policy: Policy) -> Money | None:
    """What the outages of all these services cost together."""
    return cost_of([(each.name, outage) for each in accounts for outage in each.outages], policy)


def cost_of_incident(incident: Past, policy: Policy, now: datetime) -> Cost:
    """What one incident's downtime cost, had there been no other."""
    services = tuple(name for name in sorted(policy.services) if takes_down(incident, name, policy))
    outage = outage_of(incident, now)
    return Cost(services, outage.minutes, cost_of([(name, outage) for name in services], policy))


# Whose outage a cause tells of.
VENDOR_OF_CAUSE = {
    database.SUPABASE_OUTAGE: "supabase",
    site.RAILWAY_OUTAGE: "railway",
    frontend.VERCEL_OUTAGE: "vercel",
    redis.UPSTASH_OUTAGE: "upstash",
    payments.STRIPE_OUTAGE: "stripe",
    errors.STRIPE_DOWN: "stripe",
    errors.GEMINI_DOWN: "gemini",
    errors.REMOVEBG_DOWN: "removebg",
}


def vendor_accounts(incidents: Sequence[Past], policy: Policy, month: Month, now: datetime) -> list[Account]:
    """The month of every vendor whose own outage was the cause of an incident, and what it cost where that took a
    service of ours down."""
    by_vendor: dict[str, list[Past]] = {}
    for incident in incidents:
        if vendor := VENDOR_OF_CAUSE.get(incident.known_cause or ""):
            by_vendor.setdefault(vendor, []).append(incident)
    found = []
    for vendor, theirs in sorted(by_vendor.items()):
        known = account(vendor, (outage_of(i, now) for i in theirs), month, now)
        services = service_accounts(theirs, policy, month, now)
        found.append(known._replace(cost=whole_cost(services, policy)))
    return found
