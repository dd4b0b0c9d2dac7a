"""Where Twilio knocks: receipts of messages and calls."""

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from twilio.request_validator import RequestValidator

from watchkeeper.intake.receiving import count_refusal, house_of, read_body
from watchkeeper.intake.webhooks import Refused
from watchkeeper.paging.pager import receive_receipt

if TYPE_CHECKING:
    from watchkeeper.intake.app import House

# A message's words and a call's, as far as they are final; of "sent" or "ringing" nothing is to be made.
# A call that was completed may have been answered by a machine: only a key is an acknowledgement.
# https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
# https://www.twilio.com/docs/voice/api/call-resource#call-status-values
DELIVERY = {
    "delivered": True,
    "read": True,
    "completed": True,
    "undelivered": False,
    "failed": False,
    "busy": False,
    "no-answer": False,
    "canceled": False,
}


async def twilio_receipt(request: Request, notification_id: int) -> Response:
    """What became of a message or a call."""
    form = await signed_by_twilio(request)
    if form is None:
        return Response(status_code=401)
    house = house_of(request)
    status = form.get("MessageStatus") or form.get("CallStatus") or ""
    verdict = DELIVERY.get(status)
    if verdict is not None:
        detail = f"{status} {form.get('ErrorCode', '')}".strip()
        async with house.store.transaction() as db:
            await receive_receipt(
                db, house.desk, notification_id, delivered=verdict, detail=detail, now=house.clock()
            )
    return Response(status_code=204)


async def signed_by_twilio(request: Request) -> dict[str, str] | None:
    """The form of a request that Twilio signed, or None and counted."""
    house = house_of(request)
    try:
        body = await read_body(request)
        return check_twilio_signature(house, request, body)
    except Refused as refusal:
        await count_refusal(house, "twilio", refusal, house.clock())
        return None


def check_twilio_signature(house: "House", request: Request, body: bytes) -> dict[str, str]:
    """The form, whose signature covers the public address, not the socket's.

    Raises:
        Refused: 401.
    """
    form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    token = house.settings.twilio.auth_token.get_secret_value() if house.settings.twilio else None
    url = f"{house.settings.public_url.rstrip('/')}{request.url.path}"
    signature = request.headers.get("x-twilio-signature", "")
    if token is None or not RequestValidator(token).validate(url, form, signature):
        raise Refused(401, "wrong_signature", "X-Twilio-Signature does not match this form")
    return form


def receipt_routes() -> APIRouter:
    """Receipts."""
    routes = APIRouter()
    routes.add_api_route("/receipts/twilio/{notification_id}", twilio_receipt, methods=["POST"])
    return routes
