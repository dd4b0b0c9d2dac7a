"""How alerts reach the store when many come at once.

Those that wait at the same time are written down by one statement, which makes all of them durable with one commit.
A few such batches are under way at once: while one of them waits for the disk, the next is being written.
An alert that changes something (it opens, joins, worsens or ends) gets a transaction of its own, side by side with
the rest. Meanwhile those of its fingerprint wait: what is said of one thing takes effect in the order of its coming.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from operator import attrgetter
from typing import Any, TypeVar

from watchkeeper.admission import Admission, admit, admit_again
from watchkeeper.errors import StoreSlow, StoreUnavailable
from watchkeeper.model import Alert
from watchkeeper.paging.desk import Desk
from watchkeeper.store import Store

log = logging.getLogger(__name__)

# A Postgres that hangs counts as away before the sender loses patience.
ADMIT_WITHIN_SECONDS = 5.0
# A statement that hangs, on a lock or a connection that went dead, must not hold up what has nothing to do with it;
# a disk that is merely slow for once should not send everybody the long way.
BATCH_WITHIN_SECONDS = 1.0
# A body has up to 256 kB.
BATCH_AT_MOST = 32
# Postgres writes what commits at the same time to the disk in one go; more of them only make each smaller.
BATCHES_AT_ONCE = 3
LOOK_SECONDS = 0.1

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Waiting:
    """An alert, and where whoever brought it waits to hear what became of it."""

    alert: Alert
    received_at: datetime
    arrival: int
    answer: asyncio.Future[Admission]


class Admitting:
    """The queue before the store."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self._store = store
        self._desk = desk
        self._waiting: list[Waiting] = []
        self._under_way: list[list[Waiting]] = []
        self._arrivals = count()
        self._is_called = False
        self._alone: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def admit(self, alert: Alert, *, now: datetime, within_seconds: float | None = None) -> Admission:
        """Take in one alert; when this returns, it is durable.

        Args:
            within_seconds: how long its sender waits for the answer, where that is less than most do.

        Raises:
            StoreSlow: it has not answered within `within_seconds`.
            StoreUnavailable: the store is away or does not answer in time.
            psycopg.Error: the store refuses the alert.
        """
        answer: asyncio.Future[Admission] = asyncio.get_running_loop().create_future()
        waiting = Waiting(alert, now, next(self._arrivals), answer)
        self._waiting.append(waiting)
        self._go_on_soon()
        try:
            async with asyncio.timeout(within_seconds or ADMIT_WITHIN_SECONDS):
                return await answer
        except TimeoutError as error:
            late = StoreUnavailable if within_seconds is None or self._store.is_away else StoreSlow
            raise late("it does not answer") from error

    def _go_on_soon(self) -> None:
        """Once whatever else has arrived in this turn of the loop waits too: it goes into the same batch."""
        if not self._is_called and len(self._under_way) < BATCHES_AT_ONCE:
            self._is_called = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._is_called = False
        while len(self._under_way) < BATCHES_AT_ONCE and (batch := self._next_batch()):
            self._under_way.append(batch)
            self._hold(asyncio.create_task(self._admit_batch(batch)))

    def _next_batch(self) -> list[Waiting]:
        """Those who waited longest, but none that would overtake an alert with its fingerprint that differs."""
        batch: list[Waiting] = []
        kept: list[Waiting] = []
        lasts: dict[str, bool | None] = {
            each.alert.fingerprint: each.alert.lasts for batch in self._under_way for each in batch
        }
        for each in self._waiting:
            fingerprint, each_lasts = each.alert.fingerprint, each.alert.lasts
            if each.answer.done():
                continue  # whoever brought it has given up, and kept it elsewhere
            is_next = len(batch) < BATCH_AT_MOST and fingerprint not in self._alone
            if is_next and lasts.setdefault(fingerprint, each_lasts) is each_lasts:
                batch.append(each)
            else:
                kept.append(each)
                lasts[fingerprint] = None
        self._waiting = kept
        return batch

    async def _admit_batch(self, batch: list[Waiting]) -> None:
        try:
            admitted = await self._write_down(batch)
        except Exception as error:  # noqa: BLE001 - each of them hears of it when it is tried alone
            log.warning("%d alerts are admitted one by one: %s", len(batch), type(error).__name__)
            admitted = {}
        self._under_way.remove(batch)
        behind: list[Waiting] = []
        for number, each in enumerate(batch):
            if each.answer.done():
                continue
            if number in admitted:
                each.answer.set_result(admitted[number])
            elif each.alert.fingerprint in self._alone:
                behind.append(each)
            else:
                self._alone.add(each.alert.fingerprint)
                self._hold(asyncio.create_task(self._admit_alone(each)))
        if behind:
            self._waiting = sorted(behind + self._waiting, key=attrgetter("arrival"))
        self._go_on()

    async def _write_down(self, batch: list[Waiting]) -> dict[int, Admission]:
        alerts = [each.alert for each in batch]
        received_at = [each.received_at for each in batch]
        work = admit_again(self._store, self._desk, alerts, received_at=received_at)
        return await self._finish(work, within_seconds=BATCH_WITHIN_SECONDS)

    async def _admit_alone(self, one: Waiting) -> None:
        try:
            admission = await self._finish(self._transact(one), within_seconds=ADMIT_WITHIN_SECONDS)
        except Exception as error:  # noqa: BLE001 - it is raised where the alert was brought
            if not one.answer.done():
                one.answer.set_exception(error)
        else:
            if not one.answer.done():
                one.answer.set_result(admission)
        self._alone.discard(one.alert.fingerprint)
        self._go_on()

    async def _transact(self, one: Waiting) -> Admission:
        async with self._store.transaction() as db:
            return await admit(db, self._desk, one.alert, now=one.received_at)

    async def _finish(self, work: Coroutine[Any, Any, Result], *, within_seconds: float) -> Result:
        task = asyncio.create_task(work)
        self._hold(task)
        give_up_at = time.monotonic() + within_seconds
        while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
            if self._store.is_away or time.monotonic() > give_up_at:
                # A statement that hangs does not let go when it is cancelled, so it is left behind.
                task.cancel()
                task.add_done_callback(_say_how_it_ended)
                raise StoreUnavailable("it does not answer")
        return task.result()

    def _hold(self, task: asyncio.Task[Any]) -> None:
        # The loop itself holds tasks weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _say_how_it_ended(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        log.warning("a statement that was left behind has ended: %r", task.exception())
