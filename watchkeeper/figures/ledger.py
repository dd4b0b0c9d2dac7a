"""The downtime ledger: from when to when each service was down, and each vendor, to the minute. Pure.

A service is down while an incident of its own kind lasts: a site outage of the backend, a database that is down. Other
incidents of it, such as a high error rate, degrade it. What a service cannot work without takes it down with it.
An incident lasts from when it started until it was mitigated for good, or resolved by hand.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from watchkeeper.diagnosis import database, errors, frontend, payments, redis, site
from watchkeeper.figures.past import Month, Past
from watchkeeper.policy import Policy

MINUTE = timedelta(minutes=1)


class Outage(NamedTuple):
    """One stretch of downtime, with the incidents that make it."""

    starts: datetime
    ends: datetime
    numbers: tuple[str, ...]

    @property
    def minutes(self) -> int:
        return (self.ends - self.starts) // MINUTE


class Account(NamedTuple):
    """One service's month, or one vendor's: its outages and the share of the time so far in which there was none."""

    name: str
    outages: tuple[Outage, ...]
    minutes: int
    availability_percent: float


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
    return [
        account(name, (outage_of(i, now) for i in incidents if takes_down(i, name, policy)), month, now)
        for name in sorted(policy.services)
    ]


def takes_down(incident: Past, service: str, policy: Policy) -> bool:
    known = policy.services.get(incident.service)
    is_down = known is not None and known.kind is incident.kind
    return is_down and incident.service in {service, *policy.depends_on(service)}


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


def vendor_accounts(incidents: Sequence[Past], month: Month, now: datetime) -> list[Account]:
    """The month of every vendor whose own outage was the cause of an incident."""
    by_vendor: dict[str, list[Outage]] = {}
    for incident in incidents:
        if vendor := VENDOR_OF_CAUSE.get(incident.known_cause or ""):
            by_vendor.setdefault(vendor, []).append(outage_of(incident, now))
    return [account(vendor, outages, month, now) for vendor, outages in sorted(by_vendor.items())]
