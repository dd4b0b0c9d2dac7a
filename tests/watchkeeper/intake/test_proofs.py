"""The proof that somebody can be woken, from the synthetic alert to the heartbeat."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.conftest import MovedClock
from tests.watchkeeper.house import PUBLIC_URL
from tests.watchkeeper.intake.opened import Intake, open_intake, settings_for, vendors_at
from tests.watchkeeper.recording import RecordingServer, Say
from watchkeeper.channels.own_phone import OwnPhone
from watchkeeper.clock import utc_now
from watchkeeper.doctor import Verdict, judge_proof
from watchkeeper.incidents import list_recent
from watchkeeper.model import Channel
from watchkeeper.paging import proving
from watchkeeper.paging.proving import Proof, Prover, last_proof

HEARTBEAT = "/heartbeat/a-secret-of-its-own"


@pytest_asyncio.fixture
async def intake(
    tmp_path: Path,
    store_url: str,
    clock: MovedClock,
    vendors: RecordingServer,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Intake]:
    # The intake's own prover would begin this period's proof with an address at which nobody listens.
    async def rest(self: Prover) -> None:
        pass

    settings = settings_for(tmp_path, store_url, **vendors_at(vendors.url))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("watchkeeper.intake.app.Prover.pass_once", rest)
        async with open_intake(settings, clock) as opened:
            patch.undo()
            monkeypatch.setattr(proving, "WITHIN_SECONDS", 2.0)
            opened.house.channels[Channel.OWN_PHONE] = OwnPhone(opened.client)
            yield opened


class Public(httpx.AsyncBaseTransport):
    """The internet: the intake at its public address, everything else where it is."""

    def __init__(self, intake: httpx.AsyncClient, outside: httpx.AsyncClient) -> None:
        self._intake = intake
        self._outside = outside

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        client = self._intake if str(request.url).startswith(PUBLIC_URL) else self._outside
        return await client.request(request.method, request.url, content=request.content)


@pytest_asyncio.fixture
async def prover(intake: Intake, vendors: RecordingServer) -> AsyncIterator[Prover]:
    """A prover that finds the intake at its public address, and the heartbeat at the recording server."""
    house = intake.house
    async with (
        httpx.AsyncClient() as outside,
        httpx.AsyncClient(transport=Public(intake.client, outside)) as client,
    ):
        yield Prover(
            house.store,
            client,
            house.signer,
            house.desk.policy,
            public_url=PUBLIC_URL,
            heartbeat_url=vendors.url + HEARTBEAT,
            clock=intake.clock,
        )


async def test_a_synthetic_alert_goes_the_whole_way_before_the_heartbeat_is_told(
    intake: Intake, prover: Prover, vendors: RecordingServer
) -> None:
    await prover.pass_once()

    proof = await last_proof(intake.house.store)
    assert proof is not None
    assert (proof.proven_at, proof.error) == (intake.clock(), None)
    assert [heard.path for heard in vendors.heard] == [HEARTBEAT]  # and no person was woken
    assert await list_recent(intake.house.store) == []
    assert "Last proven able to wake you" in (await intake.client.get("/")).text


async def test_it_is_proven_once_in_each_period_however_many_ask(
    intake: Intake, prover: Prover, vendors: RecordingServer
) -> None:
    for _ in range(3):
        await prover.pass_once()
    intake.clock.advance(minutes=15)
    await prover.pass_once()
    assert len(vendors.at("/heartbeat")) == 2


async def test_a_pager_that_sends_nothing_is_not_told_to_be_well(
    intake: Intake, prover: Prover, vendors: RecordingServer
) -> None:
    del intake.house.channels[Channel.OWN_PHONE]
    await prover.pass_once()
    proof = await last_proof(intake.house.store)
    assert proof is not None
    assert proof.proven_at is None
    assert proof.error == "the test page was not answered within 2 s"
    assert vendors.at("/heartbeat") == []
    assert "The last proof that a page can leave failed" in (await intake.client.get("/")).text


async def test_a_heartbeat_that_refuses_is_written_down_without_its_address(
    intake: Intake, prover: Prover, vendors: RecordingServer
) -> None:
    vendors.next = [Say(500)]
    await prover.pass_once()
    proof = await last_proof(intake.house.store)
    assert proof is not None
    assert proof.error == "the heartbeat address answered with status 500"
    assert proof.proven_at == intake.clock()


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("https://hc.example:port/secret", "InvalidURL"),
        ("http://[::1/secret", "InvalidURL"),
        ("secret", "UnsupportedProtocol"),
    ],
)
async def test_an_address_that_is_none_is_written_down_and_ends_nothing(
    intake: Intake, prover: Prover, address: str, error: str
) -> None:
    """What stands in the settings is not looked at before it is asked for, and a proof that fails stops no other loop."""
    prover._heartbeat_url = address
    await prover.pass_once()
    proof = await last_proof(intake.house.store)
    assert proof is not None
    assert proof.error == f"the heartbeat address does not answer ({error})"
    assert proof.proven_at == intake.clock(), "that somebody can be woken was proven all the same"

    intake.clock.advance(minutes=15)
    prover._public_url = address
    await prover.pass_once()
    proof = await last_proof(intake.house.store)
    assert proof is not None
    assert proof.error == f"the public address does not answer ({error})"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/webhooks/proof", {"token": "t1.forged"}, 401),
        ("/webhooks/proof", {}, 401),
        ("/webhooks/proof", ["no", "object"], 422),
        ("/t/t1.forged", None, 403),
    ],
)
async def test_what_is_not_signed_proves_nothing(intake: Intake, path: str, body: Any, status: int) -> None:
    answer = await intake.client.post(path, json=body)
    assert answer.status_code == status
    assert await last_proof(intake.house.store) is None


async def test_with_the_store_away_a_proof_is_refused_and_pages_nobody(
    intake: Intake, vendors: RecordingServer
) -> None:
    intake.house.store.is_away = True
    token = intake.house.signer.proof_token(7)
    answer = await intake.client.post("/webhooks/proof", json={"token": token})
    intake.house.store.is_away = False
    assert answer.status_code == 503
    assert vendors.heard == []
    assert not list(intake.house.spool.waiting())


@pytest.mark.parametrize(
    ("ago", "error", "verdict", "words"),
    [
        (timedelta(minutes=5), None, Verdict.OK, "last proven 5 minutes ago"),
        (timedelta(hours=2), None, Verdict.WARNING, "too long ago"),
        (timedelta(minutes=20), "no answer", Verdict.WARNING, "since then: no answer"),
        (None, "no answer", Verdict.WARNING, "not proven yet: no answer"),
    ],
)
def test_the_doctor_says_when_it_was_last_proven(
    tmp_path: Path, ago: timedelta | None, error: str | None, verdict: Verdict, words: str
) -> None:
    now = utc_now()
    proof = Proof(started_at=now, proven_at=now - ago if ago else None, error=error)
    told = judge_proof(proof, settings_for(tmp_path, "unused"), now=now)
    assert told.verdict is verdict
    assert words in told.text
