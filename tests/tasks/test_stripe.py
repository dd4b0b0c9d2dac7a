"""Stripe: what its endpoint and its events say, and what is asked of it, under which key, and with which secret."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from stripe import WebhookSignature

from blocks.stripe import StripeCredentials
from tasks.stripe import (
    create_endpoint,
    deliver_event,
    enable_or_disable_endpoint,
    list_payments,
    resend_event,
    stripe_endpoint,
    stripe_events,
)
from tests.tasks.conftest import SECRET, Answer, Wire, says
from watchkeeper.errors import VendorRejected, VendorUnavailable
from watchkeeper.model import CheckStatus
from watchkeeper.policy.services import StripeTarget

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
URL = "https://shop.example.com/webhooks/stripe"
PAID, CHECKED_OUT = "payment_intent.succeeded", "checkout.session.completed"
TARGET = StripeTarget(endpoint_url=URL, event_types=[PAID, CHECKED_OUT])
SIGNING = "whsec_hush-9d2b-do-not-tell"


def credentials(wire: Wire) -> StripeCredentials:
    return StripeCredentials(api_key=SecretStr(SECRET), base_url=wire.url)


def endpoint(id: str = "we_1", *, status: str = "enabled", **more: Any) -> dict[str, Any]:
    known = {"url": URL, "created": 1_700_000_000, "enabled_events": ["*"], "metadata": {}}
    return {"id": id, "status": status, **known, **more}


def event(id: str, *, minutes_ago: float, pending: int = 1) -> dict[str, Any]:
    paid = {"object": "payment_intent", "id": f"pi_{id}", "amount_received": 1250, "currency": "usd"}
    created = int((NOW - timedelta(minutes=minutes_ago)).timestamp())
    return {
        "id": id,
        "type": PAID,
        "created": created,
        "pending_webhooks": pending,
        "data": {"object": paid},
    }


def listed(*each: dict[str, Any], more: bool = False) -> Answer:
    return says({"data": list(each), "has_more": more})


@pytest.mark.parametrize(
    ("known", "status", "words", "deaf_to"),
    [
        ([endpoint()], CheckStatus.OK, "we_1 is enabled", []),
        ([endpoint(enabled_events=[PAID, CHECKED_OUT])], CheckStatus.OK, "we_1 is enabled", []),
        ([endpoint(status="disabled")], CheckStatus.BAD, "we_1 is disabled", []),
        ([endpoint(enabled_events=[PAID])], CheckStatus.BAD, f"not sent {CHECKED_OUT}", [CHECKED_OUT]),
        # One of ours that is enabled speaks for all, however old it is.
        (
            [endpoint("we_2", status="disabled", created=1_800_000_000), endpoint()],
            CheckStatus.OK,
            "we_1",
            [],
        ),
        ([endpoint(url="https://elsewhere.example.com/")], CheckStatus.BAD, "no webhook endpoint", None),
        ([], CheckStatus.BAD, "no webhook endpoint", None),
    ],
)
async def test_says_whether_stripe_would_deliver_at_all(
    wire: Wire,
    known: list[dict[str, Any]],
    status: CheckStatus,
    words: str,
    deaf_to: list[str] | None,
) -> None:
    wire.answers(listed(*known))

    check = await stripe_endpoint(credentials(wire), TARGET)

    assert (check.status, check.facts.get("deaf_to")) == (status, deaf_to)
    assert words in check.summary


@pytest.mark.parametrize(
    ("events", "status", "late"),
    [
        ([], CheckStatus.OK, []),
        ([event("evt_1", minutes_ago=4)], CheckStatus.OK, []),  # it may still be on its way
        ([event("evt_1", minutes_ago=5)], CheckStatus.BAD, ["evt_1"]),
        (
            [event("evt_2", minutes_ago=6), event("evt_1", minutes_ago=9)],
            CheckStatus.BAD,
            ["evt_1", "evt_2"],
        ),
    ],
)
async def test_names_what_was_not_delivered_in_time_oldest_first(
    wire: Wire, events: list[dict[str, Any]], status: CheckStatus, late: list[str]
) -> None:
    wire.answers(listed(*events))

    check = await stripe_events(
        credentials(wire), TARGET, now=NOW, window=timedelta(hours=1), late_after=timedelta(minutes=5)
    )

    assert (check.status, check.facts["events"]) == (status, late)
    [asked] = wire.asked
    assert asked.query["delivery_success"] == ["false"]
    assert asked.query["types[]"] == [PAID, CHECKED_OUT]
    assert asked.query["created[gte]"] == [str(int((NOW - timedelta(hours=1)).timestamp()))]


async def test_asks_for_the_next_page_as_long_as_there_is_one(wire: Wire) -> None:
    wire.answers(
        listed(event("evt_3", minutes_ago=1), event("evt_2", minutes_ago=2), more=True),
        listed(event("evt_1", minutes_ago=3)),
    )

    found = await list_payments(credentials(wire), TARGET, since=NOW - timedelta(hours=1))

    assert [payment.id for payment in found] == ["evt_1", "evt_2", "evt_3"]
    assert wire.asked[1].query["starting_after"] == ["evt_2"]


async def test_sends_an_event_again_to_one_endpoint_under_our_key(wire: Wire) -> None:
    wire.answers(says({"id": "evt_1"}))

    await resend_event.fn(credentials(wire), "evt_1", "we_1", idempotency_key="watchkeeper-7-evt_1")

    [asked] = wire.asked
    assert (asked.method, asked.path) == ("POST", "/v1/events/evt_1/retry")
    assert asked.form == {"webhook_endpoint": "we_1"}
    assert asked.headers["idempotency-key"] == "watchkeeper-7-evt_1"


@pytest.mark.parametrize(("enabled", "word"), [(True, "false"), (False, "true")])
async def test_enables_and_disables_one_endpoint(wire: Wire, enabled: bool, word: str) -> None:
    wire.answers(says({"status": "enabled" if enabled else "disabled"}))

    await enable_or_disable_endpoint.fn(credentials(wire), "we_1", enabled=enabled, idempotency_key="k")

    [asked] = wire.asked
    assert (asked.path, asked.form) == ("/v1/webhook_endpoints/we_1", {"disabled": word})


@pytest.mark.parametrize("told", [{"status": "disabled"}, {}, [], "enabled"])
async def test_takes_only_the_status_itself_for_a_change_made(wire: Wire, told: Any) -> None:
    wire.answers(says(told))

    with pytest.raises(VendorRejected, match="not what was asked for"):
        await enable_or_disable_endpoint.fn(credentials(wire), "we_1", enabled=True, idempotency_key="k")


async def test_creates_an_endpoint_like_the_one_that_serves(wire: Wire) -> None:
    wire.answers(says({"id": "we_2", "secret": SIGNING}))
    like = endpoint(api_version="2024-06-20", enabled_events=[PAID])

    new_id, secret = await create_endpoint(
        credentials(wire), like, mark={"watchkeeper": "incident-7"}, idempotency_key="k"
    )

    assert (new_id, secret.get_secret_value()) == ("we_2", SIGNING)
    assert wire.asked[0].form == {
        "url": URL,
        "enabled_events[]": PAID,
        "metadata[watchkeeper]": "incident-7",
        "api_version": "2024-06-20",
    }


@pytest.mark.parametrize("told", [{"id": "we_2"}, {"secret": SIGNING}, {"id": "we_2", "secret": "sk_1"}, []])
async def test_an_endpoint_without_its_secret_is_none_and_nothing_of_it_is_told(
    wire: Wire, told: Any
) -> None:
    wire.answers(says(told))

    with pytest.raises(VendorRejected, match="without a signing secret") as caught:
        await create_endpoint(credentials(wire), endpoint(api_version=None), mark={}, idempotency_key="k")

    assert SIGNING not in f"{caught.value!r} {vars(caught.value)}"


async def delivered(wire: Wire, answer: Answer) -> None:
    """Stripe tells of the event, and the company answers this."""
    wire.answers(says(event("evt_1", minutes_ago=60)), at="/v1/events/evt_1")
    wire.answers(answer, at="/webhooks/stripe")
    company = TARGET.model_copy(update={"endpoint_url": f"{wire.url}/webhooks/stripe"})
    await deliver_event.fn(credentials(wire), company, "evt_1", SecretStr(SIGNING), now=NOW)


async def test_delivers_an_event_as_stripe_would_signed_with_the_services_secret(wire: Wire) -> None:
    await delivered(wire, Answer(200, b"ok"))

    _, post = wire.asked
    assert json.loads(post.body)["id"] == "evt_1"
    header = post.headers["stripe-signature"]
    assert WebhookSignature.verify_header(post.body.decode(), header, SIGNING, tolerance=None)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, VendorRejected), (404, VendorRejected), (503, VendorUnavailable)]
)
async def test_the_company_that_refuses_an_event_is_named_and_no_secret_is(
    wire: Wire, status: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        await delivered(wire, Answer(status, SIGNING.encode()))

    assert (vars(caught.value)["vendor"], vars(caught.value)["status"]) == ("backend", status)
    assert SIGNING not in f"{caught.value!r} {vars(caught.value)}"


async def test_an_event_that_is_another_is_not_delivered(wire: Wire) -> None:
    wire.answers(says(event("evt_2", minutes_ago=60)))

    with pytest.raises(VendorRejected, match="unknown shape"):
        await deliver_event.fn(credentials(wire), TARGET, "evt_1", SecretStr(SIGNING), now=NOW)
