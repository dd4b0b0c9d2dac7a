"""Where a person finds what to send to a vendor's support, and says that it was sent."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from watchkeeper.errors import BadInput
from watchkeeper.findings import read_checks, read_findings, read_readings
from watchkeeper.incidents import policy_of, read_incident
from watchkeeper.intake.people import who_acts, who_says
from watchkeeper.intake.receiving import house_of
from watchkeeper.intake.telling import page, refused
from watchkeeper.model import Incident, TimelineKind
from watchkeeper.support import SUPPORT, SupportNote, notes_for
from watchkeeper.timeline import record

if TYPE_CHECKING:
    from watchkeeper.intake.app import House


def support_routes() -> APIRouter:
    routes = APIRouter(default_response_class=HTMLResponse)
    routes.add_api_route("/i/{token}/support", show_notes, methods=["GET"])
    routes.add_api_route("/i/{token}/support", note_sent, methods=["POST"])
    return routes


async def read_notes(house: "House", incident: Incident) -> list[SupportNote]:
    checks = await read_checks(house.store, incident.id, incident.round) or []
    findings = await read_findings(house.store, incident.id, incident.round)
    readings = await read_readings(house.store, incident.id)
    return notes_for(incident, policy_of(incident), findings, checks, readings)


async def show_notes(request: Request, token: str) -> HTMLResponse:
    house = house_of(request)
    try:
        incident_id, viewer = who_acts(house, token)
        incident = await read_incident(house.store, incident_id)
    except BadInput:
        return refused(house, "forged")
    return await _page(house, incident, viewer, token=token, told="")


async def _page(
    house: "House", incident: Incident, viewer: str | None, *, token: str, told: str
) -> HTMLResponse:
    notes = await read_notes(house, incident)
    return page("support", incident, token=token, viewer=viewer, notes=notes, told=told)


async def note_sent(
    request: Request, token: str, vendor: str = Form(default=""), person: str = Form(default="")
) -> HTMLResponse:
    house = house_of(request)
    try:
        incident_id, viewer = who_acts(house, token)
        incident = await read_incident(house.store, incident_id)
    except BadInput:
        return refused(house, "forged")
    who = who_says(viewer, person)
    if vendor not in SUPPORT or not who:
        return refused(house, "unclear", incident)
    title = SUPPORT[vendor].title
    text = f"{title}'s support was asked by {who}"
    await record(
        house.store, incident.id, TimelineKind.NOTE, text, now=house.clock(), actor=who, key=f"asked:{vendor}"
    )
    return await _page(house, incident, viewer, token=token, told=title)
