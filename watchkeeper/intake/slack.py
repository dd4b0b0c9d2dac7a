"""Where Slack knocks: a button that somebody pressed. A signature says that it is Slack; the policy says who may answer.

Source:
    https://docs.slack.dev/interactivity/handling-user-interaction
"""

import json
import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from fastapi import APIRouter, Request, Response
from slack_sdk.errors import SlackClientError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.webhook.async_client import AsyncWebhookClient
from starlette.background import BackgroundTask

from watchkeeper.answers import Answer, Said, Verb, Way, answer, decide_as_person
from watchkeeper.answers.words import ON_PLANS, said_in_full
from watchkeeper.channels.blocks import context, escape
from watchkeeper.errors import BadInput
from watchkeeper.intake.receiving import count_refusal, house_of, read_body
from watchkeeper.intake.replies import names
from watchkeeper.intake.webhooks import Refused

if TYPE_CHECKING:
    from watchkeeper.intake.app import House

log = logging.getLogger(__name__)

SLACKS_OWN = "hooks.slack.com"
SAY_BACK_SECONDS = 5
OF_INCIDENTS = frozenset({Verb.ACKNOWLEDGE, Verb.WORKING, Verb.ESCALATE, Verb.HOLD, Verb.RESOLVE})

TAKING = " To take it over, text TAKE or open the page behind your own link."


class MovedBy:
    """The house's clock, as Slack's library asks for the time."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> float:
        return self._now.timestamp()


async def button(request: Request) -> Response:
    """Somebody pressed a button. Slack waits three seconds for this; what happened is said back after it."""
    house = house_of(request)
    try:
        payload = _payload(house, request, await read_body(request))
        person = _person(house, payload)
        said_back = await _answer(house, person, payload)
    except Refused as refusal:
        await count_refusal(house, "slack", refusal, house.clock())
        return Response(status_code=refusal.status)
    return Response(status_code=200, background=BackgroundTask(say_back, house, payload, said_back))


def _payload(house: "House", request: Request, body: bytes) -> dict[str, Any]:
    """What was pressed, once the signature over the raw body and its time is right.

    Raises:
        Refused: 401 or 400.
    """
    slack = house.settings.slack
    secret = slack.signing_secret.get_secret_value() if slack and slack.signing_secret else ""
    verifier = SignatureVerifier(secret, MovedBy(house.clock()))  # type: ignore[arg-type]  # any clock will do
    sent_at = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    if not secret or not sent_at.isdecimal() or not verifier.is_valid(body, sent_at, signature):
        raise Refused(
            401, "wrong_signature", "X-Slack-Signature does not match, or is older than five minutes"
        )
    try:
        payload = json.loads(parse_qs(body.decode())["payload"][0])
        if payload["type"] == "block_actions" and payload["actions"][0] and payload["user"]["id"]:
            return dict(payload)
    except (ValueError, LookupError, TypeError):
        pass
    raise Refused(400, "unreadable", "not a button of ours")


def _person(house: "House", payload: dict[str, Any]) -> str | None:
    """Whose Slack user it is, if they are one who may answer."""
    user, policy = payload["user"]["id"], house.desk.policy
    person = next((handle for handle, each in policy.people.items() if each.slack == user), None)
    return None if policy.roster.only_wakes(person) else person


async def _answer(house: "House", person: str | None, payload: dict[str, Any]) -> Answer | None:
    """What it led to; None for somebody who is not on call by the policy.

    Raises:
        Refused: 400, a button that we never made.
    """
    if person is None:
        stranger = Refused(200, "not_on_roster", "nobody who is on call by the policy has this Slack user")
        await count_refusal(house, "slack", stranger, house.clock())
        return None
    pressed = payload["actions"][0]
    try:
        said = Said(
            verb=Verb(pressed["action_id"]),
            person=person,
            way=Way.SLACK,
            delivery_id=f"{payload['user']['id']}:{pressed['action_ts']}",
        )
        return await _take(house, said, str(pressed["value"]))
    except (ValueError, LookupError, BadInput) as error:
        raise Refused(400, "unreadable", "not a button of ours") from error


async def _take(house: "House", said: Said, value: str) -> Answer:
    now = house.clock()
    async with house.store.transaction() as db:
        if said.verb in ON_PLANS:
            remediation_id, _, digest = value.partition(":")
            return await decide_as_person(db, int(remediation_id), digest, said, now=now)
        if said.verb not in OF_INCIDENTS:
            raise BadInput(f"there is no button to {said.verb}")
        return await answer(db, house.desk.public_url, int(value), said, now=now)


async def say_back(house: "House", payload: dict[str, Any], led_to: Answer | None) -> None:
    """Tell the channel what was done, in place of what was pressed, or the person alone that nothing was.

    A courtesy: the answer is in the store, whether or not this arrives.
    """
    url = str(payload.get("response_url", ""))
    if not _is_slacks(house, url):
        log.warning("Slack's payload names no address of Slack's to answer to")
        return
    try:
        await AsyncWebhookClient(url, timeout=SAY_BACK_SECONDS).send_dict(what_to_say(house, payload, led_to))
    except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
        log.warning("what a button did could not be said back: %s", type(error).__name__)


def what_to_say(house: "House", payload: dict[str, Any], led_to: Answer | None) -> dict[str, Any]:
    if led_to is None:
        text = "You are not on Watchkeeper's roster, so nothing was done. Your Slack user belongs under `people`."
        return {"response_type": "ephemeral", "replace_original": False, "text": text}
    known = names(house)
    words = said_in_full(led_to, known)
    if led_to.outcome != "done":
        words += TAKING if led_to.verb is Verb.ACKNOWLEDGE and led_to.could_take else ""
        return {"response_type": "ephemeral", "replace_original": False, "text": escape(words)}
    note = f"{known.get(led_to.person, led_to.person)}: {words}"
    shown = payload.get("message", {}).get("blocks", [])
    kept = [each for each in shown if each.get("type") == "section"]
    actions = [each for each in shown if each.get("type") == "actions" and led_to.verb not in ON_PLANS]
    return {"replace_original": True, "text": escape(note), "blocks": [*kept, context(note), *actions]}


def _is_slacks(house: "House", url: str) -> bool:
    own = urlsplit(house.settings.slack.base_url).netloc if house.settings.slack else ""
    return urlsplit(url).netloc in {SLACKS_OWN, own}


def slack_routes() -> APIRouter:
    """Buttons."""
    routes = APIRouter()
    routes.add_api_route("/replies/slack", button, methods=["POST"])
    return routes
