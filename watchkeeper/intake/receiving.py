"""Where machines knock: webhooks of monitors, receipts of vendors, and whether the intake is well."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, cast

import psycopg
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from watchkeeper.errors import NotConfigured, StoreUnavailable
from watchkeeper.intake import webhooks
from watchkeeper.intake.webhooks import Refused
from watchkeeper.model import Alert, incident_number
from watchkeeper.store import present

if TYPE_CHECKING:
    from watchkeeper.intake.app import House

log = logging.getLogger(__name__)

BODY_LIMIT_BYTES = 256 * 1024

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
    try:
        admission = await house.admitting.admit(alert, now=now)
    except (StoreUnavailable, psycopg.Error) as error:
        log.warning("keeping an alert on disk: %s", type(error).__name__)
        return await _keep(house, alert)
    number = incident_number(admission.incident_id) if admission.incident_id else None
    return JSONResponse({"incident": number, "reason": admission.reason}, 202)


async def _keep(house: "House", alert: Alert) -> JSONResponse:
    try:
        await house.keep_and_page(alert)
    except OSError as error:
        log.critical("an alert was paged but is kept nowhere: %s", error.strerror)
        return JSONResponse({"error": "neither the store nor the disk takes it; send it again"}, 503)
    return JSONResponse({"incident": None, "reason": "kept_on_disk_until_the_store_is_back"}, 202)


async def count_refusal(house: "House", source: str, refusal: Refused, now: datetime) -> None:
    log.warning("refused a request from %s: %s", source, refusal.reason)
    try:
        await house.store.run("refusals/count", source=source, reason=refusal.reason, now=now)
    except StoreUnavailable:
        log.warning("the store is away; the refusal is counted in this log only")


def parse_uptimerobot(house: "House", request: Request, body: bytes, now: datetime) -> Alert:
    if house.settings.uptimerobot is None:
        raise NotConfigured("UptimeRobot's webhook", setting="WATCHKEEPER_UPTIMEROBOT__WEBHOOK_SECRET")
    webhooks.check_bearer(request.headers, house.settings.uptimerobot.webhook_secret.get_secret_value())
    return webhooks.uptimerobot_alert(webhooks.read_json(body), house.desk.policy, now=now)


def parse_sentry(house: "House", request: Request, body: bytes, now: datetime) -> Alert | None:
    if house.settings.sentry is None:
        raise NotConfigured("Sentry's webhook", setting="WATCHKEEPER_SENTRY__CLIENT_SECRET")
    secret = house.settings.sentry.client_secret.get_secret_value()
    webhooks.check_sentry_signature(request.headers, body, secret, now=now)
    resource = request.headers.get("sentry-hook-resource", "")
    request_id = request.headers.get("request-id")
    return webhooks.sentry_alert(webhooks.read_json(body), resource, request_id, now=now)


def parse_vercel(house: "House", request: Request, body: bytes, now: datetime) -> Alert | None:
    vendor = house.settings.vercel
    if vendor is None or vendor.webhook_secret is None:
        raise NotConfigured("Vercel's webhook", setting="WATCHKEEPER_VERCEL__WEBHOOK_SECRET")
    webhooks.check_vercel_signature(request.headers, body, vendor.webhook_secret.get_secret_value())
    return webhooks.vercel_alert(webhooks.read_json(body), house.desk.policy, now=now)


def parse_railway(house: "House", request: Request, body: bytes, now: datetime) -> Alert | None:
    railway = house.settings.railway
    if railway is None or railway.webhook_secret is None:
        raise NotConfigured("Railway's webhook", setting="WATCHKEEPER_RAILWAY__WEBHOOK_SECRET")
    webhooks.check_bearer(request.headers, railway.webhook_secret.get_secret_value())
    return webhooks.railway_alert(webhooks.read_json(body), house.desk.policy, now=now)


def parse_generic(house: "House", request: Request, body: bytes, now: datetime) -> Alert:
    if house.settings.webhook_secret is None:
        raise NotConfigured("the generic webhook", setting="WATCHKEEPER_WEBHOOK_SECRET")
    webhooks.check_bearer(request.headers, house.settings.webhook_secret.get_secret_value())
    return webhooks.generic_alert(webhooks.read_json(body), house.desk.policy, now=now)


def parse_unknown(house: "House", request: Request, body: bytes, now: datetime) -> Alert:
    raise Refused(
        404, "unknown_source", "there are webhooks for generic, railway, sentry, uptimerobot and vercel"
    )


async def uptimerobot(request: Request) -> JSONResponse:
    return await take_in(request, "uptimerobot", parse_uptimerobot)


async def sentry(request: Request) -> JSONResponse:
    return await take_in(request, "sentry", parse_sentry)


async def vercel(request: Request) -> JSONResponse:
    return await take_in(request, "vercel", parse_vercel)


async def railway(request: Request) -> JSONResponse:
    return await take_in(request, "railway", parse_railway)


async def generic(request: Request) -> JSONResponse:
    return await take_in(request, "generic", parse_generic)


async def unknown(request: Request) -> JSONResponse:
    # Counted under one name: what strangers call themselves must not fill the table.
    return await take_in(request, "unknown", parse_unknown)


async def health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> JSONResponse:
    try:
        total = await house_of(request).store.one("refusals/total")
    except StoreUnavailable:
        return JSONResponse({"status": "the store is away"}, 503)
    return JSONResponse({"status": "ready", **present(total)})


WEBHOOKS = {
    "/webhooks/uptimerobot": uptimerobot,
    "/webhooks/sentry": sentry,
    "/webhooks/vercel": vercel,
    "/webhooks/railway": railway,
    "/webhooks/generic": generic,
}


class WebhooksFirst:
    """Answers webhooks before anything is routed: they need none of what FastAPI does for forms, models and pages,
    and in a storm that would cost a fifth of each alert's time."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        webhook = WEBHOOKS.get(scope["path"]) if is_post else None
        if webhook is None:
            await self._app(scope, receive, send)
        else:
            answer = await webhook(Request(scope, receive))
            await answer(scope, receive, send)


def receiving_routes() -> APIRouter:
    """What else machines ask for; webhooks that are known never come here."""
    routes = APIRouter()
    routes.add_route("/webhooks/{_}", unknown, methods=["POST"])
    routes.add_route("/health", health, methods=["GET"])
    routes.add_route("/ready", ready, methods=["GET"])
    return routes
