"""Shifts as the store knows them: what was said about who is on call, read where somebody is to be paged."""

from datetime import datetime, time, timedelta

from watchkeeper.deadlines import look_again
from watchkeeper.errors import BadInput
from watchkeeper.incidents import list_open
from watchkeeper.model import TimelineKind
from watchkeeper.oncall import Change, ChangeKind, Shift, moment, on_call
from watchkeeper.policy import Policy
from watchkeeper.policy.calendar import Calendar
from watchkeeper.store import Db, present
from watchkeeper.timeline import record


async def read_changes(db: Db, *, now: datetime) -> list[Change]:
    """What was said and not taken back, in the order of saying it."""
    return [Change.model_validate(row) for row in await db.all("roster/changes", now=now)]


async def shift_at(db: Db, policy: Policy, *, now: datetime) -> Shift:
    """Who is on call now. Ask inside the transaction that pages."""
    return on_call(policy, await read_changes(db, now=now), now)


async def say_change(db: Db, change: Change, policy: Policy, *, now: datetime) -> Change:
    """Write down that somebody takes a role or cannot be reached. Open incidents' timelines tell of it.

    Raises:
        BadInput: nobody of that name is there, or the time is empty or over.
    """
    _check(change, policy, now)
    row = await db.one("roster/say", **change.model_dump(exclude={"id", "name"}), now=now)
    said = change.model_copy(update={"id": present(row)["id"]})
    await _tell_open_incidents(db, describe(said, policy), said.said_by, now)
    return said


async def withdraw_change(db: Db, change_id: int, policy: Policy, *, by: str, now: datetime) -> Change:
    """Take back what was said.

    Raises:
        BadInput: nothing of that number is in force.
    """
    row = await db.one("roster/withdraw", id=change_id, now=now)
    if row is None:
        raise BadInput(f"there is no change {change_id} to take back; `watchkeeper oncall show` lists them")
    change = Change.model_validate(row)
    await _tell_open_incidents(db, f"No longer so: {describe(change, policy)}", by, now)
    return change


def describe(change: Change, policy: Policy) -> str:
    """A change in words, its times on the team's own clock."""
    known = policy.people.get(change.person)
    who = known.name if known else change.person
    local = policy.calendar.local
    until = f"from {local(change.starts_at):%a %d %b %H:%M} until {local(change.ends_at):%a %d %b %H:%M}"
    why = f" ({change.reason})" if change.reason else ""
    if change.kind == "unreachable":
        return f"{who} cannot be reached {until}{why}"
    return f"{who} is {change.kind} on call {until}{why}"


def _check(change: Change, policy: Policy, now: datetime) -> None:
    if change.person not in policy.people:
        known = ", ".join(sorted(policy.people))
        raise BadInput(f"there is no person {change.person!r} under people ({known}); name one of those")
    if change.starts_at >= change.ends_at:
        raise BadInput("it ends before it starts; write a later end")
    if change.ends_at <= now:
        raise BadInput(f"{policy.calendar.local(change.ends_at):%Y-%m-%d %H:%M} is over; write a later end")


async def _tell_open_incidents(db: Db, text: str, by: str, now: datetime) -> None:
    for incident in await list_open(db):
        await record(db, incident.id, TimelineKind.NOTE, text, now=now, actor=by)
        await look_again(db, incident.id, now=now)


def change_said(
    kind: ChangeKind,
    person: str,
    starts: str,
    ends: str,
    *,
    reason: str,
    said_by: str,
    calendar: Calendar,
    now: datetime,
) -> Change:
    """What a person typed, as a change.

    Raises:
        BadInput: a time cannot be read, or there is nothing between them.
    """
    starts_at = read_time(starts, calendar, after=calendar.at(calendar.local(now).date(), time()))
    ends_at = read_time(ends, calendar, after=starts_at)
    if ends_at <= starts_at:
        raise BadInput(f"{ends} is not after {starts}; write a later end")
    return Change(
        kind=kind, person=person, starts_at=starts_at, ends_at=ends_at, reason=reason, said_by=said_by
    )


def read_time(text: str, calendar: Calendar, *, after: datetime) -> datetime:
    """A moment as people write it: a date, a date and a time, or a time, which is the first such after a moment.

    Raises:
        BadInput: it is none of these.
    """
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        try:
            return moment(datetime.fromisoformat(text), calendar)
        except ValueError as error:
            raise BadInput(
                f"{text!r} is no time; write 14:00, 2026-12-24 or '2026-12-24 09:00', in {calendar.time_zone}"
            ) from error
    day = calendar.local(after).date()
    return min(
        at for at in (calendar.at(day + timedelta(days=ahead), clock) for ahead in (0, 1)) if at >= after
    )
