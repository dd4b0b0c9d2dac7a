"""The stand-in world of a drill: the company's Postgres, Redis and backend, the vendors, and our settings for them."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from deployments.parts import LEAN
from drills.company.database import CompanyDatabase, prepare_database
from drills.company.loopback import http_client
from drills.company.redis import start_redis
from drills.installation import settings_in, write_policy
from drills.processes import running
from drills.world_config import PEOPLE, Ports, free_ports, local, world_config
from watchkeeper.machine.embedded import start_postgres
from watchkeeper.settings import Settings

READY_SECONDS = 30
# Ending a process that does not want to, and starting another, on a machine that has much to do.
CONTROL_SECONDS = 60


@dataclass(frozen=True)
class Received:
    """A message as it reached somebody: on the phone, in the mailbox, in the channel."""

    at: str
    channel: str
    recipient: str
    text: str
    subject: str = ""
    html: str | None = None


@dataclass(frozen=True)
class World:
    """A stand-in world that runs, and what a drill needs of it."""

    folder: Path
    ports: Ports
    config: dict[str, Any]
    database: CompanyDatabase
    control: httpx.AsyncClient

    @property
    def requests_file(self) -> Path:
        return Path(self.config["requests_file"])

    def requests(self, since: datetime) -> list[dict[str, Any]]:
        """Every request that a stand-in has received since then, in their order."""
        if not self.requests_file.exists():
            return []
        # Line by line: many nights on one stand leave a long file, of which this one is a small part.
        with self.requests_file.open() as lines:
            told = map(json.loads, lines)
            return [line for line in told if datetime.fromisoformat(line["at"]) >= since]

    def settings(self, speed: float) -> Settings:
        """Watchkeeper's settings in this world: only addresses and credentials differ from a real night's."""
        return settings_in(self.folder, self.ports, self.config, self.database, speed=speed)

    async def ask(self, path: str) -> Any:
        """What the stand-ins saw."""
        return (await self.control.get(path)).raise_for_status().json()

    async def do(self, path: str, body: dict[str, Any]) -> None:
        """Break something, or set how a stand-in behaves."""
        (await self.control.post(path, json=body)).raise_for_status()

    async def state(self) -> dict[str, Any]:
        """What the company and its vendors saw, by name."""
        told: dict[str, Any] = await self.ask("/control/state")
        return told

    async def secrets(self) -> dict[str, str]:
        """Every credential that a stand-in accepts, and every secret that one has given out, by its name."""
        told: dict[str, str] = await self.ask("/control/secrets")
        return told

    async def reset(self) -> None:
        """Everything well again, before the next night."""
        await self.do("/control/reset", {})

    async def texts(self, person: str, since: datetime | None = None) -> list[str]:
        """The text messages on a person's phone, oldest first."""
        answer = await self.ask(f"/control/phone/{PEOPLE[person]['phone']}")
        return [
            message["body"]
            for message in answer["messages"]
            if message["kind"] == "sms" and (since is None or datetime.fromisoformat(message["at"]) >= since)
        ]

    async def received(self) -> list[Received]:
        """Everything that reached people, oldest first."""
        found: list[Received] = []
        for name, person in PEOPLE.items():
            phone = await self.ask(f"/control/phone/{person['phone']}")
            found += [Received(m["at"], m["kind"], name, m["body"]) for m in phone["messages"]]
            box = await self.ask(f"/control/mailbox/{person['email']}")
            found += [
                Received(m["at"], "email", name, m["text"], m["subject"], m["html"]) for m in box["messages"]
            ]
        for channel in self.config["slack"]["channels"]:
            posted = await self.ask(f"/control/slack/{channel.strip('#')}")
            found += [Received(m["at"], "slack", channel, m["text"]) for m in posted["messages"]]
        return sorted(found, key=lambda message: message.at)


@asynccontextmanager
async def running_world(folder: Path, policy: dict[str, Any] | None = None) -> AsyncIterator[World]:
    """Start the company and its vendors, and stop all of it on leaving.

    Args:
        policy: what the company's watchkeeper.yaml says beside its people and services.
    """
    async with AsyncExitStack() as stack:
        postgres = await asyncio.to_thread(start_postgres, folder / "company-postgres", ("shop",))
        stack.callback(postgres.stop)
        redis = start_redis(folder / "company-redis")
        stack.callback(redis.stop)
        ports = free_ports()
        shop = postgres.url_for("shop")
        database = await asyncio.to_thread(prepare_database, shop, ports.database)
        config = world_config(folder, ports, database, redis.url)
        config["supabase"] |= {"port": ports.database, "database_url": shop}
        write_policy(folder / "watchkeeper.yaml", config, ports, policy or {})
        control = await stack.enter_async_context(
            http_client(
                base_url=local(ports.vendors),
                headers={"X-Control": config["control_secret"]},
                timeout=CONTROL_SECONDS,
            )
        )
        await stack.enter_async_context(vendors_process(folder, ports, config))
        await until_answers(control)
        yield World(folder, ports, config, database, control)


@asynccontextmanager
async def vendors_process(folder: Path, ports: Ports, config: dict[str, Any]) -> AsyncIterator[None]:
    """The one process that plays every vendor, and runs the company's backend as its platform would."""
    file = folder / "vendors.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(config))
    command = (sys.executable, "-m", "drills.vendors", "--port", str(ports.vendors), "--config", str(file))
    async with running(*command, log_file=folder / "vendors.log", env=os.environ | LEAN):
        yield


async def until_answers(control: httpx.AsyncClient) -> None:
    """Wait until the stand-ins answer and the company's customers can order.

    Raises:
        TimeoutError: they do not within half a minute; vendors.log says why.
    """
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                answer = await control.get("/control/company/orders")
                if answer.is_success and answer.json()["succeeded"] > 0:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            await asyncio.sleep(0.1)
