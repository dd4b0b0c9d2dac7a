"""Where machines knock: webhooks of monitors, receipts of vendors, and whether the intake is well."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, cast

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from watchkeeper.errors import NotConfigured, StoreSlow, StoreUnavailable
from watchkeeper.guarding import read_set_aside, where
from watchkeeper.intake.senders import generic, railway, sentry, uptimerobot, vercel
from watchkeeper.intake.spool import unusable
from watchkeeper.intake.webhooks import Refused
from watchkeeper.model import Alert, incident_number
from watchkeeper.store import present

if TYPE_CHECKING:
    from watchkeeper.intake.app import House

log = logging.getLogger(__name__)

BODY_LIMIT_BYTES = 256 * 1024
# Sentry gives a webhook one second, and what it counts as failed too often it no longer sends.
STORE_WITHIN_SECONDS = {"sentry": 0.7}

Parse = Callable[["House", Request, bytes, datetime], Alert | None]


def house_of(request: Request) -> "House":
    return cast("House", request.app.state.house)


async def read_body(request: Request, limit: int = BODY_LIMIT_BYTES) -> bytes:
    """The body, up to the limit.

    Raises:
        Refused: 413, as soon as the limit is passed; the rest is not read.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Refused(413, "too_large", f"the body is over {limit // 1024} kB")
    return bytes(body)


async def take_in(request: Request, source: str, parse: Parse) -> JSONResponse:
    """Take one webhook in: refused and counted, or durable before the 202."""
    house = house_of(request)
    now = house.clock()
    try:
        body = await read_body(request)
        alert = parse(house, request, body, now)
    except Refused as refusal:
        await count_refusal(house, source, refusal, now)
        return JSONResponse({"error": refusal.explanation}, refusal.status)
    except NotConfigured as error:
        return JSONResponse({"error": str(error)}, 503)
    if alert is None:
        return JSONResponse({"incident": None, "reason": "not_an_alert"}, 202)
    if not alert.firing and house.spool.holds(alert):
        return await _keep(house, alert)  # an end follows its beginning; what fires waits for nothing
    try:
        within = STORE_WITHIN_SECONDS.get(source)
        admission = await house.admitting.admit(alert, now=now, within_seconds=within)
    except StoreSlow:
        return await _keep(
            house, alert, pages=False
        )  # unless it still waits there when a store that is well has had time
    except Exception as error:  # noqa: BLE001 - whatever it is: the alert is kept, and somebody is paged
        log.warning("keeping an alert on disk: %s", where(error))
        return await _keep(house, alert)
    number = incident_number(admission.incident_id) if admission.incident_id else None
    return JSONResponse({"incident": number, "reason": admission.reason}, 202)


async def _keep(house: "House", alert: Alert, *, pages: bool = True) -> JSONResponse:
    try:
        await house.keep(alert, pages=pages)
    except OSError as error:
        log.critical("an alert is kept nowhere, neither in the store nor on disk: %s", error.strerror)
        return JSONResponse({"error": "neither the store nor the disk takes it; send it again"}, 503)
    return JSONResponse({"incident": None, "reason": "kept_on_disk_until_the_store_is_back"}, 202)


async def count_refusal(house: "House", source: str, refusal: Refused, now: datetime) -> None:
    log.warning("refused a request from %s: %s", source, refusal.reason)
    try:
        await house.store.run("refusals/count", source=source, reason=refusal.reason, now=now)
    except StoreUnavailable:
        log.warning("the store is away; the refusal is counted in this log only")


def parse_unknown(house: "House", request: Request, body: bytes, now: datetime) -> Alert:
    raise Refused(
        404, "unknown_source", "there are webhooks for generic, railway, sentry, uptimerobot and vercel"
    )


async def unknown(request: Request) -> JSONResponse:
    # Counted under one name: what strangers call themselves must not fill the table.
    return await take_in(request, "unknown", parse_unknown)


async def health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> JSONResponse:
    """Whether it can work, how much it refused, and how much it could not do so far."""
    house = house_of(request)
    try:
        total = await house.store.one("refusals/total")
        aside = len(await read_set_aside(house.store)) + len(unusable(house.settings.home))
    except StoreUnavailable:
        return JSONResponse({"status": "the store is away"}, 503)
    return JSONResponse({"status": "ready", **present(total), "set_aside": aside})


SENDERS: Mapping[str, Parse] = {
    "generic": generic.parse,
    "railway": railway.parse,
    "sentry": sentry.parse,
    "uptimerobot": uptimerobot.parse,
    "vercel": vercel.parse,
}
WEBHOOKS = {f"/webhooks/{sender}": sender for sender in SENDERS}


class WebhooksFirst(FastAPI):
    """Answers webhooks before anything else is done: they need none of what FastAPI does for forms, models and pages,
    and in a storm that would cost a quarter of each alert's time."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        sender = WEBHOOKS.get(scope["path"]) if is_post else None
        if sender is None:
            await super().__call__(scope, receive, send)
        else:
            scope["app"] = self
            answer = await take_in(Request(scope, receive), sender, SENDERS[sender])
            await answer(scope, receive, send)


def receiving_routes() -> APIRouter:
    """What else machines ask for; webhooks that are known never come here."""
    routes = APIRouter()
    routes.add_route("/webhooks/{_}", unknown, methods=["POST"])
    routes.add_route("/health", health, methods=["GET"])
    routes.add_route("/ready", ready, methods=["GET"])
    return routes
