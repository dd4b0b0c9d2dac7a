"""The stand-in world of a drill: the company's Postgres, Redis and backend, the vendors, and our settings for them."""

import asyncio
import json
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from pydantic import SecretStr

from drills.company.database import CompanyDatabase, prepare_database
from drills.company.redis import start_redis
from drills.scenarios.scenario import GOOD_RELEASE
from watchkeeper.embedded import start_postgres
from watchkeeper.settings import (
    Gemini,
    GitHub,
    Production,
    Railway,
    RemoveBg,
    SendGrid,
    Sentry,
    Settings,
    Slack,
    Statuspage,
    StatusPages,
    Stripe,
    Supabase,
    Twilio,
    Upstash,
    UptimeRobot,
    Vercel,
)

PEOPLE = {
    "ana": {"name": "Ana", "email": "ana@example.com", "phone": "+14155550101"},
    "ben": {"name": "Ben", "email": "ben@example.com", "phone": "+14155550102"},
}
DOMAIN = "www.shop.example"
FROM_NUMBER = "+14155550100"
READY_SECONDS = 30


@dataclass(frozen=True)
class Ports:
    """Free loopback ports for everything that a drill starts."""

    vendors: int
    backend: int
    frontend: int
    dns: int
    redis: int
    database: int
    intake: int
    prefect: int


def free_ports() -> Ports:
    """Ports that are free now; held open together, so that no two are the same."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in fields(Ports)]
    numbers = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return Ports(*numbers)


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
        """Every request that a stand-in has received, in their order."""
        if not self.requests_file.exists():
            return []
        lines = [json.loads(line) for line in self.requests_file.read_text().splitlines()]
        return [line for line in lines if datetime.fromisoformat(line["at"]) >= since]

    def settings(self, speed: float) -> Settings:
        """Watchkeeper's settings in this world: only addresses and credentials differ from a real night's."""
        base = f"http://127.0.0.1:{self.ports.vendors}"
        railway, twilio = self.config["railway"], self.config["twilio"]
        sentry, robot = self.config["sentry"], self.config["uptimerobot"]
        return Settings(
            home=self.folder / "home",
            policy_file=self.folder / "watchkeeper.yaml",
            speed=speed,
            port=self.ports.intake,
            public_url=f"http://127.0.0.1:{self.ports.intake}",
            prefect_api_url=f"http://127.0.0.1:{self.ports.prefect}/api",
            lease_seconds=6,
            twilio=Twilio(
                account_sid=twilio["account_sid"],
                auth_token=SecretStr(twilio["auth_token"]),
                from_number=FROM_NUMBER,
                base_url=f"{base}/twilio",
            ),
            sendgrid=SendGrid(
                api_key=SecretStr(self.config["sendgrid"]["api_key"]),
                from_address="watchkeeper@example.com",
                base_url=f"{base}/sendgrid",
            ),
            slack=Slack(
                bot_token=SecretStr(self.config["slack"]["bot_token"]), base_url=f"{base}/slack/api/"
            ),
            statuspage=Statuspage(
                token=SecretStr(self.config["statuspage_api"]["token"]),
                page_id=self.config["statuspage_api"]["page_id"],
                base_url=f"{base}/statuspage_api/v1",
            ),
            sentry=Sentry(
                organization=sentry["organization"],
                token=SecretStr(sentry["token"]),
                client_secret=SecretStr(sentry["client_secret"]),
                base_url=f"{base}/sentry/api/0",
            ),
            uptimerobot=UptimeRobot(
                api_key=SecretStr(robot["api_key"]),
                webhook_secret=SecretStr(robot["webhook_headers"]["Authorization"].removeprefix("Bearer ")),
                base_url=f"{base}/uptimerobot/v2",
            ),
            railway=Railway(
                token=SecretStr(railway["token"]),
                webhook_secret=SecretStr(railway["webhook_headers"]["Authorization"].removeprefix("Bearer ")),
                base_url=f"{base}/railway/graphql/v2",
            ),
            github=GitHub(
                token=SecretStr(self.config["github"]["token"]),
                repository=self.config["github"]["repository"],
                base_url=f"{base}/github",
            ),
            stripe=Stripe(
                api_key=SecretStr(self.config["stripe"]["api_key"]),
                base_url=f"{base}/stripe",
                resend_events=True,
            ),
            vercel=Vercel(
                token=SecretStr(self.config["vercel"]["token"]),
                webhook_secret=SecretStr(self.config["vercel"]["webhook_secret"]),
                base_url=f"{base}/vercel",
            ),
            dns_resolvers=f"127.0.0.1:{self.ports.dns}",
            production=Production(database_url=SecretStr(self.database.monitor_url), application_user="app"),
            redis_url=SecretStr(self.config["company"]["variables"]["REDIS_URL"]),
            upstash=Upstash(
                email=self.config["upstash"]["email"],
                api_key=SecretStr(self.config["upstash"]["api_key"]),
                base_url=f"{base}/upstash/v2",
            ),
            status_pages=status_pages(f"{base}/statuspage"),
            supabase=Supabase(token=SecretStr(self.config["supabase"]["token"]), base_url=f"{base}/supabase"),
            gemini=Gemini(api_key=SecretStr(self.config["gemini"]["api_key"]), base_url=f"{base}/gemini"),
            removebg=RemoveBg(
                api_key=SecretStr(self.config["removebg"]["api_key"]), base_url=f"{base}/removebg/v1.0"
            ),
        )

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


def status_pages(base: str) -> StatusPages:
    """Every vendor's page, at the stand-in."""
    atlassian = {
        vendor: f"{base}/{vendor}/api/v2/summary.json"
        for vendor in ("supabase", "vercel", "upstash", "stripe", "github")
    }
    own = {
        "railway": f"{base}/railway/api/status",
        "google_cloud": f"{base}/google_cloud/incidents.json",
    }
    return StatusPages(**atlassian, **own)


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
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{ports.vendors}",
                headers={"X-Control": config["control_secret"]},
                timeout=30,
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
    with (folder / "vendors.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "drills.vendors", "--port", str(ports.vendors), "--config", str(file)),
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


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


def world_config(folder: Path, ports: Ports, database: CompanyDatabase, redis_url: str) -> dict[str, Any]:
    """The vendors' configuration, with credentials made for this drill alone."""
    backend, intake = f"http://127.0.0.1:{ports.backend}", f"http://127.0.0.1:{ports.intake}"
    vendors = f"http://127.0.0.1:{ports.vendors}"
    public_key, stripe_secret = secrets.token_hex(16), f"whsec_{secrets.token_urlsafe(24)}"
    gemini_key, removebg_key = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    return {
        "requests_file": str(folder / "requests.jsonl"),
        "control_secret": secrets.token_urlsafe(24),
        "company": {
            "database_url": database.app_url,
            "variables": {
                "DATABASE_URL": database.app_url,
                "REDIS_URL": f"redis://127.0.0.1:{ports.redis}",
                "SENTRY_DSN": f"http://{public_key}@127.0.0.1:{ports.vendors}/sentry/1",
                "STRIPE_WEBHOOK_SECRET": stripe_secret,
                "STRIPE_URL": f"{vendors}/stripe",
                "GEMINI_URL": f"{vendors}/gemini",
                "GEMINI_API_KEY": gemini_key,
                "REMOVEBG_URL": f"{vendors}/removebg",
                "REMOVEBG_API_KEY": removebg_key,
            },
            "services": [
                {
                    "name": "backend",
                    "service_id": "svc-backend",
                    "module": "drills.company.backend",
                    "port": ports.backend,
                    "release": GOOD_RELEASE,
                    "memory_gb": 0.15,
                },
                {
                    "name": "worker",
                    "service_id": "svc-worker",
                    "module": "drills.company.worker",
                    "release": GOOD_RELEASE,
                },
            ],
        },
        "railway": {
            "token": secrets.token_urlsafe(24),
            "project_id": "prj-shop",
            "environment_id": "env-production",
            "webhook_url": f"{intake}/webhooks/railway",
            "webhook_headers": {"Authorization": f"Bearer {secrets.token_urlsafe(24)}"},
        },
        "vercel": {
            "token": secrets.token_urlsafe(24),
            "team_id": "team_shop",
            "project_id": "prj_shop_frontend",
            "port": ports.frontend,
            "backend_url": backend,
            "webhook_url": f"{intake}/webhooks/vercel",
            "webhook_secret": secrets.token_urlsafe(24),
        },
        "dns": {"port": ports.dns, "zone": {DOMAIN: {"A": ["127.0.0.1"]}}},
        "supabase": {"token": f"sbp_{secrets.token_hex(20)}", "project_ref": "abcdefghijklmnopqrst"},
        "upstash": {
            "email": "ops@example.com",
            "api_key": secrets.token_urlsafe(24),
            "database_id": "96ad0856-03b1-4ee7-9666-e81abd0349e1",
            "port": ports.redis,
            "redis_url": redis_url,
        },
        "stripe": {
            "api_key": f"rk_live_{secrets.token_urlsafe(24)}",
            "endpoint_id": "we_1ShopOrders",
            "endpoint_url": f"{backend}/webhooks/stripe",
            "webhook_secret": stripe_secret,
        },
        "github": {"token": f"github_pat_{secrets.token_urlsafe(24)}", "repository": "shop/shop"},
        "gemini": {"api_key": gemini_key},
        "removebg": {"api_key": removebg_key},
        "uptimerobot": {
            "api_key": secrets.token_urlsafe(24),
            "webhook_url": f"{intake}/webhooks/uptimerobot",
            "webhook_headers": {"Authorization": f"Bearer {secrets.token_urlsafe(24)}"},
            "monitors": [
                {"id": "1001", "name": "shop backend", "url": f"{backend}/health", "interval_seconds": 1},
                {
                    "id": "1002",
                    "name": "shop database",
                    "url": f"{backend}/health/detailed",
                    "interval_seconds": 1,
                },
                {
                    "id": "1003",
                    "name": "shop payments",
                    "url": f"{backend}/health/payments",
                    "interval_seconds": 1,
                },
                {
                    "id": "1005",
                    "name": "shop redis",
                    "url": f"{backend}/health/redis",
                    "interval_seconds": 1,
                },
                {
                    "id": "1010",
                    "name": "shop worker",
                    "url": f"{backend}/health/queue",
                    "interval_seconds": 1,
                },
                {
                    "id": "1007",
                    "name": "shop website",
                    "url": f"http://{DOMAIN}:{ports.frontend}/",
                    "interval_seconds": 1,
                },
            ],
        },
        "twilio": {
            "account_sid": f"AC{secrets.token_hex(16)}",
            "auth_token": secrets.token_hex(16),
            "from_number": FROM_NUMBER,
            "delivery_seconds": 0.3,
        },
        "sendgrid": {"api_key": f"SG.{secrets.token_urlsafe(24)}"},
        "slack": {"bot_token": f"xoxb-{secrets.token_urlsafe(24)}", "channels": ["#incidents"]},
        "statuspage_api": {
            "token": secrets.token_urlsafe(24),
            "page_id": "shop1page",
            "components": {"webs1te": "Website", "paym3nts": "Payments", "des1gns": "Designs"},
        },
        "sentry": {
            "organization": "shop",
            "token": secrets.token_urlsafe(24),
            "client_secret": secrets.token_urlsafe(24),
            "webhook_url": f"{intake}/webhooks/sentry",
            "public_key": public_key,
        },
    }


def status_page() -> dict[str, Any]:
    """The shop as its customers know it."""
    parts = {
        "frontend": {"title": "Website", "statuspage_id": "webs1te"},
        "payments": {"title": "Payments", "statuspage_id": "paym3nts"},
        "worker": {"title": "Designs", "statuspage_id": "des1gns"},
    }
    return {"company": "Shop", "support": "support@shop.example", "components": parts}


def write_policy(file: Path, config: dict[str, Any], ports: Ports, more: dict[str, Any]) -> None:
    """The stand-in company's own watchkeeper.yaml: people and services; what is not in it is the shipped default."""
    backend = f"http://127.0.0.1:{ports.backend}"
    railway = {key: config["railway"][key] for key in ("project_id", "environment_id")}
    services = {
        "backend": {
            "title": "Shop backend",
            "kind": "site_outage",
            "depends_on": ["database", "redis"],
            "monitors": ["shop backend"],
            "health_url": f"{backend}/health",
            "detailed_health_url": f"{backend}/health/detailed",
            "railway": {**railway, "service_id": "svc-backend"},
        },
        "database": {
            "title": "Shop database",
            "kind": "database_down",
            "monitors": ["shop database"],
            "supabase": {"project_ref": config["supabase"]["project_ref"]},
        },
        "payments": {
            "title": "Shop payments",
            "kind": "payment_failure",
            "depends_on": ["backend"],
            "monitors": ["shop payments"],
            "health_url": f"{backend}/health/payments",
            "stripe": {
                "endpoint_url": config["stripe"]["endpoint_url"],
                "event_types": ["checkout.session.completed", "payment_intent.succeeded"],
                "handled_by": "backend",
                "secret_variable": "STRIPE_WEBHOOK_SECRET",
                "orders": {"table": "paid_orders", "column": "event_id", "holds": "event"},
            },
        },
        "redis": {
            "title": "Shop Redis",
            "kind": "redis_down",
            "monitors": ["shop redis"],
            "upstash": {"database_id": config["upstash"]["database_id"]},
        },
        "worker": {
            "title": "Shop worker",
            "kind": "worker_stuck",
            # Its monitor asks the backend how its queue gets on.
            "depends_on": ["backend", "redis", "database"],
            "monitors": ["shop worker"],
            "railway": {**railway, "service_id": "svc-worker"},
            "queue": {"name": "designs"},
        },
        "frontend": {
            "title": "Shop website",
            "kind": "site_outage",
            "depends_on": ["backend"],
            "monitors": ["shop website"],
            "domain": DOMAIN,
            "records": {"A": ["127.0.0.1"]},
            # By address, so that what is served and what the name leads to are seen apart.
            "health_url": f"http://127.0.0.1:{ports.frontend}/",
            "vercel": {key: config["vercel"][key] for key in ("project_id", "team_id")},
        },
    }
    roster = {"primary": "ana", "secondary": "ben"}
    # The guide waits for a vendor for hours; a drill's night is over sooner.
    response = {"wait_for_vendor": "1h"}
    own = {"people": PEOPLE, "roster": roster, "services": services, "response": response}
    own |= {"status_page": status_page(), **more}
    file.write_text(yaml.safe_dump(own, sort_keys=False))
