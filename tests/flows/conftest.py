"""A flow's workbench on a real store: the clock is moved, and what would be an artifact is kept in a list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from prefect import Task

from flows import patience, resolution, undoing, verification
from flows.actions.site import Site
from flows.bench import Bench
from flows.credentials import Credentials
from tests.conftest import MovedClock
from tests.watchkeeper.house import PUBLIC_URL, two_on_call
from watchkeeper.admission import admit
from watchkeeper.incidents import change_status, read_incident, take_lease, wait_for
from watchkeeper.model import Alert, Fault, Finding, Incident, Kind, Plan, Remediation, Status
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.policy import Policy
from watchkeeper.remediations import plan_remediation
from watchkeeper.settings import Settings
from watchkeeper.store import Store
from watchkeeper.timeline import read_timeline

NOBODY = Credentials()


@dataclass(frozen=True)
class MovedBench(Bench):
    """A bench whose clock the test moves, with what a test does on it."""

    clock: MovedClock = field(default_factory=MovedClock)

    def now(self) -> datetime:
        return self.clock()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["MovedBench"]:
        """In place of `open_bench`."""
        yield self

    async def hear(self, policy: Policy, **told: Any) -> int:
        """Admit an alert; the number of its incident."""
        known = {
            "source": "generic",
            "fingerprint": "database",
            "service": "database",
            "kind": Kind.DATABASE_DOWN,
            "summary": "Database is down",
            "started_at": self.now(),
        }
        async with self.store.transaction() as db:
            alert = Alert.model_validate(known | told)
            admission = await admit(db, Desk(policy, PUBLIC_URL), alert, now=self.now())
        assert admission.incident_id is not None
        return admission.incident_id

    async def incident_under(self, policy: Policy) -> Incident:
        """An incident that is being investigated."""
        number = await self.hear(policy)
        await self.move(number, Status.INVESTIGATING)
        return await read_incident(self.store, number)

    async def move(self, incident_id: int, status: Status) -> Incident:
        """The incident, in this status from now on."""
        moved = await change_status(
            self.store, incident_id, expected=list(Status), new=status, now=self.now()
        )
        assert moved is not None
        return moved

    async def planned(self, incident: Incident, plan: Plan, *, step: int = 1) -> Remediation:
        policy = self.desk(incident).policy
        return await plan_remediation(self.store, incident, plan, policy, step=step, now=self.now())

    async def handed_over(self, incident: Incident) -> Incident:
        """The incident, a minute later and in a person's hands."""
        self.clock.advance(minutes=1)
        lease, now = timedelta(minutes=1), self.now()
        await take_lease(
            self.store, incident.id, attempt=incident.attempt, holder="run", lease=lease, now=now
        )
        await wait_for(self.store, incident.id, "person", holder="run", now=now)
        return await read_incident(self.store, incident.id)

    async def reach(self, person: str, incident: Incident) -> None:
        """Somebody's first page went out by email, and by no other way."""
        sent = await read_notifications(self.store, incident.id)
        wanted = ("page", person, "email")
        page = next(n for n in sent if (n.purpose, n.recipient, n.channel) == wanted)
        await self.store.one("outbox/sent", id=page.id, vendor_id="id1", thread=None, now=self.now())

    async def told(self, incident: Incident, purpose: str) -> list[tuple[str, str]]:
        """Who is told something for this purpose, and what."""
        sent = await read_notifications(self.store, incident.id)
        return [(n.recipient, n.message.text) for n in sent if n.purpose == purpose]

    async def story(self, incident: Incident) -> list[str]:
        return [entry.text for entry in await read_timeline(self.store, incident.id)]


@dataclass
class FakeAction:
    """A change to production that is made nowhere; the test says what the world is like.

    Attributes:
        refuses: raised by the last look before it happens; with `away`, only by so many of them.
        fails: raised in place of an answer; the change is made all the same where `made_anyway`.
        answers: what looking up gives, in order; the last one stays.
    """

    refuses: BaseException | None = None
    away: int = 999
    fails: BaseException | None = None
    answers: list[bool | None] = field(default_factory=lambda: [True])
    acts: int = 0
    looks: int = 0
    limit: str = "3 connections"
    undo: str = ""

    async def check(self, site: Site, plan: Plan) -> None:
        if self.refuses and self.away:
            self.away -= 1
            raise self.refuses

    async def act(self, site: Site, plan: Plan) -> str:
        self.acts += 1
        if self.fails:
            raise self.fails
        return "3 connections ended"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        self.looks += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture(autouse=True)
def no_minute_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is away is asked as often as on a real night, and at once."""
    monkeypatch.setattr(patience, "AGAIN_AFTER_SECONDS", (0, 0, 0))


def finding(cause: str, confidence: float) -> Finding:
    return Finding(cause=cause, confidence=confidence, fault=Fault.OURS, evidence=["it"])


def plan_to(action: str, target: str = "database", **more: Any) -> Plan:
    known = {"cause": "connection_leak", "summary": f"{action} of {target}", "preview": ["pid 7"]}
    return Plan.model_validate({"action": action, "target": target, **known, **more})


@pytest.fixture(autouse=True)
def plain_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flows' own steps as plain functions: as tasks they would ask a Prefect server."""
    for module in (resolution, verification, undoing):
        for name, step in list(vars(module).items()):
            if isinstance(step, Task):
                monkeypatch.setattr(module, name, step.fn)


@pytest.fixture
def policy() -> Policy:
    return two_on_call()


@pytest.fixture
def site(policy: Policy) -> Site:
    return Site(policy, NOBODY)


@pytest.fixture
def bench(store: Store, store_url: str, clock: MovedClock) -> MovedBench:
    settings = Settings(_env_file=None, database_url=store_url, public_url=PUBLIC_URL)
    return MovedBench(store, settings, clock)


@pytest_asyncio.fixture
async def incident(bench: MovedBench, policy: Policy) -> Incident:
    return await bench.incident_under(policy)
