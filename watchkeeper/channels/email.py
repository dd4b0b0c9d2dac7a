"""Email through SendGrid's library, in a thread and with a time limit: by itself it waits for ever.

SendGrid calls no address of a mail's own. It sends every event of the account to one webhook, with the mail's custom
arguments: so the address of the receipt travels there, and names the installation and the message.

Source:
    https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
    https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

import asyncio
import base64
from http.client import HTTPException

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Attachment as MailAttachment
from sendgrid.helpers.mail import CustomArg, Disposition, FileContent, FileName, FileType, Mail

from watchkeeper.channels.sending import TIME_LIMIT_SECONDS, Receipt, refusal
from watchkeeper.errors import VendorUnavailable
from watchkeeper.paging.model import Attachment, Message

# The custom argument that SendGrid's events carry back.
RECEIPT = "watchkeeper_receipt"


def sendgrid_client(*, api_key: str, base_url: str) -> SendGridAPIClient:
    """SendGrid's client with our address and a time limit, which its chained calls inherit."""
    client = SendGridAPIClient(api_key, host=base_url.rstrip("/"))
    client.client.timeout = TIME_LIMIT_SECONDS
    return client


class EmailSender:
    """Sends `message.text`, with `message.html` beside it, to one address."""

    def __init__(self, client: SendGridAPIClient, from_address: str) -> None:
        self._client = client
        self._from = from_address

    async def send(
        self,
        address: str,
        message: Message,
        *,
        callback_url: str | None = None,
        thread: str | None = None,
    ) -> Receipt:
        mail = Mail(
            from_email=self._from,
            to_emails=address,
            subject=message.subject,
            plain_text_content=message.text,
            html_content=message.html,
        )
        if callback_url is not None:
            mail.add_custom_arg(CustomArg(RECEIPT, callback_url))
        for attachment in message.attachments:
            mail.add_attachment(_attached(attachment))
        try:
            # The client limits each read; an answer that drips would never end.
            async with asyncio.timeout(TIME_LIMIT_SECONDS):
                answer = await asyncio.to_thread(self._client.send, mail)
        except HTTPError as error:
            reason = str(error.reason)
            raise refusal("sendgrid", "send_email", int(error.status_code), reason) from None
        except (OSError, HTTPException) as error:
            raise VendorUnavailable(
                vendor="sendgrid", action="send_email", reason=type(error).__name__
            ) from None
        return Receipt(vendor_id=answer.headers.get("X-Message-Id") or "accepted")


def _attached(attachment: Attachment) -> MailAttachment:
    # The method stands in the file: SendGrid takes no parameters with a type.
    content = base64.b64encode(attachment.text.encode()).decode()
    return MailAttachment(
        FileContent(content), FileName(attachment.name), FileType(attachment.type), Disposition("attachment")
    )
