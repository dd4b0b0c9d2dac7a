"""The incident page's form for a customer's complaint."""

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from watchkeeper.errors import BadInput
from watchkeeper.incidents import read_incident
from watchkeeper.intake import pages
from watchkeeper.intake.people import HEADERS, REFUSALS, who_acts, who_says
from watchkeeper.intake.receiving import house_of
from watchkeeper.paging.desk import desk_of
from watchkeeper.reviews.complaints import note_complaint

UNSIGNED = (
    "Who, and what was said?",
    "A complaint needs your name and what the customer said, so nothing was noted.",
    "Go back and fill in both.",
)


def complaint_routes() -> APIRouter:
    routes = APIRouter(default_response_class=HTMLResponse)
    routes.add_api_route("/i/{token}/complaint", do_complain, methods=["POST"])
    return routes


async def do_complain(
    request: Request, token: str, person: str = Form(default=""), words: str = Form(default="")
) -> Response:
    house = house_of(request)
    try:
        incident_id, viewer = who_acts(house, token)
        incident = await read_incident(house.store, incident_id)
    except BadInput:
        return HTMLResponse(pages.refused_page(*REFUSALS["forged"]), 403, headers=HEADERS)
    noted_by = who_says(viewer, person)
    desk = desk_of(incident, house.desk.public_url)
    try:
        async with house.store.transaction() as db:
            await note_complaint(db, desk, incident, words, person=noted_by, now=house.clock())
    except BadInput:
        return HTMLResponse(pages.refused_page(*UNSIGNED), 422, headers=HEADERS)
    # To the page itself: reloading it must not send the form again.
    return RedirectResponse(f"/i/{token}", status_code=303)
