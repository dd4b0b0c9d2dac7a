"""Chat messages through Slack's library: one thread per incident and channel.

Source:
    https://docs.slack.dev/reference/methods/chat.postMessage
"""

import asyncio

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from watchkeeper.channels.blocks import blocks_of, escape
from watchkeeper.channels.sending import TIME_LIMIT_SECONDS, UNREADABLE, Receipt, refusal
from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable
from watchkeeper.paging.model import Message

PASSING = frozenset(
    {"ratelimited", "service_unavailable", "fatal_error", "internal_error", "request_timeout"}
)


def slack_client(*, bot_token: str, base_url: str) -> AsyncWebClient:
    """Slack's client with our address, a time limit, and no retries of its own."""
    address = f"{base_url.rstrip('/')}/"
    return AsyncWebClient(bot_token, base_url=address, timeout=round(TIME_LIMIT_SECONDS), retry_handlers=[])


class SlackSender:
    """Posts `message.text` to a channel such as "#incidents", with its buttons where somebody hears them."""

    def __init__(self, client: AsyncWebClient, *, hears_buttons: bool = False) -> None:
        self._client = client
        self._hears_buttons = hears_buttons

    async def send(
        self,
        address: str,
        message: Message,
        *,
        callback_url: str | None = None,
        thread: str | None = None,
    ) -> Receipt:
        try:
            async with asyncio.timeout(TIME_LIMIT_SECONDS):
                answer = await self._client.chat_postMessage(
                    channel=address,
                    text=escape(message.text),
                    blocks=blocks_of(message) if self._hears_buttons else None,
                    thread_ts=thread,
                    unfurl_links=False,
                )
            return Receipt(vendor_id=answer["ts"], thread=thread or answer["ts"])
        except SlackApiError as error:
            raise _refused(error) from None
        except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            raise VendorUnavailable(
                vendor="slack", action="post_message", reason=type(error).__name__
            ) from None
        except UNREADABLE:
            reason = "an answer that its library cannot read"
            raise VendorRejected(vendor="slack", action="post_message", reason=reason) from None


def _refused(error: SlackApiError) -> VendorError:
    """Slack says no in the body, mostly with HTTP status 200."""
    if isinstance(error.response, aiohttp.ClientResponse):  # what the library hands on when it is not JSON
        status = error.response.status
        return refusal(
            "slack", "post_message", status if status >= 400 else 502, "an answer that is not JSON"
        )
    said = error.response.data if isinstance(error.response.data, dict) else {}
    status, code = error.response.status_code, str(said.get("error", "unknown"))
    if status >= 400:
        wait = error.response.headers.get("Retry-After")
        seconds = float(wait) if wait and wait.isdigit() else None
        return refusal("slack", "post_message", status, code, retry_after_seconds=seconds)
    kind = VendorUnavailable if code in PASSING else VendorRejected
    return kind(vendor="slack", action="post_message", status=status, reason=code)
