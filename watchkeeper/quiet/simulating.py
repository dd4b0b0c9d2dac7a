"""What would happen if an alert came in: the house itself, on a store of its own, with phones that are lists.

There is no second implementation to be wrong: the same admission, deadlines and pager run, only that the clock is moved
from one row that is due to the next. The response to the incident is left out: it may end sooner what is shown here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from watchkeeper.admission import admit
from watchkeeper.channels import Receipt, Sender
from watchkeeper.deadlines.dispatcher import fire_deadline
from watchkeeper.guarding import Guard
from watchkeeper.links import LinkSigner
from watchkeeper.model import Alert, Channel, Data, DeadlineKind, TimelineKind
from watchkeeper.night.signatures import Signature, repeat_signature
from watchkeeper.oncall import Change, on_call
from watchkeeper.oncall.shifts import say_change
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Message
from watchkeeper.paging.pager import Pager
from watchkeeper.quiet.releasing import release_due
from watchkeeper.quiet.silences import Silence, add_silence
from watchkeeper.rendering import words
from watchkeeper.store import Db, Store
from watchkeeper.timeline import read_timeline

# Beyond that nothing is said: a page that is held over long holidays is seen, a year of reminders is not.
AT_MOST = timedelta(days=14)

WAKES = ("page", "escalation", "comeback", "contact", "handover")


class Step(Data):
    """One thing that would happen."""

    at: datetime
    text: str


class Said(Data):
    """What was said by command, and holds in the simulation, too."""

    silences: list[Silence] = []
    changes: list[Change] = []
    signatures: list[Signature] = []


@dataclass
class Ear(Sender):
    """A channel that takes every message and sends none."""

    receipt: Receipt = field(default_factory=lambda: Receipt(vendor_id="simulated", thread=None))

    async def send(
        self, address: str, message: Message, *, callback_url: str | None = None, thread: str | None = None
    ) -> Receipt:
        return self.receipt


class Simulation:
    """One alert's way through a house that nobody answers in."""

    def __init__(self, store: Store, desk: Desk, channels: Collection[Channel], at: datetime) -> None:
        self._store = store
        self._desk = desk
        self._now = at
        self._began = at
        ears: dict[Channel, Sender] = {channel: Ear() for channel in channels}
        self._guard = Guard(store, lambda: self._now)
        self._pager = Pager(store, ears, desk, LinkSigner("simulated"), lambda: self._now)

    async def run(self, alert: Alert, said: Said, *, asks: int) -> list[Step]:
        """Take the alert in and go on until nobody has answered `asks` times, or nothing is due any more."""
        async with self._store.transaction() as db:
            await self._repeat_what_was_said(db, said)
            admission = await admit(db, self._desk, alert, now=self._now)
        shift = on_call(self._desk.policy, said.changes, self._now)
        names = ", then ".join(self._desk.policy.people[handle].name for handle in shift.in_turn)
        first = [
            Step(at=self._now, text=f"On call: {names} ({words(shift.reason)})"),
            Step(at=self._now, text=f"The alert is taken in: {words(admission.reason)}"),
        ]
        await self._pager.send_all_due()
        while asks > 0 and (due := await self._next_due()) is not None:
            self._now = max(due, self._now)
            asks -= await self._let_ring()
            await self._pager.send_all_due()
        return first + await self._steps()

    async def _repeat_what_was_said(self, db: Db, said: Said) -> None:
        for silence in said.silences:
            await add_silence(db, silence, now=self._began)
        for change in said.changes:
            if change.ends_at > self._began and change.person in self._desk.policy.people:
                await say_change(db, change, self._desk.policy, now=self._began)
        for signature in said.signatures:
            await repeat_signature(db, signature)

    async def _next_due(self) -> datetime | None:
        row = await self._store.one("simulation/next_due", before=self._began + AT_MOST)
        return row["due_at"] if row else None

    async def _let_ring(self) -> int:
        """Deal with what is due now; gives how many times nobody had answered."""
        await release_due(self._store, self._desk, self._guard, now=self._now)
        unanswered = 0
        for row in await self._store.all("simulation/due", now=self._now):
            kind = DeadlineKind(row["kind"])
            which = (row["incident_id"], kind, row["number"])
            fired = await fire_deadline(self._store, *which, self._desk.public_url, now=self._now)
            unanswered += fired and kind is DeadlineKind.ACKNOWLEDGE
        return unanswered

    async def _steps(self) -> list[Step]:
        rows = await self._store.all("simulation/sent")
        sent = [
            Step(at=at, text=self._call(recipient, purpose, [row["channel"] for row in group]))
            for (at, recipient, purpose), group in groupby(
                rows, key=lambda row: (row["sent_at"], row["recipient"], row["purpose"])
            )
        ]
        incidents = await self._store.all("incidents/list_recent", limit=10)
        told = [
            Step(at=entry.at, text=entry.text)
            for incident in incidents
            for entry in await read_timeline(self._store, incident["id"])
            if entry.kind is TimelineKind.DECISION or entry.text.startswith("Not paged")
        ]
        return sorted([*told, *sent], key=lambda step: step.at)

    def _call(self, recipient: str, purpose: str, channels: Sequence[str]) -> str:
        person = self._desk.policy.people.get(recipient)
        woken = "is woken" if purpose in WAKES else "is told"
        name = person.name if person else recipient
        return f"{name} {woken} by {', '.join(channels)} ({words(purpose)})"
