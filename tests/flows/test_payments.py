"""Sending again what the company was not told of: each once, oldest first, and never twice after a crash."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.stripe import StripeCredentials
from flows.actions import payments, resending
from flows.actions.resending import ResendEvents, part_of, plan_resend
from flows.actions.site import Site
from tasks.stripe import Endpoint
from tests.flows.conftest import NOBODY, MovedBench
from watchkeeper.clock import utc_now
from watchkeeper.errors import NotPermitted, PreconditionChanged, VendorRejected, VendorUnavailable
from watchkeeper.incidents import next_round
from watchkeeper.model import Incident, Plan, Remediation
from watchkeeper.parts import Parts
from watchkeeper.payments import Payment, money
from watchkeeper.policy import Policy
from watchkeeper.policy.services import Service, StripeTarget

ENDPOINT_URL = "https://shop.example.com/webhooks/stripe"
CREATED = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


class DiedError(BaseException):
    """The process is killed."""


@dataclass
class FakeStripe:
    """Payments that were not delivered, oldest first, and what was asked to be sent again."""

    waiting: list[Payment]
    asked: list[tuple[str, str]] = field(default_factory=list)
    arrives: bool = True
    fails: list[Exception | BaseException | None] = field(default_factory=list)
    endpoint: Endpoint = field(
        default_factory=lambda: {
            "id": "we_1",
            "status": "enabled",
            "created": 1_600_000_000,
            "enabled_events": ["*"],
            "url": ENDPOINT_URL,
            "metadata": {},
            "api_version": None,
        }
    )

    async def list_payments(self, *_: Any, **__: Any) -> list[Payment]:
        return list(self.waiting)

    async def list_endpoints(self, *_: Any) -> list[Endpoint]:
        return [self.endpoint]

    async def resend_event(self, credentials: Any, event_id: str, to: str, *, idempotency_key: str) -> None:
        failure = self.fails.pop(0) if self.fails else None
        if failure is not None:
            raise failure
        self.asked.append((event_id, idempotency_key))
        if self.arrives:
            self.waiting = [payment for payment in self.waiting if payment.id != event_id]


def payment(number: int) -> Payment:
    return Payment(
        id=f"evt_{number}",
        type="payment_intent.succeeded",
        created=CREATED.replace(minute=number),
        amount=1250,
        currency="usd",
        reference=f"order-{number}",
        pending=1,
    )


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> FakeStripe:
    fake = FakeStripe([payment(1), payment(2), payment(3)])
    for name in ("list_payments", "list_endpoints", "resend_event"):
        monkeypatch.setattr(resending.stripe, name, getattr(fake, name))
    for name in ("SETTLE_SECONDS", "LOOK_AGAIN_SECONDS"):
        monkeypatch.setattr(resending, name, 0.001)
    monkeypatch.setattr(resending, "ARRIVES_WITHIN_SECONDS", 0.005)
    return fake


@pytest.fixture
def shop(policy: Policy, bench: MovedBench, incident: Incident) -> Site:
    target = StripeTarget(endpoint_url=ENDPOINT_URL, event_types=["payment_intent.succeeded"])
    service = Service(title="Payments", kind="payment_failure", stripe=target)  # type: ignore[arg-type]
    limits = policy.limits.model_copy(update={"resend_events_per_second": 1000.0})
    known = policy.model_copy(update={"services": {**policy.services, "payments": service}, "limits": limits})
    key = StripeCredentials(api_key=SecretStr("rk_live_x"), resend_events=True)
    return Site(known, replace(NOBODY, stripe=key), Parts(bench.store, incident.id, utc_now))


async def planned(site: Site) -> Plan:
    plan = await plan_resend(site, cause="stripe_endpoint_down")
    assert plan is not None
    return plan


def asked_for(plan: Plan) -> Remediation:
    return Remediation.model_construct(plan=plan)


async def test_shows_the_payments_and_their_sum(shop: Site, stripe: FakeStripe) -> None:
    plan = await planned(shop)

    assert plan.summary == "Send again what was not delivered: 3 payments, 37.50 USD"
    assert plan.preview[0] == "evt_1 2026-03-02 03:01 UTC 12.50 USD, order-1"
    assert [event["id"] for event in plan.parameters["events"]] == ["evt_1", "evt_2", "evt_3"]


async def test_sends_as_many_as_the_policy_allows_and_says_what_stays(shop: Site, stripe: FakeStripe) -> None:
    limits = shop.policy.limits.model_copy(update={"resend_events": 2})
    small = replace(shop, policy=shop.policy.model_copy(update={"limits": limits}))

    plan = await planned(small)

    assert plan.summary.endswith("2 payments, 25.00 USD; 1 payment, 12.50 USD stay for another time")


async def test_sends_each_once_oldest_first_under_a_key_of_ours(
    shop: Site, stripe: FakeStripe, incident: Incident
) -> None:
    plan = await planned(shop)
    await ResendEvents().check(shop, plan)

    told = await ResendEvents().act(shop, plan)

    assert stripe.asked == [(f"evt_{n}", f"watchkeeper-{incident.id}-evt_{n}") for n in (1, 2, 3)]
    assert told == "3 sent again, oldest first; every one has arrived"
    assert await ResendEvents().look_up(shop, asked_for(plan)) is True


async def test_sends_nothing_more_when_the_oldest_does_not_arrive(shop: Site, stripe: FakeStripe) -> None:
    stripe.arrives = False

    with pytest.raises(PreconditionChanged, match="evt_1 was sent first and alone and did not arrive"):
        await ResendEvents().act(shop, await planned(shop))

    assert [event for event, _ in stripe.asked] == ["evt_1"]


async def test_where_stripe_cannot_say_whether_the_first_arrived_no_other_is_sent_and_the_words_say_so(
    shop: Site, stripe: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: Any, **__: Any) -> list[Payment]:
        raise VendorUnavailable(vendor="stripe", action="list_events", status=429)

    plan = await planned(shop)
    monkeypatch.setattr(resending.stripe, "list_payments", busy)

    with pytest.raises(
        PreconditionChanged, match=r"whether it arrived cannot be read .*429.*: no other was sent"
    ):
        await ResendEvents().act(shop, plan)

    assert [event for event, _ in stripe.asked] == ["evt_1"]


async def test_an_endpoint_that_is_enabled_again_in_a_later_round_is_asked_for_anew(
    shop: Site, bench: MovedBench, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []

    async def note(*_: Any, idempotency_key: str, **__: Any) -> None:
        keys.append(idempotency_key)

    monkeypatch.setattr(payments.stripe, "enable_or_disable_endpoint", note)
    await payments.set_status(shop, "we_1", enabled=True)
    await payments.set_status(shop, "we_1", enabled=True)
    await next_round(bench.store, incident, "it did not hold", now=bench.now())
    await payments.set_status(shop, "we_1", enabled=True)

    assert keys[0] == keys[1] != keys[2]


async def test_goes_on_after_a_crash_without_beginning_anything_twice(shop: Site, stripe: FakeStripe) -> None:
    plan = await planned(shop)
    stripe.fails = [None, DiedError()]
    with pytest.raises(DiedError):
        await ResendEvents().act(shop, plan)
    assert await ResendEvents().look_up(shop, asked_for(plan)) is False  # evt_3 was never begun

    with pytest.raises(PreconditionChanged, match="1 of 3 did not arrive: evt_2"):
        await ResendEvents().act(shop, plan)

    # Whether evt_2 had been taken before the process died cannot be told: it is named, not sent again.
    assert [event for event, _ in stripe.asked] == ["evt_1", "evt_3"]
    assert await ResendEvents().look_up(shop, asked_for(plan)) is None


async def test_stops_at_a_refusal_and_says_how_many_are_left(shop: Site, stripe: FakeStripe) -> None:
    stripe.fails = [VendorRejected(vendor="stripe", action="send_again", status=403)]

    with pytest.raises(
        NotPermitted, match="answered 403 to send_again; 3 were not sent, the first of them evt_1"
    ):
        await ResendEvents().act(shop, await planned(shop))

    assert stripe.asked == []


async def test_asks_again_after_429_and_only_then(shop: Site, stripe: FakeStripe) -> None:
    stripe.fails = [
        VendorUnavailable(vendor="stripe", action="send_again", status=429, retry_after_seconds=0.001)
    ]

    assert await ResendEvents().act(shop, await planned(shop))
    assert [event for event, _ in stripe.asked] == ["evt_1", "evt_2", "evt_3"]


async def test_leaves_out_what_was_sent_in_this_incident_before(shop: Site, stripe: FakeStripe) -> None:
    await shop.own_parts().claim(part_of("evt_1"))

    plan = await planned(shop)

    assert [event["id"] for event in plan.parameters["events"]] == ["evt_2", "evt_3"]


async def test_sends_nothing_where_that_is_switched_off(shop: Site, stripe: FakeStripe) -> None:
    key = StripeCredentials(api_key=SecretStr("rk_live_x"))
    off = replace(shop, credentials=replace(shop.credentials, stripe=key))

    with pytest.raises(NotPermitted, match="RESEND_EVENTS"):
        await ResendEvents().check(off, await planned(off))


async def test_sends_nothing_to_an_endpoint_that_is_disabled(shop: Site, stripe: FakeStripe) -> None:
    stripe.endpoint["status"] = "disabled"

    with pytest.raises(PreconditionChanged, match="we_1 is disabled"):
        await ResendEvents().check(shop, await planned(shop))


async def test_leaves_to_us_what_is_older_than_the_endpoint(shop: Site, stripe: FakeStripe) -> None:
    stripe.endpoint["created"] = int(CREATED.replace(minute=2).timestamp())

    plan = await planned(shop)

    assert [event["by"] for event in plan.parameters["events"]] == ["us", "us", "stripe"]


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [(1250, "usd", "12.50 USD"), (1250, "jpy", "1,250 JPY"), (1250, "kwd", "1.250 KWD"), (5, "", "0.05")],
)
def test_money_is_in_its_currencys_own_units(amount: int, currency: str, words: str) -> None:
    assert money(amount, currency) == words
