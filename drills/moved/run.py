"""Playing nights with the clock moved: each on a store of its own, with the same report as every other drill."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg

from deployments.parts import memory_bytes
from drills.leaks import leaks
from drills.moved.gathering import Gathered, gather
from drills.moved.grading import grade
from drills.moved.house import HouseNight, running_night
from drills.moved.story import MovedDrill
from drills.report import hold_against, moments, rows_entry, write_report
from drills.screen import Screen
from watchkeeper.errors import WatchkeeperError
from watchkeeper.incidents import list_recent
from watchkeeper.machine.embedded import EmbeddedPostgres, start_postgres
from watchkeeper.timeline import read_timeline

TEMPLATE = "template_night"


async def play_moved(
    drills: Sequence[MovedDrill], *, report_folder: Path, screen: Screen, apart: bool
) -> list[dict[str, Any]]:
    """Play these nights, one after the other; their reports, each written.

    Args:
        apart: each into a folder of its own name, below the report's.
    """
    # Here, because a drill on the stand-in company would hold all of Alembic for nothing.
    from watchkeeper.store.migrating import migrate

    # A short path: a Unix socket's address has little room.
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="wk-night-"))
    postgres = None
    try:
        screen.say("Postgres, with a store for each night", word="starting")
        postgres = await asyncio.to_thread(start_postgres, folder / "postgres", (TEMPLATE,))
        await asyncio.to_thread(migrate, postgres.url_for(TEMPLATE))
        return [
            await play_one(
                drill,
                postgres,
                folder / drill.name,
                report_folder=report_folder / drill.name if apart else report_folder,
                # One terminal for all, and a record for each: a picture shows one night.
                screen=Screen() if apart else screen,
            )
            for drill in drills
        ]
    finally:
        if postgres is not None:
            await asyncio.to_thread(postgres.stop)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def play_one(
    drill: MovedDrill, postgres: EmbeddedPostgres, folder: Path, *, report_folder: Path, screen: Screen
) -> dict[str, Any]:
    """Tell one night, grade it, and write, show and give back its report."""
    await asyncio.to_thread((folder / "home").mkdir, parents=True)
    store_url = await asyncio.to_thread(new_store, postgres, drill.name)
    screen.say("the vendors' stand-ins, and the intake with its pager and its clocks", word="starting")
    policy = drill.policy | drill.prepare(folder)
    prefect = f"{drill.name}-prefect"
    if drill.needs_prefect:
        await asyncio.to_thread(postgres.create_database, prefect)
    async with running_night(
        folder,
        store_url,
        begins=drill.begins,
        policy=policy,
        watch=Watcher(screen),
        prefect_database=postgres.asyncpg_url_for(prefect) if drill.needs_prefect else None,
    ) as night:
        screen.start(drill.begins)
        screen.say(drill.title, at=drill.begins, word="night", style="bold red")
        cut_short = await told(drill, night)
        gathered = await gather(night, folder / "requests.jsonl", drill.begins)
        memory_mb = round(await asyncio.to_thread(memory_bytes, os.getpid()) / 1_000_000)
    failures = [*cut_short, *grade(drill.expected, gathered.seen)]
    report = report_of(drill, gathered, failures, report_folder=report_folder, peak_memory_mb=memory_mb)
    await asyncio.to_thread(keep, gathered, report, folder, report_folder)
    secrets = night.vendors.accounts.secrets | {"watchkeeper.webhook_secret": night.webhook_secret}
    found = await asyncio.to_thread(leaks, secrets, server_url=store_url, folders=[report_folder])
    hold_against(report, found, report_folder)
    show(report, screen, report_folder)
    return report


class Watcher:
    """Shows what happens as it happens."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    async def __call__(self, night: HouseNight) -> None:
        for incident in reversed(await list_recent(night.store, 50)):
            self._screen.show_entries(await read_timeline(night.store, incident.id))


def new_store(postgres: EmbeddedPostgres, name: str) -> str:
    """A database with the schema and nothing else."""
    with psycopg.connect(postgres.url_for("postgres"), autocommit=True) as connection:
        statement = psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(psycopg.sql.Identifier(name), psycopg.sql.Identifier(TEMPLATE)))
    return postgres.url_for(name)


async def told(drill: MovedDrill, night: HouseNight) -> list[str]:
    """Tell the night; why it could not be told to its end, if it could not."""
    try:
        await drill.tell(night)
    except (LookupError, TimeoutError, httpx.HTTPError, WatchkeeperError) as error:
        return [f"could not be played to its end: {type(error).__name__}: {error}"]
    return []


def report_of(
    drill: MovedDrill,
    gathered: Gathered,
    failures: Sequence[str],
    *,
    report_folder: Path,
    peak_memory_mb: int,
) -> dict[str, Any]:
    """The content of `report.json`; its seconds are the night's own, by the clock that was moved."""
    when = moments(drill.begins, gathered.incident, gathered.notifications, gathered.findings_at)
    return {
        "scenario": drill.name,
        "name": drill.name,
        "person": "told",
        "counterpart": False,
        "observe": False,
        "speed": 1.0,
        "passed": not failures,
        "failures": list(failures),
        **rows_entry(
            gathered.incident,
            when=when,
            notifications=gathered.notifications,
            findings=gathered.findings,
            remediations=gathered.remediations,
            deadlines=gathered.deadlines,
        ),
        "post_mortem": str(report_folder / "post-mortem.md") if gathered.draft else None,
        "peak_memory_mb": peak_memory_mb,
    }


def keep(gathered: Gathered, report: dict[str, Any], folder: Path, report_folder: Path) -> None:
    """The folder that the night leaves behind."""
    write_report(
        report_folder,
        report,
        incident=gathered.incident,
        timeline=gathered.timeline,
        messages=gathered.seen.received,
        draft=gathered.draft,
        requests=gathered.seen.requests,
    )
    shutil.copytree(folder / "home" / "logs", report_folder / "logs", dirs_exist_ok=True)


def show(report: dict[str, Any], screen: Screen, folder: Path) -> None:
    incident = report["incident"] or {}
    said = " ".join(str(incident.get(key, "")) for key in ("number", "kind", "severity", "status"))
    rows = [
        ("incident", said),
        ("messages sent", str(sum(page["sent_at"] is not None for page in report["pages"]))),
        ("the clock", "was moved; the policy's durations are whole"),
        ("memory", f"{report['peak_memory_mb']} MB"),
        ("report", str(folder)),
    ]
    title = f"Drill {report['name']}"
    screen.show_report(title, rows, report["failures"])
    (folder / "terminal.svg").write_text(screen.picture(title))
