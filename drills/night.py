"""One night: the company is broken, it is watched until it is over, and what was seen is gathered."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from drills.company.loopback import http_client
from drills.grading import Facts
from drills.hands import Hands
from drills.person import Behaviour, Person
from drills.scenarios.scenario import Scenario, Step
from drills.screen import Screen
from drills.stand import World
from drills.world_config import PEOPLE, local
from watchkeeper.clock import utc_now
from watchkeeper.deadlines import read_deadlines
from watchkeeper.errors import BadInput
from watchkeeper.findings import read_findings, read_readings
from watchkeeper.incidents import list_recent
from watchkeeper.model import Deadline, DeadlineKind, Finding, Incident, Status, TimelineEntry
from watchkeeper.paging.model import Notification
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.remediations import read_remediations
from watchkeeper.reviews import read_review
from watchkeeper.store import Row, Store
from watchkeeper.timeline import read_timeline

LOOK_SECONDS = 0.3
# What a night may take beside the policy's own durations, of which the speed takes its share.
OVERHEAD = timedelta(seconds=150)
POLICY_DURATION = timedelta(hours=1, minutes=30)
ORDERS_SECONDS = 2.0


@dataclass
class Seen:
    """What the night's rows say, read again and again until it is over."""

    incident: Incident | None = None
    timeline: list[TimelineEntry] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    deadlines: list[Deadline] = field(default_factory=list)
    review: Row | None = None

    def is_over(self) -> bool:
        """Resolved, with its draft written where one is owed, or in a person's hands."""
        return self.handed_over is not None or self.is_closed()

    @property
    def handed_over(self) -> Incident | None:
        """The incident, where it lies in a person's hands."""
        return self.incident if self.incident and self.incident.waiting_for == "person" else None

    def is_closed(self) -> bool:
        if self.incident is None:
            return False
        resolved = self.incident.status in (Status.RESOLVED, Status.REVIEWED)
        # Where a review is owed, its row was made in the moment of the end.
        return resolved and (self.review is None or self.review["draft"] is not None)

    def findings_at(self) -> datetime | None:
        return min((entry.at for entry in self.timeline if entry.kind == "finding"), default=None)


@dataclass(frozen=True)
class Night:
    """One night as it was: when it began, what the rows say in the end, and what it is graded on."""

    fault_at: datetime
    seen: Seen
    facts: Facts


async def play_night(
    scenario: Scenario,
    world: World,
    store: Store,
    *,
    person: Behaviour,
    speed: float,
    screen: Screen,
    prefect_url: str,
    counterpart: bool = False,
    observe: bool = False,
) -> Night:
    """Break the company, watch until it is over, and gather what was seen. Whoever takes over does what the scenario says."""
    fault_at, patience = utc_now(), OVERHEAD + POLICY_DURATION / speed
    saw: dict[str, Any] | None = None
    screen.start(fault_at)
    screen.say(title_of(scenario, counterpart), at=fault_at, word="fault", style="bold red")
    before = await world.state()
    async with played_person(world, person, screen, since=fault_at):
        await break_company(world, scenario, counterpart=counterpart)
        seen = await watch_night(store, screen, since=fault_at, give_up_after=patience)
        if scenario.by_hand and person == "prompt" and (handed := seen.handed_over):
            async with hands_of(world, handed, screen, prefect_url, since=fault_at, speed=speed) as hands:
                saw = await scenario.by_hand(hands)
            mended = not (counterpart or observe)
            until = Seen.is_closed if mended else Seen.is_over
            seen = await watch_night(store, screen, since=fault_at, give_up_after=patience, until=until)
        over_at = utc_now()
        await asyncio.sleep(ORDERS_SECONDS)
    facts = await gather_facts(
        scenario,
        person,
        world,
        store,
        seen,
        since=fault_at,
        over_at=over_at,
        before=before,
        saw=saw,
        counterpart=counterpart,
        observe=observe,
    )
    return Night(fault_at, seen, facts)


async def break_company(world: World, scenario: Scenario, *, counterpart: bool = False) -> None:
    """Do what the scenario says."""
    for step in faults_of(scenario, counterpart):
        await world.do(step.path, step.body)


def faults_of(scenario: Scenario, counterpart: bool) -> list[Step]:
    """What breaks, in order; in the counterpart, first what keeps the cure from working.

    Raises:
        BadInput: the scenario has no counterpart.
    """
    if not counterpart:
        return list(scenario.faults)
    if scenario.counterpart is None:
        raise BadInput(f"{scenario.name} has no counterpart")
    return [*scenario.counterpart.first, *scenario.faults]


def title_of(scenario: Scenario, counterpart: bool) -> str:
    return scenario.counterpart.title if counterpart and scenario.counterpart else scenario.title


@asynccontextmanager
async def played_person(
    world: World, behaviour: Behaviour, screen: Screen, *, since: datetime
) -> AsyncIterator[None]:
    """Ana, with her phone, for as long as the block lasts; what she got before `since` she dealt with then."""
    async with http_client(timeout=10) as browser:
        ana = Person(
            name="ana",
            behaviour=behaviour,
            read_messages=lambda: world.texts("ana", since),
            browser=browser,
            say=lambda text: screen.say(text, at=utc_now(), word="person", style="bold magenta"),
        )
        living = asyncio.create_task(ana.live())
        try:
            yield
        finally:
            living.cancel()
            with suppress(asyncio.CancelledError):
                await living


@asynccontextmanager
async def hands_of(
    world: World, incident: Incident, screen: Screen, prefect_url: str, *, since: datetime, speed: float
) -> AsyncIterator[Hands]:
    """What Ana has at hand when an incident was handed over to her."""

    async def read_messages() -> list[tuple[str, str]]:
        received = [m for m in await world.received() if datetime.fromisoformat(m.at) >= since]
        return [(f"{message.recipient} ({message.channel})", message.text) for message in received]

    async with (
        http_client(base_url=prefect_url, timeout=10) as prefect,
        http_client(timeout=10) as browser,
    ):
        yield Hands(
            name="ana",
            incident=incident.number,
            speed=speed,
            prefect=prefect,
            browser=browser,
            shop=local(world.ports.backend),
            site=local(world.ports.frontend),
            dashboard=world.do,
            read_messages=read_messages,
            say=lambda text: screen.say(text, at=utc_now(), word="person", style="bold magenta"),
        )


async def watch_night(
    store: Store,
    screen: Screen,
    *,
    since: datetime,
    give_up_after: timedelta,
    until: Callable[[Seen], bool] = Seen.is_over,
) -> Seen:
    """Show what happens as it happens, until the night is over or the time is up."""
    seen = Seen()
    give_up_at = utc_now() + give_up_after
    while not until(seen) and utc_now() < give_up_at:
        await asyncio.sleep(LOOK_SECONDS)
        seen = await look(store, since)
        screen.show_entries(seen.timeline)
        if seen.incident is not None:
            screen.show_readings(await read_readings(store, seen.incident.id))
    return seen


async def opened_since(store: Store, since: datetime) -> list[Incident]:
    """The incidents of this night, newest first."""
    return [incident for incident in await list_recent(store, 50) if incident.detected_at >= since]


async def look(store: Store, since: datetime) -> Seen:
    """The night's newest incident and everything about it."""
    incident = next(iter(await opened_since(store, since)), None)
    if incident is None:
        return Seen()
    return Seen(
        incident=incident,
        timeline=await read_timeline(store, incident.id),
        findings=await read_findings(store, incident.id),
        notifications=await read_notifications(store, incident.id),
        deadlines=await read_deadlines(store, incident.id),
        review=await read_review(store, incident.id),
    )


async def gather_facts(
    scenario: Scenario,
    person: Behaviour,
    world: World,
    store: Store,
    seen: Seen,
    *,
    since: datetime,
    over_at: datetime,
    before: dict[str, Any],
    saw: dict[str, Any] | None = None,
    counterpart: bool = False,
    observe: bool = False,
) -> Facts:
    """What the company, its vendors and its people saw; of the rows, only what is to be held against it.

    `saw` is what whoever took over saw while they mended it by hand.
    """
    orders = await world.ask(f"/control/company/orders?{urlencode({'since': over_at.isoformat()})}")
    incident = seen.incident
    review = next((d for d in seen.deadlines if d.kind is DeadlineKind.REVIEW), None)
    return Facts(
        scenario=scenario,
        person=person,
        counterpart=counterpart,
        observe=observe,
        before=before,
        after=await world.state() | {"by_hand": saw},
        incident=incident,
        incidents=len(await opened_since(store, since)),
        notifications=await read_notifications(store, incident.id) if incident else [],
        remediations=await read_remediations(store, incident.id) if incident else [],
        requests=await asyncio.to_thread(world.requests, since),
        orders_after=(orders["succeeded"], orders["failed"]),
        messages={name: await world.texts(name, since) for name in PEOPLE},
        received=[m for m in await world.received() if datetime.fromisoformat(m.at) >= since],
        findings=await read_findings(store, incident.id) if incident else [],
        review_due_at=review.due_at if review else None,
        draft=seen.review["draft"] if seen.review else None,
    )
