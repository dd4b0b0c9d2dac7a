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


async def test_waits_as_asked_up_to_a_limit(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    wire.answers(Answer(503), Answer(429, headers={"Retry-After": "3600"}), says("at last"))
    async with httpx.AsyncClient() as client:
        with monkeypatch.context() as patched:
            patched.setattr(vendor_http.asyncio, "sleep", sleep)
            patched.setattr(vendor_http.random, "uniform", lambda low, high: high)
            told = await read_json(client, ASK, "GET", wire.url)

    assert told == "at last"
    assert [seconds for seconds in slept if seconds] == [
        vendor_http.FIRST_WAIT_SECONDS,
        vendor_http.LONGEST_WAIT_SECONDS,
    ]


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
