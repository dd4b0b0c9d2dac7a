"""Monday's handoff: what the next people on call should know, the guide's fields in its order, from the store."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from pydantic import AwareDatetime

from watchkeeper.decisions import Route, routes_to_person
from watchkeeper.incidents import list_open
from watchkeeper.messages import fit_sms
from watchkeeper.model import Channel, Data, Incident, Severity
from watchkeeper.oncall import Change, Shift, on_call, week_of
from watchkeeper.oncall.shifts import describe, read_changes
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import enqueue
from watchkeeper.policy import Policy
from watchkeeper.quiet.silences import Silence, read_silences
from watchkeeper.rendering import render
from watchkeeper.reviews.items import ActionItem, open_action_items
from watchkeeper.store import Db

# A message that nobody reads to its end helps nobody.
AT_MOST = 10


class Handoff(Data):
    """What one handoff tells. `counted` are the incidents of the week that ends with it."""

    week_of: date
    shift: Shift
    ends_at: AwareDatetime
    counted: Mapping[Severity, int]
    still_open: Sequence[Incident]
    items: Sequence[ActionItem]
    maintenance: Sequence[Silence]
    changes: Sequence[Change]


def next_handoff(policy: Policy, after: datetime) -> datetime:
    """The next handover; the guide's Monday at nine, where a roster has no turns."""
    return week_of(policy.roster.handover, policy.calendar, after)[1]


async def hand_off(db: Db, desk: Desk, due_at: datetime, *, now: datetime) -> None:
    """Tell the team's channel, and both who are on call from now on by email."""
    policy = desk.policy
    handoff = await read_handoff(db, policy, due_at, now=now)
    team = Route(policy.chat_channel, Channel.SLACK, [])
    readers = [
        route
        for handle in handoff.shift.people
        for route in routes_to_person(handle, [Channel.EMAIL], policy)
    ]
    for route in [team, *(reader._replace(fallback=[]) for reader in readers)]:
        await enqueue(
            db,
            key=f"handoff:{handoff.week_of}",
            incident_id=None,
            purpose=Purpose.HANDOFF,
            route=route,
            message=compose(handoff, policy, now=now, emoji=route.channel is Channel.SLACK),
            now=now,
        )


async def read_handoff(db: Db, policy: Policy, due_at: datetime, *, now: datetime) -> Handoff:
    """What the store knows of the week before a handover and of the one after it."""
    calendar = policy.calendar
    began_at, ends_at = week_of(policy.roster.handover, calendar, due_at)
    last_week, _ = week_of(policy.roster.handover, calendar, began_at - timedelta(days=1))
    changes = await read_changes(db, now=now)
    rows = await db.all("incidents/count_by_severity", since=last_week, until=began_at)
    silences = await read_silences(db, now=now)
    return Handoff(
        week_of=calendar.local(began_at).date(),
        shift=on_call(policy, changes, due_at),
        ends_at=ends_at,
        counted={Severity(row["severity"]): row["incidents"] for row in rows},
        still_open=await list_open(db),
        items=await open_action_items(db, now),
        maintenance=[s for s in silences if s.sort == "maintenance" and s.starts_at < ends_at],
        changes=[change for change in changes if now < change.ends_at and change.starts_at < ends_at],
    )


def compose(handoff: Handoff, policy: Policy, *, now: datetime, emoji: bool) -> Message:
    """The guide's handoff message. `emoji` are Slack's, by their names."""
    shift = handoff.shift
    text = render(
        "messages/handoff.txt.j2",
        emoji=emoji,
        week_of=handoff.week_of,
        primary=policy.people[shift.primary].name,
        secondary=policy.people[shift.secondary].name if shift.secondary else None,
        counts=_counts(handoff.counted),
        notable=_some([f"{i.number} {i.severity}: {i.summary}" for i in handoff.still_open]),
        items=_some(
            [f"{item.name}: {item.action}, {item.owner}, {item.when(now)}" for item in handoff.items]
        ),
        watch=_some([describe(change, policy) for change in handoff.changes]),
        planned=_some(_planned(handoff, policy)),
    )
    subject = f"On-call handoff, week of {handoff.week_of}"
    return Message(subject=subject, text=text, short=fit_sms(subject))


def _counts(counted: Mapping[Severity, int]) -> str:
    """Such as "3 (P0: 1, P1: 0, P2: 2)"; P3 shows where there were any."""
    shown = [severity for severity in Severity if severity is not Severity.P3 or counted.get(severity)]
    each = ", ".join(f"{severity}: {counted.get(severity, 0)}" for severity in shown)
    return f"{sum(counted.values())} ({each})"


def _planned(handoff: Handoff, policy: Policy) -> list[str]:
    local = policy.calendar.local
    announced = [
        f"{window.reason}: {local(window.starts_at):%a %d %b %H:%M} to {local(window.ends_at):%a %d %b %H:%M}"
        f" ({window.match}), by {window.person}"
        for window in handoff.maintenance
    ]
    recurring = [
        f"{window.name}: {', '.join(window.days)} {window.starts:%H:%M} to {window.ends:%H:%M}"
        for window in policy.maintenance_windows
    ]
    return [*announced, *recurring]


def _some(lines: Sequence[str]) -> list[str]:
    more = len(lines) - AT_MOST
    return [*lines[:AT_MOST], *([f"and {more} more"] if more > 0 else [])]
