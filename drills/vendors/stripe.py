"""Stripe: payments make events, events are delivered signed to the endpoints, and delivered again on request.

Few automatic retries and slow ones, so that a drill sees what was not delivered. As there, an endpoint that is
disabled gets none, and sending again reaches no endpoint that was not subscribed when the event was made.
"""

import asyncio
import hmac
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.loopback import http_client
from drills.vendors.config import Stripe
from drills.vendors.stripe_events import TYPES, Attempt, Endpoint, Event, amount_of, event_of, signature_of
from drills.vendors.vendor import Handler, Spell, Vendor

PAYMENT_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
RETRY_AFTER_SECONDS = (90.0, 180.0, 360.0)
MORNING_SECONDS = 3.0
LONGEST_LIST = 100
KEPT_SECONDS = 30 * 86_400

Answer = Callable[[Request], Awaitable[JSONResponse]]


class StripeApi(Vendor):
    """Events newest last, endpoints by id, and what was answered under which idempotency key."""

    def __init__(self, config: Stripe) -> None:
        self._config = config
        self._first_secret = config.webhook_secret
        self._issued: list[str] = []
        self.endpoints: dict[str, Endpoint] = {}
        self.events: dict[str, Event] = {}
        self._answered: dict[str, tuple[str, int, Any]] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._client = http_client(timeout=PATIENCE_SECONDS)
        self._well_since = 0.0
        self._down = Spell()
        self.refused = 0
        self.reset()

    def routes(self) -> list[Route]:
        reads: dict[str, Answer] = {
            "/v1/events": self.list_events,
            "/v1/events/{id}": self.read_event,
            "/v1/webhook_endpoints": self.list_endpoints,
            "/v1/webhook_endpoints/{id}": self.read_endpoint,
        }
        writes: dict[str, Answer] = {
            "/v1/events/{id}/retry": self.retry,
            "/v1/webhook_endpoints": self.create_endpoint,
            "/v1/webhook_endpoints/{id}": self.update_endpoint,
        }
        return [
            *(Route(f"/stripe{path}", self._known(a), methods=["GET"]) for path, a in reads.items()),
            *(
                Route(f"/stripe{path}", self._known(self._once(a)), methods=["POST"])
                for path, a in writes.items()
            ),
        ]

    def controls(self) -> dict[str, Handler]:
        return {"roll": self.roll, "disable": self.disable, "down": self.set_down}

    def state(self) -> dict[str, Any]:
        """Every event with its amount and what was tried, oldest first; every endpoint without its secret."""
        return {
            "now": time.time(),
            "refused": self.refused,
            "endpoints": [endpoint.told() for endpoint in self.endpoints.values()],
            "events": [
                {
                    "id": event.id,
                    "type": event.type,
                    "created": event.created,
                    "amount": amount_of(event.body),
                    "delivered": event.pending == 0,
                    "attempts": [vars(attempt) for attempt in event.attempts],
                }
                for event in self.events.values()
            ],
        }

    def issued(self) -> list[str]:
        return self._issued

    def _new_secret(self) -> str:
        self._issued.append(f"whsec_{secrets.token_urlsafe(24)}")
        return self._issued[-1]

    def reset(self) -> None:
        """The one endpoint of the beginning, with the secret that the company's variables hold.

        What was not delivered in the night before is delivered to it soon, as it would be by the next morning.
        """
        self._well_since = time.time()
        self._down.end()
        first = Endpoint(
            self._config.endpoint_id,
            self._config.endpoint_url,
            self._first_secret,
            list(TYPES),
            int(time.time()) - 400 * 86_400,
        )
        for endpoint in self.endpoints.values():
            endpoint.status = "disabled"
        self.endpoints[first.id] = first
        for event in self.events.values():
            if event.pending:
                event.endpoints = [first.id]

    async def live(self) -> None:
        """A customer pays every second, once the shop is open."""
        await self._until_open()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._retry_for_ever())
            while True:
                await asyncio.sleep(PAYMENT_SECONDS)
                if not self._down.is_on:
                    self._pay()

    async def _until_open(self) -> None:
        while True:
            try:
                await self._client.get(self._config.endpoint_url)
            except httpx.TransportError:
                await asyncio.sleep(0.2)
            else:
                return

    def _pay(self) -> None:
        number = len(self.events) + 1
        kind = TYPES[number % len(TYPES)]
        subscribed = [
            e.id for e in self.endpoints.values() if e.status == "enabled" and kind in e.enabled_events
        ]
        body = event_of(number, kind)
        event = Event(body["id"], kind, body["created"], body, subscribed)
        self.events[event.id] = event
        for endpoint in subscribed:
            self._send_soon(event, endpoint, "first")

    def _send_soon(self, event: Event, endpoint_id: str, by: str) -> None:
        attempt = Attempt(endpoint_id, by, time.time())
        event.attempts.append(attempt)
        task = asyncio.create_task(self._send(event, self.endpoints[endpoint_id], attempt))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, event: Event, endpoint: Endpoint, attempt: Attempt) -> None:
        body = json.dumps(event.told()).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature_of(body, endpoint.secret, int(time.time())),
        }
        try:
            answer = await self._client.post(endpoint.url, content=body, headers=headers)
        except httpx.TransportError:
            return  # nobody answered: `status` stays None
        attempt.status = answer.status_code

    async def _retry_for_ever(self) -> None:
        while True:
            await asyncio.sleep(1)
            for event in list(self.events.values()):
                for endpoint in event.endpoints:
                    if self._is_due(event, endpoint):
                        self._send_soon(event, endpoint, "automatic")

    def _is_due(self, event: Event, endpoint: str) -> bool:
        """Whether the next automatic retry's time has come; a disabled endpoint gets none."""
        tried = [a for a in event.attempts if a.endpoint == endpoint and a.by != "retry"]
        if event.delivered_to(endpoint) or self.endpoints[endpoint].status != "enabled":
            return False
        if event.created < self._well_since:
            return not tried or time.time() - tried[-1].at > MORNING_SECONDS
        if not tried or len(tried) > len(RETRY_AFTER_SECONDS):
            return False
        return time.time() - tried[-1].at > RETRY_AFTER_SECONDS[len(tried) - 1]

    async def list_events(self, request: Request) -> JSONResponse:
        asked = request.query_params
        found = [
            event for event in reversed(self.events.values()) if time.time() - event.created < KEPT_SECONDS
        ]
        if kinds := asked.getlist("types[]"):
            found = [event for event in found if event.type in kinds]
        if since := asked.get("created[gte]"):
            found = [event for event in found if event.created >= int(since)]
        if (delivered := asked.get("delivery_success")) is not None:
            found = [event for event in found if (event.pending == 0) == (delivered == "true")]
        return listed("/v1/events", [event.told() for event in found], asked)

    async def read_event(self, request: Request) -> JSONResponse:
        event = self.events.get(request.path_params["id"])
        return JSONResponse(event.told()) if event else missing("notification", request.path_params["id"])

    async def retry(self, request: Request) -> JSONResponse:
        """Undocumented there. An endpoint that was not subscribed in time is not sent the event, without a word."""
        event = self.events.get(request.path_params["id"])
        form = await request.form()
        endpoint = self.endpoints.get(str(form.get("webhook_endpoint")))
        if event is None:
            return missing("notification", request.path_params["id"])
        if endpoint is None:
            return missing("webhook endpoint", str(form.get("webhook_endpoint")))
        if endpoint.id in event.endpoints and endpoint.status == "enabled":
            self._send_soon(event, endpoint.id, "retry")
        return JSONResponse(event.told())

    async def list_endpoints(self, request: Request) -> JSONResponse:
        newest_first = [endpoint.told() for endpoint in reversed(self.endpoints.values())]
        return listed("/v1/webhook_endpoints", newest_first, request.query_params)

    async def read_endpoint(self, request: Request) -> JSONResponse:
        endpoint = self.endpoints.get(request.path_params["id"])
        known = request.path_params["id"]
        return JSONResponse(endpoint.told()) if endpoint else missing("webhook endpoint", known)

    async def create_endpoint(self, request: Request) -> JSONResponse:
        form = await request.form()
        events = [str(value) for name, value in form.multi_items() if name.startswith("enabled_events")]
        if not form.get("url") or not events:
            return refused(400, "Missing required param: enabled_events.", "parameter_missing")
        endpoint = Endpoint(
            f"we_1{secrets.token_hex(11)}",
            str(form["url"]),
            self._new_secret(),
            events,
            int(time.time()),
            metadata=metadata_of(form),
        )
        self.endpoints[endpoint.id] = endpoint
        return JSONResponse({**endpoint.told(), "secret": endpoint.secret})

    async def update_endpoint(self, request: Request) -> JSONResponse:
        endpoint = self.endpoints.get(request.path_params["id"])
        if endpoint is None:
            return missing("webhook endpoint", request.path_params["id"])
        form = await request.form()
        if (disabled := form.get("disabled")) is not None:
            endpoint.status = "disabled" if disabled == "true" else "enabled"
        endpoint.metadata |= metadata_of(form)
        return JSONResponse(endpoint.told())

    async def roll(self, request: Request) -> JSONResponse:
        """Somebody rolls the secret in the dashboard and tells nobody."""
        for endpoint in self.endpoints.values():
            if endpoint.status == "enabled":
                endpoint.secret = self._new_secret()
        return JSONResponse({})

    async def set_down(self, request: Request) -> JSONResponse:
        """{"seconds": 30}: every answer is 503 for so long and nobody can pay; without seconds until the reset."""
        self._down.begin((await request.json()).get("seconds"))
        return JSONResponse({})

    async def disable(self, request: Request) -> JSONResponse:
        for endpoint in self.endpoints.values():
            endpoint.status = "disabled"
        return JSONResponse({})

    def _known(self, answer: Answer) -> Answer:
        async def known(request: Request) -> JSONResponse:
            if self._down.is_on:
                self.refused += 1
                told = {"message": "Something went wrong on Stripe's end.", "type": "api_error"}
                return JSONResponse({"error": told}, 503)
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not given:
                return refused(401, "You did not provide an API key.")
            if not hmac.compare_digest(given, self._config.api_key):
                return refused(401, f"Invalid API Key provided: {given[:8]}****{given[-4:]}")
            return await answer(request)

        return known

    def _once(self, answer: Answer) -> Answer:
        """The same key gets the same answer again, and an error when it asks for something else."""

        async def once(request: Request) -> JSONResponse:
            key = request.headers.get("Idempotency-Key")
            asked = f"{request.url.path} {(await request.body()).decode()}"
            if key in self._answered:
                first, status, body = self._answered[key]
                if first != asked:
                    return refused(
                        400, "Keys for idempotent requests can only be used with the same parameters."
                    )
                return JSONResponse(body, status, {"Idempotent-Replayed": "true"})
            said = await answer(request)
            if key is not None:
                self._answered[key] = (asked, said.status_code, json.loads(bytes(said.body)))
            return said

        return once


def metadata_of(form: FormData) -> dict[str, str]:
    return {
        name.removeprefix("metadata[").removesuffix("]"): str(value)
        for name, value in form.items()
        if name.startswith("metadata[")
    }


def listed(url: str, newest_first: list[dict[str, Any]], asked: Any) -> JSONResponse:
    """One page of a list, after the id that was named."""
    limit = int(asked.get("limit", 10))
    if not 1 <= limit <= LONGEST_LIST:
        return refused(400, "This value must be between 1 and 100.", "parameter_invalid_integer")
    start = 0
    if after := asked.get("starting_after"):
        places = [place for place, each in enumerate(newest_first) if each["id"] == after]
        if not places:
            return missing("object", after, 400)
        start = places[0] + 1
    page = newest_first[start : start + limit]
    more = len(newest_first) > start + limit
    return JSONResponse({"object": "list", "url": url, "has_more": more, "data": page})


def missing(what: str, known: str, status: int = 404) -> JSONResponse:
    return refused(status, f"No such {what}: '{known}'", "resource_missing")


def refused(status: int, message: str, code: str | None = None) -> JSONResponse:
    error = {"message": message, "type": "invalid_request_error"}
    return JSONResponse({"error": error | ({"code": code} if code else {})}, status)
