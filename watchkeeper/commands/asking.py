"""`watchkeeper explain` and `watchkeeper simulate`: why somebody was woken, and who would be."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import Parameter

from watchkeeper.channels import open_channels
from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption, in_store
from watchkeeper.errors import BadInput, NotConfigured, StoreUnavailable
from watchkeeper.home import read_settings
from watchkeeper.intake.senders.generic import generic_alert
from watchkeeper.intake.webhooks import Refused
from watchkeeper.machine.embedded import start_postgres
from watchkeeper.model import Alert, Channel
from watchkeeper.night.signatures import read_signatures
from watchkeeper.oncall.shifts import read_changes, read_time
from watchkeeper.paging.desk import Desk
from watchkeeper.policy import Policy, load_policy
from watchkeeper.quiet.explaining import explain as explain_facts
from watchkeeper.quiet.explaining import list_newest, read_facts
from watchkeeper.quiet.silences import read_silences
from watchkeeper.quiet.simulating import Said, Simulation, Step
from watchkeeper.rendering import duration
from watchkeeper.settings import Settings
from watchkeeper.store import Db, open_store

STORE = "simulation"
LISTED = 20


def explain(
    alert: Annotated[
        str | None,
        Parameter(help="Its number, its fingerprint or its incident's; left out, the newest are listed."),
    ] = None,
    *,
    home: HomeOption = None,
) -> None:
    """Say why an alert was paged or not, to whom and by which rule."""
    settings = read_settings(home, of_running=True)
    policy = settings.policy()

    async def tell(db: Db) -> list[str]:
        if alert is None:
            return await list_newest(db, policy, limit=LISTED) or ["no alert has come in yet"]
        return explain_facts(await read_facts(db, alert), policy)

    print("\n".join(asyncio.run(in_store(settings, tell))))


def simulate(
    file: Annotated[Path, Parameter(help="The alert, as the generic webhook takes it.")],
    *,
    at: Annotated[str | None, Parameter(help="When, on the team's clock; left out, now.")] = None,
    policy: Annotated[
        Path | None, Parameter(help="A policy file to try; left out, the one in force.")
    ] = None,
    asks: Annotated[int, Parameter(help="After how many unanswered pages to stop.")] = 3,
    home: HomeOption = None,
) -> None:
    """Say who would be woken, when and how, if an alert came in and nobody answered. Nothing is sent."""
    settings = read_settings(home, of_running=True)
    rules = load_policy(policy or settings.policy_file)
    now = utc_now()
    moment = read_time(at, rules.calendar, after=now) if at else now
    alert = read_alert(file, rules, now=moment)
    said, note = asyncio.run(_what_was_said(settings))
    desk = Desk(rules, settings.public_url)
    steps = _on_a_store_of_its_own(desk, settings, alert, said, moment, asks)
    print("\n".join([*describe_steps(steps, rules), *note]))


def read_alert(file: Path, policy: Policy, *, now: datetime) -> Alert:
    """An alert out of a file.

    Raises:
        BadInput: it cannot be read, or is not an alert as the generic webhook takes it.
    """
    try:
        return generic_alert(json.loads(file.read_text()), policy, now=now)
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise BadInput(f"{file}: is not JSON: {error}") from error
    except Refused as error:
        raise BadInput(f"{file}: {error.explanation}") from error


async def _what_was_said(settings: Settings) -> tuple[Said, list[str]]:
    """Silences and shifts out of the real store, where there is one."""
    now = utc_now()

    async def read(db: Db) -> Said:
        return Said(
            silences=await read_silences(db, now=now),
            changes=await read_changes(db, now=now),
            signatures=await read_signatures(db, now=now),
        )

    try:
        return await in_store(settings, read), []
    except (NotConfigured, StoreUnavailable):
        return Said(), [
            "(The store does not answer: silences and swaps said by command are left out, as is what was signed.)"
        ]


def _on_a_store_of_its_own(
    desk: Desk, settings: Settings, alert: Alert, said: Said, at: datetime, asks: int
) -> list[Step]:
    # Here, because Alembic takes longer to import than most commands take to run.
    from watchkeeper.store.migrating import migrate

    with TemporaryDirectory(prefix="watchkeeper-") as folder:
        server = start_postgres(Path(folder), databases=(STORE,))
        try:
            migrate(server.url_for(STORE))
            return asyncio.run(_run(server.url_for(STORE), desk, settings, alert, said, at, asks))
        finally:
            server.stop()


async def _run(
    url: str, desk: Desk, settings: Settings, alert: Alert, said: Said, at: datetime, asks: int
) -> list[Step]:
    async with open_store(url) as store, open_channels(settings) as configured:
        channels = set(configured) - {Channel.OWN_PHONE} or set(Channel)
        return await Simulation(store, desk, channels, at).run(alert, said, asks=asks)


def describe_steps(steps: Sequence[Step], policy: Policy) -> list[str]:
    """A line for each step: when, on the team's clock, how long after the alert, and what."""
    began = steps[0].at
    return [
        f"{policy.calendar.local(step.at):%a %d %b %H:%M:%S}  +{duration(step.at - began):<26}  {step.text}"
        for step in steps
    ]
