"""When an incident may interrupt people, by its severity and the team's working time. Pure; reasons are named."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from watchkeeper.decisions import LOUDNESS, Route
from watchkeeper.model import Channel, Severity
from watchkeeper.policy import Policy

# What waits for its reader without a sound.
SOUNDLESS = (Channel.SLACK, Channel.EMAIL)


class Timing(NamedTuple):
    """Whether people are paged now, later (`at`), or only written to."""

    choice: Literal["page", "hold", "ticket"]
    at: datetime
    reason: str


def when_to_page(severity: Severity, policy: Policy, now: datetime) -> Timing:
    """Whether a severity pages at this time."""
    match policy.rule(severity).pages:
        case "ticket":
            return Timing("ticket", now, "severity_is_a_ticket")
        case "business_hours":
            opens = policy.calendar.next_business_time(now)
            if opens > now:
                return Timing("hold", opens, "held_until_business_hours")
            return Timing("page", now, "within_business_hours")
        case _:
            return Timing("page", now, "severity_pages_at_any_time")


def due_after(severity: Severity, policy: Policy, at: datetime, within: timedelta) -> datetime:
    """The end of a time that people are given: it runs while they are expected to work on this severity."""
    match policy.rule(severity).pages:
        case "ticket":
            return policy.calendar.next_business_time(at + within)
        case "business_hours":
            return policy.calendar.add_business_time(at, within)
        case _:
            return at + within


def time_between(severity: Severity, policy: Policy, since: datetime, until: datetime) -> timedelta:
    """How much of the time in which people are expected to work on this severity lies between two moments."""
    if policy.rule(severity).pages in ("business_hours", "ticket"):
        return policy.calendar.business_time_between(since, until)
    return until - since


def channels_now(severity: Severity, policy: Policy, now: datetime) -> Sequence[Channel]:
    """By which channels people may hear of a severity at this time: nothing rings while its page is held."""
    return LOUDNESS if when_to_page(severity, policy, now).choice == "page" else SOUNDLESS


def routes_now(routes: Sequence[Route], severity: Severity, policy: Policy, now: datetime) -> list[Route]:
    """Of these routes, what does not ring while the severity's page is held."""
    channels = channels_now(severity, policy, now)
    return [
        route._replace(fallback=[c for c in route.fallback if c in channels])
        for route in routes
        if route.channel in channels
    ]


def in_words(moment: datetime, policy: Policy) -> str:
    """A moment on the team's wall clock: "Mon 9 Mar 09:00 (Europe/Berlin)"."""
    local = policy.calendar.local(moment)
    return f"{local:%a} {local.day} {local:%b %H:%M} ({policy.calendar.time_zone})"
