"""Settings: addresses and credentials of this installation, read once, at the edge, from the environment.

Every name has the prefix WATCHKEEPER_; nested ones are joined by two underscores, such as
WATCHKEEPER_TWILIO__AUTH_TOKEN. What a team decides about incidents is the policy, not a setting.
"""

from ipaddress import ip_address
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from watchkeeper.errors import NotConfigured
from watchkeeper.policy import Policy, load_policy


class Twilio(BaseModel):
    account_sid: str
    auth_token: SecretStr
    from_number: str
    base_url: str = "https://api.twilio.com"


class SendGrid(BaseModel):
    """`webhook_key` is the public key of its signed event webhook; without one events are turned away."""

    api_key: SecretStr
    from_address: str
    webhook_key: str | None = None
    base_url: str = "https://api.sendgrid.com"


class Slack(BaseModel):
    """`signing_secret` is what Slack signs pressed buttons with; without one, posts have none."""

    bot_token: SecretStr
    signing_secret: SecretStr | None = None
    base_url: str = "https://slack.com/api/"


class Statuspage(BaseModel):
    """Our page at Atlassian Statuspage. Its subscribers are customers: mail to them has its own way, with approval."""

    token: SecretStr
    page_id: str
    notify_subscribers: bool = False
    base_url: str = "https://api.statuspage.io/v1"


class Sentry(BaseModel):
    organization: str
    token: SecretStr
    client_secret: SecretStr
    base_url: str = "https://sentry.io/api/0"


class UptimeRobot(BaseModel):
    api_key: SecretStr
    webhook_secret: SecretStr
    base_url: str = "https://api.uptimerobot.com/v2"


class Railway(BaseModel):
    """`webhook_secret` is what Railway's webhook carries as a bearer; without one its deliveries are refused."""

    token: SecretStr
    webhook_secret: SecretStr | None = None
    base_url: str = "https://backboard.railway.com/graphql/v2"


class Vercel(BaseModel):
    """`webhook_secret` is shown once, when the webhook is made; without one its deliveries are turned away."""

    token: SecretStr
    webhook_secret: SecretStr | None = None
    base_url: str = "https://api.vercel.com"


class StatusPages(BaseModel):
    """Where each vendor says itself how it is; needs no credentials."""

    supabase: str = "https://status.supabase.com/api/v2/summary.json"
    railway: str = "https://status.railway.com/api/status"
    vercel: str = "https://www.vercel-status.com/api/v2/summary.json"
    upstash: str = "https://status.upstash.com/api/v2/summary.json"
    stripe: str = "https://www.stripestatus.com/api/v2/summary.json"
    github: str = "https://www.githubstatus.com/api/v2/summary.json"
    google_cloud: str = "https://status.cloud.google.com/incidents.json"


class GitHub(BaseModel):
    """The repository that production is built from: "owner/name". The team's documents are in `documents_path` of it."""

    token: SecretStr
    repository: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    documents_path: str = Field(default="docs", pattern=r"^[\w-][\w./-]*$")
    base_url: str = "https://api.github.com"


class Supabase(BaseModel):
    token: SecretStr
    base_url: str = "https://api.supabase.com"


class Gemini(BaseModel):
    api_key: SecretStr
    base_url: str = "https://generativelanguage.googleapis.com"


class RemoveBg(BaseModel):
    api_key: SecretStr
    base_url: str = "https://api.remove.bg/v1.0"


class Stripe(BaseModel):
    """A restricted key: events and webhook endpoints to read, webhook endpoints to write.

    `resend_events` allows sending events again, through an address of Stripe's that is not documented.
    """

    api_key: SecretStr
    base_url: str = "https://api.stripe.com"
    resend_events: bool = False


class Upstash(BaseModel):
    email: str
    api_key: SecretStr
    base_url: str = "https://api.upstash.com/v2"


class Production(BaseModel):
    """The watched production database: a role that may read pg_stat_activity and signal backends."""

    database_url: SecretStr
    application_user: str | None = None


class Settings(BaseSettings):
    """One installation. Secrets are SecretStr and never printed."""

    model_config = SettingsConfigDict(
        env_prefix="WATCHKEEPER_", env_nested_delimiter="__", env_file=".env", extra="ignore"
    )

    home: Path = Path("~/.watchkeeper")
    documents_folder: Path | None = None
    policy_file: Path | None = None
    speed: float = Field(default=1, gt=0)
    database_url: SecretStr | None = None
    host: str = "127.0.0.1"
    port: int = 8787
    public_url: str = "http://127.0.0.1:8787"
    prefect_api_url: str = "http://127.0.0.1:4200/api"
    prefect_auth: SecretStr | None = None
    link_key: SecretStr | None = None
    webhook_secret: SecretStr | None = None
    heartbeat_url: SecretStr | None = None
    lease_seconds: float = Field(default=15, gt=0)

    twilio: Twilio | None = None
    sendgrid: SendGrid | None = None
    slack: Slack | None = None
    statuspage: Statuspage | None = None
    status_folder: Path | None = None
    templates_folder: Path | None = None
    sentry: Sentry | None = None
    uptimerobot: UptimeRobot | None = None
    railway: Railway | None = None
    github: GitHub | None = None
    stripe: Stripe | None = None
    vercel: Vercel | None = None
    production: Production | None = None
    redis_url: SecretStr | None = None
    upstash: Upstash | None = None
    status_pages: StatusPages = StatusPages()
    supabase: Supabase | None = None
    gemini: Gemini | None = None
    removebg: RemoveBg | None = None
    dns_resolvers: str = ""

    @field_validator("dns_resolvers")
    @classmethod
    def _are_addresses(cls, value: str) -> str:
        for each in filter(None, map(str.strip, value.split(","))):
            host, _, port = each.partition(":") if each.count(":") == 1 else (each, "", "53")
            ip_address(host)  # a name would have to be resolved first
            int(port)
        return value

    def resolvers(self) -> list[str]:
        """The name servers to ask, each an address or address:port; none for this machine's own."""
        return [each.strip() for each in self.dns_resolvers.split(",") if each.strip()]

    def documents(self) -> Path:
        """The team's folder: `post-mortems/`, `runbooks/` and the incident log stand in it. The home folder by default."""
        return (self.documents_folder or self.home).expanduser()

    def store_url(self) -> str:
        """The incident store's address.

        Raises:
            NotConfigured: none is set; `watchkeeper up` sets one for its embedded Postgres.
        """
        if self.database_url is None:
            raise NotConfigured("the incident store", setting="WATCHKEEPER_DATABASE_URL")
        return self.database_url.get_secret_value()

    def signing_key(self) -> str:
        """The key that signs links; 32 random characters or more."""
        if self.link_key is None:
            raise NotConfigured("link signing", setting="WATCHKEEPER_LINK_KEY")
        return self.link_key.get_secret_value()

    def policy(self) -> Policy:
        """The policy in force now, its durations divided by `speed` in a drill."""
        return load_policy(self.policy_file).scaled(self.speed)
