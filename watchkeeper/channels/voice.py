"""Phone calls through Twilio: the page read aloud, and a key to acknowledge it.

A completed call proves nothing, for voicemail answers too; only a digit acknowledges.

Source:
    https://www.twilio.com/docs/voice/twiml/gather
"""

import httpx
from twilio.base.exceptions import TwilioException
from twilio.rest import Client
from twilio.twiml.voice_response import Gather, VoiceResponse

from watchkeeper.channels.sending import UNREADABLE, Receipt
from watchkeeper.channels.sms import twilio_error
from watchkeeper.model import Message

RING_SECONDS = 30
LONGEST_CALL_SECONDS = 120
TIMES_READ = 2


def twiml(message: Message) -> str:
    """The call's script: the words, twice, with a key that acknowledges when the message has a link."""
    words = message.spoken or message.short
    script = VoiceResponse()
    for _ in range(TIMES_READ):
        if message.link:
            gather = Gather(num_digits=1, timeout=6, action=voice_address(message.link), method="POST")
            gather.say(f"{words} Press 1 to acknowledge.")
            script.append(gather)
        else:
            script.say(words)
    script.hangup()
    return str(script)


def voice_address(link: str) -> str:
    """Where the pressed key goes: the acknowledge link's token, under the voice address."""
    base, _, token = link.rpartition("/")
    return f"{base.rpartition('/')[0]}/voice/{token}"


class VoiceSender:
    """Calls a phone number in E.164 and reads `message.spoken`."""

    def __init__(self, client: Client, from_number: str) -> None:
        self._calls = client.calls
        self._from = from_number

    async def send(
        self,
        address: str,
        message: Message,
        *,
        callback_url: str | None = None,
        thread: str | None = None,
    ) -> Receipt:
        callback = {"status_callback": callback_url} if callback_url else {}
        try:
            call = await self._calls.create_async(
                to=address,
                from_=self._from,
                twiml=twiml(message),
                timeout=RING_SECONDS,
                time_limit=LONGEST_CALL_SECONDS,
                **callback,
            )
            return Receipt(vendor_id=call.sid)
        except (TwilioException, httpx.HTTPError, *UNREADABLE) as error:
            raise twilio_error("call", error) from None
