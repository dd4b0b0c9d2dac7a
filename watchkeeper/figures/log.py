"""The incident log: the guide's table of all incidents, one file, always current.

It is made from the rows whenever one of them changes, and replaced as a whole: a reader sees the old table or the new
one, and a process that dies half-way leaves the old one behind, which the next change makes anew.
"""

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from pydantic import AwareDatetime

from watchkeeper.machine.files import write_whole
from watchkeeper.model import ACT_ABOVE, Data, Severity, incident_number
from watchkeeper.rendering import duration, markdown, utc, words
from watchkeeper.store import Db

log = logging.getLogger(__name__)

FILE_NAME = "incident-log.md"
HEAD = (
    "# Incident Log\n\n"
    "| Date | Severity | Description | Duration | Root Cause | Post-Mortem |\n"
    "|------|----------|-------------|----------|------------|-------------|\n"
)
# A table of many thousand incidents takes a while to make: never more than a twentieth of the process's time.
REST_FACTOR = 19
REST_AT_LEAST_SECONDS = 0.5


class LogRow(Data):
    """One incident with its post-mortem, as far as both have come."""

    id: int
    severity: Severity
    summary: str
    started_at: AwareDatetime
    resolved_at: AwareDatetime | None
    cause: str | None
    cause_confidence: float | None
    due_at: AwareDatetime | None
    draft_path: str | None
    published_at: AwareDatetime | None
    published_to: str | None
    waived_at: AwareDatetime | None


def incident_log(rows: Sequence[LogRow], folder: Path) -> str:
    """The whole file. Post-mortems are linked from `folder`, in which it stands."""
    return HEAD + "".join(f"{_line(row, folder)}\n" for row in rows)


def _line(row: LogRow, folder: Path) -> str:
    cells = (
        f"{row.started_at:%Y-%m-%d}",
        row.severity,
        f"{incident_number(row.id)} {markdown(row.summary)}",
        _lasted(row.started_at, row.resolved_at),
        _cause(row),
        _post_mortem(row, folder),
    )
    return f"| {' | '.join(cells)} |"


def _lasted(started_at: datetime, resolved_at: datetime | None) -> str:
    return "open" if resolved_at is None else duration(resolved_at - started_at)


def _cause(row: LogRow) -> str:
    if row.cause is None:
        return "not found" if row.resolved_at else "not known yet"
    guess = "" if (row.cause_confidence or 0) >= ACT_ABOVE else "perhaps "
    return guess + markdown(words(row.cause))


def _post_mortem(row: LogRow, folder: Path) -> str:
    if row.due_at is None:
        return "not required" if row.resolved_at else ""
    if row.waived_at:
        return "waived"
    where = row.published_to or row.draft_path
    state = "" if row.published_at else f"due {utc(row.due_at)}"
    return ", ".join(filter(None, (where and f"[Link]({_address(where, folder)})", state))) or "published"


def _address(where: str, folder: Path) -> str:
    return quote(where if "://" in where else os.path.relpath(where, folder), safe="/:?&=#")


async def read_log(db: Db) -> list[LogRow]:
    """Every incident, newest first."""
    return [LogRow.model_validate(row) for row in await db.all("figures/log")]


async def write_log(db: Db, folder: Path) -> Path:
    """Write the file as the rows are now.

    Raises:
        OSError: the folder cannot be written.
    """
    rows = await read_log(db)
    path = folder / FILE_NAME
    await asyncio.to_thread(lambda: write_whole(path, incident_log(rows, folder)))
    return path


async def keep_log(db: Db, folder: Path) -> None:
    """Write the file, and rest in proportion. A folder that cannot be written is said and tried again later."""
    began = time.monotonic()
    try:
        await write_log(db, folder)
    except OSError as error:
        log.warning("%s cannot be written (%s); it is tried again", folder / FILE_NAME, error.strerror)
    await asyncio.sleep(max((time.monotonic() - began) * REST_FACTOR, REST_AT_LEAST_SECONDS))
