"""`python -m drills.vendors --port P --config FILE`: every vendor's stand-in, and the platform that runs the company."""

import argparse
import asyncio
from collections.abc import AsyncIterator
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


def create_app(config: Config) -> ASGIApp:
    """All of them on one port; a vendor's base address is its name below that port."""
    platform = Platform(config.company, config.control_secret, config.upstash.redis_url)
    customers = Customers(str(platform.backend.url))
    twilio, sendgrid = TwilioApi(config.twilio), SendGridApi(config.sendgrid)
    slack, pages = SlackApi(config.slack), StatusPages()
    dns = DnsServer(config.dns)
    vendors: dict[str, Vendor] = {
        "railway": RailwayApi(config.railway, platform),
        "uptimerobot": UptimeRobotApi(config.uptimerobot, dns.resolve),
        "sentry": SentryApi(config.sentry),
        "twilio": twilio,
        "sendgrid": sendgrid,
        "slack": slack,
        "statuspage": pages,
        "statuspage_api": StatuspageApi(config.statuspage_api),
        "vercel": VercelApi(config.vercel),
        "supabase": SupabaseApi(config.supabase, pages),
        "upstash": UpstashApi(config.upstash, pages),
        "dns": dns,
        "stripe": StripeApi(config.stripe),
        "github": GitHubApi(config.github),
        "gemini": GeminiApi(config.gemini),
        "removebg": RemoveBgApi(config.removebg),
    }
    known_secrets = secrets_of(config.model_dump())
    control = Control(
        config.control_secret,
        known_secrets=known_secrets,
        platform=platform,
        customers=customers,
        twilio=twilio,
        sendgrid=sendgrid,
        slack=slack,
        pages=pages,
        vendors=vendors,
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        living = asyncio.create_task(live())
        try:
            yield
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
            await platform.stop()

    async def live() -> None:
        # The company's services talk to vendors from their first second, so they start once this process listens.
        await asyncio.sleep(0.1)
        async with asyncio.TaskGroup() as living:
            for vendor in vendors.values():
                living.create_task(vendor.live())
            await platform.start()
            living.create_task(platform.weigh_for_ever())
            living.create_task(customers.order_for_ever())

    routes = [route for vendor in vendors.values() for route in vendor.routes()]
    app = Starlette(routes=[*routes, *control.routes()], lifespan=lifespan)
    recorder = Recorder(app, Path(config.requests_file), known_secrets.values(), vendors=frozenset(vendors))
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
