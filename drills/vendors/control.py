"""The drill's own addresses: breaking the company, setting how a vendor behaves, and seeing what was received."""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.loopback import http_client
from drills.vendors.customers import Customers
from drills.vendors.platform import Platform
from drills.vendors.recorder import Recorder
from drills.vendors.sendgrid import SendGridApi
from drills.vendors.slack import SlackApi
from drills.vendors.status_pages import StatusPages
from drills.vendors.twilio import TwilioApi
from drills.vendors.vendor import Handler, Vendor
from drills.vendors.weather import Fault

# What is asked of the backend there breaks the worker.
WORKERS_FAULTS = frozenset({"endless-designs"})


class Control:
    """Everything under /control, behind the secret in X-Control."""

    def __init__(
        self,
        secret: str,
        *,
        known_secrets: Mapping[str, str],
        platform: Platform,
        customers: Customers,
        twilio: TwilioApi,
        sendgrid: SendGridApi,
        slack: SlackApi,
        pages: StatusPages,
        vendors: Mapping[str, Vendor],
    ) -> None:
        self._secret = secret
        self._known_secrets = dict(known_secrets)
        self._platform = platform
        self._customers = customers
        self._twilio = twilio
        self._sendgrid = sendgrid
        self._slack = slack
        self._pages = pages
        self._vendors = vendors
        self.recorder: Recorder | None = None

    def routes(self) -> list[Route]:
        looks: dict[str, Handler] = {
            "/control/phone/{number}": self.phone,
            "/control/mailbox/{address}": self.mailbox,
            "/control/slack/{channel}": self.channel,
            "/control/company": self.company,
            "/control/company/orders": self.orders,
            "/control/state": self.state,
            "/control/secrets": self.secrets,
        }
        orders: dict[str, Handler] = {
            "/control/company/deploy": self.deploy,
            "/control/company/fault/{name}": self.break_backend,
            "/control/company/kill": self.kill,
            "/control/company/odd-orders": self.order_oddly,
            "/control/status/{vendor}": self.set_status,
            "/control/fail/{vendor}": self.fail,
            "/control/undeliverable/{number}": self.make_undeliverable,
            "/control/reset": self.reset,
            "/control/calm": self.calm,
        }
        for name, vendor in self._vendors.items():
            orders |= {f"/control/{name}/{what}": handler for what, handler in vendor.controls().items()}
        return [
            *(Route(path, self._guarded(handler)) for path, handler in looks.items()),
            *(Route(path, self._guarded(handler), methods=["POST"]) for path, handler in orders.items()),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> JSONResponse:
            if not hmac.compare_digest(request.headers.get("X-Control", ""), self._secret):
                return JSONResponse({"error": "X-Control is wrong"}, 403)
            return await handler(request)

        return guarded

    async def phone(self, request: Request) -> JSONResponse:
        return JSONResponse({"messages": self._twilio.phones.get(request.path_params["number"], [])})

    async def mailbox(self, request: Request) -> JSONResponse:
        return JSONResponse({"messages": self._sendgrid.mailboxes.get(request.path_params["address"], [])})

    async def channel(self, request: Request) -> JSONResponse:
        return JSONResponse({"messages": self._slack.channels.get(f"#{request.path_params['channel']}", [])})

    async def company(self, request: Request) -> JSONResponse:
        return JSONResponse(self._platform.backend.state())

    async def state(self, request: Request) -> JSONResponse:
        """Everything that the company and its vendors saw."""
        told = {name: vendor.state() for name, vendor in self._vendors.items()}
        seen = {
            "company": self._platform.state(),
            "designs": self._customers.designs_state(),
            "customers": self._customers.state(),
            "paid_orders": await self._platform.paid_orders(),
            "circuits": await self._circuits(),
        }
        return JSONResponse({**told, **seen})

    async def _circuits(self) -> dict[str, Any]:
        """The backend's circuit breakers, as /health/detailed has them; none while it says nothing."""
        try:
            async with http_client(timeout=5) as client:
                told = (await client.get(f"{self._platform.backend.url}/health/detailed")).json()
        except (httpx.HTTPError, ValueError):
            return {}
        circuits: dict[str, Any] = told.get("circuits", {})
        return circuits

    async def secrets(self, request: Request) -> JSONResponse:
        """What must not stand anywhere after the night: what the vendors accept, and what they have given out."""
        issued = {
            f"{vendor}.issued.{number}": secret
            for vendor, each in self._vendors.items()
            for number, secret in enumerate(each.issued(), start=1)
        }
        return JSONResponse(self._known_secrets | issued)

    async def reset(self, request: Request) -> JSONResponse:
        """Everything well again: vendors, releases, variables; what was seen is kept."""
        if self.recorder is not None:
            self.recorder.faults.clear()
        for vendor in self._vendors.values():
            vendor.reset()
        self._customers.odd_from = None
        await self._platform.reset(self._forget_designs)
        return JSONResponse({})

    async def _forget_designs(self) -> None:
        await self._ask_backend("forget-designs", b"{}")
        self._customers.forget_designs()

    async def orders(self, request: Request) -> JSONResponse:
        since = request.query_params.get("since")
        moment = datetime.fromisoformat(since) if since else datetime.min.replace(tzinfo=UTC)
        return JSONResponse(self._customers.counts_since(moment))

    async def deploy(self, request: Request) -> JSONResponse:
        asked = await request.json()
        service = self._platform.service(asked.get("service", "backend"))
        deployment = await service.deploy(asked["release"])
        return JSONResponse({"id": deployment.id, "status": deployment.status})

    async def break_backend(self, request: Request) -> JSONResponse:
        """Switch on one of the backend's own faults."""
        name = request.path_params["name"]
        self._platform.backend.is_faulty = True
        if name in WORKERS_FAULTS:
            self._platform.service("worker").is_faulty = True
        answer = await self._ask_backend(name, await request.body())
        return JSONResponse(answer.json(), answer.status_code)

    async def _ask_backend(self, name: str, body: bytes) -> httpx.Response:
        async with http_client(timeout=10) as client:
            address = f"{self._platform.backend.url}/debug/{name}"
            return await client.post(address, headers={"X-Control": self._secret}, content=body)

    async def kill(self, request: Request) -> JSONResponse:
        asked = await request.json()
        self._platform.service(asked.get("service", "backend")).kill()
        return JSONResponse({})

    async def calm(self, request: Request) -> JSONResponse:
        """The weather is fine again for every vendor, and none of them is tired of being asked."""
        if self.recorder is not None:
            self.recorder.faults.clear()
        for vendor in self._vendors.values():
            vendor.reset()
        return JSONResponse({})

    async def order_oddly(self, request: Request) -> JSONResponse:
        """After a while, customers order what no release can take: errors that no rollback ends."""
        after = timedelta(seconds=(await request.json())["after_seconds"])
        self._customers.odd_from = datetime.now(UTC) + after
        return JSONResponse({})

    async def set_status(self, request: Request) -> JSONResponse:
        asked = await request.json()
        self._pages.set(request.path_params["vendor"], asked["indicator"], asked.get("title", "an incident"))
        return JSONResponse({})

    async def fail(self, request: Request) -> JSONResponse:
        if self.recorder is not None:
            faults = self.recorder.faults.setdefault(request.path_params["vendor"], [])
            faults.append(Fault(**await request.json()))
        return JSONResponse({})

    async def make_undeliverable(self, request: Request) -> JSONResponse:
        self._twilio.undeliverable.add(request.path_params["number"])
        return JSONResponse({})
