"""What the stand-ins are told at their start: the credentials that they accept, and where to send what."""

from typing import Any

from pydantic import BaseModel, Field


class CompanyService(BaseModel):
    """One service that the platform runs: `python -m module --release R [--port P]`, with these variables beside
    the company's own. `release` is the one that serves at first; without a port it listens nowhere. A process that
    holds more than `memory_gb` is killed."""

    name: str
    service_id: str
    module: str
    port: int | None = None
    release: str
    variables: dict[str, str] = Field(default_factory=dict)
    memory_gb: float = 0.5
    cpu: float = 1.0


class Company(BaseModel):
    """The company: its services, the backend first, the variables that all of them get, and its database."""

    database_url: str
    variables: dict[str, str]
    services: list[CompanyService]


class Railway(BaseModel):
    """Without a `webhook_url` nobody is told of crashes."""

    token: str
    project_id: str
    environment_id: str
    webhook_url: str | None = None
    webhook_headers: dict[str, str] = Field(default_factory=dict)


class Monitor(BaseModel):
    id: str
    name: str
    url: str
    interval_seconds: float = 1.0


class UptimeRobot(BaseModel):
    api_key: str
    webhook_url: str
    webhook_headers: dict[str, str]
    monitors: list[Monitor]


class Twilio(BaseModel):
    """`delivery_seconds` after a message was taken, its status callback is sent. `replies_url` is where the number's
    incoming messages go; without one nobody hears them."""

    account_sid: str
    auth_token: str
    from_number: str
    delivery_seconds: float = 0.3
    replies_url: str | None = None


class SendGrid(BaseModel):
    """`events_url` is where its event webhook goes; without one nobody hears what became of a mail."""

    api_key: str
    events_url: str | None = None


class Slack(BaseModel):
    """`interactivity_url` is where pressed buttons go, signed with `signing_secret`; without one nobody hears them.
    `url` is where the stand-ins are reached. `users` are those whom the app may write to by their id."""

    bot_token: str
    channels: list[str]
    users: list[str] = Field(default_factory=list)
    signing_secret: str
    interactivity_url: str | None = None
    url: str = ""


class Statuspage(BaseModel):
    """`components` are the page's, by their id."""

    token: str
    page_id: str
    components: dict[str, str]


class Sentry(BaseModel):
    """`public_key` is the user part of the DSN that the company's backend reports to."""

    organization: str
    token: str
    client_secret: str
    webhook_url: str | None = None
    public_key: str


class Vercel(BaseModel):
    """`port` is where the production alias answers; its page is filled by what `backend_url` says."""

    token: str
    team_id: str
    project_id: str
    port: int
    backend_url: str | None = None
    webhook_url: str
    webhook_secret: str


class Dns(BaseModel):
    """`port` is UDP; `zone` has each name's records by type."""

    port: int
    zone: dict[str, dict[str, list[str]]]


class Supabase(BaseModel):
    """`port` is the pooler, where the company and its watchers reach the database; `database_url` is the vendor's own
    way in. `disk_bytes` is what the plan gives."""

    token: str
    project_ref: str
    port: int
    database_url: str
    disk_bytes: int = 64_000_000


class Upstash(BaseModel):
    """`port` is where the company reaches its Redis: the vendor's front door before the real server."""

    email: str
    api_key: str
    database_id: str
    port: int
    redis_url: str


class Stripe(BaseModel):
    """`webhook_secret` signs what is sent to `endpoint_url`."""

    api_key: str
    endpoint_id: str
    endpoint_url: str
    webhook_secret: str


class GitHub(BaseModel):
    token: str
    repository: str


class Gemini(BaseModel):
    api_key: str


class RemoveBg(BaseModel):
    api_key: str


class Config(BaseModel):
    """Everything. `control_secret` is what the drill's own requests carry in X-Control."""

    requests_file: str
    control_secret: str
    company: Company
    railway: Railway
    uptimerobot: UptimeRobot
    twilio: Twilio
    sendgrid: SendGrid
    slack: Slack
    statuspage_api: Statuspage
    sentry: Sentry
    vercel: Vercel
    dns: Dns
    supabase: Supabase
    upstash: Upstash
    stripe: Stripe
    github: GitHub
    gemini: Gemini
    removebg: RemoveBg


# What a secret is called, however deep it stands.
SECRETS = frozenset(
    {
        "token",
        "api_key",
        "auth_token",
        "bot_token",
        "client_secret",
        "signing_secret",
        "webhook_secret",
        "public_key",
        "control_secret",
        "Authorization",
    }
)


def secrets_of(config: dict[str, Any], inside: str = "") -> dict[str, str]:
    """Every secret of a configuration by its path, such as "railway.token"."""
    found: dict[str, str] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            found |= secrets_of(value, f"{inside}{name}.")
        elif name in SECRETS:
            found[f"{inside}{name}"] = str(value).removeprefix("Bearer ")
    return found
