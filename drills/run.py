"""One drill from the start of everything to the report: the night is watched through the store and the stand-ins."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.parts import memory_bytes
from deployments.stack import Stack, running_stack
from drills.grading import grade
from drills.leaks import leaks
from drills.night import Night, play_night
from drills.person import Behaviour
from drills.report import hold_against, moments, report_of, write_report
from drills.scenarios.scenario import Scenario
from drills.screen import Screen
from drills.stand import World, running_world
from drills.table import write_table
from watchkeeper.settings import Settings
from watchkeeper.store import open_store

MEMORY_LOOK_SECONDS = 2.0


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


@asynccontextmanager
async def watched_memory() -> AsyncIterator[Memory]:
    """The most that was held, from here on until the block ends."""
    memory = Memory()
    watching = asyncio.create_task(memory.watch())
    try:
        yield memory
    finally:
        watching.cancel()


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
        async with (
            watched_memory() as memory,
            drill_stand(folder, speed, screen, worker_type=worker_type) as (world, stack),
        ):
            report = await play(
                scenario,
                world,
                stack,
                memory=memory,
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
    logs, vendors = folder / "home" / "logs", folder / "vendors.log"
    if logs.exists():
        shutil.copytree(logs, report_folder / "logs", dirs_exist_ok=True)
    if vendors.exists():
        (report_folder / "logs").mkdir(parents=True, exist_ok=True)
        shutil.copy(vendors, report_folder / "logs")
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


async def play(
    scenario: Scenario,
    world: World,
    stack: Stack,
    *,
    memory: Memory,
    person: Behaviour,
    report_folder: Path,
    screen: Screen,
    counterpart: bool = False,
    observe: bool = False,
) -> dict[str, Any]:
    """Play one night, and write, show and give back its report."""
    async with open_store(stack.settings.store_url()) as store:
        night = await play_night(
            scenario,
            world,
            store,
            person=person,
            speed=stack.settings.speed,
            screen=screen,
            prefect_url=stack.api_url,
            counterpart=counterpart,
            observe=observe,
        )
    report = await asyncio.to_thread(
        written, night, report_folder, peak_memory_mb=memory.peak_mb, speed=stack.settings.speed
    )
    picture, title = report_folder / "terminal.svg", f"Drill {report['name']}, person {person}"
    picture.write_text(screen.picture(title))
    hold_against(report, await leaks_of(world, stack, report_folder), report_folder)
    screen.show_report(title, summary(report, report_folder), report["failures"])
    picture.write_text(screen.picture(title))
    return report


def written(night: Night, report_folder: Path, *, peak_memory_mb: int, speed: float) -> dict[str, Any]:
    """The graded report of a night, with its folder and everything in it."""
    facts, seen = night.facts, night.seen
    when = moments(night.fault_at, facts.incident, facts.notifications, seen.findings_at())
    draft = report_folder / "post-mortem.md" if facts.draft else None
    report = report_of(
        facts,
        grade(facts),
        when=when,
        findings=seen.findings,
        deadlines=seen.deadlines,
        post_mortem=str(draft) if draft else None,
        peak_memory_mb=peak_memory_mb,
        speed=speed,
    )
    write_report(
        report_folder,
        report,
        incident=facts.incident,
        timeline=seen.timeline,
        messages=facts.received,
        draft=facts.draft,
        requests=facts.requests,
    )
    return report


async def leaks_of(world: World, stack: Stack, report_folder: Path) -> list[str]:
    """Every place in which a secret stands after this night; with the keys of this installation's own."""
    secrets = await world.secrets() | own_keys(stack.settings)
    folders = [report_folder, stack.home.path / "logs"]
    return await asyncio.to_thread(leaks, secrets, server_url=stack.settings.store_url(), folders=folders)


def own_keys(settings: Settings) -> dict[str, str]:
    """What signs Watchkeeper's links, and what its own webhook is known by."""
    keys = {"link_key": settings.link_key, "webhook_secret": settings.webhook_secret}
    return {f"watchkeeper.{name}": key.get_secret_value() for name, key in keys.items() if key is not None}


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
