"""The real intake, opened for a test: its loops run, its clock is moved, its vendors are recording servers."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, BEN, PUBLIC_URL
from watchkeeper.intake import app as intake_app
from watchkeeper.intake.app import House, create_app
from watchkeeper.settings import Settings

SECRET = "the-webhook-secret-of-this-test"
UPTIMEROBOT_SECRET = "uptimerobot-knows-this"
VERCEL_SECRET = "vercel-signs-with-this"
RAILWAY_SECRET = "railway-carries-this"
SENTRY_SECRET = "sentry-signs-with-this"
BEARER = {"Authorization": f"Bearer {SECRET}"}

TEAM = {
    "people": {
        "ana": {"name": "Ana", "email": "ana@example.com", "phone": ANA},
        "ben": {"name": "Ben", "email": "ben@example.com", "phone": BEN},
    },
    "roster": {"primary": "ana", "secondary": "ben"},
    "services": {
        "backend": {
            "title": "Backend",
            "kind": "site_outage",
            "monitors": ["API health"],
            "railway": {"project_id": "prj", "environment_id": "production", "service_id": "svc"},
        }
    },
}


def settings_for(folder: Path, store_url: str, **own: Any) -> Settings:
    """Settings of an installation in this folder; nothing is read from the environment."""
    policy = folder / "watchkeeper.yaml"
    policy.write_text(yaml.safe_dump(TEAM))
    known: dict[str, Any] = {
        "home": folder / "home",
        "policy_file": policy,
        "database_url": store_url,
        "public_url": PUBLIC_URL,
        "prefect_api_url": "http://127.0.0.1:1/api",  # nobody listens there
        "link_key": "k" * 32,
        "webhook_secret": SECRET,
        "uptimerobot": {"api_key": "u", "webhook_secret": UPTIMEROBOT_SECRET},
        "vercel": {"token": "t", "webhook_secret": VERCEL_SECRET},
        "railway": {"token": "r", "webhook_secret": RAILWAY_SECRET},
        "sentry": {"organization": "o", "token": "t", "client_secret": SENTRY_SECRET},
    }
    return Settings(_env_file=None, **known | own)


def vendors_at(url: str) -> dict[str, Any]:
    """Settings that send every message to one recording server."""
    return {
        "twilio": {
            "account_sid": "AC" + "1" * 32,
            "auth_token": "twilio-token",
            "from_number": "+14155550100",
            "base_url": url,
        },
        "sendgrid": {"api_key": "SG.key", "from_address": "watch@example.com", "base_url": url},
        "slack": {"bot_token": "xoxb-token", "base_url": f"{url}/api/"},
    }


@dataclass
class Intake:
    """The running intake and a client that talks to it."""

    client: httpx.AsyncClient
    house: House
    clock: MovedClock

    async def tell(self, **told: Any) -> httpx.Response:
        """Send one alert to the generic webhook."""
        known = {"service": "backend", "summary": "Backend is down"}
        return await self.client.post("/webhooks/generic", json=known | told, headers=BEARER)

    async def refused(self) -> dict[tuple[str, str], int]:
        """How often each source was refused, and for which reason."""
        rows = await self.house.store.all("refusals/list")
        return {(row["source"], row["reason"]): row["count"] for row in rows}


@asynccontextmanager
async def open_intake(settings: Settings, clock: MovedClock) -> AsyncIterator[Intake]:
    """Run the intake until the block ends; fails if one of its loops stopped by itself."""
    stopped: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        # In production a loop that stops ends the process.
        patch.setattr(
            intake_app, "_end_with", lambda task: task.cancelled() or stopped.append(task.exception())
        )
        app = create_app(settings, clock=clock)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL) as client:
                yield Intake(client, app.state.house, clock)
    assert stopped == []


def as_bytes(data: Any) -> bytes:
    return json.dumps(data).encode()
