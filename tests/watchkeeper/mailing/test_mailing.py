"""Whom a mail goes to, and what an answer of SendGrid's proves."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import KernelHouse, two_on_call
from watchkeeper.errors import BadInput, NotConfigured, VendorUnavailable
from watchkeeper.incidents import read_incident
from watchkeeper.mailing.model import Addresses, addresses_of, clean, is_address
from watchkeeper.mailing.reading import read_addresses
from watchkeeper.mailing.sending import judge, post_batch, wait_of
from watchkeeper.model import Incident
from watchkeeper.policy import load_policy
from watchkeeper.policy.customers import Customers
from watchkeeper.store import Store


def customers(**own: Any) -> Customers:
    return Customers.model_validate(load_policy().customers.model_dump() | own)


async def an_incident(store: Store, clock: MovedClock) -> Incident:
    house = KernelHouse(store, clock, two_on_call(), httpx.MockTransport(lambda _: httpx.Response(503)))
    await house.hear()
    return await read_incident(store, 1)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("ana@example.com", True),
        ("ana.b+tag@mail.example.co.uk", True),
        ("o'brien@example.com", True),
        ("ana@localhost", False),
        ("ana@example.com\nBcc: eve@example.com", False),
        ("Ana <ana@example.com>", False),
        ("ana@ex ample.com", False),
        ("", False),
        ("a" * 250 + "@example.com", False),
    ],
)
def test_an_address_is_one_or_it_is_left_out(text: str, good: bool) -> None:
    assert is_address(text) is good


def test_each_address_once_however_it_is_written() -> None:
    found = ["Ana@Example.com", " ana@example.com ", "ben@example.com", "nobody", ""]
    assert clean(found) == Addresses(["ana@example.com", "ben@example.com"], 1)


def test_the_column_is_the_one_named_email_or_the_first() -> None:
    assert addresses_of([["name", "Email"], ["Ana", "a@x.test"], ["short"]]) == ["a@x.test"]
    assert addresses_of([["a@x.test", "Ana"], ["b@x.test"]]) == ["a@x.test", "b@x.test"]
    assert addresses_of([]) == []


async def test_the_query_is_told_of_the_incident_and_reads_only(
    store: Store, store_url: str, clock: MovedClock, tmp_path: Path
) -> None:
    incident = await an_incident(store, clock)
    told = "SELECT 'ana@' || %(service)s || '.test' WHERE %(started_at)s <= now() AND 'a' LIKE '%%a'"
    found = await read_addresses(customers(query=told), store_url, incident)
    assert found.usable == ["ana@backend.test"]
    for wrong in ("DELETE FROM incidents RETURNING 'a@x.test'", "SELECT 1; SELECT 2", "SELECT nothing"):
        with pytest.raises(VendorUnavailable):
            await read_addresses(customers(query=wrong), store_url, incident)
    assert await read_incident(store, 1) == incident


async def test_the_file_serves_when_the_database_cannot(
    store: Store, clock: MovedClock, tmp_path: Path
) -> None:
    incident = await an_incident(store, clock)
    file = tmp_path / "customers.csv"
    file.write_text("email\nana@example.com\n")
    nowhere = "postgresql://127.0.0.1:1/none"
    both = customers(query="SELECT 'b@x.test'", file=str(file))
    assert (await read_addresses(both, nowhere, incident)).usable == ["ana@example.com"]
    with pytest.raises(VendorUnavailable) as raised:
        await read_addresses(customers(query="SELECT 'b@x.test'"), nowhere, incident)
    assert "127.0.0.1" not in str(raised.value)
    with pytest.raises(NotConfigured):
        await read_addresses(customers(query="SELECT 'b@x.test'"), None, incident)
    with pytest.raises(BadInput, match=r"customers\.file: .* cannot be read"):
        await read_addresses(customers(file=str(tmp_path / "none.csv")), None, incident)


def said(status: int, field: str | None = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, json={"errors": [{"field": field, "message": "no"}]})


@pytest.mark.parametrize(
    ("answer", "proof"),
    [
        (httpx.Response(202), "taken"),
        (said(429), "not_taken"),
        (said(503), "not_taken"),
        (said(500), "doubtful"),
        (said(502), "doubtful"),
        (said(400, "personalizations.3.to.0.email"), "refused"),
        (said(413), "refused"),
        (said(400, "from.email"), "held_up"),
        (httpx.Response(400, text="<html>"), "held_up"),
        (said(401), "held_up"),
        (said(403), "held_up"),
        (said(302), "held_up"),
    ],
)
def test_what_an_answer_proves(answer: httpx.Response, proof: str) -> None:
    assert judge(answer).proof == proof


@pytest.mark.parametrize(
    ("error", "proof"),
    [
        (httpx.ConnectError("no"), "not_taken"),
        (httpx.ReadTimeout("no"), "doubtful"),
        (httpx.RemoteProtocolError("no"), "doubtful"),
        (httpx.WriteError("no"), "doubtful"),
    ],
)
async def test_what_silence_proves(error: httpx.HTTPError, proof: str) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    async with httpx.AsyncClient(transport=httpx.MockTransport(fail), base_url="http://sg.test") as client:
        assert (await post_batch(client, {})).proof == proof


def test_the_wait_is_what_sendgrid_asks_for() -> None:
    assert wait_of(said(429, **{"Retry-After": "7"})) == 7
    assert wait_of(said(429, **{"X-RateLimit-Reset": "1"})) == 1
    assert wait_of(said(429, **{"Retry-After": "999999"})) == timedelta(hours=1).total_seconds()
    assert wait_of(said(429)) == 30
    assert json.loads(said(429).content)["errors"]
