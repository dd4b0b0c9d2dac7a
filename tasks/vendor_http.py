"""One way to ask a vendor over HTTP: bounded in time and size, and every failure in our error tree.

Reading is repeated where that may help (no answer, 429, 5xx), with backoff and jitter; writing never is.
"""

import asyncio
import json
import random
from dataclasses import dataclass
from typing import Any

import httpx

from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable

TIME_LIMIT_SECONDS = 6.0
LARGEST_BODY_BYTES = 1_000_000
READ_TRIES = 3
FIRST_WAIT_SECONDS = 0.4
LONGEST_WAIT_SECONDS = 3.0


@dataclass(frozen=True)
class Ask:
    """Who is asked for what, in the words of an error: no address, for that may hold a secret.

    `only_json_type`: an answer of another content type is none, whatever is in it.
    """

    vendor: str
    action: str
    time_limit_seconds: float = TIME_LIMIT_SECONDS
    largest_bytes: int = LARGEST_BODY_BYTES
    only_json_type: bool = False


async def read_json(client: httpx.AsyncClient, ask: Ask, method: str, url: str, **request: Any) -> Any:
    """The JSON of an answer to a question that may be asked again.

    Raises:
        VendorUnavailable: no answer, 429 or 5xx, three times; or the vendor asks for a longer wait than a look has.
        VendorRejected: 3xx or another 4xx, or an answer that is not JSON or larger than `ask` allows.
    """
    wait = FIRST_WAIT_SECONDS
    for tries_left in reversed(range(READ_TRIES)):
        try:
            return await send_json(client, ask, method, url, **request)
        except VendorUnavailable as error:
            if not tries_left:
                raise
            await asyncio.sleep(wait_before_asking_again(error, wait))
            wait *= 2
    raise AssertionError("the loop returns or raises")


def wait_before_asking_again(error: VendorUnavailable, usual_seconds: float) -> float:
    """How many seconds to wait; never less than the vendor asked for, so chance only adds to that.

    Raises:
        VendorUnavailable: it asks for more than `LONGEST_WAIT_SECONDS`: asking earlier would only anger it.
    """
    asked = error.retry_after_seconds or 0
    if asked > LONGEST_WAIT_SECONDS:
        raise VendorUnavailable(
            vendor=error.vendor,
            action=error.action,
            status=error.status,
            reason=f"it asks to wait for {asked:.0f} s",
            retry_after_seconds=asked,
        ) from error
    usual = min(usual_seconds, LONGEST_WAIT_SECONDS)
    return max(asked, usual / 2) + random.uniform(0, usual / 2)  # noqa: S311


async def send_json(client: httpx.AsyncClient, ask: Ask, method: str, url: str, **request: Any) -> Any:
    """The JSON of one answer; asked once.

    Raises:
        VendorUnavailable, VendorRejected: as for `send`, and the latter for an answer that is not JSON.
    """
    body = await send(client, ask, method, url, **request)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # the latter when it is nested without end
        raise rejected(ask, "an answer that is not JSON") from None  # the cause holds the whole answer


async def send(client: httpx.AsyncClient, ask: Ask, method: str, url: str, **request: Any) -> bytes:
    """The body of one answer; asked once. Where a success has none, this is all there is to know.

    Raises:
        VendorUnavailable: no answer, 429 or 5xx; if it was a write, it may have happened.
        VendorRejected: 3xx or another 4xx, or an answer that is larger than `ask` allows or of another content type.
    """
    try:
        async with asyncio.timeout(ask.time_limit_seconds):
            # Without httpx's own limits: five seconds by default, and anew with every byte.
            async with client.stream(method, url, timeout=None, **request) as answer:
                raise_for_status(ask, answer)
                _raise_for_type(ask, answer)
                return await _bounded_body(ask, answer)
    except TimeoutError as error:
        raise VendorUnavailable(vendor=ask.vendor, action=ask.action, reason="time limit") from error
    except httpx.HTTPError as error:
        raise unavailable(ask, error) from None


def unavailable(ask: Ask, error: httpx.HTTPError) -> VendorUnavailable:
    """No answer came; of the error only its kind, for its text may hold the address."""
    return VendorUnavailable(vendor=ask.vendor, action=ask.action, reason=type(error).__name__)


def rejected(ask: Ask, reason: str) -> VendorRejected:
    """The answer came and cannot be used."""
    return VendorRejected(vendor=ask.vendor, action=ask.action, status=200, reason=reason)


def raise_for_status(ask: Ask, answer: httpx.Response) -> None:
    """Raises:
    VendorUnavailable: 429 or 5xx.
    VendorRejected: 3xx or another 4xx.
    """
    status = answer.status_code
    if status < 300:  # a redirect is not followed, so it is no answer
        return
    kind: type[VendorError] = VendorUnavailable if status == 429 or status >= 500 else VendorRejected
    wait = answer.headers.get("Retry-After", "")
    seconds = float(wait) if wait.isdecimal() else None
    raise kind(vendor=ask.vendor, action=ask.action, status=status, retry_after_seconds=seconds)


def _raise_for_type(ask: Ask, answer: httpx.Response) -> None:
    if ask.only_json_type and "json" not in answer.headers.get("Content-Type", "").lower():
        raise rejected(ask, "an answer that is not JSON")


async def _bounded_body(ask: Ask, answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > ask.largest_bytes:
            raise rejected(ask, f"an answer larger than {ask.largest_bytes // 1_000_000} MB")
    return bytes(body)
