"""Channels: ways to reach people, through the vendors' own libraries.

Each sends once, within a time limit, and says what went wrong in our error tree. Trying again, failing over and
throttling belong to the outbox.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from watchkeeper.channels.email import EmailSender, sendgrid_client
from watchkeeper.channels.own_phone import OwnPhone
from watchkeeper.channels.sending import TIME_LIMIT_SECONDS, Receipt, Sender
from watchkeeper.channels.slack import SlackSender, slack_client
from watchkeeper.channels.sms import SmsSender, twilio_client
from watchkeeper.channels.voice import VoiceSender
from watchkeeper.model import Channel
from watchkeeper.settings import Settings
from watchkeeper.tls import tls_context

__all__ = ["TIME_LIMIT_SECONDS", "Receipt", "Sender", "open_channels"]


@asynccontextmanager
async def open_channels(settings: Settings) -> AsyncIterator[dict[Channel, Sender]]:
    """The channels that this installation has credentials for."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(timeout=TIME_LIMIT_SECONDS, verify=tls_context())
        )
        channels: dict[Channel, Sender] = {Channel.OWN_PHONE: OwnPhone(client)}
        if settings.twilio is not None:
            token = settings.twilio.auth_token.get_secret_value()
            twilio = twilio_client(
                account_sid=settings.twilio.account_sid, auth_token=token, base_url=settings.twilio.base_url
            )
            stack.push_async_callback(twilio.http_client.close)
            channels[Channel.SMS] = SmsSender(twilio, settings.twilio.from_number)
            channels[Channel.VOICE] = VoiceSender(twilio, settings.twilio.from_number)
        if settings.sendgrid is not None:
            key = settings.sendgrid.api_key.get_secret_value()
            sendgrid = sendgrid_client(api_key=key, base_url=settings.sendgrid.base_url)
            channels[Channel.EMAIL] = EmailSender(sendgrid, settings.sendgrid.from_address)
        if settings.slack is not None:
            token = settings.slack.bot_token.get_secret_value()
            slack = slack_client(bot_token=token, base_url=settings.slack.base_url)
            channels[Channel.SLACK] = SlackSender(
                slack, hears_buttons=settings.slack.signing_secret is not None
            )
        yield channels
