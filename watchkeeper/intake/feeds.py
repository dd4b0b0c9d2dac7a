"""The calendar feed of shifts, at an address that is signed: calendars cannot log in."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response

from watchkeeper.documents.shift_feed import feed
from watchkeeper.errors import BadInput
from watchkeeper.intake.receiving import house_of
from watchkeeper.oncall.shifts import read_changes


def feed_routes() -> APIRouter:
    routes = APIRouter()
    routes.add_api_route("/shifts/{token}.ics", show_shifts, methods=["GET"])
    return routes


async def show_shifts(request: Request, token: str) -> Response:
    house = house_of(request)
    policy = house.desk.policy
    try:
        person = house.signer.read_feed(token)
    except BadInput as error:
        return Response(str(error), 403, media_type="text/plain")
    if person is not None and person not in policy.people:
        return Response("nobody of that name is on this team any more", 404, media_type="text/plain")
    now = house.clock()
    changes = await read_changes(house.store, now=now)
    host = urlsplit(house.desk.public_url).hostname or "watchkeeper"
    shown = feed(policy, changes, person=person, host=host, now=now)
    return Response(shown, media_type="text/calendar", headers={"Cache-Control": "private, max-age=900"})
