"""The morning's report: what happened in the night that somebody slept through, or was woken from. Nothing happened:
nothing is sent."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial

from watchkeeper.decisions import Route, routes_to_person
from watchkeeper.messages import fit_sms
from watchkeeper.model import Channel, incident_number
from watchkeeper.night.cures import CHANGES, Cure
from watchkeeper.night.signatures import describe, read_signatures
from watchkeeper.oncall.shifts import shift_at
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import enqueue
from watchkeeper.policy import Policy
from watchkeeper.rendering import one_line, render, words
from watchkeeper.store import Db, Row


def next_morning(policy: Policy, after: datetime) -> datetime:
    """When a night ends next."""
    return policy.night.next_end(after, policy.calendar)


async def report_night(db: Db, desk: Desk, due_at: datetime, *, now: datetime) -> None:
    """Tell the team's channel, and by email whoever is on call, of each night since the last report: the first ended at
    `due_at`, and where nobody was there in the morning, others have since."""
    ended = partial(desk.policy.night.ended_at, calendar=desk.policy.calendar)
    first, last = ended(due_at).day, ended(max(due_at, now)).day
    for row in await db.all("night/nights", first=first, last=last):
        await _report(db, desk, row["night"], now=now)


async def _report(db: Db, desk: Desk, night: date, *, now: datetime) -> None:
    policy = desk.policy
    held = await db.all("night/of_night", night=night)
    changes = await db.all("night/changes", night=night)
    signed = [describe(s, policy) for s in await read_signatures(db, now=now)]
    shift = await shift_at(db, policy, now=now)
    readers = routes_to_person(shift.first, [Channel.EMAIL], policy)
    team = Route(policy.chat_channel, Channel.SLACK, [])
    message = compose(f"{night}", held, changes, signed, policy)
    for route in [team, *(reader._replace(fallback=[]) for reader in readers)]:
        await enqueue(
            db,
            key=f"night:{night}",
            incident_id=None,
            purpose=Purpose.REPORT,
            route=route,
            message=message,
            now=now,
        )


def compose(
    night: str, held: Sequence[Row], changes: Sequence[Row], signed: Sequence[str], policy: Policy
) -> Message:
    """The report in words."""
    text = render(
        "messages/night.txt.j2",
        night=night,
        hours=f"{policy.night.in_words()} ({policy.calendar.time_zone})",
        told=_in_short(held),
        held=[_story(row, changes, policy) for row in held],
        count=f"{len(changes)} of {policy.night.budget}",
        signed=signed,
    )
    subject = f"Night of {night}: {_in_short(held)}"
    return Message(subject=subject, text=text, short=fit_sms(subject))


def _in_short(held: Sequence[Row]) -> str:
    woken = sum(row["woken_at"] is not None for row in held)
    pages = "1 page" if len(held) == 1 else f"{len(held)} pages"
    return f"{pages} waited for a signed cure, {woken or 'none'} went out"


def _story(row: Row, changes: Sequence[Row], policy: Policy) -> tuple[str, list[str]]:
    """One incident: a headline, and what happened in its order."""
    clock = _clock(policy)
    cures = "; ".join(str(Cure(cause, CHANGES[cause])) for cause in row["cures"] if cause in CHANGES)
    lines = [f"{clock(row['held_at'])} the page waited for what was signed ({cures})"]
    lines += [
        f"{clock(change['taken_at'])} {one_line(change['summary'])}: {words(change['state'])}"
        for change in changes
        if change["incident_id"] == row["incident_id"]
    ]
    headline = f"{incident_number(row['incident_id'])} {row['severity']}: {one_line(row['summary'])}"
    return headline, [*lines, *_ending(row, policy)]


def _ending(row: Row, policy: Policy) -> list[str]:
    clock = _clock(policy)
    lines = []
    if row["woken_at"] is not None:
        lines.append(f"{clock(row['woken_at'])} the page went out: {one_line(row['woken_because'])}")
    elif row["acknowledged_by"] is not None:
        lines.append(f"{one_line(row['acknowledged_by'])} took it before the page went out")
    if row["resolved_at"] is None:
        return [*lines, "it is still open"]
    slept = "" if row["woken_at"] or row["acknowledged_by"] else ", and nobody was woken"
    return [*lines, f"{clock(row['resolved_at'])} it was over{slept}"]


def _clock(policy: Policy) -> Callable[[datetime], str]:
    """Times as the team's wall shows them."""
    return lambda at: f"{policy.calendar.local(at):%H:%M}"
