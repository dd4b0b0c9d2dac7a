"""The vendors that reach people, for one night: their stand-ins below one address, with credentials of their own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from drills.vendors import config
from drills.vendors.recorder import Recorder
from drills.vendors.sendgrid import SendGridApi
from drills.vendors.slack import SlackApi
from drills.vendors.statuspage import StatuspageApi
from drills.vendors.twilio import TwilioApi
from drills.vendors.vendor import Clock, Vendor
from drills.world_config import FROM_NUMBER, new_secret

# The page at Statuspage, by its ids.
COMPONENTS = {"webs1te": "Website", "paym3nts": "Payments", "des1gns": "Designs"}


@dataclass(frozen=True)
class Accounts:
    """What each vendor's stand-in is told of the company's account there."""

    twilio: config.Twilio
    sendgrid: config.SendGrid
    slack: config.Slack
    statuspage_api: config.Statuspage

    @classmethod
    def of_tonight(cls, intake: str, url: str) -> "Accounts":
        """Accounts whose callbacks go to the intake; `url` is where the stand-ins are."""
        return cls(
            config.Twilio(
                account_sid="AC" + "1" * 32,
                auth_token=new_secret(),
                from_number=FROM_NUMBER,
                delivery_seconds=0,
                replies_url=f"{intake}/replies/twilio",
            ),
            config.SendGrid(api_key=f"SG.{new_secret()}", events_url=f"{intake}/receipts/sendgrid"),
            config.Slack(
                bot_token=f"xoxb-{new_secret()}",
                channels=["#incidents"],
                users=["U0ANA", "U0BEN", "U0CLEO"],
                signing_secret=new_secret(),
                interactivity_url=f"{intake}/replies/slack",
                url=url,
            ),
            config.Statuspage(token=new_secret(), page_id="page1", components=COMPONENTS),
        )

    @property
    def secrets(self) -> dict[str, str]:
        """Every credential, by its path."""
        return config.secrets_of({name: part.model_dump() for name, part in vars(self).items()})


@dataclass(frozen=True)
class Vendors:
    """The stand-ins themselves."""

    accounts: Accounts
    twilio: TwilioApi
    sendgrid: SendGridApi
    slack: SlackApi
    statuspage: StatuspageApi
    by_name: dict[str, Vendor] = field(default_factory=dict)

    @classmethod
    def of_tonight(cls, intake: str, url: str, clock: Clock) -> "Vendors":
        accounts = Accounts.of_tonight(intake, url)
        parts = (
            TwilioApi(accounts.twilio),
            SendGridApi(accounts.sendgrid),
            SlackApi(accounts.slack),
            StatuspageApi(accounts.statuspage_api),
        )
        for vendor in parts:
            vendor.clock = clock
        return cls(accounts, *parts, dict(zip(vars(accounts), parts, strict=True)))

    @contextmanager
    def app(self, requests: Path, clock: Clock) -> Iterator[ASGIApp]:
        """All of them on one port, each request written down until the block ends."""
        app = Starlette(routes=[route for vendor in self.by_name.values() for route in vendor.routes()])
        names = frozenset(self.by_name)
        secrets = self.accounts.secrets.values()
        with closing(Recorder(app, requests, secrets, vendors=names, clock=clock)) as recorder:
            yield recorder

    def settings(self, url: str) -> dict[str, Any]:
        """What an installation is told so that its messages come here."""
        accounts = self.accounts
        return {
            "twilio": {
                **accounts.twilio.model_dump(include={"account_sid", "auth_token", "from_number"}),
                "base_url": f"{url}/twilio",
            },
            "sendgrid": {
                "api_key": accounts.sendgrid.api_key,
                "from_address": "watch@example.com",
                "webhook_key": self.sendgrid.events_public_key,
                "base_url": f"{url}/sendgrid",
            },
            "slack": {
                **accounts.slack.model_dump(include={"bot_token", "signing_secret"}),
                "base_url": f"{url}/slack/api/",
            },
            "statuspage": {
                **accounts.statuspage_api.model_dump(include={"token", "page_id"}),
                "base_url": f"{url}/statuspage_api/v1",
            },
        }
