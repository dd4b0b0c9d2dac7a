"""`watchkeeper oncall`: who is on call, who takes whose place, and who cannot be reached for a time."""

import asyncio
from datetime import time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption, in_store
from watchkeeper.errors import BadInput
from watchkeeper.home import read_settings
from watchkeeper.links import LinkSigner
from watchkeeper.oncall import Change, ChangeKind, Shift, on_call
from watchkeeper.oncall.shifts import (
    change_said,
    describe,
    read_changes,
    read_time,
    say_change,
    withdraw_change,
)
from watchkeeper.policy import Policy
from watchkeeper.policy.roster import Role

From = Annotated[
    str, Parameter("--from", help="14:00, 2026-12-24 or '2026-12-24 09:00', on the team's clock.")
]
Until = Annotated[str, Parameter("--until", help="The same way; a time alone is the first one after --from.")]
By = Annotated[str, Parameter(help="Who says so.")]
Reason = Annotated[str, Parameter(help="Why; the timeline shows it.")]


def oncall_app() -> App:
    """The commands, to be joined to the command line."""
    app = App(name="oncall", help="Who is on call, swaps, and hours in which somebody cannot be reached.")
    app.command(show)
    app.command(override)
    app.command(unreachable)
    app.command(withdraw)
    app.command(feed)
    return app


def show(
    *,
    at: Annotated[str | None, Parameter(help="When; left out, now.")] = None,
    home: HomeOption = None,
) -> None:
    """Who is on call, and what was said about it."""
    settings = read_settings(home, of_running=True)
    policy = settings.policy()
    now = utc_now()
    midnight = policy.calendar.at(policy.calendar.local(now).date(), time())
    asked = read_time(at, policy.calendar, after=midnight) if at else now
    changes = asyncio.run(in_store(settings, lambda db: read_changes(db, now=now)))
    for line in [
        *describe_shift(on_call(policy, changes, asked), policy),
        *(f"{change.id:>4}  {describe(change, policy)}" for change in changes if change.ends_at > now),
    ]:
        print(line)


def describe_shift(shift: Shift, policy: Policy) -> list[str]:
    """A shift in lines: the people, until when, and who is away."""
    lines = [f"primary    {policy.people[shift.primary].name} ({shift.reason.replace('_', ' ')})"]
    lines.append(f"secondary  {policy.people[shift.secondary].name if shift.secondary else 'nobody'}")
    if shift.until:
        lines.append(f"until      {policy.calendar.local(shift.until):%a %d %b %Y %H:%M %Z}")
    return [*lines, *(f"away       {describe(change, policy)}" for change in shift.away.values())]


def override(
    person: Annotated[str, Parameter(help="Who takes the role: a handle of the policy's people.")],
    *,
    starts: From,
    ends: Until,
    by: By,
    role: Annotated[Role, Parameter(help="Which role.")] = "primary",
    reason: Reason = "",
    home: HomeOption = None,
) -> None:
    """Somebody takes a role for a time, also in incidents that are under way."""
    _say(role, person, starts, ends, reason=reason, by=by, home=home)


def unreachable(
    person: Annotated[str, Parameter(help="Who cannot be reached: a handle of the policy's people.")],
    *,
    starts: From,
    ends: Until,
    by: By,
    reason: Reason = "",
    home: HomeOption = None,
) -> None:
    """Somebody cannot be reached for a time: pages go to the next one."""
    _say("unreachable", person, starts, ends, reason=reason, by=by, home=home)


def withdraw(
    number: Annotated[int, Parameter(help="As `watchkeeper oncall show` lists it.")],
    *,
    by: By,
    home: HomeOption = None,
) -> None:
    """Take back what was said."""
    settings = read_settings(home, of_running=True)
    policy = settings.policy()
    change = asyncio.run(
        in_store(settings, lambda db: withdraw_change(db, number, policy, by=by, now=utc_now()))
    )
    print(f"no longer so: {describe(change, policy)}")


def feed(
    person: Annotated[str | None, Parameter(help="Whose shifts; left out, the team's.")] = None,
    *,
    home: HomeOption = None,
) -> None:
    """The address of a calendar feed of shifts. Who has it can read it."""
    settings = read_settings(home, of_running=True)
    known = settings.policy().people
    if person is not None and person not in known:
        raise BadInput(f"there is no person {person!r} under people ({', '.join(sorted(known))})")
    print(LinkSigner(settings.signing_key()).feed_address(settings.public_url, person))


def _say(
    kind: ChangeKind, person: str, starts: str, ends: str, *, reason: str, by: str, home: Path | None
) -> None:
    settings = read_settings(home, of_running=True)
    policy = settings.policy()
    now = utc_now()
    change = change_said(
        kind, person, starts, ends, reason=reason, said_by=by, calendar=policy.calendar, now=now
    )
    said: Change = asyncio.run(in_store(settings, lambda db: say_change(db, change, policy, now=now)))
    print(f"{said.id}  {describe(said, policy)}")
