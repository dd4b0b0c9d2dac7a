"""Where a benchmark takes place: the stand-in company and the whole stack, as in a drill, with a store to look into."""

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from deployments.stack import Stack
from drills.run import drill_stand
from drills.screen import Screen
from drills.stand import World
from drills.world_config import PEOPLE
from watchkeeper.clock import utc_now
from watchkeeper.deadlines import read_deadlines
from watchkeeper.errors import WatchkeeperError
from watchkeeper.incidents import incident_of
from watchkeeper.model import Incident, Severity
from watchkeeper.store import Db, Row, Store, open_store, present

# Every incident here pages the same two people; nothing of it may be held back.
POLICY = {"throttle": {"messages": 1_000_000, "per": "10m"}}
NUMBER = re.compile(r"INC-\d+")


class CouldNotRun(WatchkeeperError):
    """A benchmark has no figure: what it measures did not happen."""


@dataclass(frozen=True)
class Site:
    """What a benchmark needs."""

    world: World
    stack: Stack
    store: Store
    screen: Screen

    def say(self, text: str) -> None:
        self.screen.say(text, word="bench", style="bold cyan")

    async def stop_responding(self) -> None:
        """Stop the worker, for the rest of this stack's life: no response takes the cores from what is measured."""
        if "worker" in self.stack.pids:
            self.say("the worker is stopped: responses are asked for and do not run")
            await self.stack.stop("worker")

    async def query(self, statement: str, *values: object) -> Row:
        """One row of the store, by a statement that only a benchmark needs."""
        connecting = psycopg.AsyncConnection.connect(
            self.stack.settings.store_url(), row_factory=psycopg.rows.dict_row
        )
        async with await connecting as connection:
            cursor = await connection.execute(statement.encode(), values)
            return present(await cursor.fetchone())


@asynccontextmanager
async def open_site(screen: Screen, *, worker_type: str) -> AsyncIterator[Site]:
    """Start everything; stop it and forget its data on leaving."""
    # A short path: a Unix socket's address has little room.
    folder = Path(tempfile.mkdtemp(prefix="wk-bench-"))
    try:
        async with (
            drill_stand(folder, 1, screen, policy=POLICY, worker_type=worker_type) as (world, stack),
            open_store(stack.settings.store_url()) as store,
        ):
            yield Site(world, stack, store, screen)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bearer(site: Site) -> dict[str, str]:
    """The header by which a sender proves itself."""
    secret = site.stack.settings.webhook_secret
    return {"Authorization": f"Bearer {secret.get_secret_value()}"} if secret else {}


@asynccontextmanager
async def open_sender(site: Site, connections: int = 1) -> AsyncIterator[aiohttp.ClientSession]:
    """A monitor with so many connections to the intake, each kept alive."""
    async with aiohttp.ClientSession(
        site.stack.intake_url,
        connector=aiohttp.TCPConnector(limit=connections),
        headers=bearer(site),
        timeout=aiohttp.ClientTimeout(total=30),
    ) as session:
        yield session


@dataclass(frozen=True)
class Posted:
    """An alert that was taken in; the time is that of the first byte's leaving."""

    at: datetime
    number: str

    @property
    def incident_id(self) -> int:
        return int(self.number.removeprefix("INC-"))


async def post_alert(session: aiohttp.ClientSession, **alert: Any) -> Posted:
    """Post an alert to the generic webhook.

    Raises:
        CouldNotRun: it was answered by anything but a 202 with an incident.
    """
    at = utc_now()
    async with session.post("/webhooks/generic", json=alert) as answer:
        said = await answer.json()
    if answer.status != 202 or not said.get("incident"):
        raise CouldNotRun(f"the intake answered {answer.status} to an alert: {said}")
    return Posted(at, said["incident"])


async def find_incident(store: Store, incident_id: int) -> Incident | None:
    row = await store.one("incidents/read", id=incident_id)
    return incident_of(row) if row else None


async def open_unpaged(
    db: Db, each: int, *, service: str, severity: Severity, policy: dict[str, Any], leased_until: datetime
) -> int:
    """An incident of which nobody is told, and which no response takes up until then; its number."""
    now = utc_now()
    opened = await db.one(
        "incidents/open",
        kind="other",
        severity=severity,
        service=service,
        summary=f"Something is wrong with part {each}",
        source="generic",
        users_affected_percent=None,
        started_at=now,
        lease_until=leased_until,
        policy=policy,
        now=now,
    )
    return int(present(opened)["id"])


async def put_away(store: Store, incident_id: int) -> None:
    """Resolve an incident without a word to anybody, so that the next sample finds none open."""
    kinds = [deadline.kind for deadline in await read_deadlines(store, incident_id)]
    async with store.transaction() as db:
        await db.run("incidents/close_by_hand", id=incident_id, now=utc_now())
        await db.run("alerts/leave", incident_id=incident_id)
        await db.run("deadlines/cancel", incident_id=incident_id, kinds=kinds)


async def first_texts(world: World, person: str, key: Callable[[str], str | None]) -> dict[str, datetime]:
    """When the first text with each key reached this phone, by the stand-in's clock, which is this machine's."""
    answer = await world.ask(f"/control/phone/{PEOPLE[person]['phone']}")
    found: dict[str, datetime] = {}
    for message in answer["messages"]:
        name = key(message["body"]) if message["kind"] == "sms" else None
        if name is not None:
            found.setdefault(name, datetime.fromisoformat(message["at"]))
    return found


async def output_of(
    what: str, *command: str | Path, seconds: float, env: Mapping[str, str] | None = None
) -> str:
    """Everything that a programme says until it ends.

    Raises:
        CouldNotRun: it failed.
    """
    process = await asyncio.create_subprocess_exec(
        *command, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = output.decode(errors="replace")
    if process.returncode != 0:
        raise CouldNotRun(f"{what} failed: {said[-500:]}")
    return said


def number_in(text: str) -> str | None:
    """The incident's number in a text."""
    match = NUMBER.search(text)
    return match[0] if match else None


def until(seconds: float) -> Callable[[], bool]:
    """Whether there is time left."""
    give_up_at = time.monotonic() + seconds
    return lambda: time.monotonic() < give_up_at


def missing(wanted: Collection[str], found: Collection[str]) -> list[str]:
    return sorted(set(wanted) - set(found))
