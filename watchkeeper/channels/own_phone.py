"""A phone of Watchkeeper's own: it answers each test page at once, by the page's link, as a person would."""

import httpx

from watchkeeper.channels.sending import Receipt, refusal
from watchkeeper.errors import VendorRejected, VendorUnavailable
from watchkeeper.paging.model import Message


class OwnPhone:
    """Presses the button behind `message.link`."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(
        self,
        address: str,
        message: Message,
        *,
        callback_url: str | None = None,
        thread: str | None = None,
    ) -> Receipt:
        if message.link is None:
            raise VendorRejected(vendor="own_phone", action="answer", reason="the page has no link")
        try:
            answer = await self._client.post(message.link)
        except httpx.HTTPError as error:
            reason = type(error).__name__
            raise VendorUnavailable(vendor="own_phone", action="answer", reason=reason) from None
        if not answer.is_success:
            raise refusal("own_phone", "answer", answer.status_code, "the link was not accepted")
        return Receipt(vendor_id=address)
