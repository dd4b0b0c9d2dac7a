"""`watchkeeper night`: what somebody on call lets happen at night without being woken."""

import asyncio
from typing import Annotated

from cyclopts import App, Parameter

from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption, in_store
from watchkeeper.home import read_settings
from watchkeeper.night.cures import signable
from watchkeeper.night.signatures import (
    Signature,
    ask_for_signature,
    describe,
    read_signatures,
    withdraw,
)
from watchkeeper.oncall.shifts import read_time
from watchkeeper.paging.desk import Desk
from watchkeeper.policy import Policy
from watchkeeper.quiet.hours import in_words
from watchkeeper.rendering import duration
from watchkeeper.store import Db, present

By = Annotated[str, Parameter(help="Who says so.")]


def night_app() -> App:
    """The commands, to be joined to the command line."""
    app = App(name="night", help="Cures that somebody on call signs in advance, so that they can sleep.")
    app.command(show)
    app.command(sign)
    app.command(take_back, name="withdraw")
    return app


def show(*, home: HomeOption = None) -> None:
    """The hours of the night, its budget, what can be signed, and what is."""
    settings = read_settings(home, of_running=True)
    policy, now = settings.policy(), utc_now()
    night = policy.night.around(now, policy.calendar)

    async def read(db: Db) -> tuple[list[Signature], int]:
        used = present(await db.one("night/used", night=night.day))["used"] if night else 0
        return await read_signatures(db, now=now), used

    signatures, used = asyncio.run(in_store(settings, read))
    for line in describe_night(policy, signatures, used=used if night else None):
        print(line)


def describe_night(policy: Policy, signatures: list[Signature], *, used: int | None) -> list[str]:
    """The night policy in lines. `used` of tonight's budget; None by day."""
    night = policy.night
    tonight = "" if used is None else f", {used} used tonight"
    signed = [f"{s.id:>4}  {describe(s, policy)}" for s in signatures]
    return [
        f"night      {night.in_words()} ({policy.calendar.time_zone})",
        f"holds      the first page of {', '.join(night.severities) or 'nothing'}, "
        f"for {duration(night.cure_within)} at most unless it is better by then",
        f"budget     {night.budget} changes in one night{tonight}",
        *(f"signable   {cure.cause}  ({cure})" for cure in signable(policy)),
        *(signed or ["signed     nothing: every page goes out at once"]),
    ]


def sign(
    cause: Annotated[str, Parameter(help="The cause whose cure is to be signed, such as worker_crashed.")],
    person: Annotated[str, Parameter(help="Who is to sign: a handle of the policy's people.")],
    *,
    by: By,
    until: Annotated[
        str | None, Parameter(help="Until when it is to count; left out, as long as the policy lets it.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Send somebody the link by which they sign a cure for the night. It counts once they have."""
    settings = read_settings(home, of_running=True)
    policy, now = settings.policy(), utc_now()
    ends_at = read_time(until, policy.calendar, after=now) if until else None
    desk = Desk(policy, settings.public_url)
    asked = asyncio.run(
        in_store(
            settings,
            lambda db: ask_for_signature(db, desk, cause, person, asked_by=by, ends_at=ends_at, now=now),
        )
    )
    print(f"{asked.id}  asked for: {describe(asked, policy)}")
    print(
        f"{policy.people[person].name} gets a link by text and email; nothing counts before they sign there, "
        f"by {in_words(asked.sign_by, policy)}"
    )


def take_back(
    number: Annotated[int, Parameter(help="As `watchkeeper night show` lists it.")],
    *,
    by: By,
    home: HomeOption = None,
) -> None:
    """Take a signature back, whoever's it is: from now on that person is woken as ever."""
    settings = read_settings(home, of_running=True)
    desk = Desk(settings.policy(), settings.public_url)
    taken = asyncio.run(in_store(settings, lambda db: withdraw(db, desk, number, by=by, now=utc_now())))
    print(f"no longer so: {describe(taken, desk.policy)}")
