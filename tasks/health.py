"""The backend's own health addresses, seen from outside."""

import asyncio
import json
import time
from typing import Any

import httpx

from tasks.looking import Seen, look
from tasks.shapes import look_task
from tasks.vendor_http import LARGEST_BODY_BYTES
from watchkeeper.errors import NotConfigured, VendorUnavailable
from watchkeeper.model import Check
from watchkeeper.tls import tls_context

LIMIT_SECONDS = 5.0
SHOWN_BYTES = 500
MOST_CIRCUITS, SHOWN_NAME = 20, 60


async def frontend_health(url: str | None) -> Check:
    """Whether the site's page is served: 200 and nothing else is good."""
    return await _served("frontend_health", "frontend", url, "services.frontend.health_url")


async def backend_health(url: str | None) -> Check:
    """Whether the process serves: 200 and nothing else is good. Any answer is a finding, so none is retried."""
    return await _served("backend_health", "backend", url, "services.backend.health_url")


async def payments_health(url: str | None) -> Check:
    """Whether the company takes Stripe's webhooks, by its own word."""
    setting = "services.payments.health_url"
    return await _served("payments_health", "backend", url, setting, shown_bytes=SHOWN_BYTES)


async def _served(name: str, system: str, url: str | None, setting: str, *, shown_bytes: int = 0) -> Check:
    async def read() -> Seen:
        status, body, seconds = await _get(url, setting)
        facts = {"status_code": status, "seconds": seconds}
        return Seen(status == 200, _words(status, seconds), facts, output=body[:shown_bytes])

    return await look(name, system, f"curl {url}", read)


async def backend_detailed(url: str | None) -> Check:
    """What the backend says of itself and of what it depends on."""

    async def read() -> Seen:
        status, body, seconds = await _get(url, "services.backend.detailed_health_url")
        told = _told(body)
        checks = told.get("checks", {})
        dependencies = {name: str(check.get("status", "unknown")) for name, check in checks.items()}
        facts = {
            "status_code": status,
            "seconds": seconds,
            "release": told.get("release"),
            "dependencies": dependencies,
            "webhooks": _webhooks(told),
            "circuits": circuits_of(told),
        }
        failing = [name for name, state in dependencies.items() if state != "ok"]
        words = _words(status, seconds) + (f"; cannot use {', '.join(failing)}" if failing else "")
        return Seen(status == 200, words, facts, output=body[:SHOWN_BYTES])

    return await look("backend_detailed", "backend", f"curl {url}", read)


async def circuits(url: str | None) -> Check:
    """The circuit breakers that the backend tells of: whether one of them is open."""

    async def read() -> Seen:
        _, body, _ = await _get(url, "services.backend.detailed_health_url")
        told = circuits_of(_told(body))
        if not told:
            raise NotConfigured("circuit breakers", setting="circuits in the backend's detailed health")
        broken = open_circuits(told)
        words = f"open: {', '.join(broken)}" if broken else "all closed"
        return Seen(not broken, words, {"open": broken, "circuits": told})

    return await look("circuits", "backend", f"curl {url}", read)


def circuits_of(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each circuit's state, failures, fallback and how often it was fallen back on; bounded, and of known types."""
    circuits = told.get("circuits")
    if not isinstance(circuits, dict):
        return {}
    return {
        str(name)[:SHOWN_NAME]: _circuit(each)
        for name, each in list(circuits.items())[:MOST_CIRCUITS]
        if isinstance(each, dict)
    }


def _circuit(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "state": str(told.get("state", "unknown"))[:SHOWN_NAME],
        "failures": _whole(told.get("failures")),
        "fallback": str(told.get("fallback") or "")[:SHOWN_NAME],
        "fell_back": _whole(told.get("fell_back")),
    }


def _whole(told: Any) -> int:
    return told if isinstance(told, int) else 0


def open_circuits(circuits: dict[str, dict[str, Any]]) -> list[str]:
    """Those that let nothing through, or only a try."""
    return [name for name, each in circuits.items() if each["state"] in ("open", "half_open")]


async def _get(url: str | None, setting: str) -> tuple[int | None, str, float]:
    if url is None:
        raise NotConfigured("the health address", setting=setting)
    began = time.monotonic()
    try:
        # httpx's own limit starts anew with every byte, so a dripping answer would never end.
        async with (
            asyncio.timeout(LIMIT_SECONDS),
            httpx.AsyncClient(timeout=LIMIT_SECONDS, verify=tls_context()) as client,
            client.stream("GET", url) as answer,
        ):
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > LARGEST_BODY_BYTES:
                    raise VendorUnavailable(
                        vendor="backend", action="read_health", reason="an endless answer"
                    )
            return answer.status_code, body.decode(errors="replace"), round(time.monotonic() - began, 3)
    except (httpx.HTTPError, TimeoutError):
        return None, "", round(time.monotonic() - began, 3)


def _told(body: str) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):  # the latter when it is nested without end
        return {}
    return told if isinstance(told, dict) else {}


def _webhooks(told: dict[str, Any]) -> dict[str, Any]:
    """How Stripe's webhooks fare, by the backend's own count; empty when it does not say."""
    stripe = (told.get("webhooks") or {}).get("stripe") or {}
    counted = {name: int(stripe.get(name, 0)) for name in ("received", "signature_failures", "errors")}
    newest = [str(each)[:20] for each in stripe.get("newest", [])[:10]]
    return {**counted, "newest": newest} if stripe else {}


def _words(status: int | None, seconds: float) -> str:
    return f"answers {status} in {seconds:.2f} s" if status else f"no answer within {seconds:.1f} s"


check_backend_health = look_task("check_backend_health", "backend")(backend_health)
check_payments_health = look_task("check_payments_health", "backend")(payments_health)
check_backend_detailed = look_task("check_backend_detailed", "backend")(backend_detailed)
check_frontend_health = look_task("check_frontend_health", "frontend")(frontend_health)
