"""`watchkeeper report`: a month's figures."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption, in_store
from watchkeeper.errors import BadInput
from watchkeeper.figures.past import month_before, month_of
from watchkeeper.figures.reporting import FOLDER, write_report
from watchkeeper.home import read_settings


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
