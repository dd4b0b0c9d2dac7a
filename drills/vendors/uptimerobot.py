"""UptimeRobot: really polls its monitors, really sends one webhook per change, and answers version 2 of its API."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import dns.exception
import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.company.loopback import http_client
from drills.vendors.config import Monitor, UptimeRobot
from drills.vendors.vendor import Vendor

UP, DOWN = 2, 9
LIMIT_SECONDS = 5
# So many monitors are in one answer.
LIMIT = 50
CONFIRM_SECONDS = 3.0

# An address of a name.
Resolve = Callable[[str], Awaitable[str]]


class UptimeRobotApi(Vendor):
    """The monitors and what was last seen of each."""

    def __init__(self, config: UptimeRobot, resolve: Resolve) -> None:
        self._resolve = resolve
        self._config = config
        self._states = {monitor.id: UP for monitor in config.monitors}
        self._since = {monitor.id: time.time() for monitor in config.monitors}

    def routes(self) -> list[Route]:
        return [Route("/uptimerobot/v2/getMonitors", self.get_monitors, methods=["POST"])]

    async def get_monitors(self, request: Request) -> JSONResponse:
        form = await request.form()
        if form.get("api_key") != self._config.api_key:
            error = {"type": "invalid_parameter", "parameter_name": "api_key", "passed_value": "***"}
            return JSONResponse({"stat": "fail", "error": error})
        monitors = [
            {"id": int(m.id), "friendly_name": m.name, "url": m.url, "status": self._states[m.id]}
            for m in self._config.monitors
        ]
        offset = int(str(form.get("offset", 0)))
        pagination = {"offset": offset, "limit": LIMIT, "total": len(monitors)}
        page = monitors[offset : offset + LIMIT]
        return JSONResponse({"stat": "ok", "pagination": pagination, "monitors": page})

    async def live(self) -> None:
        async with http_client(timeout=LIMIT_SECONDS) as client:
            await asyncio.gather(*(self._watch(client, monitor) for monitor in self._config.monitors))

    async def _watch(self, client: httpx.AsyncClient, monitor: Monitor) -> None:
        while True:
            await asyncio.sleep(monitor.interval_seconds)
            state, details = await look_at(client, monitor.url, self._resolve)
            if state == self._states[monitor.id]:
                continue
            # A second look from elsewhere confirms an outage before anybody is woken: a restart is none.
            await asyncio.sleep(CONFIRM_SECONDS if state == DOWN else 0)
            if await self._sees(client, monitor, state):
                lasted = time.time() - self._since[monitor.id]
                self._states[monitor.id], self._since[monitor.id] = state, time.time()
                await self._tell(client, monitor, state, details, lasted)

    async def _sees(self, client: httpx.AsyncClient, monitor: Monitor, state: int) -> bool:
        return (await look_at(client, monitor.url, self._resolve))[0] == state

    async def _tell(
        self, client: httpx.AsyncClient, monitor: Monitor, state: int, details: str, lasted: float
    ) -> None:
        """One webhook per change, all values strings, no second try."""
        body = {
            "monitorID": monitor.id,
            "monitorURL": monitor.url,
            "monitorFriendlyName": monitor.name,
            "alertType": "1" if state == DOWN else "2",
            "alertTypeFriendlyName": "Down" if state == DOWN else "Up",
            "alertDetails": details,
            "alertDuration": str(round(lasted)) if state == UP else "*alertDuration*",
            "alertDateTime": str(round(self._since[monitor.id])),
            "sslExpiryDate": "*sslExpiryDate*",
        }
        try:
            await client.post(self._config.webhook_url, json=body, headers=self._config.webhook_headers)
        except httpx.TransportError as error:
            print(f"uptimerobot: webhook not delivered: {type(error).__name__}", flush=True)


async def look_at(client: httpx.AsyncClient, url: str, resolve: Resolve) -> tuple[int, str]:
    """Up or down, and why. A name is resolved as customers' machines would, an address needs no asking."""
    asked = httpx.URL(url)
    try:
        address = asked.host if asked.host == "127.0.0.1" else await resolve(asked.host)
        answer = await client.get(asked.copy_with(host=address), headers={"Host": asked.netloc.decode()})
    except dns.exception.DNSException as error:
        return DOWN, f"DNS resolving problem ({type(error).__name__})"
    except httpx.TransportError as error:
        return DOWN, type(error).__name__
    return (UP, "HTTP 200 - OK") if answer.is_success else (DOWN, f"HTTP {answer.status_code}")
