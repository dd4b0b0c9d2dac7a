"""Where people decide on mail to customers, and where SendGrid reports what became of it."""

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from sendgrid.helpers.eventwebhook import EventWebhook

from watchkeeper.errors import BadInput
from watchkeeper.intake.people import incident_link
from watchkeeper.intake.receiving import count_refusal, house_of, read_body
from watchkeeper.intake.telling import page, refused
from watchkeeper.intake.webhooks import Refused
from watchkeeper.mailing.events import hear_events
from watchkeeper.mailing.proposing import decide_mail_by_link, look_at_mail
from watchkeeper.mailing.settling import look_at_doubt, settle_by_link
from watchkeeper.messages import impact
from watchkeeper.paging.mail_receipts import hear_mail_receipts

if TYPE_CHECKING:
    from watchkeeper.intake.app import House

# SendGrid sends its events in portions of up to 768 kB.
EVENTS_LIMIT_BYTES = 2 * 1024 * 1024
SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


def mailing_routes() -> APIRouter:
    """The pages for a mail and for a batch in doubt, and SendGrid's events."""
    routes = APIRouter(default_response_class=HTMLResponse)
    routes.add_api_route("/m/{token}", show_mail, methods=["GET"])
    routes.add_api_route("/m/{token}", decide_mail, methods=["POST"])
    routes.add_api_route("/b/{token}", show_batch, methods=["GET"])
    routes.add_api_route("/b/{token}", settle_batch, methods=["POST"])
    routes.add_api_route("/receipts/sendgrid", sendgrid_events, methods=["POST"])
    return routes


async def show_mail(request: Request, token: str) -> HTMLResponse:
    house = house_of(request)
    try:
        seen = await look_at_mail(house.store, house.signer.read(token), now=house.clock())
    except BadInput:
        return refused(house, "forged")
    if seen.refusal or seen.incident is None:
        return refused(house, seen.refusal or "unknown", seen.incident)
    known = {"mailing": seen.mailing, "first_word": seen.first_word, "impact": impact(seen.incident)}
    return page("mail", seen.incident, token=token, **known)


async def decide_mail(request: Request, token: str, decision: str = Form(default="")) -> HTMLResponse:
    house = house_of(request)
    try:
        link_id = house.signer.read(token)
    except BadInput:
        return refused(house, "forged")
    if decision not in ("approve", "deny"):
        return refused(house, "unclear")
    async with house.store.transaction() as db:
        answer = await decide_mail_by_link(db, link_id, approved=decision == "approve", now=house.clock())
    if answer.refusal or answer.incident is None:
        return refused(house, answer.refusal or "unknown", answer.incident)
    link = incident_link(house, answer.incident)
    return page("mail_decided", answer.incident, mailing=answer.mailing, incident_link=link)


async def show_batch(request: Request, token: str) -> HTMLResponse:
    house = house_of(request)
    try:
        seen = await look_at_doubt(house.store, house.signer.read(token), now=house.clock())
    except BadInput:
        return refused(house, "forged")
    if seen.refusal or seen.incident is None:
        return refused(house, seen.refusal or "unknown", seen.incident)
    return page("batch", seen.incident, token=token, mailing=seen.mailing, batch=seen.batch)


async def settle_batch(request: Request, token: str, decision: str = Form(default="")) -> HTMLResponse:
    house = house_of(request)
    try:
        link_id = house.signer.read(token)
    except BadInput:
        return refused(house, "forged")
    if decision not in ("sent", "not_sent"):
        return refused(house, "unclear")
    async with house.store.transaction() as db:
        answer = await settle_by_link(db, link_id, sent=decision == "sent", now=house.clock())
    if answer.refusal or answer.incident is None:
        return refused(house, answer.refusal or "unknown", answer.incident)
    link = incident_link(house, answer.incident)
    return page(
        "batch_settled", answer.incident, sent=answer.sent, mailing=answer.mailing, incident_link=link
    )


async def sendgrid_events(request: Request) -> Response:
    """What became of mails. A portion that is not ours in any part is taken and changes nothing."""
    house = house_of(request)
    try:
        events = signed_events(house, request, await read_body(request, EVENTS_LIMIT_BYTES))
    except Refused as refusal:
        await count_refusal(house, "sendgrid", refusal, house.clock())
        return Response(status_code=refusal.status)
    async with house.store.transaction() as db:
        await hear_events(db, events, now=house.clock())
    await hear_mail_receipts(house.store, house.desk, events, now=house.clock())
    return Response(status_code=204)


def signed_events(house: "House", request: Request, body: bytes) -> list[dict[str, Any]]:
    """The events of a portion that SendGrid signed.

    Raises:
        Refused: 401 for a wrong signature, 422 for what is no list of events.
    """
    key = house.settings.sendgrid.webhook_key if house.settings.sendgrid else None
    signature, timestamp = request.headers.get(SIGNATURE, ""), request.headers.get(TIMESTAMP, "")
    try:
        text = body.decode()
        good = key is not None and EventWebhook(key).verify_signature(text, signature, timestamp)
    except ValueError:  # not Base64, not UTF-8, or a key that is none
        good = False
    if not good:
        raise Refused(401, "wrong_signature", "the event webhook's signature does not match")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, list):
        raise Refused(422, "not_events", "a portion is a list of events")
    return [event for event in told if isinstance(event, dict)]
