"""Where people say what the team is told: the promised update's draft."""

from datetime import datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from watchkeeper.deadlines import next_deadline
from watchkeeper.deadlines.promises import Sent, look_at_draft, send_by_link
from watchkeeper.decisions import status_in_words
from watchkeeper.errors import BadInput
from watchkeeper.intake.pages import refused_page
from watchkeeper.intake.people import HEADERS, incident_link
from watchkeeper.intake.receiving import house_of
from watchkeeper.model import DeadlineKind, Incident
from watchkeeper.paging.desk import desk_of
from watchkeeper.rendering import render

if TYPE_CHECKING:
    from watchkeeper.intake.app import House

LONGEST_TEXT = 1000

REFUSALS = {
    "forged": (
        403,
        "Not a link of ours",
        "This link was not made here, or part of it is missing.",
        "Copy the whole link out of the message.",
    ),
    "unknown": (
        404,
        "Unknown link",
        "There is nothing behind this link.",
        "Open the newest message instead.",
    ),
    "expired": (
        410,
        "Link expired",
        "This link was for a limited time.",
        "Open the newest message instead.",
    ),
    "used": (
        410,
        "Already used",
        "This link works once, and it has been used.",
        "Nothing was sent this time.",
    ),
    "changed": (
        410,
        "The text has changed",
        "What you were shown is no longer what would be sent, so nothing was sent.",
        "Open the newest message: it shows the text as it is now.",
    ),
    "unclear": (
        422,
        "Neither yes nor no",
        "This answer could not be read, so nothing was done.",
        "Open the link again and press one of its buttons.",
    ),
    "over": (
        410,
        "It is over",
        "The incident was resolved, and everyone who was told of it has heard.",
        "Nothing was sent this time.",
    ),
}


def telling_routes() -> APIRouter:
    """Pages on which a text is looked at and sent."""
    routes = APIRouter(default_response_class=HTMLResponse)
    routes.add_api_route("/u/{token}", show_draft, methods=["GET"])
    routes.add_api_route("/u/{token}", send_draft, methods=["POST"])
    return routes


def page(template: str, incident: Incident, **values: object) -> HTMLResponse:
    html = render(
        f"pages/{template}.html.j2", incident=incident, status=status_in_words(incident.status), **values
    )
    return HTMLResponse(html, headers=HEADERS)


def refused(house: "House", refusal: str, incident: Incident | None = None) -> HTMLResponse:
    status, title, explanation, what_to_do = REFUSALS[refusal]
    html = refused_page(title, explanation, what_to_do, incident_link(house, incident))
    return HTMLResponse(html, status, headers=HEADERS)


async def show_draft(request: Request, token: str) -> HTMLResponse:
    house = house_of(request)
    try:
        seen = await look_at_draft(house.store, house.signer.read(token), now=house.clock())
    except BadInput:
        return refused(house, "forged")
    if seen.refusal or seen.incident is None or seen.promise is None:
        return refused(house, seen.refusal or "unknown", seen.incident)
    channel = desk_of(seen.incident, house.desk.public_url).policy.chat_channel
    return page(
        "update", seen.incident, token=token, draft=seen.text, due_at=seen.promise.due_at, channel=channel
    )


async def send_draft(request: Request, token: str, text: str = Form(default="")) -> HTMLResponse:
    house = house_of(request)
    try:
        link_id = house.signer.read(token)
    except BadInput:
        return refused(house, "forged")
    async with house.store.transaction() as db:
        sent = await send_by_link(
            db, house.desk.public_url, link_id, text=text[:LONGEST_TEXT], now=house.clock()
        )
    if sent.refusal or sent.incident is None:
        return refused(house, sent.refusal or "unknown", sent.incident)
    return page(
        "update_sent",
        sent.incident,
        text=sent.text,
        channel=desk_of(sent.incident, house.desk.public_url).policy.chat_channel,
        next_due=await _next_due(house, sent),
        incident_link=incident_link(house, sent.incident),
    )


async def _next_due(house: "House", sent: Sent) -> datetime | None:
    due = sent.incident and await next_deadline(house.store, sent.incident.id, DeadlineKind.UPDATE)
    return due.due_at if due else None
