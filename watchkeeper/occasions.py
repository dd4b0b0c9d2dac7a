"""Occasions: what the calendar brings and no incident, such as Monday's handoff.

A kind's next time is a row. Doing it and planning the one after it are one transaction, so that each happens exactly
once, in whichever process. What fell due while nobody was there is done once, late, and not once for each time missed.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from watchkeeper.clock import Clock
from watchkeeper.errors import StoreUnavailable
from watchkeeper.figures.reporting import next_report, send_report
from watchkeeper.handoff import hand_off, next_handoff
from watchkeeper.paging import Desk
from watchkeeper.policy import Policy
from watchkeeper.store import Db, Store

log = logging.getLogger(__name__)

TRY_AGAIN_AFTER = timedelta(minutes=1)


class Occasion(NamedTuple):
    """One kind of occasion.

    Attributes:
        next_time: the first time after a moment at which it is due; None when the policy wants none.
        handle: does it, inside the transaction that marks it as done: handle(db, desk, due_at, now=...).
    """

    next_time: Callable[[Policy, datetime], datetime | None]
    handle: Callable[..., Coroutine[Any, Any, None]]


# By the kind's name, which stands in its rows.
OCCASIONS: Mapping[str, Occasion] = {
    "handoff": Occasion(next_handoff, hand_off),
    "month_report": Occasion(next_report, send_report),
}


class Occasions:
    """One look at the calendar, to be repeated for ever."""

    def __init__(
        self, store: Store, desk: Desk, clock: Clock, kinds: Mapping[str, Occasion] = OCCASIONS
    ) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._kinds = kinds
        self._planned = False

    async def pass_once(self) -> None:
        """Do what is due. One that fails is tried again later, and keeps neither the others nor any page from going."""
        await self._plan_all()
        now = self._clock()
        for row in await self._store.all("occasions/due", now=now, kinds=list(self._kinds)):
            (error,) = await asyncio.gather(self._do(row["kind"], row["due_at"], now), return_exceptions=True)
            if isinstance(error, StoreUnavailable):
                raise error
            if error is not None:
                await self._postpone(row["kind"], row["due_at"], error, now)

    async def _plan_all(self) -> None:
        """Once in a process: its policy may put an occasion at another time than the last one did."""
        if self._planned:
            return
        async with self._store.transaction() as db:
            for kind in self._kinds:
                await self._plan(db, kind, self._clock())
        self._planned = True

    async def _plan(self, db: Db, kind: str, now: datetime) -> None:
        due_at = self._kinds[kind].next_time(self._desk.policy, now)
        if due_at is None:
            await db.run("occasions/unplan", kind=kind, now=now)
        else:
            await db.run("occasions/plan", kind=kind, due_at=due_at, now=now)

    async def _do(self, kind: str, due_at: datetime, now: datetime) -> None:
        async with self._store.transaction() as db:
            if await db.one("occasions/take", kind=kind, due_at=due_at) is None:
                return  # another process has it
            await self._kinds[kind].handle(db, self._desk, due_at, now=now)
            await db.run("occasions/done", kind=kind, due_at=due_at, now=now)
            await self._plan(db, kind, now)

    async def _postpone(self, kind: str, due_at: datetime, error: BaseException, now: datetime) -> None:
        # Told by its type: a vendor's text may hold what must not be logged.
        log.error("the occasion %s of %s failed: %s", kind, due_at.isoformat(), type(error).__name__)
        await self._store.run(
            "occasions/postpone",
            kind=kind,
            due_at=due_at,
            try_at=now + TRY_AGAIN_AFTER,
            error=type(error).__name__,
        )
