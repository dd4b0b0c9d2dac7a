"""Where the keys knock that somebody pressed on a call, by Twilio.

A key counts for the person whose link the call was made with. What ends or changes something is asked for twice.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Request, Response
from twilio.twiml.voice_response import VoiceResponse

from watchkeeper.answers import Answer, Verb, Way, answer_by_link, decide_by_link
from watchkeeper.answers.said import ENDING_KEYS, KEYS, PLAN_KEYS
from watchkeeper.answers.words import ON_PLANS, said_aloud
from watchkeeper.channels.voice import KEYS_SPOKEN, PLAN_KEYS_SPOKEN, ask_for_key
from watchkeeper.errors import BadInput
from watchkeeper.intake.receipts import signed_by_twilio
from watchkeeper.intake.receiving import house_of
from watchkeeper.intake.replies import XML, names

if TYPE_CHECKING:
    from watchkeeper.intake.app import House


class Keypad(NamedTuple):
    """What the keys of a call mean: those that work at once, those that are pressed twice, and what is said of them."""

    at_once: Mapping[str, Verb]
    twice: Mapping[str, Verb]
    spoken: str


OF_PAGE = Keypad(KEYS, ENDING_KEYS, KEYS_SPOKEN)
OF_PLAN = Keypad({}, PLAN_KEYS, PLAN_KEYS_SPOKEN)
SURE = {
    Verb.RESOLVE: "You say that it is over. Press 9 once more to close it.",
    Verb.APPROVE: "You approve it. Press 5 once more to have it carried out now.",
    Verb.DENY: "You deny it. Press 6 once more to say so.",
}


async def key_of_page(request: Request, token: str, first: str = "") -> Response:
    """A key on a call about an incident. `first` is the key that was pressed before, where it is asked for twice."""
    return await _hear(request, OF_PAGE, token, first)


async def key_of_plan(request: Request, token: str, first: str = "") -> Response:
    """A key on a call about a plan."""
    return await _hear(request, OF_PLAN, token, first)


async def _hear(request: Request, keypad: Keypad, token: str, first: str) -> Response:
    form = await signed_by_twilio(request)
    if form is None:
        return Response(status_code=401)
    house, key, speech = house_of(request), form.get("Digits", ""), VoiceResponse()
    address = f"{house.desk.public_url.rstrip('/')}{request.url.path.removesuffix(f'/sure/{first}')}"
    verb = keypad.twice.get(key) if first == key else None if first else keypad.at_once.get(key)
    if verb is not None:
        speech.say(await _answer(house, token, verb, f"{form.get('CallSid', '')}:{key}"))
    elif not first and key in keypad.twice:
        speech.append(ask_for_key(SURE[keypad.twice[key]], f"{address}/sure/{key}"))
        speech.hangup()
    else:
        speech.append(ask_for_key(f"That key means nothing here. {keypad.spoken}", address))
        speech.hangup()
    return Response(str(speech), media_type=XML)


async def _answer(house: "House", token: str, verb: Verb, delivery_id: str) -> str:
    try:
        link_id = house.signer.read(token)
    except BadInput:
        return "This call's link is not valid."
    return said_aloud(await _take(house, link_id, verb, delivery_id), names(house))


async def _take(house: "House", link_id: int, verb: Verb, delivery_id: str) -> Answer:
    now = house.clock()
    async with house.store.transaction() as db:
        if verb in ON_PLANS:
            return await decide_by_link(
                db,
                link_id,
                approved=verb is Verb.APPROVE,
                reason="",
                now=now,
                way=Way.CALL,
                delivery_id=delivery_id,
            )
        return await answer_by_link(
            db, house.desk.public_url, link_id, verb, now=now, way=Way.CALL, delivery_id=delivery_id
        )


def call_routes() -> APIRouter:
    """The keys of calls."""
    routes = APIRouter()
    for path, key in (("/voice/{token}", key_of_page), ("/voice/plan/{token}", key_of_plan)):
        routes.add_api_route(path, key, methods=["POST"])
        routes.add_api_route(f"{path}/sure/{{first}}", key, methods=["POST"])
    return routes
