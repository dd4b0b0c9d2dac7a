"""Where a person signs in advance what may be done at night without waking them, and takes it back."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from watchkeeper.errors import BadInput
from watchkeeper.intake import pages
from watchkeeper.intake.people import HEADERS, REFUSALS
from watchkeeper.intake.receiving import house_of
from watchkeeper.night.cures import find_cure
from watchkeeper.night.signatures import Refusal, Signature, look_at, sign, terms_in_words, withdraw
from watchkeeper.paging.desk import Desk
from watchkeeper.quiet.hours import in_words
from watchkeeper.rendering import render
from watchkeeper.store import Db

if TYPE_CHECKING:
    from watchkeeper.intake.app import House

NOT_SIGNED = {
    "changed_terms": (
        "The policy has changed",
        "What you were shown is no longer what would happen, so it does not count.",
        "Ask for a new link: watchkeeper night sign.",
    ),
    "withdrawn": ("Taken back", "This counts no longer: you are woken as ever.", "Nothing else was changed."),
}


def night_routes() -> APIRouter:
    routes = APIRouter(default_response_class=HTMLResponse)
    routes.add_api_route("/n/{token}", show_signature, methods=["GET"])
    routes.add_api_route("/n/{token}", do_sign, methods=["POST"])
    return routes


async def show_signature(request: Request, token: str) -> HTMLResponse:
    """What would be signed, and the button. Opening it signs nothing: what scans mail opens links, too."""
    house = house_of(request)
    try:
        number = house.signer.read_night(token)
    except BadInput:
        return _refused("forged", 403)
    return _page(house, await look_at(house.store, number, house.desk.policy, now=house.clock()), token)


async def do_sign(request: Request, token: str, say: str = Form(default="")) -> HTMLResponse:
    house = house_of(request)
    try:
        number = house.signer.read_night(token)
    except BadInput:
        return _refused("forged", 403)
    if say not in EFFECTS:
        return _refused("unclear", 422)
    async with house.store.transaction() as db:
        found = await EFFECTS[say](db, house.desk, number, now=house.clock())
    return _page(house, found, token)


async def _take_back(db: Db, desk: Desk, number: int, *, now: datetime) -> Signature | Refusal:
    """Whoever holds the link is the one who signed. Taken back twice is taken back."""
    row = await db.one("night/signature", id=number)
    if row is None:
        return "unknown"
    try:
        await withdraw(db, desk, number, by=row["person"], now=now)
    except BadInput:
        return await look_at(db, number, desk.policy, now=now)
    return "withdrawn"


EFFECTS: dict[str, Callable[..., Awaitable[Signature | Refusal]]] = {"sign": sign, "withdraw": _take_back}


def _page(house: "House", found: Signature | Refusal, token: str) -> HTMLResponse:
    if not isinstance(found, Signature):
        return _refused(found, 404 if found == "unknown" else 410)
    policy = house.desk.policy
    cure = find_cure(found.cause, policy)
    person = policy.people.get(found.person)
    html = render(
        "pages/night.html.j2",
        cure=str(cure),
        terms=terms_in_words(cure, policy),
        person=person.name if person else found.person,
        until=in_words(found.ends_at, policy),
        signature=found,
        token=token,
    )
    return HTMLResponse(html, headers=HEADERS)


def _refused(refusal: str, status: int) -> HTMLResponse:
    html = pages.refused_page(*(NOT_SIGNED.get(refusal) or REFUSALS[refusal]))
    return HTMLResponse(html, status, headers=HEADERS)
