"""Replay: the alerts and readings of the past, heard again under another policy. Nothing is sent.

There is no second implementation to be wrong: the same admission, routing and deadlines run on a store of its own, to
which no pager belongs. A transaction on the real store that is rolled back would do too, but it would hold the lock of
admission for as long as the replay takes, and no page may wait for that.

People do what they did: an incident is acknowledged and ends when the one did to which its alerts belonged. One that
was none in the past ends when its alerts are quiet, or after an hour.
"""

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple

from pydantic import AwareDatetime

from watchkeeper import deadlines
from watchkeeper.admission import admit
from watchkeeper.clock import utc_now
from watchkeeper.deadlines.dispatcher import fire_deadline
from watchkeeper.figures.recorded import Heard, Measured, Recorded, Turn
from watchkeeper.guarding import Guard
from watchkeeper.model import Data, DeadlineKind, Severity
from watchkeeper.paging.desk import Desk
from watchkeeper.quiet.releasing import release_due
from watchkeeper.quiet.silences import add_silence
from watchkeeper.store import Store, present
from watchkeeper.sweeping import alert_of_reading, judged_under

# The clocks that may page somebody. What follows from an answer, such as a silence after it, is left to what people did.
RINGING = (DeadlineKind.PAGE, DeadlineKind.ACKNOWLEDGE, DeadlineKind.CALL_AGAIN, DeadlineKind.ESCALATE)
NEVER_WAS = timedelta(hours=1)


class Answered(NamedTuple):
    turn: Turn


class Ended(NamedTuple):
    turn: Turn


class Forgotten(NamedTuple):
    """An incident of the replay alone, an hour after its last alert."""

    incident_id: int
    heard: int


Event = Heard | Measured | Answered | Ended | Forgotten


class Rang(Data):
    """An incident of a replay, and when it first rang. `of` are the incidents that it was in the past."""

    id: int
    severity: Severity
    service: str
    summary: str
    detected_at: AwareDatetime
    rang_at: AwareDatetime | None
    pages: int
    of: frozenset[int] = frozenset()
    heard: frozenset[str] = frozenset()


class Replay:
    """One policy's way through the past, on an empty store."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self._store = store
        self._desk = desk
        self._events: list[tuple[datetime, int, Event]] = []
        self._numbers = count()
        self._of: dict[int, set[int]] = {}
        self._heard: dict[int, list[str]] = {}
        self._waits_for: dict[int, set[int]] = {}
        self._firing: set[str] = set()
        self._rings_at: datetime | None = None
        self._guard = Guard(store, lambda: self._rings_at or utc_now())

    async def run(self, recorded: Recorded, *, until: datetime) -> list[Rang]:
        """Hear everything again in its order, and let every clock ring in between."""
        for silence in recorded.silences:
            await add_silence(self._store, silence, now=silence.starts_at)
        for happens_at, what in _events(recorded):
            self._plan(happens_at, what)
        while self._events:
            at, _, event = heapq.heappop(self._events)
            await self._let_ring(at)
            await self._take(event, at)
        await self._let_ring(until)
        return await self._rang()

    def _plan(self, at: datetime, event: Event) -> None:
        heapq.heappush(self._events, (at, next(self._numbers), event))

    async def _take(self, event: Event, at: datetime) -> None:
        match event:
            case Heard():
                await self._hear(event, at)
            case Measured():
                await self._measure(event, at)
            case Answered(turn):
                await self._answer(turn, at)
            case Ended(turn):
                await self._end_all_of(turn.incident_id, at)
            case Forgotten(incident_id, heard):
                if len(self._heard[incident_id]) == heard and not self._of[incident_id]:
                    await self._end(incident_id, at)

    async def _let_ring(self, until: datetime) -> None:
        kinds = [kind.value for kind in RINGING]
        while row := await self._store.one("figures/next_ring", kinds=kinds, until=until):
            due_at = self._rings_at = row["due_at"]
            if row["kind"] is None:
                await release_due(self._store, self._desk, self._guard, now=due_at)
            else:
                which = (row["incident_id"], DeadlineKind(row["kind"]), row["number"])
                await fire_deadline(self._store, *which, self._desk.public_url, now=due_at)

    async def _hear(self, heard: Heard, at: datetime) -> None:
        # What a sender delivered twice was written down once.
        alert = heard.alert.model_copy(update={"delivery_id": None, "payload": {}})
        async with self._store.transaction() as db:
            admission = await admit(db, self._desk, alert, now=at)
        if admission.incident_id is None:
            return
        number = admission.incident_id
        self._heard.setdefault(number, []).append(heard.name)
        self._of.setdefault(number, set())
        if heard.incident_id is not None:
            self._of[number].add(heard.incident_id)
            self._waits_for.setdefault(number, set()).add(heard.incident_id)
        elif not self._of[number]:
            self._plan(at + NEVER_WAS, Forgotten(number, len(self._heard[number])))
            if not alert.firing and not await self._fires_still(number):
                await self._end(number, at)

    async def _measure(self, measured: Measured, at: datetime) -> None:
        reading = measured.reading
        known = judged_under(reading, self._desk.policy.thresholds)
        alert = alert_of_reading(known, self._desk.policy)
        if alert is None or (not alert.firing and alert.fingerprint not in self._firing):
            return
        change = self._firing.add if alert.firing else self._firing.discard
        change(alert.fingerprint)
        name = f"{reading.probe} {at.isoformat()}"
        await self._hear(Heard(at, name, alert, measured.incident_id), at)

    async def _fires_still(self, incident_id: int) -> bool:
        return bool(present(await self._store.one("figures/fires_still", incident_id=incident_id))["fires"])

    async def _answer(self, turn: Turn, at: datetime) -> None:
        for number in self._members(turn.incident_id):
            row = await self._store.one("incidents/acknowledge", id=number, person=turn.person, now=at)
            if row is not None:
                kinds = [DeadlineKind.ACKNOWLEDGE, DeadlineKind.CALL_AGAIN, DeadlineKind.PAGE]
                await deadlines.meet(self._store, number, kinds, now=at)

    async def _end_all_of(self, incident_id: int, at: datetime) -> None:
        for number in self._members(incident_id):
            self._waits_for[number].discard(incident_id)
            if not self._waits_for[number]:
                await self._end(number, at)

    def _members(self, incident_id: int) -> list[int]:
        return [number for number, of in self._of.items() if incident_id in of]

    async def _end(self, number: int, at: datetime) -> None:
        async with self._store.transaction() as db:
            if await db.one("incidents/close_by_hand", id=number, now=at) is not None:
                await db.run("alerts/leave", incident_id=number)
                await db.all("deadlines/cancel", incident_id=number, kinds=[k.value for k in DeadlineKind])

    async def _rang(self) -> list[Rang]:
        return [
            Rang.model_validate(
                {**row, "of": self._of.get(row["id"], set()), "heard": self._heard.get(row["id"], [])}
            )
            for row in await self._store.all("figures/rings")
        ]


def _events(recorded: Recorded) -> Iterator[tuple[datetime, Event]]:
    """In no order; what happened at the same time in this one."""
    yield from ((heard.at, heard) for heard in recorded.heard)
    yield from ((each.reading.observed_at, each) for each in recorded.readings)
    yield from ((turn.at, Answered(turn)) for turn in recorded.answers)
    yield from ((turn.at, Ended(turn)) for turn in recorded.ends)


def counterpart(one: Rang, others: Sequence[Rang]) -> Rang | None:
    """The incident of another replay that heard the same; of several, the one that rang first."""
    alike = [other for other in others if one.heard & other.heard]
    return min(
        alike, key=lambda other: (other.rang_at is None, other.rang_at or other.detected_at), default=None
    )
