"""All looks at once: none can spoil another, and what is not configured is said so and stops nothing."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from inspect import signature
from typing import Any

import pytest
from prefect import Task
from pydantic import ValidationError

from flows import checks
from flows.checks import all_of, run_checks, run_probes
from flows.credentials import Credentials
from flows.looks import LOOKS, PROBES_ASK, Look, Scene, of_domain
from flows.readings import service_of
from tasks import looking, shapes
from tests.flows.conftest import NOBODY
from tests.watchkeeper.house import two_on_call
from watchkeeper.documents.cards import findings_card
from watchkeeper.model import Check, CheckStatus, Incident
from watchkeeper.policy.roles import backend_of, frontend_of
from watchkeeper.settings import Settings

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
HUSH = "hush-4f1c9d-do-not-tell"

PROBES = ["backend_health", "backend_detailed", "postgres_connections", "redis_ping", "uptimerobot_monitors"]


def check(name: str, status: CheckStatus = CheckStatus.OK, **facts: Any) -> Check:
    return Check(name=name, system="it", status=status, summary="all is well", facts=facts, observed_at=NOW)


async def gives(name: str) -> Check:
    return check(name)


def take_instead(monkeypatch: pytest.MonkeyPatch, takes: dict[str, Any]) -> None:
    """Have these looks taken by other functions."""
    for table in ("ON_CARD", "PROBES"):
        rows = [look._replace(take=takes.get(look.name, look.take)) for look in getattr(checks, table)]
        monkeypatch.setattr(checks, table, rows)


async def breaks(error: BaseException) -> Check:
    raise error


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without a single credential; its looks are plain functions, and the vendors' pages green."""

    async def load_credentials(names: Collection[str]) -> Credentials:
        return NOBODY

    async def page(url: str) -> Check:
        return check("vendor_status")

    monkeypatch.setattr(checks, "load_credentials", load_credentials)
    # As tasks they would ask a Prefect server.
    monkeypatch.setattr(checks, "as_task", checks.plainly)
    take_instead(monkeypatch, {look.name: page for look in LOOKS if look.name.startswith("vendor_status")})


@pytest.mark.parametrize("error", [KeyError(HUSH), RuntimeError(HUSH), OSError(HUSH), AssertionError(HUSH)])
async def test_a_look_that_breaks_is_unknown_and_spoils_no_other(error: Exception) -> None:
    first, broken, last = await all_of(first=gives("first"), broken=breaks(error), last=gives("last"))

    assert (first, last) == (check("first"), check("last"))
    assert (broken.name, broken.status) == ("broken", CheckStatus.UNKNOWN)
    assert broken.summary == f"the look itself failed ({type(error).__name__})"
    assert HUSH not in broken.model_dump_json()


async def test_a_look_that_is_cancelled_cancels_the_whole() -> None:
    with pytest.raises(asyncio.CancelledError):
        await all_of(first=gives("first"), broken=breaks(asyncio.CancelledError()))


async def test_looks_are_taken_side_by_side() -> None:
    together = asyncio.Barrier(3)

    async def waits(name: str) -> Check:
        async with asyncio.timeout(5):
            await together.wait()
        return check(name)

    looks = await all_of(a=waits("a"), b=waits("b"), c=waits("c"))

    assert [look.status for look in looks] == [CheckStatus.OK] * 3


@pytest.mark.usefixtures("nobody")
async def test_what_is_not_configured_is_said_so_and_read_by_nobody() -> None:
    policy = two_on_call()

    looks = {look.name: look.status for look in await run_checks(policy)}

    assert set(looks) >= {*PROBES, "dns", "railway_deployments", "sentry_errors"}
    assert looks.pop("vendor_status") is CheckStatus.OK
    assert set(looks.values()) == {CheckStatus.NOT_CONFIGURED}
    assert await run_probes(policy) == []


@pytest.mark.usefixtures("nobody")
async def test_a_probe_that_breaks_is_a_bad_reading_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(**given: object) -> Check:
        raise RuntimeError(HUSH)

    take_instead(monkeypatch, {"redis_ping": broken})

    [reading] = await run_probes(two_on_call())

    assert (reading.probe, reading.service, reading.ok) == ("redis_ping", "redis", False)
    assert reading.detail == "the look itself failed (RuntimeError)"


WEB = {
    "title": "Website",
    "kind": "site_outage",
    "depends_on": ["api"],
    "monitors": ["shop website"],
    "domain": "shop.example",
    "records": {"A": ["192.0.2.1"]},
    "health_url": "http://shop.test/",
    "vercel": {"project_id": "prj_1", "team_id": "team_1"},
}
API = {
    "title": "API",
    "kind": "site_outage",
    "monitors": ["shop api"],
    "health_url": "http://api.test/health",
    "railway": {"project_id": "p", "environment_id": "e", "service_id": "s"},
}
WORKER = {"title": "Worker", "kind": "worker_stuck", "railway": API["railway"]}


def test_a_frontend_on_vercel_is_not_taken_for_the_backend() -> None:
    policy = two_on_call(services={"web": WEB, "worker": WORKER, "api": API})
    backend, frontend = backend_of(policy), frontend_of(policy)

    assert backend is not None and backend.title == "API"
    assert frontend is not None and frontend.title == "Website"
    assert backend_of(two_on_call(services={"worker": WORKER})) is None
    assert frontend_of(two_on_call(services={"api": API})) is None


def test_a_domain_that_leads_nowhere_is_about_the_service_that_has_it() -> None:
    policy = two_on_call(services={"api": API, "web": WEB})

    assert service_of(check("dns", CheckStatus.BAD), policy) == "web"
    settings = Settings(_env_file=None, dns_resolvers="192.0.2.53, 127.0.0.1:5353")
    assert of_domain(Scene(policy, NOBODY, settings, NOW)) == {
        "domain": "shop.example",
        "resolvers": ["192.0.2.53", "127.0.0.1:5353"],
        "expected": {"A": ["192.0.2.1"]},
    }


@pytest.mark.parametrize("wrong", ["dns.example", "127.0.0.1:port", "192.0.2.53,nobody"])
def test_resolvers_are_addresses(wrong: str) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, dns_resolvers=wrong)


def test_the_backend_is_the_first_service_that_can_be_looked_at() -> None:
    silent = {"title": "Website", "kind": "site_outage"}
    looked_at = {"title": "API", "kind": "site_outage", "health_url": "http://api.test/health"}
    other = {"title": "Admin", "kind": "site_outage", "health_url": "http://admin.test/health"}

    found = backend_of(two_on_call(services={"web": silent, "api": looked_at, "admin": other}))

    assert found is not None and found.title == "API"
    assert backend_of(two_on_call(services={"web": silent})) is None


def scene_of_nobody() -> Scene:
    return Scene(two_on_call(), NOBODY, Settings(_env_file=None), NOW)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_every_look_is_given_what_it_takes(look: Look) -> None:
    signature(checks.plainly(look)).bind(**look.given(scene_of_nobody()))


def test_a_look_is_in_the_table_once_and_a_plain_function_only_where_no_investigation_shows_it() -> None:
    assert len({look.name for look in LOOKS}) == len(LOOKS)
    assert [look.name for look in LOOKS if look.on_card and not isinstance(look.take, Task)] == []


def test_the_sweep_takes_what_proves_health_and_nothing_else() -> None:
    assert {look.name for look in checks.PROBES} == {
        *("backend_health", "backend_detailed", "circuits", "frontend_health", "dns", "uptimerobot_monitors"),
        *("postgres_connections", "postgres_writable", "redis_ping", "queue", "jobs_table", "sentry_errors"),
        *("stripe_undelivered", "payment_orders"),
        "postgres_slow_queries",
    }


def test_the_sweep_loads_the_blocks_that_its_probes_are_given_and_no_other() -> None:
    """Each costs the Prefect server a question, every minute."""
    asked: set[str] = set()

    class Recording:
        def __getattr__(self, name: str) -> None:
            asked.add(name)

    scene = replace(scene_of_nobody(), credentials=Recording())  # type: ignore[arg-type]
    for look in checks.PROBES:
        look.given(scene)

    assert asked == set(PROBES_ASK)


@pytest.mark.usefixtures("nobody")
async def test_a_look_that_hangs_is_named_as_missing_and_the_card_is_there_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def hangs(**given: object) -> Check:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async def well(**given: object) -> Check:
        return check("redis_ping")

    take_instead(monkeypatch, {"queue": hangs, "redis_ping": well})
    monkeypatch.setattr(checks, "HANGS_AFTER_SECONDS", 0.05)
    began = time.monotonic()

    looks = await run_checks(two_on_call())

    assert time.monotonic() - began < 5
    by_name = {look.name: look for look in looks}
    assert (by_name["queue"].status, by_name["queue"].summary) == (
        CheckStatus.UNKNOWN,
        "nothing came of it in time",
    )
    assert by_name["redis_ping"].status is CheckStatus.OK
    card = findings_card(Incident.model_construct(id=7, summary="It is down", severity="P1"), looks, [])
    assert "queue (nothing came of it in time)" in card.split("**Missing:**")[1]


def test_every_limit_on_the_way_to_the_card_leaves_room_in_its_half_minute() -> None:
    limits = [looking.LIMIT_SECONDS, shapes.LOOK_LIMIT_SECONDS, checks.HANGS_AFTER_SECONDS, 30]

    assert limits == sorted(set(limits))


def vendor_page(vendor: str, indicator: str) -> Look:
    async def take(**given: object) -> Check:
        if indicator == "hangs":
            await asyncio.Event().wait()
        status = {"none": CheckStatus.OK, "web page": CheckStatus.UNKNOWN}.get(indicator, CheckStatus.BAD)
        told = check(f"vendor_status_{vendor}", status, indicator=indicator)
        return told.model_copy(update={"system": vendor, "summary": f"{indicator}: Pooler"})

    return Look(f"vendor_status_{vendor}", take, lambda scene: {})


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ([("supabase", "none"), ("upstash", "minor")], "none is red"),
        (
            [("supabase", "major"), ("vercel", "critical")],
            "Supabase's is red (major: Pooler), external support: support@supabase.io; "
            "Vercel's is red (critical: Pooler)",
        ),
        (
            [("supabase", "none"), ("railway", "hangs"), ("stripe", "web page")],
            "none is red; 2 of 3 not read yet",
        ),
    ],
)
async def test_triage_hears_at_once_whose_page_is_red_and_whom_to_ask(
    monkeypatch: pytest.MonkeyPatch, pages: list[tuple[str, str]], said: str
) -> None:
    monkeypatch.setattr(checks, "LOOKS", [vendor_page(*page) for page in pages])
    monkeypatch.setattr(checks, "PAGES_WITHIN_SECONDS", 0.05)

    assert await checks.read_vendor_pages(two_on_call()) == f"vendors' status pages: {said}"
