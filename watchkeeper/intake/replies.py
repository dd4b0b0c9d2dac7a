"""Where people's text messages knock, by Twilio."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from twilio.twiml.messaging_response import MessagingResponse

from watchkeeper.answers import Answer, answer_by_text
from watchkeeper.answers.words import said_back
from watchkeeper.intake.receipts import signed_by_twilio
from watchkeeper.intake.receiving import count_refusal, house_of
from watchkeeper.intake.webhooks import Refused

if TYPE_CHECKING:
    from watchkeeper.intake.app import House

XML = "text/xml"


async def text_message(request: Request) -> Response:
    """Somebody answers by text message; what happened is said back in one."""
    form = await signed_by_twilio(request)
    if form is None:
        return Response(status_code=401)
    house = house_of(request)
    person = person_with_phone(house, form.get("From", ""))
    if person is None:
        stranger = Refused(403, "unknown_number", "this number is nobody's of the team")
        await count_refusal(house, "twilio", stranger, house.clock())
        return Response(status_code=403)
    answer = await _text_answer(house, person, form)
    if answer.refusal in ("wrong_code", "too_many_codes"):
        await count_refusal(house, "twilio", Refused(403, answer.refusal, "not this person's"), house.clock())
    script = MessagingResponse()
    script.message(said_back(answer, names(house)))
    return Response(str(script), media_type=XML)


async def _text_answer(house: "House", person: str, form: dict[str, str]) -> Answer:
    roster = house.desk.policy.roster
    async with house.store.transaction() as db:
        return await answer_by_text(
            db,
            house.desk.public_url,
            house.signer,
            house.desk.policy.answers,
            person=person,
            text=form.get("Body", ""),
            message_id=form.get("MessageSid", ""),
            now=house.clock(),
            wakes_only=roster.only_wakes(person),
        )


def person_with_phone(house: "House", number: str) -> str | None:
    """Whose number it is."""
    people = house.desk.policy.people
    return next(
        (handle for handle, person in people.items() if person.phone and person.phone == number), None
    )


def names(house: "House") -> dict[str, str]:
    return {handle: person.name for handle, person in house.desk.policy.people.items()}


def reply_routes() -> APIRouter:
    """Text messages."""
    routes = APIRouter()
    routes.add_api_route("/replies/twilio", text_message, methods=["POST"])
    return routes
