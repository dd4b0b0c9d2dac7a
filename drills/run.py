"""One drill from the start of everything to the report: the night is watched through the store and the stand-ins."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from deployments.parts import memory_bytes
from deployments.stack import Stack, running_stack
from drills.grading import Facts, grade
from drills.person import Behaviour, Person
from drills.report import moments, report_of, write_report
from drills.scenarios.scenario import Scenario, Step
from drills.screen import Screen
from drills.stand import PEOPLE, World, running_world
from drills.table import write_table
from watchkeeper.clock import utc_now
from watchkeeper.deadlines import read_deadlines
from watchkeeper.errors import BadInput
from watchkeeper.findings import read_findings, read_readings
from watchkeeper.incidents import list_recent
from watchkeeper.model import Deadline, DeadlineKind, Finding, Incident, Notification, Status, TimelineEntry
from watchkeeper.outbox import read_notifications
from watchkeeper.remediations import read_remediations
from watchkeeper.reviews import read_review
from watchkeeper.store import Row, Store, open_store
from watchkeeper.timeline import read_timeline

LOOK_SECONDS = 0.3
MEMORY_LOOK_SECONDS = 2.0
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
        """Resolved with its draft written, or in a person's hands."""
        if self.incident is None:
            return False
        if self.incident.waiting_for == "person":
            return True
        resolved = self.incident.status in (Status.RESOLVED, Status.REVIEWED)
        return resolved and self.review is not None and self.review["draft"] is not None

    def findings_at(self) -> datetime | None:
        return min((entry.at for entry in self.timeline if entry.kind == "finding"), default=None)


@dataclass
class Memory:
    """The most that everything in the drill held at once, this process and all of its descendants."""

    peak_bytes: int = 0

    async def watch(self) -> None:
        while True:
            held = await asyncio.to_thread(memory_bytes, os.getpid())
            self.peak_bytes = max(self.peak_bytes, held)
            await asyncio.sleep(MEMORY_LOOK_SECONDS)

    @property
    def peak_mb(self) -> int:
        return round(self.peak_bytes / 1_000_000)


async def run_drill(
    scenario: Scenario,
    *,
    speed: float,
    person: Behaviour,
    report_folder: Path,
    screen: Screen,
    counterpart: bool = False,
    worker_type: str = "warm",
) -> bool:
    """Start a stand-in company and Watchkeeper, break the one, let the other repair it, and grade what was seen.

    Returns:
        Whether it passed.
    """
    # A short path: a Unix socket's address has little room.
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="wk-drill-"))
    try:
        async with drill_stand(folder, speed, screen, worker_type=worker_type) as (world, stack):
            report = await play(
                scenario,
                world,
                stack,
                person=person,
                report_folder=report_folder,
                screen=screen,
                counterpart=counterpart,
            )
            write_table([report], report_folder)
            return bool(report["passed"])
    finally:
        await asyncio.to_thread(clear_away, folder, report_folder)


def clear_away(folder: Path, report_folder: Path) -> None:
    """Remove what the drill worked in; the logs, as far as there are any, stay with the report."""
    logs = folder / "home" / "logs"
    if logs.exists():
        shutil.copytree(logs, report_folder / "logs", dirs_exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def drill_stand(
    folder: Path,
    speed: float,
    screen: Screen,
    *,
    policy: dict[str, Any] | None = None,
    worker_type: str = "warm",
) -> AsyncIterator[tuple[World, Stack]]:
    """The stand-in company and the whole of Watchkeeper, running. `policy` goes into the company's own."""
    began = time.monotonic()
    screen.say("the company: Postgres, Redis, backend, and its vendors' stand-ins", word="starting")
    async with running_world(folder, policy) as world:
        screen.say("Watchkeeper: Postgres, Prefect, intake and pager, worker", word="starting")
        settings = world.settings(speed)
        async with running_stack(
            settings, echo=lambda line: screen.say(line, word="stack"), worker_type=worker_type
        ) as stack:
            screen.say(
                f"all of it in {time.monotonic() - began:.0f} s; Prefect UI {stack.ui_url}, "
                f"incident page {stack.intake_url}/",
                word="ready",
            )
            yield world, stack


@dataclass(frozen=True)
class Night:
    """One night as it was: when it began, what the rows say in the end, and what it is graded on."""

    fault_at: datetime
    seen: Seen
    facts: Facts


async def play(
    scenario: Scenario,
    world: World,
    stack: Stack,
    *,
    person: Behaviour,
    report_folder: Path,
    screen: Screen,
    counterpart: bool = False,
    observe: bool = False,
) -> dict[str, Any]:
    """Play one night, and write, show and give back its report."""
    memory = Memory()
    async with open_store(stack.settings.store_url()) as store:
        watching = asyncio.create_task(memory.watch())
        night = await play_night(
            scenario,
            world,
            store,
            person=person,
            speed=stack.settings.speed,
            screen=screen,
            counterpart=counterpart,
            observe=observe,
        )
        watching.cancel()
    facts, seen = night.facts, night.seen
    failures = grade(facts)
    when = moments(night.fault_at, facts.incident, facts.notifications, seen.findings_at())
    draft = report_folder / "post-mortem.md" if facts.draft else None
    report = report_of(
        facts,
        failures,
        when=when,
        findings=seen.findings,
        deadlines=seen.deadlines,
        post_mortem=str(draft) if draft else None,
        peak_memory_mb=memory.peak_mb,
        speed=stack.settings.speed,
    )
    await asyncio.to_thread(
        write_report,
        report_folder,
        report,
        incident=facts.incident,
        timeline=seen.timeline,
        messages=await world.received(),
        draft=facts.draft,
        requests=world.requests_file,
    )
    title = f"Drill {scenario.name}, person {person}"
    screen.show_report(title, summary(report, report_folder), failures)
    await asyncio.to_thread((report_folder / "terminal.svg").write_text, screen.picture(title))
    return report


async def play_night(
    scenario: Scenario,
    world: World,
    store: Store,
    *,
    person: Behaviour,
    speed: float,
    screen: Screen,
    counterpart: bool = False,
    observe: bool = False,
) -> Night:
    """Break the company, watch until it is over, and gather what was seen."""
    fault_at = utc_now()
    screen.start(fault_at)
    screen.say(title_of(scenario, counterpart), at=fault_at, word="fault", style="bold red")
    before = await world.state()
    async with played_person(world, person, screen, since=fault_at):
        await break_company(world, scenario, counterpart=counterpart)
        seen = await watch_night(
            store, screen, since=fault_at, give_up_after=OVERHEAD + POLICY_DURATION / speed
        )
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
    async with httpx.AsyncClient(timeout=10) as browser:
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


async def watch_night(store: Store, screen: Screen, *, since: datetime, give_up_after: timedelta) -> Seen:
    """Show what happens as it happens, until the night is over or the time is up."""
    seen = Seen()
    give_up_at = utc_now() + give_up_after
    while not seen.is_over() and utc_now() < give_up_at:
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
    counterpart: bool = False,
    observe: bool = False,
) -> Facts:
    """What the company, its vendors and its people saw; of the rows, only what is to be held against it."""
    orders = await world.ask(f"/control/company/orders?{urlencode({'since': over_at.isoformat()})}")
    incident = seen.incident
    review = next((d for d in seen.deadlines if d.kind is DeadlineKind.REVIEW), None)
    return Facts(
        scenario=scenario,
        person=person,
        counterpart=counterpart,
        observe=observe,
        before=before,
        after=await world.state(),
        incident=incident,
        incidents=len(await opened_since(store, since)),
        notifications=await read_notifications(store, incident.id) if incident else [],
        remediations=await read_remediations(store, incident.id) if incident else [],
        requests=await asyncio.to_thread(world.requests, since),
        orders_after=(orders["succeeded"], orders["failed"]),
        messages={name: await world.texts(name, since) for name in PEOPLE},
        review_due_at=review.due_at if review else None,
        draft=seen.review["draft"] if seen.review else None,
    )


def summary(report: dict[str, Any], folder: Path) -> list[tuple[str, str]]:
    """The report in a few rows for the terminal."""
    incident = report["incident"] or {}
    seconds = {name: f"{value:.2f} s" for name, value in report["seconds"].items() if value is not None}
    done = [f"{r['action']}: {r['state']}" for r in report["remediations"]]
    return [
        (
            "incident",
            " ".join(str(incident.get(key, "")) for key in ("number", "kind", "severity", "status")),
        ),
        (
            "cause",
            ", ".join(f"{f['cause']} ({f['confidence']:.0%})" for f in report["findings"][:2])
            or "none found",
        ),
        *((name.replace("_", " "), text) for name, text in seconds.items()),
        ("remediations", "; ".join(done) or "none"),
        ("messages sent", str(sum(page["sent_at"] is not None for page in report["pages"]))),
        ("post-mortem", report["post_mortem"] or "none"),
        ("policy's durations", f"divided by {report['speed']:g}, nothing else"),
        ("peak memory", f"{report['peak_memory_mb']} MB"),
        ("report", str(folder)),
    ]
