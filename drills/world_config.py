"""What a stand-in world is made of: its people, its ports, and the vendors' configuration with fresh credentials."""

import secrets
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from drills.company.database import CompanyDatabase
from drills.ports import open_port
from drills.scenarios.scenario import GOOD_RELEASE

PEOPLE = {
    "ana": {"name": "Ana", "email": "ana@example.com", "phone": "+14155550101"},
    "ben": {"name": "Ben", "email": "ben@example.com", "phone": "+14155550102"},
}
DOMAIN = "www.shop.example"
FROM_NUMBER = "+14155550100"

Part = dict[str, Any]


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
    sockets = [open_port() for _ in fields(Ports)]
    numbers = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return Ports(*numbers)


def local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def new_secret() -> str:
    return secrets.token_urlsafe(24)


def bearer() -> dict[str, str]:
    """What a vendor that signs nothing sends with its webhooks."""
    return {"Authorization": f"Bearer {new_secret()}"}


def world_config(folder: Path, ports: Ports, database: CompanyDatabase, redis_url: str) -> Part:
    """The vendors' configuration, with credentials made for this drill alone."""
    vendors = {
        **platforms(ports),
        **data_vendors(ports, redis_url),
        **apis(ports),
        **monitoring(ports),
        **reaching_people(ports),
    }
    return {
        "requests_file": str(folder / "requests.jsonl"),
        "control_secret": new_secret(),
        "company": {
            "database_url": database.app_url,
            "variables": company_variables(ports, database, vendors),
            "services": company_services(ports),
        },
        **vendors,
    }


def company_variables(ports: Ports, database: CompanyDatabase, vendors: Part) -> dict[str, str]:
    """What the platform sets for the company's services."""
    base = local(ports.vendors)
    key = vendors["sentry"]["public_key"]
    return {
        "DATABASE_URL": database.app_url,
        "REDIS_URL": f"redis://127.0.0.1:{ports.redis}",
        "SENTRY_DSN": f"http://{key}@127.0.0.1:{ports.vendors}/sentry/1",
        "STRIPE_WEBHOOK_SECRET": vendors["stripe"]["webhook_secret"],
        "STRIPE_URL": f"{base}/stripe",
        "GEMINI_URL": f"{base}/gemini",
        "GEMINI_API_KEY": vendors["gemini"]["api_key"],
        "REMOVEBG_URL": f"{base}/removebg",
        "REMOVEBG_API_KEY": vendors["removebg"]["api_key"],
    }


def company_services(ports: Ports) -> list[Part]:
    backend = {"name": "backend", "service_id": "svc-backend", "module": "drills.company.backend"}
    worker = {"name": "worker", "service_id": "svc-worker", "module": "drills.company.worker"}
    return [
        {**backend, "port": ports.backend, "release": GOOD_RELEASE, "memory_gb": 0.15},
        {**worker, "release": GOOD_RELEASE},
    ]


def platforms(ports: Ports) -> Part:
    """What runs the company, and its name."""
    hooks = f"{local(ports.intake)}/webhooks"
    return {
        "railway": {
            "token": new_secret(),
            "project_id": "prj-shop",
            "environment_id": "env-production",
            "webhook_url": f"{hooks}/railway",
            "webhook_headers": bearer(),
        },
        "vercel": {
            "token": new_secret(),
            "team_id": "team_shop",
            "project_id": "prj_shop_frontend",
            "port": ports.frontend,
            "backend_url": local(ports.backend),
            "webhook_url": f"{hooks}/vercel",
            "webhook_secret": new_secret(),
        },
        "dns": {"port": ports.dns, "zone": {DOMAIN: {"A": ["127.0.0.1"]}}},
        "github": {"token": f"github_pat_{new_secret()}", "repository": "shop/shop"},
    }


def data_vendors(ports: Ports, redis_url: str) -> Part:
    return {
        "supabase": {"token": f"sbp_{secrets.token_hex(20)}", "project_ref": "abcdefghijklmnopqrst"},
        "upstash": {
            "email": "ops@example.com",
            "api_key": new_secret(),
            "database_id": "96ad0856-03b1-4ee7-9666-e81abd0349e1",
            "port": ports.redis,
            "redis_url": redis_url,
        },
    }


def apis(ports: Ports) -> Part:
    """What the company asks, and what tells it of payments."""
    return {
        "stripe": {
            "api_key": f"rk_live_{new_secret()}",
            "endpoint_id": "we_1ShopOrders",
            "endpoint_url": f"{local(ports.backend)}/webhooks/stripe",
            "webhook_secret": f"whsec_{new_secret()}",
        },
        "gemini": {"api_key": new_secret()},
        "removebg": {"api_key": new_secret()},
    }


def monitoring(ports: Ports) -> Part:
    hooks, backend = f"{local(ports.intake)}/webhooks", local(ports.backend)
    watched = {
        "1001": ("shop backend", f"{backend}/health"),
        "1002": ("shop database", f"{backend}/health/detailed"),
        "1003": ("shop payments", f"{backend}/health/payments"),
        "1005": ("shop redis", f"{backend}/health/redis"),
        "1010": ("shop worker", f"{backend}/health/queue"),
        "1007": ("shop website", f"http://{DOMAIN}:{ports.frontend}/"),
    }
    return {
        "uptimerobot": {
            "api_key": new_secret(),
            "webhook_url": f"{hooks}/uptimerobot",
            "webhook_headers": bearer(),
            "monitors": [
                {"id": number, "name": name, "url": url, "interval_seconds": 1}
                for number, (name, url) in watched.items()
            ],
        },
        "sentry": {
            "organization": "shop",
            "token": new_secret(),
            "client_secret": new_secret(),
            "webhook_url": f"{hooks}/sentry",
            "public_key": secrets.token_hex(16),
        },
    }


def reaching_people(ports: Ports) -> Part:
    replies = f"{local(ports.intake)}/replies"
    return {
        "twilio": {
            "account_sid": f"AC{secrets.token_hex(16)}",
            "auth_token": secrets.token_hex(16),
            "from_number": FROM_NUMBER,
            "delivery_seconds": 0.3,
            "replies_url": f"{replies}/twilio",
        },
        "sendgrid": {"api_key": f"SG.{new_secret()}"},
        "slack": {
            "bot_token": f"xoxb-{new_secret()}",
            "channels": ["#incidents"],
            "signing_secret": new_secret(),
            "interactivity_url": f"{replies}/slack",
            "url": local(ports.vendors),
        },
        "statuspage_api": {
            "token": new_secret(),
            "page_id": "shop1page",
            "components": {"webs1te": "Website", "paym3nts": "Payments", "des1gns": "Designs"},
        },
    }
