"""Phone calls through Twilio: the page read aloud, and a key to acknowledge it.

A completed call proves nothing, for voicemail answers too; only a key does.

Source:
    https://www.twilio.com/docs/voice/twiml/gather
"""

from twilio.rest import Client
from twilio.twiml.voice_response import Gather, VoiceResponse

from watchkeeper.channels.sending import Receipt
from watchkeeper.channels.sms import ask_twilio
from watchkeeper.links import PATHS
from watchkeeper.paging.model import Message

RING_SECONDS = 30
LONGEST_CALL_SECONDS = 120
TIMES_READ = 2
KEY_SECONDS = 6
KEYS_SPOKEN = (
    "Press 1 to acknowledge, 2 if you are working on it, 3 for the next person, 4 to hold it for a while, "
    "9 when it is over."
)
PLAN_KEYS_SPOKEN = "Press 5 to approve it, 6 to deny it."
# Below which address a link's keys go, and what is said of them; no other link has keys.
KEYED = {
    PATHS["acknowledge"]: ("voice", KEYS_SPOKEN),
    PATHS["approve"]: ("voice/plan", PLAN_KEYS_SPOKEN),
}


def twiml(message: Message) -> str:
    """The call's script: the words, twice, with the keys of the message's link where it has any."""
    words = message.spoken or message.short
    keyed = keys_of(message.link) if message.link else None
    script = VoiceResponse()
    for _ in range(TIMES_READ):
        if keyed:
            action, keys = keyed
            script.append(ask_for_key(f"{words} {keys}", action))
        else:
            script.say(words)
    script.hangup()
    return str(script)


def ask_for_key(words: str, action: str) -> Gather:
    """Say something and wait for one key. Without one the script goes on, so nothing is answered by silence."""
    gather = Gather(num_digits=1, timeout=KEY_SECONDS, action=action, method="POST")
    gather.say(words)
    return gather


def keys_of(link: str) -> tuple[str, str] | None:
    """Where a pressed key goes, and what the keys mean: the link's token under the voice address of its purpose."""
    base, _, token = link.rpartition("/")
    base, _, purpose = base.rpartition("/")
    if purpose not in KEYED:
        return None
    path, words = KEYED[purpose]
    return f"{base}/{path}/{token}", words


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
        limits = {"timeout": RING_SECONDS, "time_limit": LONGEST_CALL_SECONDS}
        form = {"to": address, "from_": self._from, "twiml": twiml(message)}
        return await ask_twilio("call", self._calls, callback_url, **form, **limits)
