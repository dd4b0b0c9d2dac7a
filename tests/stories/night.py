"""One night on the real parts, with the clock moved: the kernel, its intake over HTTP, and the vendors' stand-ins.

Messages leave through the real channels and the vendors' own libraries; receipts, replies and presses come back over
HTTP, signed as the vendors sign them. Each step is taken when the test says so: nothing here waits for time to pass.
"""

import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette

from drills.vendors import config
from drills.vendors.sendgrid import SendGridApi
from drills.vendors.slack import SlackApi
from drills.vendors.statuspage import StatuspageApi
from drills.vendors.twilio import TwilioApi
from tests.conftest import MovedClock
from tests.stories.serving import serve
from watchkeeper.channels import open_channels
from watchkeeper.dispatcher import Dispatcher
from watchkeeper.incidents import read_incident
from watchkeeper.intake.admitting import Admitting
from watchkeeper.intake.app import House, create_app
from watchkeeper.links import LinkSigner
from watchkeeper.mailing.mailer import Mailer, open_mailer
from watchkeeper.model import Incident, Plan, Remediation
from watchkeeper.motor import Motor
from watchkeeper.pager import Pager
from watchkeeper.paging import Desk, request_approval
from watchkeeper.policy import load_policy, merge, validate_policy
from watchkeeper.remediations import plan_remediation, read_remediation
from watchkeeper.settings import Settings
from watchkeeper.spool import Spool
from watchkeeper.status_page.board import Board
from watchkeeper.status_page.opening import open_status_page
from watchkeeper.status_page.posting import read_board
from watchkeeper.store import Store
from watchkeeper.timeline import read_timeline

SECRET = "the-webhook-secret-of-this-night"
FROM_NUMBER = "+14155550100"
CODE = re.compile(r"\(reply OK(?:/NO)? (\d{6})")
LINK = re.compile(r"https?://\S+")

TEAM = {
    "people": {
        "ana": {"name": "Ana", "email": "ana@example.com", "phone": "+14155550101", "slack": "U0ANA"},
        "ben": {"name": "Ben", "email": "ben@example.com", "phone": "+14155550102", "slack": "U0BEN"},
    },
    "roster": {"primary": "ana", "secondary": "ben"},
    "status_page": {
        "components": {
            "frontend": {"title": "Website", "statuspage_id": "webs1te", "workaround": "Order by phone."},
            "payments": {"title": "Payments", "statuspage_id": "paym3nts"},
            "worker": {"title": "Designs", "statuspage_id": "des1gns"},
        }
    },
}
# With which SendGrid signs its events.
SENDGRID_KEY = ec.generate_private_key(ec.SECP256R1())
SENDGRID_PUBLIC_KEY = b64encode(
    SENDGRID_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
# The page at Statuspage, by its ids.
COMPONENTS = {"webs1te": "Website", "paym3nts": "Payments", "des1gns": "Designs"}


@dataclass(frozen=True)
class Vendors:
    """The stand-ins of this night, each under its name below one address."""

    twilio: TwilioApi
    sendgrid: SendGridApi
    slack: SlackApi
    statuspage: StatuspageApi

    @classmethod
    def of_tonight(cls, intake: str, url: str) -> "Vendors":
        return cls(
            TwilioApi(
                config.Twilio(
                    account_sid="AC" + "1" * 32,
                    auth_token="twilio-token",
                    from_number=FROM_NUMBER,
                    delivery_seconds=0,
                    replies_url=f"{intake}/replies/twilio",
                )
            ),
            SendGridApi(config.SendGrid(api_key="SG.key")),
            SlackApi(
                config.Slack(
                    bot_token="xoxb-token",
                    channels=["#incidents"],
                    signing_secret="slack-secret",
                    interactivity_url=f"{intake}/replies/slack",
                    url=url,
                )
            ),
            StatuspageApi(config.Statuspage(token="sp-token", page_id="page1", components=COMPONENTS)),
        )

    def settings(self, url: str) -> dict[str, Any]:
        """What an installation is told so that its messages come here."""
        return {
            "twilio": {
                "account_sid": "AC" + "1" * 32,
                "auth_token": "twilio-token",
                "from_number": FROM_NUMBER,
                "base_url": f"{url}/twilio",
            },
            "sendgrid": {
                "api_key": "SG.key",
                "from_address": "watch@example.com",
                "webhook_key": SENDGRID_PUBLIC_KEY,
                "base_url": f"{url}/sendgrid",
            },
            "slack": {
                "bot_token": "xoxb-token",
                "signing_secret": "slack-secret",
                "base_url": f"{url}/slack/api/",
            },
            "statuspage": {
                "token": "sp-token",
                "page_id": "page1",
                "base_url": f"{url}/statuspage_api/v1",
            },
        }


@dataclass(frozen=True)
class Phone:
    """What one number received, oldest first."""

    received: list[dict[str, Any]]

    @property
    def texts(self) -> list[str]:
        return [each["body"] for each in self.received if each["kind"] == "sms"]

    @property
    def calls(self) -> list[str]:
        """The script of each call, as TwiML."""
        return [each["body"] for each in self.received_calls]

    @property
    def received_calls(self) -> list[dict[str, Any]]:
        return [each for each in self.received if each["kind"] == "call"]

    @property
    def code(self) -> str:
        """The code of the newest text that asks for a decision."""
        codes = [match[1] for text in self.texts for match in CODE.finditer(text)]
        assert codes, f"no text holds a code: {self.texts}"
        return str(codes[-1])

    def link(self, purpose: str) -> str:
        """The newest link for a purpose, such as "a" to acknowledge and "p" for a plan."""
        links = [link for text in self.texts for link in LINK.findall(text) if f"/{purpose}/" in link]
        assert links, f"no text holds a link for {purpose!r}: {self.texts}"
        return str(links[-1])


@dataclass(frozen=True)
class Somebody:
    """A person of the team and what they can do."""

    night: "Night"
    handle: str

    @property
    def number(self) -> str:
        return self.night.desk.policy.people[self.handle].phone or ""

    @property
    def phone(self) -> Phone:
        return self.night.phone(self.handle)

    async def opens(self, link: str) -> httpx.Response:
        """Open a link on the phone; looking changes nothing."""
        return await self.night.client.get(link)

    async def replies(self, text: str, **how: str) -> str:
        """Answer by text message; what is said back, or nothing where the webhook refused it."""
        before = len(self.phone.texts)
        await self.night.vendors.twilio.reply(self.number, text, **how)
        said_back = self.phone.texts[before:]
        await self.night.settle()
        return "".join(said_back)

    async def presses(self, key: str) -> str:
        """Press a key on the newest call; what is heard then."""
        await self.night.vendors.twilio.press(self.number, key)
        await self.night.settle()
        return str(self.phone.received_calls[-1]["heard"][-1])

    async def clicks(self, button: str, **how: Any) -> int:
        """Press a button in Slack, by its label; the status that the house answered with."""
        user = self.night.desk.policy.people[self.handle].slack or ""
        status = await self.night.vendors.slack.press(user, button, at=self.night.clock(), **how)
        await self.night.settle()
        return status

    async def sends(self, link: str, **form: str) -> httpx.Response:
        """Press a button of the page behind a link."""
        answer = await self.night.client.post(link, data=form)
        await self.night.settle()
        return answer


@dataclass(frozen=True)
class Night:
    """The house, its vendors and its people."""

    house: House
    clock: MovedClock
    client: httpx.AsyncClient
    vendors: Vendors
    pager: Pager
    dispatcher: Dispatcher
    mailer: Mailer

    @property
    def store(self) -> Store:
        return self.house.store

    @property
    def desk(self) -> Desk:
        return self.house.desk

    @property
    def ana(self) -> Somebody:
        return Somebody(self, "ana")

    @property
    def ben(self) -> Somebody:
        return Somebody(self, "ben")

    def phone(self, handle: str) -> Phone:
        number = self.desk.policy.people[handle].phone
        return Phone(self.vendors.twilio.phones.get(number or "", []))

    @property
    def posts(self) -> list[dict[str, Any]]:
        """The team's channel in Slack, oldest first."""
        return self.vendors.slack.channels[self.desk.policy.chat_channel]

    def mails(self, handle: str) -> list[dict[str, Any]]:
        return self.vendors.sendgrid.mailboxes.get(self.desk.policy.people[handle].email or "", [])

    async def hear(self, **told: Any) -> httpx.Response:
        """An alert comes in by the generic webhook, and what it makes necessary is sent."""
        known = {"service": "backend", "kind": "site_outage", "summary": "Backend is down"}
        headers = {"Authorization": f"Bearer {SECRET}"}
        answer = await self.client.post("/webhooks/generic", json=known | told, headers=headers)
        assert answer.status_code == 202, answer.text
        await self.settle()
        return answer

    async def pass_time(self, **duration: float) -> None:
        """Move the clock, stopping wherever something is due on the way."""
        until = self.clock() + timedelta(**duration)
        while (stop := await self._next_due(before=until)) is not None:
            self.clock.now = stop
            await self.settle()
        self.clock.now = until
        await self.settle()

    async def settle(self) -> None:
        """Let the clocks ring and the pager send until nothing is due and no vendor has anything left to say."""
        heard = None
        while heard != (heard := await self.vendors.twilio.say_all()):
            await self.dispatcher.pass_once()
            await self.house.release_held()
            await self.pager.send_all_due()
            await self.mailer.pass_once()

    async def plan(self, **own: Any) -> Remediation:
        """A response plans a change that needs an approval, and asks everyone on call for it."""
        known = {
            "action": "roll_back_deployment",
            "target": "backend",
            "cause": "bad_deployment",
            "summary": "Roll back the backend to d4e5f6",
            "preview": ["from a1b2c3 (12 minutes old)", "to d4e5f6", "no migrations lie between"],
        }
        incident, now = await self.incident(), self.clock()
        async with self.store.transaction() as db:
            plan = Plan.model_validate(known | own)
            remediation = await plan_remediation(db, incident, plan, self.desk.policy, step=1, now=now)
            await request_approval(db, self.desk, incident, remediation, now=now)
        await self.settle()
        return remediation

    async def plan_now(self, number: int = 1) -> Remediation:
        """What has become of a plan."""
        return await read_remediation(self.store, number)

    async def incident(self, number: int = 1) -> Incident:
        return await read_incident(self.store, number)

    async def timeline(self, number: int = 1) -> list[str]:
        return [entry.text for entry in await read_timeline(self.store, number)]

    async def refusals(self) -> Mapping[tuple[str, str], int]:
        """How often each source was refused, and for which reason."""
        rows = await self.store.all("refusals/list")
        return {(row["source"], row["reason"]): row["count"] for row in rows}

    async def _next_due(self, *, before: datetime) -> datetime | None:
        async with self.store._pool.connection() as connection:
            cursor = await connection.execute(NEXT_DUE, {"now": self.clock(), "before": before})
            row = await cursor.fetchone()
        return row["due_at"] if row else None


# Later than now: what is due and still pending was looked at already, and stays for a reason.
NEXT_DUE = """
SELECT due_at FROM (SELECT due_at FROM deadlines WHERE state = 'pending'
                    UNION ALL SELECT release_at FROM held_alerts
                    UNION ALL SELECT due_at FROM mailings WHERE state IN ('proposed', 'approved')
                    UNION ALL SELECT due_at FROM notifications WHERE state = 'pending') AS waiting
 WHERE due_at > %(now)s AND due_at < %(before)s ORDER BY due_at LIMIT 1
"""


async def board_of(store: Store, desk: Desk, clock: MovedClock) -> Board:
    return await read_board(store, desk.policy, now=clock())


def away(request: httpx.Request) -> httpx.Response:
    """Prefect, all night long."""
    raise httpx.ConnectError("prefect is away", request=request)


def policy_file(folder: Path, own: Mapping[str, Any]) -> Path:
    """The shipped policy with this team, and what the story changes in it."""
    whole = merge(merge(load_policy().model_dump(mode="json"), TEAM), dict(own))
    file = folder / "watchkeeper.yaml"
    file.write_text(yaml.safe_dump(validate_policy(whole, source="story").model_dump(mode="json")))
    return file


@asynccontextmanager
async def a_night(
    folder: Path, store: Store, store_url: str, clock: MovedClock, policy: Mapping[str, Any]
) -> AsyncIterator[Night]:
    """Everything open until the block ends. The intake's loops do not run: the night takes their steps."""
    async with AsyncExitStack() as stack:
        intake = await stack.enter_async_context(serve())
        stand_ins = await stack.enter_async_context(serve())
        vendors = Vendors.of_tonight(intake.url, stand_ins.url)
        stand_ins.app = stand_ins_app(vendors)
        settings = Settings(
            _env_file=None,
            home=folder / "home",
            policy_file=policy_file(folder, policy),
            database_url=store_url,
            public_url=intake.url,
            prefect_api_url="http://127.0.0.1:1/api",
            link_key="k" * 32,
            webhook_secret=SECRET,
            **vendors.settings(stand_ins.url),
        )
        channels = await stack.enter_async_context(open_channels(settings))
        intake.app = app = create_app(settings, clock=clock)
        desk = Desk(settings.policy(), settings.public_url)
        board = partial(board_of, store, desk, clock)
        channels |= await stack.enter_async_context(open_status_page(settings, board))
        signer = LinkSigner(settings.signing_key())
        spool, admitting = Spool(settings.home / "spool"), Admitting(store, desk)
        app.state.house = House(settings, desk, signer, store, spool, admitting, channels, clock)
        prefect = httpx.AsyncClient(transport=httpx.MockTransport(away), base_url="http://prefect.test/api")
        dispatcher = Dispatcher(store, Motor(prefect), desk.public_url, clock)
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=intake.url, timeout=20))
        pager = Pager(store, channels, desk, signer, clock)
        mailer = await stack.enter_async_context(open_mailer(settings, store, clock))
        yield Night(app.state.house, clock, client, vendors, pager, dispatcher, mailer)


def stand_ins_app(vendors: Vendors) -> Starlette:
    each = (vendors.twilio, vendors.sendgrid, vendors.slack, vendors.statuspage)
    return Starlette(routes=[route for vendor in each for route in vendor.routes()])
