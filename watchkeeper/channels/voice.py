"""Phone calls through Twilio: the page read aloud, and a key to acknowledge it.

A completed call proves nothing, for voicemail answers too; only a key does.

Source:
    https://www.twilio.com/docs/voice/twiml/gather
"""

import httpx
from twilio.base.exceptions import TwilioException
from twilio.rest import Client
from twilio.twiml.voice_response import Gather, VoiceResponse

from watchkeeper.channels.sending import UNREADABLE, Receipt
from watchkeeper.channels.sms import twilio_error
from watchkeeper.links import PATHS
from watchkeeper.model import Message

RING_SECONDS = 30
LONGEST_CALL_SECONDS = 120
TIMES_READ = 2
KEY_SECONDS = 6
KEYS_SPOKEN = (
    "Press 1 to acknowledge, 2 if you are working on it, 3 for the next person, 4 to hold it for a while."
)


def twiml(message: Message) -> str:
    """The call's script: the words, twice, with a key that acknowledges when the message has a link."""
    words = message.spoken or message.short
    action = voice_address(message.link) if message.link else None
    script = VoiceResponse()
    for _ in range(TIMES_READ):
        if action:
            script.append(ask_for_key(f"{words} {KEYS_SPOKEN}", action))
        else:
            script.say(words)
    script.hangup()
    return str(script)


def ask_for_key(words: str, action: str) -> Gather:
    """Say something and wait for one key. Without one the script goes on, so nothing is answered by silence."""
    gather = Gather(num_digits=1, timeout=KEY_SECONDS, action=action, method="POST")
    gather.say(words)
    return gather


def voice_address(link: str) -> str | None:
    """Where the pressed key goes: the acknowledge link's token, under the voice address. No other link has keys."""
    base, _, token = link.rpartition("/")
    base, _, purpose = base.rpartition("/")
    return f"{base}/voice/{token}" if purpose == PATHS["acknowledge"] else None


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
