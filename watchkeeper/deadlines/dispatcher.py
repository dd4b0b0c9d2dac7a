"""The dispatcher: owns every clock. It deals with what is due, asks Prefect for what is wanted, and starts the
next attempt where a response died.

Any number of dispatchers may run: rows are taken with FOR UPDATE SKIP LOCKED, and nobody is elected.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from watchkeeper.clock import Clock
from watchkeeper.deadlines.comebacks import has_been_silent, hold_is_over
from watchkeeper.deadlines.maintenance import still_in_maintenance
from watchkeeper.deadlines.promises import remind_of_promise
from watchkeeper.deadlines.telling import triage_is_overdue, update_is_due
from watchkeeper.deadlines.watching import look_after_hand_over, watch_where_quiet
from watchkeeper.errors import StoreUnavailable, VendorRejected, VendorUnavailable
from watchkeeper.findings import read_findings
from watchkeeper.guarding import Guard, Work
from watchkeeper.incidents import (
    MAX_ATTEMPTS,
    START_GRACE,
    goes_on,
    incident_of,
    read_incident,
    start_attempt,
)
from watchkeeper.model import (
    Deadline,
    DeadlineKind,
    Incident,
    RemediationState,
)
from watchkeeper.motor import TERMINAL, Motor
from watchkeeper.night.holding import cure_is_due
from watchkeeper.paging.desk import Desk, desk_of, hand_over
from watchkeeper.paging.escalating import call_again, escalate, nobody_acknowledged
from watchkeeper.paging.routing import held_page_is_due
from watchkeeper.remediations import expire_undecided, read_remediation
from watchkeeper.reviews.clock import remind
from watchkeeper.reviews.items import chase
from watchkeeper.reviews.opening import ask_again_for_drafts
from watchkeeper.status_page.posting import post_where_behind
from watchkeeper.store import Db, Row, Store, present

log = logging.getLogger(__name__)

# Deadlines that are dealt with at the same time, each in a transaction of its own.
SIDE_BY_SIDE = 4
MOTOR_LEASE = timedelta(seconds=30)
MOTOR_RETRY_AT_MOST = 5.0


async def deal_with(db: Db, deadline: Deadline, public_url: str, *, now: datetime) -> None:
    """What a deadline that passed unmet sets off. The dispatcher and the deadline's own Prefect run call this;
    the row, locked by the caller's transaction, decides which of them does it."""
    incident = await read_incident(db, deadline.incident_id)
    key = {"incident_id": deadline.incident_id, "kind": deadline.kind, "number": deadline.number}
    await db.run("deadlines/missed", **key)
    await MISSED[deadline.kind](db, desk_of(incident, public_url), incident, deadline, now=now)


async def _expire(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> None:
    await expire_undecided(db, incident.id, now=now)


Handler = Callable[..., Awaitable[None]]

# What each kind of deadline sets off when it passes unmet: handler(db, desk, incident, deadline, now=...).
MISSED: dict[DeadlineKind, Handler] = {
    DeadlineKind.WATCH: look_after_hand_over,
    DeadlineKind.ACKNOWLEDGE: nobody_acknowledged,
    DeadlineKind.CALL_AGAIN: call_again,
    DeadlineKind.ESCALATE: escalate,
    DeadlineKind.PAGE: held_page_is_due,
    DeadlineKind.TRIAGE: triage_is_overdue,
    DeadlineKind.UPDATE: update_is_due,
    DeadlineKind.UPDATE_REMINDER: remind_of_promise,
    DeadlineKind.APPROVAL: _expire,
    DeadlineKind.SILENCE: has_been_silent,
    DeadlineKind.HOLD: hold_is_over,
    DeadlineKind.NIGHT: cure_is_due,
    DeadlineKind.MAINTENANCE: still_in_maintenance,
    DeadlineKind.REVIEW_REMINDER: remind,
    DeadlineKind.REVIEW: remind,
    DeadlineKind.ACTION_ITEM: chase,
}


async def fire_deadline(
    store: Store, incident_id: int, kind: DeadlineKind, number: int, public_url: str, *, now: datetime
) -> bool:
    """Deal with one named deadline, if it is pending and due; whether this call did it."""
    async with store.transaction() as db:
        row = await db.one("deadlines/take", incident_id=incident_id, kind=kind, number=number)
        if row is None or row["due_at"] > now:
            return False
        await deal_with(db, Deadline.model_validate(row), public_url, now=now)
        return True


class Dispatcher:
    """One look at everything that is due, to be repeated for ever by `repeat`."""

    def __init__(
        self, store: Store, motor: Motor, public_url: str, clock: Clock, guard: Guard | None = None
    ) -> None:
        self._guard = guard or Guard(store, clock)
        self._store = store
        self._motor = motor
        self._public_url = public_url
        self._clock = clock

    async def pass_once(self) -> float | None:
        """Deadlines first: they concern people. What is wrong with one row keeps no clock from ringing.

        Returns:
            In how many seconds the next of them falls due, none or less where that happened during this look; None
            where none is to come.
        """
        began = self._clock()
        await self._guard.look()
        if await self._next_deadline():
            # Where one is due, many may be: Postgres works on some while others are composed.
            await asyncio.gather(*(self._deal_with_due() for _ in range(SIDE_BY_SIDE)))
        await self._revive_lapsed()
        await watch_where_quiet(self._store, self._guard, now=self._clock())
        await post_where_behind(self._store, self._guard, now=self._clock())
        async with self._guard.over(Work.DRAFTS, "all"), self._store.transaction() as db:
            await ask_again_for_drafts(db, now=self._clock())
        following = present(await self._store.one("deadlines/next", after=began))["due_at"]
        return (following - self._clock()).total_seconds() if following else None

    async def _deal_with_due(self) -> None:
        while await self._next_deadline():
            pass

    async def _next_deadline(self) -> bool:
        now = self._clock()
        async with self._guard.over(Work.DEADLINE) as job, self._store.transaction() as db:
            row = await db.one("deadlines/take_due", now=now)
            if row is None:
                return False
            job.key = f"{row['incident_id']}:{row['kind']}:{row['number']}"
            await deal_with(db, Deadline.model_validate(row), self._public_url, now=now)
        return True

    async def _revive_lapsed(self) -> None:
        now = self._clock()
        for row in await self._store.all("incidents/lapsed", now=now):
            async with self._guard.over(Work.LAPSED, row["id"]), self._store.transaction() as db:
                incident = incident_of(row)
                if incident.attempt < MAX_ATTEMPTS:
                    await start_attempt(db, incident, "the last one fell silent", now=now)
                else:
                    await give_up(db, incident, self._public_url, now=now)

    async def drive_motor(self) -> None:
        """Ask Prefect for what is wanted. Apart from `pass_once`, so that a Prefect that hangs delays no page.

        One at a time: a response that is to start meanwhile waits for one request, not for all that were due.
        """
        while row := await self._next_job():
            async with self._guard.over(Work.MOTOR, row["key"]):
                await self._carry_out(row)

    async def _next_job(self) -> Row | None:
        now = self._clock()
        return await self._store.one("motor/claim", now=now, lease_until=now + MOTOR_LEASE, limit=1)

    async def _carry_out(self, row: Row) -> None:
        try:
            await VERBS[row["verb"]](self, row)
        except VendorUnavailable as error:
            wait = min(0.2 * 2 ** row["attempts"], MOTOR_RETRY_AT_MOST)
            due_at = self._clock() + timedelta(seconds=wait)
            await self._store.run("motor/postpone", key=row["key"], due_at=due_at, error=str(error))
        except VendorRejected as error:
            # A refusal is most often a deployment that is not registered yet; it must not be forgotten.
            log.warning("prefect refused %s: %s", row["key"], error)
            due_at = self._clock() + timedelta(seconds=MOTOR_RETRY_AT_MOST)
            await self._store.run("motor/postpone", key=row["key"], due_at=due_at, error=str(error))
        else:
            await self._store.run("motor/done", key=row["key"], state="done", error=None)

    async def _start(self, row: Row) -> None:
        await self._motor.start_response(row["incident_id"], row["detail"]["attempt"])

    async def _resume(self, row: Row) -> None:
        incident = await read_incident(self._store, row["incident_id"])
        if incident.waiting_for != "approval" or incident.flow_run_id is None:
            return  # the run went on by itself, or another attempt has it
        state = await self._motor.run_state(incident.flow_run_id)
        if state == "PAUSED":
            # The run reads the decision from its row; this only has to satisfy the form.
            remediation = await read_remediation(self._store, row["detail"]["remediation_id"])
            approved = remediation.state is RemediationState.APPROVED
            form = {"decision": "approve" if approved else "deny", "name": "by link"}
            await self._motor.resume(incident.flow_run_id, form)
            await goes_on(self._store, incident, now=self._clock())
        elif state is None or state in TERMINAL:
            await self._start_another(incident, "the suspended run is gone")
        elif self._clock() - row["asked_at"] > START_GRACE:
            await self._start_another(incident, "the last one neither waits nor goes on")
        else:
            # It decided to suspend and has not got there yet.
            raise VendorUnavailable(vendor="prefect", action="resume", reason=f"run is {state.lower()}")

    async def _start_another(self, incident: Incident, why: str) -> None:
        async with self._store.transaction() as db:
            await start_attempt(db, incident, why, now=self._clock())

    async def _review(self, row: Row) -> None:
        await self._motor.start_review(row["incident_id"], row["detail"]["asks"])

    async def _mirror(self, row: Row) -> None:
        detail: dict[str, Any] = row["detail"]
        which = {"incident_id": row["incident_id"], "kind": detail["kind"], "number": detail["number"]}
        deadline = present(await self._store.one("deadlines/one", **which))
        if deadline["due_at"] != datetime.fromisoformat(detail["due_at"]):
            return  # tightened since; a later request shows that
        shown = await self._motor.show_deadline(**which, due_at=detail["due_at"])
        if deadline["flow_run_id"] not in (None, shown):
            await self._cancel_scheduled(deadline["flow_run_id"], "the deadline was tightened")
        await self._store.run("deadlines/set_mirror", **which, flow_run_id=shown)

    async def _mirror_occasion(self, row: Row) -> None:
        kind, due_at = row["detail"]["kind"], datetime.fromisoformat(row["detail"]["due_at"])
        pending = await self._store.one("occasions/pending", kind=kind)
        if pending is None or pending["due_at"] != due_at:
            return  # done, or at another time by now, which a later request shows
        shown = await self._motor.show_occasion(kind, row["detail"]["due_at"], row["key"])
        if pending["flow_run_id"] not in (None, shown):
            await self._cancel_scheduled(pending["flow_run_id"], "it is at another time now")
        if not await self._store.one("occasions/set_mirror", kind=kind, due_at=due_at, flow_run_id=shown):
            await self._cancel_scheduled(shown, "it is at another time now")

    async def _unmirror(self, row: Row) -> None:
        detail: dict[str, Any] = row["detail"]
        found = await self._store.one(
            "deadlines/one", incident_id=row["incident_id"], kind=detail["kind"], number=detail["number"]
        )
        if found and found["flow_run_id"]:
            await self._cancel_scheduled(found["flow_run_id"], f"deadline {found['state']}")
        elif found:
            raise VendorUnavailable(vendor="prefect", action="unmirror", reason="not shown yet")

    async def _cancel_scheduled(self, flow_run_id: str, why: str) -> None:
        if await self._motor.run_state(flow_run_id) == "SCHEDULED":
            await self._motor.cancel(flow_run_id, why)

    async def _cancel(self, row: Row) -> None:
        flow_run_id = row["detail"]["flow_run_id"]
        state = await self._motor.run_state(flow_run_id)
        if state is not None and state not in TERMINAL:
            why = row["detail"].get("why", "superseded by the next attempt")
            await self._motor.cancel(flow_run_id, why)


VERBS = {
    "start": Dispatcher._start,
    "resume": Dispatcher._resume,
    "review": Dispatcher._review,
    "mirror": Dispatcher._mirror,
    "unmirror": Dispatcher._unmirror,
    "mirror_occasion": Dispatcher._mirror_occasion,
    "cancel": Dispatcher._cancel,
}


async def give_up(db: Db, incident: Incident, public_url: str, *, now: datetime) -> None:
    """The response keeps dying: a person takes over."""
    if await db.one("incidents/hand_over", id=incident.id, attempt=incident.attempt, now=now) is None:
        return
    findings = await read_findings(db, incident.id)
    why = f"the response stopped {incident.attempt} times without finishing"
    await hand_over(db, desk_of(incident, public_url), incident, why, findings, now=now)


async def repeat(
    look: Callable[[], Awaitable[float | None]], bell: asyncio.Event, *, every_seconds: float
) -> None:
    """Look for ever: at each ring of the bell, and every `every_seconds` for what became due by time, or sooner where
    the look says in how many seconds something will be."""
    while True:
        bell.clear()
        sooner = None
        try:
            sooner = await look()
        except StoreUnavailable as error:
            log.warning("the store is away (%s); trying again", error)
        try:
            async with asyncio.timeout(every_seconds if sooner is None else min(sooner, every_seconds)):
                await bell.wait()
        except TimeoutError:
            continue
