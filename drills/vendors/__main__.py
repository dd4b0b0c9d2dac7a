"""`python -m drills.vendors --port P --config FILE`: every vendor's stand-in, and the platform that runs the company."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from drills.company.parent import die_with_parent
from drills.vendors.config import Config, secrets_of
from drills.vendors.control import Control
from drills.vendors.customers import Customers
from drills.vendors.dns import DnsServer
from drills.vendors.gemini import GeminiApi
from drills.vendors.github import GitHubApi
from drills.vendors.platform import Platform
from drills.vendors.railway import RailwayApi
from drills.vendors.recorder import Recorder
from drills.vendors.removebg import RemoveBgApi
from drills.vendors.sendgrid import SendGridApi
from drills.vendors.sentry import SentryApi
from drills.vendors.slack import SlackApi
from drills.vendors.status_pages import StatusPages
from drills.vendors.statuspage import StatuspageApi
from drills.vendors.stripe import StripeApi
from drills.vendors.supabase import SupabaseApi
from drills.vendors.twilio import TwilioApi
from drills.vendors.upstash import UpstashApi
from drills.vendors.uptimerobot import UptimeRobotApi
from drills.vendors.vendor import Vendor
from drills.vendors.vercel import VercelApi


class StandIns:
    """Every vendor's stand-in by its name, the platform that runs the company, and the company's customers."""

    def __init__(self, config: Config) -> None:
        self.platform = Platform(config.company, config.control_secret, config.upstash.redis_url)
        self.customers = Customers(str(self.platform.backend.url))
        self.twilio, self.sendgrid = TwilioApi(config.twilio), SendGridApi(config.sendgrid)
        self.slack, self.pages = SlackApi(config.slack), StatusPages()
        dns = DnsServer(config.dns)
        self.by_name: dict[str, Vendor] = {
            "railway": RailwayApi(config.railway, self.platform),
            "uptimerobot": UptimeRobotApi(config.uptimerobot, dns.resolve),
            "sentry": SentryApi(config.sentry),
            "twilio": self.twilio,
            "sendgrid": self.sendgrid,
            "slack": self.slack,
            "statuspage": self.pages,
            "statuspage_api": StatuspageApi(config.statuspage_api),
            "vercel": VercelApi(config.vercel),
            "supabase": SupabaseApi(config.supabase, self.pages),
            "upstash": UpstashApi(config.upstash, self.pages),
            "dns": dns,
            "stripe": StripeApi(config.stripe),
            "github": GitHubApi(config.github),
            "gemini": GeminiApi(config.gemini),
            "removebg": RemoveBgApi(config.removebg),
        }

    def control(self, secret: str, known_secrets: Mapping[str, str]) -> Control:
        return Control(
            secret,
            known_secrets=known_secrets,
            platform=self.platform,
            customers=self.customers,
            twilio=self.twilio,
            sendgrid=self.sendgrid,
            slack=self.slack,
            pages=self.pages,
            vendors=self.by_name,
        )

    async def live(self) -> None:
        """What all of them do by themselves, for ever."""
        # The company's services talk to vendors from their first second, so they start once this process listens.
        await asyncio.sleep(0.1)
        async with asyncio.TaskGroup() as living:
            for vendor in self.by_name.values():
                living.create_task(vendor.live())
            await self.platform.start()
            living.create_task(self.platform.weigh_for_ever())
            living.create_task(self.customers.order_for_ever())


def create_app(config: Config) -> ASGIApp:
    """All of them on one port; a vendor's base address is its name below that port."""
    stand_ins, known_secrets = StandIns(config), secrets_of(config.model_dump())
    control = stand_ins.control(config.control_secret, known_secrets)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        living = asyncio.create_task(stand_ins.live())
        try:
            yield
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
            await stand_ins.platform.stop()

    routes = [route for vendor in stand_ins.by_name.values() for route in vendor.routes()]
    app = Starlette(routes=[*routes, *control.routes()], lifespan=lifespan)
    vendors = frozenset(stand_ins.by_name)
    recorder = Recorder(app, Path(config.requests_file), known_secrets.values(), vendors=vendors)
    control.recorder = recorder
    return recorder


def main() -> None:
    parser = argparse.ArgumentParser(description="The vendors' stand-ins.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--config", type=Path, required=True)
    arguments = parser.parse_args()
    die_with_parent()
    config = Config.model_validate_json(arguments.config.read_text())
    uvicorn.run(create_app(config), host="127.0.0.1", port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
