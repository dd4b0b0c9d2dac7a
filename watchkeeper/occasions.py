"""Occasions: what the calendar brings and no incident, such as Monday's handoff.

A kind's next time is a row. Doing it and planning the one after it are one transaction, so that each happens exactly
once, in whichever process. What fell due while nobody was there is done once, late, and not once for each time missed.
Each is shown as a scheduled run in the Prefect UI, which calls the same function when its time comes.
"""

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from watchkeeper.clock import Clock
from watchkeeper.figures.reporting import next_report, send_report
from watchkeeper.guarding import Guard, Work
from watchkeeper.motor import ask_motor
from watchkeeper.night.report import next_morning, report_night
from watchkeeper.oncall.handoff import hand_off, next_handoff
from watchkeeper.paging.desk import Desk
from watchkeeper.policy import Policy
from watchkeeper.store import Db, Store


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
    "night_report": Occasion(next_morning, report_night),
    "month_report": Occasion(next_report, send_report),
}


class Occasions:
    """One look at the calendar, to be repeated for ever."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        clock: Clock,
        kinds: Mapping[str, Occasion] = OCCASIONS,
        guard: Guard | None = None,
    ) -> None:
        self._guard = guard or Guard(store, clock)
        self._store = store
        self._desk = desk
        self._clock = clock
        self._kinds = kinds
        self._planned: set[str] = set()

    async def pass_once(self) -> None:
        """Do what is due. One that fails is tried again later, and keeps neither the others nor any page from going."""
        await self._plan_all()
        now = self._clock()
        for row in await self._store.all("occasions/due", now=now, kinds=list(self._kinds)):
            async with self._guard.over(Work.OCCASION, row["kind"]):
                await self._do(row["kind"], row["due_at"], now)

    async def _plan_all(self) -> None:
        """Once in a process: its policy may put an occasion at another time than the last one did."""
        now = self._clock()
        for kind, occasion in self._kinds.items():
            if kind in self._planned or self._guard.waits(Work.OCCASION, kind):
                continue
            async with self._guard.over(Work.OCCASION, kind):
                async with self._store.transaction() as db:
                    await plan(db, kind, occasion.next_time(self._desk.policy, now), now=now)
                self._planned.add(kind)

    async def _do(self, kind: str, due_at: datetime, now: datetime) -> None:
        await hold(self._store, self._desk, kind, due_at, self._kinds[kind], now=now)


async def plan(db: Db, kind: str, due_at: datetime | None, *, now: datetime) -> None:
    """When this kind is due next, or that it happens no more; Prefect is asked to show what is news."""
    if due_at is None:
        for row in await db.all("occasions/unplan", kind=kind, now=now):
            if row["flow_run_id"]:
                run = {"flow_run_id": row["flow_run_id"], "why": "it happens no more"}
                await ask_motor(db, f"cancel:{row['flow_run_id']}", None, "cancel", now=now, detail=run)
    elif await db.one("occasions/plan", kind=kind, due_at=due_at, now=now) is not None:
        # With the time of asking: a policy that moves it away and back again asks anew.
        key = f"mirror:{kind}:{due_at.isoformat()}:{now.isoformat()}"
        detail = {"kind": kind, "due_at": due_at.isoformat()}
        await ask_motor(db, key, None, "mirror_occasion", now=now, detail=detail)


async def hold(
    store: Store, desk: Desk, kind: str, due_at: datetime, occasion: Occasion, *, now: datetime
) -> bool:
    """Do what the calendar brings, if nobody has done it or is doing it; whether this call did."""
    async with store.transaction() as db:
        if await db.one("occasions/take", kind=kind, due_at=due_at) is None:
            return False
        await occasion.handle(db, desk, due_at, now=now)
        await db.run("occasions/done", kind=kind, due_at=due_at, now=now)
        await plan(db, kind, occasion.next_time(desk.policy, now), now=now)
        return True
