"""`watchkeeper silence`: what is expected to fire and is to page nobody for a time."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption, in_store
from watchkeeper.errors import BadInput
from watchkeeper.home import read_settings
from watchkeeper.model import Data, Kind
from watchkeeper.oncall.shifts import read_time
from watchkeeper.policy import Policy
from watchkeeper.policy.durations import Duration
from watchkeeper.quiet.hours import in_words
from watchkeeper.quiet.silences import Silence, add_silence, end_silence, make_silence, read_silences
from watchkeeper.settings import Settings

By = Annotated[str, Parameter(help="Who says so.")]


class _Length(Data):
    """A length of time as people write it."""

    length: Duration


def silence_app() -> App:
    """The commands, to be joined to the command line."""
    app = App(name="silence", help="Silences and maintenance windows: who silenced what, until when and why.")
    app.command(add)
    app.command(show, name="list")
    app.command(end)
    return app


def add(
    *,
    why: Annotated[str, Parameter(help="Why; `explain` and the incident that may follow show it.")],
    by: By,
    lasts: Annotated[str, Parameter("--for", help="How long: 30m, 2h, 1d.")],
    service: Annotated[str | None, Parameter(help="Only alerts of this service.")] = None,
    kind: Annotated[Kind | None, Parameter(help="Only alerts of this kind.")] = None,
    source: Annotated[str | None, Parameter(help="Only what this monitor tells.")] = None,
    fingerprint: Annotated[str | None, Parameter(help="Only this alert.")] = None,
    starts: Annotated[
        str | None, Parameter("--from", help="From when, on the team's clock; left out, from now on.")
    ] = None,
    maintenance: Annotated[bool, Parameter(help="It is a maintenance window, such as a deployment.")] = False,
    home: HomeOption = None,
) -> None:
    """Hold alerts back for a time. One that still fires at its end opens its incident then."""
    settings = read_settings(home, of_running=True)
    policy = settings.policy()
    now = utc_now()
    starts_at = read_time(starts, policy.calendar, after=now) if starts else now
    silence = make_silence(
        {"service": service, "kind": kind, "source": source, "fingerprint": fingerprint},
        sort="maintenance" if maintenance else "silence",
        starts_at=starts_at,
        ends_at=starts_at + read_length(lasts),
        person=by,
        reason=why,
        now=now,
    )
    said = asyncio.run(in_store(settings, lambda db: add_silence(db, silence, now=now)))
    print(describe(said, policy))
    if service is not None and service not in policy.services:
        print(f"the policy knows no service {service!r}: only alerts that name it themselves are held back")


def read_length(text: str) -> timedelta:
    """A length of time.

    Raises:
        BadInput: it is none.
    """
    try:
        return _Length.model_validate({"length": text}).length
    except ValueError as error:
        raise BadInput(f"--for: {text!r} is no length of time; write 90s, 15m, 2h or 1d") from error


def show(*, home: HomeOption = None) -> None:
    """What is silenced now, what is announced, and the windows that come every week."""
    settings, policy = _settings_and_policy(home)
    silences = asyncio.run(in_store(settings, lambda db: read_silences(db, now=utc_now())))
    lines = [describe(silence, policy) for silence in silences]
    lines += [
        f"every {', '.join(window.days)} {window.starts:%H:%M} to {window.ends:%H:%M} "
        f"({policy.calendar.time_zone}): {window.match}. {window.name}, of the policy"
        for window in policy.maintenance_windows
    ]
    print("\n".join(lines) or "nothing is silenced")


def end(
    number: Annotated[int, Parameter(help="As `watchkeeper silence list` shows it.")],
    *,
    by: By,
    home: HomeOption = None,
) -> None:
    """End a silence before its time: what it held back and still fires opens its incident now."""
    settings, policy = _settings_and_policy(home)
    ended = asyncio.run(in_store(settings, lambda db: end_silence(db, number, person=by, now=utc_now())))
    print(f"no longer so: {describe(ended, policy)}")


def _settings_and_policy(home: Path | None) -> tuple[Settings, Policy]:
    settings = read_settings(home, of_running=True)
    return settings, settings.policy()


def describe(silence: Silence, policy: Policy) -> str:
    """A silence in one line: what, from when until when, who and why."""
    starts, ends = in_words(silence.starts_at, policy), in_words(silence.ends_at, policy)
    return f"{silence.id}  {silence.match} from {starts} until {ends}: {silence}"
