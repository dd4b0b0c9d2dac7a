"""Where the owner of an action item says that it is done, or needs another day."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from watchkeeper.errors import BadInput
from watchkeeper.incidents import read_incident
from watchkeeper.intake import pages
from watchkeeper.intake.people import HEADERS, REFUSALS, incident_link
from watchkeeper.intake.receiving import house_of
from watchkeeper.links import Link
from watchkeeper.paging.desk import desk_of
from watchkeeper.rendering import render
from watchkeeper.reviews.items import ActionItem, ItemState, close_item, day_of, look_at_item, move_item
from watchkeeper.store import Db

if TYPE_CHECKING:
    from watchkeeper.intake.app import House

# What the buttons say, and how the item ends.
ENDS: dict[str, ItemState] = {"done": "done", "dropped": "dropped"}


def action_item_routes() -> APIRouter:
    routes = APIRouter(default_response_class=HTMLResponse)
    routes.add_api_route("/d/{token}", show_item, methods=["GET"])
    routes.add_api_route("/d/{token}", change_item, methods=["POST"])
    return routes


async def show_item(request: Request, token: str) -> Response:
    """The item with its buttons. Opening it changes nothing."""
    house = house_of(request)
    seen = await _look(house, house.store, token)
    if isinstance(seen, Response):
        return seen
    _, item = seen
    incident = await read_incident(house.store, item.incident_id)
    html = render(
        "pages/action_item.html.j2",
        item=item,
        incident=incident,
        overdue=item.is_overdue(house.clock()),
        now=house.clock(),
        token=token,
        incident_link=incident_link(house, incident),
    )
    return HTMLResponse(html, headers=HEADERS)


async def change_item(
    request: Request,
    token: str,
    say: str = Form(default=""),
    due_on: str = Form(default=""),
    reason: str = Form(default=""),
) -> Response:
    house = house_of(request)
    try:
        async with house.store.transaction() as db:
            seen = await _look(house, db, token)
            if isinstance(seen, Response):
                return seen
            await _change(house, db, *seen, say=say, due_on=due_on, reason=reason)
    except BadInput as error:
        told = ("Nothing was changed", f"{error}.", "Go back and put it right.")
        return HTMLResponse(pages.refused_page(*told), 422, headers=HEADERS)
    # To the page itself: reloading it must not send the form again.
    return RedirectResponse(f"/d/{token}", status_code=303)


async def _change(
    house: "House", db: Db, link: Link, item: ActionItem, *, say: str, due_on: str, reason: str
) -> None:
    incident = await read_incident(db, item.incident_id)
    now = house.clock()
    if say in ENDS:
        await close_item(db, incident, item.number, person=link.person, state=ENDS[say], now=now)
    elif say == "move":
        desk = desk_of(incident, house.desk.public_url)
        said = {"person": link.person, "reason": reason}
        await move_item(db, desk, incident, item.number, day_of(due_on), **said, now=now)
    else:
        raise BadInput("this answer could not be read")


async def _look(house: "House", db: Db, token: str) -> tuple[Link, ActionItem] | Response:
    try:
        seen = await look_at_item(db, house.signer.read(token), now=house.clock())
    except BadInput:
        return _refused("forged", 403)
    if isinstance(seen, str):
        return _refused(seen, 404 if seen == "unknown" else 410)
    return seen


def _refused(refusal: str, status: int) -> HTMLResponse:
    return HTMLResponse(pages.refused_page(*REFUSALS[refusal]), status, headers=HEADERS)
