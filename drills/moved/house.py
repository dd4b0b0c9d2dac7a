"""The house of a night with the clock moved: the intake as a process of its own, with its pager and its dispatcher."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from deployments.environment import base_environment
from deployments.parts import LEAN, last_lines
from drills.company.loopback import http_client
from drills.moved.clock import FileClock
from drills.moved.installation import settings_in
from drills.moved.night import LOOK_SECONDS, MovedNight
from drills.moved.prefect import PrefectServer, running_prefect
from drills.moved.serving import serve
from drills.moved.vendors import Vendors
from drills.processes import running
from drills.world_config import free_ports, local, new_secret
from watchkeeper.errors import WatchkeeperError
from watchkeeper.home import settings_environment
from watchkeeper.paging.desk import Desk
from watchkeeper.settings import Settings
from watchkeeper.store import open_store

READY_SECONDS = 60.0
SETTLES_WITHIN_SECONDS = 60.0

# What the process has still to deal with at a moment. A thread's message that waits for an earlier one is not due.
UNSETTLED = """
SELECT what FROM (
    SELECT 'the deadline ' || kind AS what FROM deadlines WHERE state = 'pending' AND due_at <= %(now)s
    UNION ALL SELECT 'a message to ' || recipient FROM notifications n
     WHERE state = 'sending' OR (state = 'pending' AND due_at <= %(now)s
           AND NOT (channel IN ('slack', 'status_page') AND EXISTS (
               SELECT FROM notifications e WHERE e.incident_id = n.incident_id AND e.id < n.id
                  AND e.recipient = n.recipient AND e.channel = n.channel AND e.state = 'pending'
                  AND e.due_at > %(now)s)))
    UNION ALL SELECT 'an alert held back' FROM held_alerts WHERE release_at <= %(now)s
    UNION ALL SELECT 'the ' || kind FROM occasions
     WHERE done_at IS NULL AND due_at <= %(now)s
    UNION ALL SELECT 'a mailing' FROM mailings m WHERE due_at <= %(now)s AND (
        (addresses IS NULL AND state IN ('proposed', 'approved')) OR (state = 'approved' AND EXISTS (
            SELECT FROM mailing_addresses a WHERE a.mailing_id = m.id AND a.state = 'waiting')))
    UNION ALL SELECT 'a batch of mail' FROM mailing_batches WHERE state = 'claimed'
) AS waiting LIMIT 1
"""

UNHEARD = "SELECT due_at FROM motor_jobs WHERE state = 'pending' ORDER BY due_at LIMIT 1"


@dataclass(frozen=True)
class HouseNight(MovedNight):
    """A night in which the kernel lives by itself.

    Attributes:
        prefect: the real server, in the nights that need it; in the others it is away all night.
        watch: told whenever the house has come to rest.
    """

    settings: Settings
    watch: Callable[["HouseNight"], Awaitable[None]]
    server: PrefectServer | None = None

    @property
    def prefect(self) -> PrefectServer:
        """The real server, in the nights that have one."""
        if self.server is None:
            raise LookupError("Prefect is away all night")
        return self.server

    async def prefect_hears(self) -> None:
        """Until Prefect has been asked for everything; the clock passes over the pauses between the attempts.

        Raises:
            TimeoutError: it does not take something.
        """
        async with asyncio.timeout(SETTLES_WITHIN_SECONDS):
            while waiting := await self._ask(UNHEARD):
                if waiting["due_at"] > self.clock():
                    await self.pass_time(seconds=(waiting["due_at"] - self.clock()).total_seconds())
                await asyncio.sleep(LOOK_SECONDS)

    async def settle(self) -> None:
        """Wait until the house has dealt with everything that is due and every vendor has told what it had to.

        Raises:
            TimeoutError: it does not come to rest.
        """
        await self._ask("SELECT pg_notify('outbox', ''), pg_notify('motor', '')")
        give_up_at = asyncio.get_running_loop().time() + SETTLES_WITHIN_SECONDS
        heard, quiet = -1, 0
        # Twice in a row: what was just dealt with may have made something else due.
        while quiet < 2:
            before, heard = heard, await self.vendors.twilio.say_all()
            waiting = await self._ask(UNSETTLED, now=self.clock())
            quiet = 0 if waiting or heard != before else quiet + 1
            if waiting and asyncio.get_running_loop().time() > give_up_at:
                raise TimeoutError(f"{self.clock():%H:%M}: {waiting['what']} was not dealt with")
            await asyncio.sleep(LOOK_SECONDS)
        await self.watch(self)

    async def _ask(self, statement: str, **values: datetime) -> dict[str, Any] | None:
        async with self.store._pool.connection() as connection:
            return await (await connection.execute(statement, values)).fetchone()


@asynccontextmanager
async def running_night(
    folder: Path,
    store_url: str,
    *,
    begins: datetime,
    policy: dict[str, Any],
    watch: Callable[[HouseNight], Awaitable[None]],
    prefect_database: str | None = None,
) -> AsyncIterator[HouseNight]:
    """The stand-ins and the house, running, with the clock at the night's beginning.

    Args:
        prefect_database: an empty one; with it there is a Prefect server on it.
    """
    async with AsyncExitStack() as stack:
        clock = FileClock(folder / "clock", begins)
        stand_ins = await stack.enter_async_context(serve())
        ports = free_ports()
        vendors = Vendors.of_tonight(local(ports.intake), stand_ins.url, clock)
        stand_ins.app = stack.enter_context(vendors.app(folder / "requests.jsonl", clock))
        secret = new_secret()
        known: dict[str, Any] = {"stand_ins": stand_ins.url, "store_url": store_url, "port": ports.intake}
        known |= {"public_url": local(ports.intake), "link_key": new_secret(), "webhook_secret": secret}
        if prefect_database is not None:
            known["prefect_api_url"] = f"{local(ports.prefect)}/api"
        told = settings_in(folder, vendors, policy, **known)
        server = None
        if prefect_database is not None:
            running = running_prefect(told, prefect_database, folder / "clock")
            server = await stack.enter_async_context(running)
        store = await stack.enter_async_context(open_store(store_url))
        client = await stack.enter_async_context(http_client(base_url=told.public_url, timeout=20))
        await stack.enter_async_context(house_process(told, folder, client))
        desk = Desk(told.policy(), told.public_url)
        yield HouseNight(desk, clock, client, vendors, store, secret, told, watch, server)


@asynccontextmanager
async def house_process(settings: Settings, folder: Path, client: httpx.AsyncClient) -> AsyncIterator[None]:
    """The intake, until the block ends.

    Raises:
        WatchkeeperError: it does not answer; the text ends with its log's last lines.
    """
    log_file = settings.home / "logs" / "intake.log"
    await asyncio.to_thread(log_file.parent.mkdir, parents=True, exist_ok=True)
    command = (sys.executable, "-m", "drills.moved.intake", "--clock", str(folder / "clock"))
    env = base_environment() | settings_environment(settings) | LEAN
    async with running(*command, log_file=log_file, env=env, cwd=settings.home) as process:
        await until_ready(process, client, log_file)
        yield


async def until_ready(process: asyncio.subprocess.Process, client: httpx.AsyncClient, log_file: Path) -> None:
    give_up_at = asyncio.get_running_loop().time() + READY_SECONDS
    while process.returncode is None and asyncio.get_running_loop().time() < give_up_at:
        try:
            if (await client.get("/ready")).is_success:
                return
        except httpx.TransportError:
            pass  # not listening yet
        await asyncio.sleep(0.05)
    raise WatchkeeperError(f"the intake does not answer; {log_file} ends:\n{last_lines(log_file)}")
