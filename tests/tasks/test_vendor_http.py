"""One question over HTTP: its limits, its waits, its errors."""

import pickle
from typing import Any

import httpx
import pytest

from tasks import vendor_http
from tasks.vendor_http import Ask, read_json, send_json
from tests.tasks.conftest import Answer, Wire, says
from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable

ASK = Ask("railway", "list_deployments")


async def ask_for(wire: Wire, **client: Any) -> Any:
    async with httpx.AsyncClient(**client) as opened:
        return await send_json(opened, ASK, "GET", wire.url)


async def failure(wire: Wire, answer: Answer) -> VendorError:
    wire.answers(answer)
    with pytest.raises(VendorError) as caught:
        await ask_for(wire)
    return caught.value


async def test_waits_as_long_as_the_question_allows_and_not_as_the_client_does(wire: Wire) -> None:
    wire.answers(says({"slow": True}, after_seconds=0.2))

    assert await ask_for(wire, timeout=0.05) == {"slow": True}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None), ("\u00b2", None), ("", None)],
)
async def test_passes_on_how_long_the_vendor_asks_to_wait(
    wire: Wire, header: str, seconds: float | None
) -> None:
    error = await failure(wire, Answer(429, headers={"Retry-After": header}))

    assert isinstance(error, VendorUnavailable)
    assert error.retry_after_seconds == seconds


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited; nobody really waits."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds:  # the server's own loop yields by sleeping for nothing
            waits.append(seconds)

    monkeypatch.setattr(vendor_http.asyncio, "sleep", sleep)
    return waits


async def read_at(wire: Wire) -> Any:
    async with httpx.AsyncClient() as client:
        return await read_json(client, ASK, "GET", wire.url)


@pytest.mark.parametrize("chance", [0.0, 1.0])
async def test_never_asks_again_before_the_vendor_said(
    wire: Wire, slept: list[float], monkeypatch: pytest.MonkeyPatch, chance: float
) -> None:
    monkeypatch.setattr(vendor_http.random, "uniform", lambda low, high: low + (high - low) * chance)
    wire.answers(Answer(503), Answer(429, headers={"Retry-After": "3"}), says("at last"))

    assert await read_at(wire) == "at last"

    first, second = slept
    assert vendor_http.FIRST_WAIT_SECONDS / 2 <= first <= vendor_http.FIRST_WAIT_SECONDS
    assert 3 <= second <= 3 + vendor_http.FIRST_WAIT_SECONDS


@pytest.mark.parametrize("seconds", [4, 3600])
async def test_gives_up_at_once_when_the_vendor_asks_for_longer_than_a_look_has(
    wire: Wire, slept: list[float], seconds: int
) -> None:
    wire.answers(Answer(429, headers={"Retry-After": str(seconds)}), says("too early"))

    with pytest.raises(VendorUnavailable) as caught:
        await read_at(wire)

    expected = f"railway answered 429 to list_deployments: it asks to wait for {seconds} s"
    assert (str(caught.value), caught.value.retry_after_seconds) == (expected, seconds)
    assert (len(wire.asked), slept) == (1, [])


async def test_survives_the_pickling_of_a_failed_task(wire: Wire) -> None:
    error = await failure(wire, Answer(429, headers={"Retry-After": "7"}))

    back = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert type(back) is VendorUnavailable
    assert (str(back), vars(back)) == (str(error), vars(error))


async def test_calls_a_redirect_what_it_is(wire: Wire) -> None:
    error = await failure(wire, Answer(302, b"{}", {"Location": "/login"}))

    assert isinstance(error, VendorRejected)
    assert error.status == 302
    assert len(wire.asked) == 1


async def test_takes_an_answer_of_the_largest_size(wire: Wire) -> None:
    wire.answers(Answer(200, b"7".rjust(vendor_http.LARGEST_BODY_BYTES)))

    assert await ask_for(wire) == 7
