"""Text messages through Twilio's library, over an HTTP client of ours.

The library has no base address of its own, its asynchronous client ignores its time limit, and its retries would
send the same page twice. So it gets an HTTP client that swaps the host, keeps the time and tries once.

Source:
    https://www.twilio.com/docs/messaging/api/message-resource
"""

import asyncio
import logging
from typing import Any

import httpx
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from watchkeeper.channels.sending import TIME_LIMIT_SECONDS, UNREADABLE, Receipt, refusal
from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable
from watchkeeper.paging.model import Message
from watchkeeper.tls import tls_context

TWILIO = "https://api.twilio.com"


class TwilioHttp(HttpClient):  # type: ignore[misc]  # the library has no types
    """Twilio's HTTP client: our base address, a time limit, no retries and no redirects."""

    def __init__(self, base_url: str) -> None:
        super().__init__(logging.getLogger(__name__), True, TIME_LIMIT_SECONDS)
        self._base_url = base_url.rstrip("/")
        self._client = httpx.AsyncClient(timeout=TIME_LIMIT_SECONDS, verify=tls_context())

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        try:
            # httpx limits each read; an answer that drips would never end.
            async with asyncio.timeout(TIME_LIMIT_SECONDS):
                answer = await self._client.request(
                    method,
                    uri.replace(TWILIO, self._base_url, 1),
                    params=params,
                    data=data,
                    headers=headers,
                    auth=auth,
                )
        except TimeoutError as error:
            raise httpx.ReadTimeout("the answer takes too long") from error
        return Response(answer.status_code, answer.text, answer.headers)

    async def close(self) -> None:
        await self._client.aclose()


def twilio_client(*, account_sid: str, auth_token: str, base_url: str) -> Client:
    """Twilio's client with our HTTP underneath; close `client.http_client` when done."""
    return Client(account_sid, auth_token, http_client=TwilioHttp(base_url))


def twilio_error(action: str, error: Exception) -> VendorError:
    """What a failure of Twilio's library means. Its own text is not used: it changes with the terminal."""
    if isinstance(error, TwilioRestException):
        reason = f"{error.code}: {error.msg}" if error.code else str(error.msg)
        return refusal("twilio", action, int(error.status), reason)
    if isinstance(error, httpx.HTTPError):
        return VendorUnavailable(vendor="twilio", action=action, reason=type(error).__name__)
    return VendorRejected(vendor="twilio", action=action, reason="an answer that its library cannot read")


async def ask_twilio(action: str, part: Any, callback_url: str | None, **form: Any) -> Receipt:
    """Have Twilio make one message or call, once.

    Raises:
        VendorUnavailable: no answer within the time limit, 429 or 5xx.
        VendorRejected: Twilio refused it.
    """
    callback = {"status_callback": callback_url} if callback_url else {}
    try:
        made = await part.create_async(**form, **callback)
        return Receipt(vendor_id=made.sid)
    except (TwilioException, httpx.HTTPError, *UNREADABLE) as error:
        raise twilio_error(action, error) from None


class SmsSender:
    """Sends `message.short` to a phone number in E.164."""

    def __init__(self, client: Client, from_number: str) -> None:
        # Asked for now: Twilio's library loads its parts when they are first used, and the first page must not wait.
        self._messages = client.messages
        self._from = from_number

    async def send(
        self,
        address: str,
        message: Message,
        *,
        callback_url: str | None = None,
        thread: str | None = None,
    ) -> Receipt:
        form = {"to": address, "from_": self._from, "body": message.short}
        return await ask_twilio("send_sms", self._messages, callback_url, **form)
