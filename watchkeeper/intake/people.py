"""Where people knock: the phone's pages to acknowledge, to decide on a plan, and to see what is going on."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from watchkeeper.answers import Answer, Said, Verb, Way, answer, answer_by_link, decide_by_link, look_at_plan
from watchkeeper.deadlines import read_deadlines
from watchkeeper.errors import BadInput
from watchkeeper.findings import read_findings, read_readings
from watchkeeper.incidents import list_recent, read_incident
from watchkeeper.intake import pages
from watchkeeper.intake.receiving import house_of
from watchkeeper.links import read_link
from watchkeeper.mailing.counting import see_mailings
from watchkeeper.model import Incident
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.paging.proving import last_proof
from watchkeeper.quiet.worth import Question, read_questions
from watchkeeper.remediations import read_remediations
from watchkeeper.timeline import read_timeline

if TYPE_CHECKING:
    from watchkeeper.intake.app import House

# Addresses carry signatures: they must not leak to other sites, and nothing may run on or frame these pages.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
}

REFUSALS = {
    "unknown": ("Unknown link", "There is nothing behind this link.", "Open the newest message instead."),
    "expired": ("Link expired", "This link was for a limited time.", "Open the newest message instead."),
    "used": ("Already used", "This link works once, and it has been used.", "Nothing was done this time."),
    "changed_plan": (
        "The plan has changed",
        "What you were shown is no longer what would be done, so nothing was done.",
        "Open the newest message: it shows the plan as it is now.",
    ),
    "too_late": (
        "Already decided",
        "This plan was decided on, or its time ran out, before your answer came.",
        "Nothing was done this time.",
    ),
    "over": ("It is over", "This incident is resolved.", "Nothing was done this time."),
    "unclear": (
        "Not an answer",
        "This answer could not be read, so nothing was done.",
        "Open the link again and press one of its buttons.",
    ),
    "unsigned": (
        "And why?",
        "Closing an incident needs a reason, so nothing was done.",
        "Go back and fill it in.",
    ),
    "shared": (
        "Not your own page",
        "The address of this page was sent to many, so nobody can close the incident here. Nothing was done.",
        "Close it from the page behind your own message, by text message, or by the button in Slack.",
    ),
    "forged": (
        "Not a link of ours",
        "This link was not made here, or part of it is missing.",
        "Copy the whole link out of the message.",
    ),
}


STORE_IS_AWAY = (
    "The store is away",
    "Watchkeeper cannot reach its database, so nothing was done.",
    "Try this link again in a minute. Alerts are kept and pages go out meanwhile.",
)


def people_routes() -> APIRouter:
    """Pages for people."""
    routes = APIRouter(default_response_class=HTMLResponse)
    routes.add_api_route("/a/{token}", show_acknowledge, methods=["GET"])
    routes.add_api_route("/a/{token}", do_answer, methods=["POST"])
    routes.add_api_route("/p/{token}", show_plan, methods=["GET"])
    routes.add_api_route("/p/{token}", do_decide, methods=["POST"])
    routes.add_api_route("/i/{token}", show_incident, methods=["GET"])
    routes.add_api_route("/i/{token}", do_close, methods=["POST"])
    routes.add_api_route("/", show_front, methods=["GET"])
    return routes


def _page(html: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(html, status, headers=HEADERS)


def _refused(refusal: str, incident_link: str | None = None) -> HTMLResponse:
    status = {"forged": 403, "shared": 403, "unknown": 404, "unclear": 422, "unsigned": 422}.get(refusal, 410)
    return _page(pages.refused_page(*REFUSALS[refusal], incident_link), status)


def incident_link(house: "House", incident: Incident | None) -> str | None:
    """The signed address of an incident's page as everybody may have it: by that one nobody acts."""
    return house.signer.address(house.desk.incident_url(incident)) if incident else None


async def _own_link(house: "House", incident: Incident, token: str, *, purpose: str) -> str:
    """The page of whoever opened this link. It acts for them no longer than the link does."""
    link = await read_link(house.store, house.signer.read(token), purpose=purpose)
    if link is None:
        return incident_link(house, incident) or ""
    return house.signer.address(house.desk.own_url(incident, link.person, until=link.expires_at))


def who_acts(house: "House", token: str) -> tuple[int, str | None]:
    """Which incident a page shows, and as whom it acts: as nobody where its address was sent to many, or to one person
    too long ago.

    Raises:
        BadInput: the signature is not ours.
    """
    page = house.signer.read_page(token)
    acts = page.acts_until is not None and house.clock() < page.acts_until
    return page.incident_id, page.viewer if acts else None


def who_says(viewer: str | None, typed: str) -> str:
    """Who notes something on an incident's page: whose page it is, or a name that nobody has proved to be theirs."""
    name = typed.strip()[:80]
    return viewer or (f"{name} (by their own word)" if name else "")


def _refused_answer(house: "House", answer: Answer) -> HTMLResponse:
    # An old message's link must not lead to a page that acts.
    return _refused(answer.refusal or "unknown", incident_link(house, answer.incident))


async def say_store_is_away(request: Request, error: Exception) -> HTMLResponse:
    """What whoever knocks is told while Postgres is away."""
    return _page(pages.refused_page(*STORE_IS_AWAY), 503)


async def show_acknowledge(request: Request, token: str) -> HTMLResponse:
    house = house_of(request)
    try:
        link = await read_link(house.store, house.signer.read(token), purpose="acknowledge")
    except BadInput:
        return _refused("forged")
    if link is None:
        return _refused("unknown")
    incident = await read_incident(house.store, link.incident_id)
    if incident.acknowledged_at is not None:
        answer = Answer(verb=Verb.ACKNOWLEDGE, incident=incident, person=link.person, already=True)
        return await _answered(house, answer, token)
    now = house.clock()
    if link.expires_at <= now:
        return _refused("expired")
    timeline = await read_timeline(house.store, incident.id)
    person = house.desk.policy.people.get(link.person)
    name = person.name if person else link.person
    return _page(pages.acknowledge_page(incident, name, token=token, now=now, timeline=timeline))


async def do_answer(
    request: Request, token: str, say: str = Form(default="acknowledge"), reason: str = Form(default="")
) -> HTMLResponse:
    house = house_of(request)
    try:
        link_id = house.signer.read(token)
    except BadInput:
        return _refused("forged")
    if say not in (*pages.ANSWERS, Verb.RESOLVE):
        return _refused("unclear")
    why, now = reason.strip()[:500], house.clock()
    if say == Verb.RESOLVE and not why:
        return _refused("unsigned")
    async with house.store.transaction() as db:
        answer = await answer_by_link(db, house.desk.public_url, link_id, Verb(say), now=now, reason=why)
    if answer.refusal and answer.refusal != "alone":
        return _refused_answer(house, answer)
    return await _answered(house, answer, token)


async def _answered(house: "House", answer: Answer, token: str) -> HTMLResponse:
    if answer.incident is None:
        return _refused("unknown")
    names = {handle: person.name for handle, person in house.desk.policy.people.items()}
    link = await _own_link(house, answer.incident, token, purpose="acknowledge")
    return _page(pages.answered_page(answer, answer.incident, names, token=token, incident_link=link))


async def show_plan(request: Request, token: str) -> HTMLResponse:
    house = house_of(request)
    now = house.clock()
    try:
        answer = await look_at_plan(house.store, house.signer.read(token), now=now)
    except BadInput:
        return _refused("forged")
    if answer.refusal or answer.incident is None or answer.remediation is None:
        return _refused_answer(house, answer)
    findings = await read_findings(house.store, answer.incident.id, answer.remediation.round)
    html = pages.approve_page(answer.incident, answer.remediation, token=token, now=now, findings=findings)
    return _page(html)


async def do_decide(
    request: Request,
    token: str,
    decision: str = Form(default=""),
    reason: str = Form(default=""),
) -> HTMLResponse:
    house = house_of(request)
    try:
        link_id = house.signer.read(token)
    except BadInput:
        return _refused("forged")
    if decision not in ("approve", "deny"):
        return _refused("unclear")
    approved = decision == "approve"
    async with house.store.transaction() as db:
        answer = await decide_by_link(db, link_id, approved=approved, reason=reason[:500], now=house.clock())
    if answer.refusal or answer.incident is None or answer.remediation is None:
        return _refused_answer(house, answer)
    link = await _own_link(house, answer.incident, token, purpose="approve")
    return _page(pages.decided_page(answer.incident, answer.remediation, incident_link=link))


async def questions_for(house: "House", incident: Incident, viewer: str | None) -> list[Question]:
    """What those who were woken said, and the question to this viewer, if one is still to be answered: it is signed for
    nobody else to see."""
    questions = await read_questions(house.store, incident.id)
    return [
        each.model_copy(update={"link": house.signer.address(each.link) if each.person == viewer else ""})
        for each in questions
        if each.worth is not None or each.person == viewer
    ]


async def show_incident(request: Request, token: str) -> HTMLResponse:
    house = house_of(request)
    try:
        incident_id, viewer = who_acts(house, token)
        is_shared = house.signer.read_page(token).viewer is None
        incident = await read_incident(house.store, incident_id)
    except BadInput:
        return _refused("forged")
    html = pages.incident_page(
        incident,
        await read_timeline(house.store, incident.id),
        await read_notifications(house.store, incident.id),
        await see_mailings(house.store, incident.id),
        await read_deadlines(house.store, incident.id),
        await read_remediations(house.store, incident.id),
        await read_readings(house.store, incident.id),
        await questions_for(house, incident, viewer),
        viewer=viewer,
        is_shared=is_shared,
        token=token,
        now=house.clock(),
    )
    return _page(html)


async def do_close(request: Request, token: str, reason: str = Form(default="")) -> HTMLResponse:
    """It counts for the person whose page it is, while that page acts: nobody can type who they are."""
    house = house_of(request)
    try:
        incident_id, viewer = who_acts(house, token)
        is_shared = house.signer.read_page(token).viewer is None
        incident = await read_incident(house.store, incident_id)
    except BadInput:
        return _refused("forged")
    if viewer is None:
        return _refused("shared" if is_shared else "expired", incident_link(house, incident))
    why = reason.strip()[:500]
    if not why:
        return _refused("unsigned")
    said = Said(verb=Verb.RESOLVE, person=viewer, way=Way.PAGE, reason=why)
    async with house.store.transaction() as db:
        await answer(db, house.desk.public_url, incident.id, said, now=house.clock())
    return await show_incident(request, token)


async def show_front(request: Request) -> HTMLResponse:
    house = house_of(request)
    incidents, proof = await list_recent(house.store), await last_proof(house.store)
    return _page(pages.front_page(incidents, proof, now=house.clock()))
