"""Shifts as a calendar feed, for the calendars that people look at anyway.

An event's UID is made of what does not change: when the shift begins, the role and the person. A swap moves ends and
adds events; what it leaves alone keeps its UID.

Source:
    https://www.rfc-editor.org/rfc/rfc5545
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from icalendar import Calendar, Event

from watchkeeper.oncall import Change, shifts_between, week_of
from watchkeeper.policy import Policy
from watchkeeper.policy.roster import Role

WEEKS = 8
ROLES: tuple[Role, ...] = ("primary", "secondary")


class Turn(NamedTuple):
    """One person in one role, without a break, within one week."""

    role: Role
    person: str
    starts_at: datetime
    ends_at: datetime
    reason: str


def turns(policy: Policy, changes: Sequence[Change], now: datetime) -> list[Turn]:
    """Every turn of this week and those after it, in the order of their beginning."""
    found: list[Turn] = []
    starts_at, ends_at = week_of(policy.roster.handover, policy.calendar, now)
    for _ in range(WEEKS):
        for role in ROLES:
            found += _of_week(policy, changes, role, starts_at, ends_at)
        starts_at, ends_at = week_of(policy.roster.handover, policy.calendar, ends_at)
    return sorted(found, key=lambda turn: (turn.starts_at, turn.role))


def _of_week(
    policy: Policy, changes: Sequence[Change], role: Role, starts_at: datetime, ends_at: datetime
) -> Iterator[Turn]:
    open_turn: Turn | None = None
    at = starts_at
    for shift in shifts_between(policy, changes, starts_at, ends_at):
        until = min(shift.until or ends_at, ends_at)
        person = getattr(shift, role)
        if open_turn and open_turn.person == person:
            open_turn = open_turn._replace(ends_at=until)
        else:
            if open_turn:
                yield open_turn
            open_turn = Turn(role, person, at, until, shift.reason) if person else None
        at = until
    if open_turn:
        yield open_turn


def feed(policy: Policy, changes: Sequence[Change], *, person: str | None, host: str, now: datetime) -> bytes:
    """The team's shifts, or one person's, as an iCalendar document."""
    calendar = Calendar()
    calendar.add("prodid", "-//Watchkeeper//Shifts//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"On call: {policy.people[person].name}" if person else "On call")
    for turn in turns(policy, changes, now):
        if person in (None, turn.person):
            calendar.add_component(_event(turn, policy, host, now))
    return bytes(calendar.to_ical())


def _event(turn: Turn, policy: Policy, host: str, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{turn.starts_at:%Y%m%dT%H%M%SZ}-{turn.role}-{turn.person}@{host}")
    event.add("dtstamp", now)
    event.add("dtstart", turn.starts_at)
    event.add("dtend", turn.ends_at)
    event.add("summary", f"{policy.people[turn.person].name}: {turn.role} on call")
    if turn.role == "primary":
        event.add("description", turn.reason.replace("_", " "))
    # Whoever is on call is not busy: others may still invite them.
    event.add("transp", "TRANSPARENT")
    return event
