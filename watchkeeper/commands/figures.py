"""`watchkeeper report` and `watchkeeper replay`: a month's figures, and the past under another policy."""

import asyncio
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from cyclopts import Parameter
from psycopg.conninfo import make_conninfo

from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption, in_store
from watchkeeper.errors import BadInput
from watchkeeper.figures.differences import compare, in_words
from watchkeeper.figures.past import month_before, month_of
from watchkeeper.figures.recorded import Recorded, read_recorded
from watchkeeper.figures.replay import Rang, Replay
from watchkeeper.figures.reporting import FOLDER, write_report
from watchkeeper.home import read_settings
from watchkeeper.machine.embedded import start_postgres
from watchkeeper.oncall.shifts import read_time
from watchkeeper.paging.desk import Desk
from watchkeeper.policy import Policy, load_policy
from watchkeeper.store import open_store


def report(
    *,
    month: Annotated[
        str | None, Parameter(help="Such as 2026-10; left out, the last one that is over.")
    ] = None,
    folder: Annotated[
        Path | None, Parameter(help="Where to; left out, reports/ in the team's folder.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write a month's report with its charts, as Markdown and as a page. Works while Prefect is away."""
    settings = read_settings(home, of_running=True)
    policy, now = settings.policy(), utc_now()
    calendar = policy.calendar
    chosen = month_of(month, calendar) if month else month_before(now, calendar)
    where = folder or settings.documents() / FOLDER
    try:
        path = asyncio.run(in_store(settings, lambda db: write_report(db, policy, chosen, where, now=now)))
    except OSError as error:
        raise BadInput(f"{where} cannot be written: {error.strerror}") from error
    print(path)


# The replay's store is thrown away: nothing of it needs to be on disk.
CARELESS = "-c synchronous_commit=off"


def replay(
    *,
    since: Annotated[str, Parameter(help="From when on, on the team's clock, such as 2026-01-01.")],
    policy: Annotated[Path, Parameter(help="The policy file to try.")],
    home: HomeOption = None,
) -> None:
    """Say what another policy would have done with the alerts and readings of the past. Nothing is sent."""
    settings = read_settings(home, of_running=True)
    in_force, changed = settings.policy(), load_policy(policy)
    now = utc_now()
    began = read_time(since, in_force.calendar, after=now)
    recorded = asyncio.run(in_store(settings, lambda db: read_recorded(db, began)))
    before, after = replay_both(in_force, changed, recorded, until=now)
    print("\n".join(in_words(compare(before, after), recorded, began)))


def replay_both(
    in_force: Policy, changed: Policy, recorded: Recorded, *, until: datetime
) -> tuple[list[Rang], list[Rang]]:
    """The same past under both policies, each on a store of its own."""
    # Here, because Alembic takes longer to import than most commands take to run.
    from watchkeeper.store.migrating import migrate

    async def hear_again(url: str, policy: Policy) -> list[Rang]:
        async with open_store(make_conninfo(url, options=CARELESS)) as store:
            return await Replay(store, Desk(policy, "http://replay.invalid")).run(recorded, until=until)

    async def both(urls: list[str]) -> tuple[list[Rang], list[Rang]]:
        one, other = await asyncio.gather(hear_again(urls[0], in_force), hear_again(urls[1], changed))
        return one, other

    with TemporaryDirectory(prefix="watchkeeper-") as folder:
        server = start_postgres(Path(folder), databases=("in_force", "changed"))
        try:
            urls = [server.url_for(name) for name in ("in_force", "changed")]
            for url in urls:
                migrate(url)
            return asyncio.run(both(urls))
        finally:
            server.stop()
