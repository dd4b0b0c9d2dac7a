"""One piece of work that cannot be done keeps no other waiting.

Every loop of the intake takes its work under the guard: a deadline, a held alert, a request to Prefect, a mailing. What
fails with an error that nobody foresaw is set aside, as a row: it is said in the log, counted by `/ready` and
`watchkeeper doctor`, and tried again, after a while that doubles, until it can be done. All others go on meanwhile.

A store that is away is no fault of the work: that goes on to whoever repeats the loop.
"""

import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import psycopg
from pydantic import AwareDatetime

from watchkeeper.clock import Clock
from watchkeeper.errors import StoreUnavailable
from watchkeeper.model import Data
from watchkeeper.rendering import duration
from watchkeeper.store import Db, Store, present

log = logging.getLogger(__name__)

FIRST_WAIT = timedelta(seconds=15)
# What concerns people may be among it, so it is never left alone for long.
LONGEST_WAIT = timedelta(minutes=15)
# Whatever is still to be done is tried again as soon as its time has come.
FORGOTTEN_AFTER = timedelta(minutes=5)


class Work(StrEnum):
    """The sorts of work, as they stand in rows and statements."""

    DEADLINE = "deadline"
    MESSAGE = "message"
    LAPSED = "lapsed response"
    WATCH = "quiet incident"
    STATUS_PAGE = "status page"
    DRAFTS = "drafts"
    MOTOR = "request to Prefect"
    SPOOL = "alert on disk"
    HELD_ALERT = "held alert"
    GATHER = "addresses of a mailing"
    BATCH = "batch of a mailing"
    DOUBT = "doubtful batch"
    MAILING = "mailing"
    UNDECIDED = "undecided mailing"
    OCCASION = "occasion"
    INCIDENT_LOG = "incident log"
    PROOF = "proof"


class SetAside(Data):
    """Work that could not be done so far. `error` is its type and where it rose: its text may hold what is secret."""

    work: Work
    key: str
    times: int
    error: str
    first_at: AwareDatetime
    last_at: AwareDatetime
    try_at: AwareDatetime

    def in_words(self) -> str:
        return (
            f"{self.work} {self.key}: {self.error}, {self.times} times since {self.first_at:%d %b %H:%M} UTC"
        )


@dataclass
class Job:
    """One piece of work. What is taken out of a queue gets its key when it is known; before that nothing is guarded."""

    key: object | None = None


class Guard:
    """Knows what is set aside, and sets aside. One for all loops of a process; `look` keeps it up to date."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._aside: dict[tuple[Work, str], datetime] = {}

    async def look(self) -> None:
        """Learn what is set aside, also by other processes, and forget what is no longer tried."""
        rows = await self._store.all("set_aside/look", stale=self._clock() - FORGOTTEN_AFTER)
        known = [SetAside.model_validate(row) for row in rows]
        self._aside = {(each.work, each.key): each.try_at for each in known}

    def waits(self, work: Work, key: object) -> bool:
        """Whether it is not to be tried yet. Rows ask in their own statements, which leave out what waits."""
        try_at = self._aside.get((work, str(key)))
        return try_at is not None and try_at > self._clock()

    @asynccontextmanager
    async def over(self, work: Work, key: object | None = None) -> AsyncIterator[Job]:
        """Do one piece of work in here, in a transaction of its own. What goes wrong ends here, and is tried again."""
        job = Job(key)
        try:
            yield job
        except StoreUnavailable:
            raise
        except Exception as error:
            if job.key is None:
                raise
            await self._set_aside(work, str(job.key), error)
        else:
            if self._aside.pop((work, str(job.key)), None) is not None:
                await self._store.run("set_aside/clear", work=work, key=str(job.key))

    async def _set_aside(self, work: Work, key: str, error: Exception) -> None:
        now = self._clock()
        what = where(error)
        waits = {"wait": FIRST_WAIT, "at_most": LONGEST_WAIT}
        try:
            put = await self._store.one("set_aside/put", work=work, key=key, error=what, now=now, **waits)
        except psycopg.Error as broken:
            # Then it is the store that is wrong, and everything waits for it.
            raise StoreUnavailable(type(broken).__name__) from error
        row = SetAside.model_validate(present(put))
        self._aside[work, key] = row.try_at
        log.error(
            "the %s %s cannot be dealt with (%s); tried again in %s",
            work,
            key,
            what,
            duration(row.try_at - now),
        )


async def read_set_aside(db: Db) -> list[SetAside]:
    return [SetAside.model_validate(row) for row in await db.all("set_aside/read")]


def where(error: BaseException) -> str:
    """The error's type and the line of ours at which it rose, without its text."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "watchkeeper" in frame.filename]
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}"
