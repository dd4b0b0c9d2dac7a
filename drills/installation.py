"""Watchkeeper's own side of a stand-in world: its settings, and the company's watchkeeper.yaml.

Only addresses and credentials differ from a real night's.
"""

from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from drills.company.database import CompanyDatabase
from drills.world_config import DOMAIN, PEOPLE, Part, Ports, local
from watchkeeper.policy.calendar import WEEKDAYS
from watchkeeper.settings import Production, Settings, StatusPages


def settings_in(
    folder: Path, ports: Ports, config: Part, database: CompanyDatabase, *, speed: float
) -> Settings:
    """Settings for this world; validated as the environment's are."""
    return Settings(
        home=folder / "home",
        policy_file=folder / "watchkeeper.yaml",
        speed=speed,
        port=ports.intake,
        public_url=local(ports.intake),
        prefect_api_url=f"{local(ports.prefect)}/api",
        lease_seconds=6,
        dns_resolvers=f"127.0.0.1:{ports.dns}",
        production=Production(database_url=SecretStr(database.monitor_url), application_user="app"),
        redis_url=SecretStr(config["company"]["variables"]["REDIS_URL"]),
        status_pages=status_pages(f"{local(ports.vendors)}/statuspage"),
        **credentials(config, local(ports.vendors)),
    )


# What each vendor's setting takes from the stand-in's configuration, and where its API begins.
TAKES: dict[str, tuple[str, tuple[str, ...]]] = {
    "twilio": ("", ("account_sid", "auth_token", "from_number")),
    "sendgrid": ("", ("api_key",)),
    "slack": ("/api/", ("bot_token", "signing_secret")),
    "sentry": ("/api/0", ("organization", "token", "client_secret")),
    "uptimerobot": ("/v2", ("api_key",)),
    "railway": ("/graphql/v2", ("token",)),
    "github": ("", ("token", "repository")),
    "stripe": ("", ("api_key",)),
    "vercel": ("", ("token", "webhook_secret")),
    "upstash": ("/v2", ("email", "api_key")),
    "supabase": ("", ("token",)),
    "gemini": ("", ("api_key",)),
    "removebg": ("/v1.0", ("api_key",)),
}


def credentials(config: Part, base: str) -> dict[str, Any]:
    """Every vendor's setting: the credentials that its stand-in accepts, at the stand-in's address."""
    taken: dict[str, Any] = {
        vendor: {name: config[vendor][name] for name in names} | {"base_url": f"{base}/{vendor}{path}"}
        for vendor, (path, names) in TAKES.items()
    }
    for vendor in ("uptimerobot", "railway"):
        bearer = config[vendor]["webhook_headers"]["Authorization"]
        taken[vendor]["webhook_secret"] = bearer.removeprefix("Bearer ")
    taken["sendgrid"]["from_address"] = "watchkeeper@example.com"
    taken["stripe"]["resend_events"] = True
    page = config["statuspage_api"]
    taken["statuspage"] = {
        "token": page["token"],
        "page_id": page["page_id"],
        "base_url": f"{base}/statuspage_api/v1",
    }
    return taken


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


def write_policy(file: Path, config: Part, ports: Ports, more: dict[str, Any]) -> None:
    """The stand-in company's own watchkeeper.yaml: people and services; what is not in it is the shipped default."""
    own = {
        "people": PEOPLE,
        "roster": {"primary": "ana", "secondary": "ben"},
        "services": {**shop(config, ports), **data_services(config), **paid_and_worked(config, ports)},
        # The guide waits for a vendor for hours; a drill waits longer than its outages last, at speed 120 too (45 s).
        # The stand-in's address moves within a second, whatever the speed: waited for 15 s at speed 60, 7.5 s at 120.
        "response": {"wait_for_vendor": "90m", "frontend_moves_within": "15m"},
        # A drill is played at any hour, in a day's last minute too, and what waits for the morning would be told by nobody.
        "calendar": {"business_hours": {"days": [*WEEKDAYS], "starts": "00:00", "ends": "23:59:59.999999"}},
        "status_page": status_page(),
    }
    file.write_text(yaml.safe_dump({**own, **more}, sort_keys=False))


def status_page() -> Part:
    """The shop as its customers know it."""
    parts = {
        "frontend": {"title": "Website", "statuspage_id": "webs1te"},
        "payments": {"title": "Payments", "statuspage_id": "paym3nts"},
        "worker": {"title": "Designs", "statuspage_id": "des1gns"},
    }
    return {"company": "Shop", "support": "support@shop.example", "components": parts}


def on_railway(config: Part, service_id: str) -> dict[str, str]:
    where = {key: config["railway"][key] for key in ("project_id", "environment_id")}
    return {**where, "service_id": service_id}


def shop(config: Part, ports: Ports) -> Part:
    """What customers see."""
    backend = local(ports.backend)
    return {
        "backend": {
            "title": "Shop backend",
            "kind": "site_outage",
            "depends_on": ["database", "redis"],
            "monitors": ["shop backend"],
            "health_url": f"{backend}/health",
            "detailed_health_url": f"{backend}/health/detailed",
            "railway": on_railway(config, "svc-backend"),
        },
        "frontend": {
            "title": "Shop website",
            "kind": "site_outage",
            "depends_on": ["backend"],
            "monitors": ["shop website"],
            "domain": DOMAIN,
            "records": {"A": ["127.0.0.1"]},
            # By address, so that what is served and what the name leads to are seen apart.
            "health_url": f"{local(ports.frontend)}/",
            "vercel": {key: config["vercel"][key] for key in ("project_id", "team_id")},
        },
    }


def data_services(config: Part) -> Part:
    return {
        "database": {
            "title": "Shop database",
            "kind": "database_down",
            "monitors": ["shop database"],
            "supabase": {"project_ref": config["supabase"]["project_ref"]},
        },
        "redis": {
            "title": "Shop Redis",
            "kind": "redis_down",
            "monitors": ["shop redis"],
            "upstash": {"database_id": config["upstash"]["database_id"]},
        },
    }


def paid_and_worked(config: Part, ports: Ports) -> Part:
    """What comes after an order: its payment, and its designs."""
    return {
        "payments": {
            "title": "Shop payments",
            "kind": "payment_failure",
            "depends_on": ["backend"],
            "monitors": ["shop payments"],
            "health_url": f"{local(ports.backend)}/health/payments",
            "stripe": {
                "endpoint_url": config["stripe"]["endpoint_url"],
                "event_types": ["checkout.session.completed", "payment_intent.succeeded"],
                "handled_by": "backend",
                "secret_variable": "STRIPE_WEBHOOK_SECRET",
                "orders": {"table": "paid_orders", "column": "event_id", "holds": "event"},
            },
        },
        "worker": {
            "title": "Shop worker",
            "kind": "worker_stuck",
            # Its monitor asks the backend how its queue gets on.
            "depends_on": ["backend", "redis", "database"],
            "monitors": ["shop worker"],
            "railway": on_railway(config, "svc-worker"),
            "queue": {"name": "designs"},
        },
    }
