"""A kernel on a real store, with a clock that is moved and phones that are lists."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.conftest import MovedClock
from watchkeeper.admission import Admission, admit
from watchkeeper.answers import Answer, Said, Verb, Way, answer
from watchkeeper.channels import Receipt
from watchkeeper.deadlines.dispatcher import Dispatcher
from watchkeeper.errors import VendorError
from watchkeeper.guarding import Guard
from watchkeeper.links import LinkSigner
from watchkeeper.model import Alert, Channel, Kind
from watchkeeper.motor import Motor
from watchkeeper.occasions import Occasions
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Message
from watchkeeper.paging.pager import Pager
from watchkeeper.policy import Policy, load_policy, merge, validate_policy
from watchkeeper.quiet.releasing import release_due
from watchkeeper.store import Store

PUBLIC_URL = "http://watch.test"
ANA, BEN = "+14155550101", "+14155550102"


def link_id(text: str) -> int:
    """Which link it is that a message or an address ends with."""
    return int(text.rpartition("/")[2].partition(".")[0])


def _away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("prefect is away", request=request)


AWAY = httpx.MockTransport(_away)


def two_on_call(**own: Any) -> Policy:
    """The shipped policy with Ana first and Ben second on call."""
    people = {
        "ana": {"name": "Ana", "email": "ana@example.com", "phone": ANA},
        "ben": {"name": "Ben", "email": "ben@example.com", "phone": BEN},
    }
    roster = {"primary": "ana", "secondary": "ben"}
    data = merge(load_policy().model_dump(mode="json"), {"people": people, "roster": roster, **own})
    return validate_policy(data, source="test")


@dataclass
class Phone:
    """A channel that keeps what it was given; `failures` are raised first, one per message."""

    failures: list[VendorError] = field(default_factory=list)
    sent: list[tuple[str, Message]] = field(default_factory=list)

    async def send(
        self,
        address: str,
        message: Message,
        *,
        callback_url: str | None = None,
        thread: str | None = None,
    ) -> Receipt:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((address, message))
        return Receipt(vendor_id=f"id{len(self.sent)}", thread=thread or f"thread{len(self.sent)}")

    def texts(self, address: str) -> list[str]:
        return [message.short for to, message in self.sent if to == address]


class KernelHouse:
    """Admission, pager and dispatcher, each step taken when the test says so; Prefect is away where none is given."""

    def __init__(
        self, store: Store, clock: MovedClock, policy: Policy, prefect: httpx.MockTransport = AWAY
    ) -> None:
        self.store = store
        self.clock = clock
        self.desk = Desk(policy, PUBLIC_URL)
        self.signer = LinkSigner("k" * 32)
        self.channels = {
            channel: Phone() for channel in (Channel.SMS, Channel.VOICE, Channel.EMAIL, Channel.SLACK)
        }
        self.pager = Pager(store, self.channels, self.desk, self.signer, clock)
        client = httpx.AsyncClient(transport=prefect, base_url="http://prefect.test/api")
        self.guard = Guard(store, clock)
        self.dispatcher = Dispatcher(store, Motor(client), PUBLIC_URL, clock, self.guard)
        # Whoever tells of the calendar gives it its kinds: a Monday's handoff is in the way of other stories.
        self.occasions = Occasions(store, self.desk, clock, {}, self.guard)

    def alert(self, **told: Any) -> Alert:
        known = {
            "source": "generic",
            "fingerprint": "site",
            "service": "backend",
            "kind": Kind.SITE_OUTAGE,
            "summary": "Backend is down",
            "started_at": self.clock(),
        }
        return Alert.model_validate(known | told)

    async def hear(self, **told: Any) -> Admission:
        """Admit one alert and send what it makes necessary."""
        async with self.store.transaction() as db:
            admission = await admit(db, self.desk, self.alert(**told), now=self.clock())
        await self.pager.send_all_due()
        return admission

    async def pass_time(self, **duration: float) -> None:
        """Move the clock, then let the clocks ring and the pager send."""
        self.clock.advance(**duration)
        await self.dispatcher.pass_once()
        await release_due(self.store, self.desk, self.guard, now=self.clock())
        await self.occasions.pass_once()
        await self.pager.send_all_due()

    async def says(self, person: str, verb: Verb = Verb.ACKNOWLEDGE, incident_id: int = 1) -> Answer:
        """A person answers."""
        said = Said(verb=verb, person=person, way=Way.PAGE)
        async with self.store.transaction() as db:
            return await answer(db, PUBLIC_URL, incident_id, said, now=self.clock())

    def phone(self, number: str) -> list[str]:
        return self.channels[Channel.SMS].texts(number)


def recipients(messages: Sequence[tuple[str, Message]]) -> list[str]:
    return [address for address, _ in messages]
