"""Where somebody says whether an incident was worth waking them."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from watchkeeper.errors import BadInput
from watchkeeper.incidents import read_incident
from watchkeeper.intake import pages
from watchkeeper.intake.people import HEADERS, REFUSALS
from watchkeeper.intake.receiving import house_of
from watchkeeper.links import Link
from watchkeeper.quiet.worth import answer_worth, look_at_question
from watchkeeper.rendering import render

if TYPE_CHECKING:
    from watchkeeper.intake.app import House


def worth_routes() -> APIRouter:
    routes = APIRouter(default_response_class=HTMLResponse)
    routes.add_api_route("/w/{token}", show_question, methods=["GET"])
    routes.add_api_route("/w/{token}", do_answer, methods=["POST"])
    return routes


async def show_question(request: Request, token: str) -> HTMLResponse:
    """The question with its two buttons. Opening it answers nothing: what scans mail opens links, too."""
    house = house_of(request)
    try:
        link = await look_at_question(house.store, house.signer.read(token), now=house.clock())
    except BadInput:
        return _refused("forged", 403)
    return await _page(house, link, token=token, answer=None) if isinstance(link, Link) else _refused(link)


async def do_answer(request: Request, token: str, answer: str = Form(default="")) -> HTMLResponse:
    house = house_of(request)
    try:
        link_id = house.signer.read(token)
    except BadInput:
        return _refused("forged", 403)
    if answer not in ("yes", "no"):
        return _refused("unclear", 422)
    async with house.store.transaction() as db:
        link = await answer_worth(db, link_id, worth=answer == "yes", now=house.clock())
    return await _page(house, link, token=token, answer=answer) if isinstance(link, Link) else _refused(link)


async def _page(house: "House", link: Link, *, token: str, answer: str | None) -> HTMLResponse:
    incident = await read_incident(house.store, link.incident_id)
    person = house.desk.policy.people.get(link.person)
    html = render(
        "pages/worth.html.j2",
        incident=incident,
        person=person.name if person else link.person,
        token=token,
        answer=answer,
    )
    return HTMLResponse(html, headers=HEADERS)


def _refused(refusal: str, status: int | None = None) -> HTMLResponse:
    html = pages.refused_page(*REFUSALS[refusal])
    return HTMLResponse(html, status or (404 if refusal == "unknown" else 410), headers=HEADERS)
