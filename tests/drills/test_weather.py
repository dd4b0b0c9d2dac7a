"""Every vendor in every weather: asked again or not as it should be, told in clear words, and nobody else harmed."""

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from httpx import AsyncClient

from deployments.register import blocks_of
from drills.stand import World, running_world
from flows import checks
from flows.checks import run_checks
from flows.credentials import BLOCKS, Credentials
from tasks import looking, vendor_http, vercel
from tasks.vendor_http import READ_TRIES, Ask
from tests.drills.test_stand_ins import secrets_of
from watchkeeper.model import Check, CheckStatus
from watchkeeper.policy import Policy
from watchkeeper.settings import Settings

WEATHERS: dict[str, dict[str, Any]] = {
    **{str(status): {"status": status} for status in (400, 401, 403, 404, 409, 500, 503)},
    "429": {"status": 429, "headers": {"Retry-After": "0"}},
    **{
        manner: {"manner": manner} for manner in ("drop", "cut", "silence", "drip", "wrong_shape", "enormous")
    },
}
REPEATED = ("429", "500", "503", "drop", "cut")
ENDLESS = ("silence", "drip")
# Only who does not answer is waited for so briefly. All others have more time than on a real night: what is looked at
# here is whom the weather harms, and not how busy this machine is.
IMPATIENT_SECONDS = 0.1
PATIENT_SECONDS = 60.0
RECORDED_WITHIN_SECONDS = 5.0
STARTS_WITHIN_SECONDS = 30.0

# Which stand-in a look asks over HTTP. The rest asks the company itself, or no vendor.
VENDORS = {
    **{f"railway_{what}": "railway" for what in ("deployments", "metrics", "logs", "changes")},
    "worker_deployment": "railway",
    "worker_logs": "railway",
    "worker_metrics": "railway",
    "webhook_logs": "railway",
    "vercel_deployments": "vercel",
    "vercel_logs": "vercel",
    "vercel_variables": "vercel",
    "sentry_errors": "sentry",
    "uptimerobot_monitors": "uptimerobot",
    "stripe_endpoint": "stripe",
    "stripe_events": "stripe",
    "payment_orders": "stripe",
    "upstash_database": "upstash",
    **{f"supabase_{what}": "supabase" for what in ("project", "health", "disk", "pooler")},
    "gemini_health": "gemini",
    "removebg_account": "removebg",
    **{
        f"vendor_status_{name}": "statuspage"
        for name in ("supabase", "railway", "vercel", "upstash", "stripe", "github", "google_cloud")
    },
}
NOT_VENDORS = frozenset(
    {
        "backend_health",
        "backend_detailed",
        "payments_health",
        "frontend_health",
        "dns",
        "redis_ping",
        "queue",
        "jobs_table",
    }
    | {f"postgres_{name}" for name in ("connections", "slow_queries", "size", "writable")}
)
# The company sends under names of its own.
OURS = "python-httpx"


@dataclass(frozen=True)
class Night:
    """The company, and every look at it."""

    world: World
    policy: Policy

    async def calm(self) -> dict[str, CheckStatus]:
        """What every look says once the company, which has just started, is well; as it is after half a minute."""
        give_up_at = time.monotonic() + STARTS_WITHIN_SECONDS
        while True:
            looks = await run_checks(self.policy)
            calm = {check.name: check.status for check in looks}
            if set(calm.values()) == {CheckStatus.OK} or time.monotonic() > give_up_at:
                return calm
            await asyncio.sleep(0.3)

    async def under(self, vendor: str, weather: dict[str, Any]) -> dict[str, Check]:
        """Every look, with this vendor in this weather."""
        await self.world.do(f"/control/fail/{vendor}", {"times": 1000, **weather})
        try:
            return {check.name: check for check in await run_checks(self.policy)}
        finally:
            await self.world.do("/control/calm", {})

    async def recorded(self, vendor: str, after: int) -> Counter[str]:
        """The same, as soon as there is any: an answer that nobody reads to its end is recorded after we hung up."""
        async with asyncio.timeout(RECORDED_WITHIN_SECONDS):
            while not (found := self.asked(vendor, after)):
                await asyncio.sleep(0.05)
        return found

    def asked(self, vendor: str, after: int) -> Counter[str]:
        """How often Watchkeeper sent each request to the vendor, after so many bytes of the stand-ins' record."""
        with self.world.requests_file.open("rb") as record:
            record.seek(after)
            received = [json.loads(line) for line in record if vendor.encode() in line]
        return Counter(
            f"{r['method']} {r['path']} {r['body']}"
            for r in received
            if r["vendor"] == vendor and OURS in r["headers"].get("user-agent", "")
        )


@pytest_asyncio.fixture(scope="module")
async def company() -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory(prefix="wk-weather-") as folder:
        async with running_world(Path(folder)) as world:
            yield world


@pytest.fixture(scope="module")
def known(company: World) -> tuple[Settings, Policy, Credentials]:
    """What this company's looks are given; made once, for that takes longer than a look."""
    settings = company.settings(1)
    made = blocks_of(settings)
    credentials: dict[str, Any] = {name: made[kind] for name, kind in BLOCKS.items()}
    return settings, settings.policy(), Credentials(**credentials)


@pytest.fixture
def night(
    company: World, known: tuple[Settings, Policy, Credentials], monkeypatch: pytest.MonkeyPatch
) -> Night:
    """Looks as plain functions, with the company's credentials in place of blocks on a Prefect server."""
    settings, policy, credentials = known

    async def load_credentials(names: Collection[str]) -> Credentials:
        return credentials

    monkeypatch.setattr(checks, "load_credentials", load_credentials)
    monkeypatch.setattr(checks, "Settings", lambda: settings)
    monkeypatch.setattr(checks, "as_task", checks.plainly)
    monkeypatch.setattr(vercel, "LISTEN_SECONDS", 0.05)
    monkeypatch.setattr(vendor_http, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(vendor_http, "LONGEST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(
        Ask.__init__, "__defaults__", (PATIENT_SECONDS, *(Ask.__init__.__defaults__ or ())[1:])
    )
    monkeypatch.setattr(looking, "LIMIT_SECONDS", PATIENT_SECONDS)
    monkeypatch.setattr(checks, "HANGS_AFTER_SECONDS", PATIENT_SECONDS)
    return Night(company, policy)


def be_impatient_with(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up early on this stand-in's answers, and on nobody else's."""
    send = vendor_http.send

    async def send_impatiently(client: AsyncClient, ask: Ask, method: str, url: str, **request: Any) -> bytes:
        asked = "statuspage" if ask.action == "read_status_page" else ask.vendor
        hurried = replace(ask, time_limit_seconds=IMPATIENT_SECONDS) if asked == vendor else ask
        return await send(client, hurried, method, url, **request)

    monkeypatch.setattr(vendor_http, "send", send_impatiently)


async def test_every_look_is_in_the_table_and_well_in_calm_weather(night: Night) -> None:
    calm = await night.calm()

    assert set(calm) == set(VENDORS) | NOT_VENDORS
    assert {name for name, status in calm.items() if status is not CheckStatus.OK} == set()


@pytest.mark.parametrize("weather", WEATHERS)
@pytest.mark.parametrize("vendor", sorted(set(VENDORS.values())))
async def test_a_vendor_in_bad_weather_is_unknown_and_harms_no_other_look(
    night: Night, vendor: str, weather: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if weather in ENDLESS:
        be_impatient_with(vendor, monkeypatch)
    before = night.world.requests_file.stat().st_size

    looks = await night.under(vendor, WEATHERS[weather])

    hit = {name for name, of in VENDORS.items() if of == vendor}
    assert {name: looks[name].status for name in hit} == dict.fromkeys(hit, CheckStatus.UNKNOWN)
    # The company itself feels its vendors' weather, so a look at it may be bad; none of them is lost.
    assert {name for name in looks.keys() - hit if looks[name].status is CheckStatus.UNKNOWN} == set()
    told = json.dumps([looks[name].model_dump(mode="json") for name in hit])
    assert [secret for secret in secrets_of(night.world.config) if secret in told] == []
    assert all(looks[name].summary for name in hit)
    if weather.isdecimal():
        assert all(weather in looks[name].summary for name in hit)
    if weather not in ENDLESS:
        tries = READ_TRIES if weather in REPEATED else 1
        # Two looks may ask the same of a vendor.
        asked = (await night.recorded(vendor, before)).values()
        assert {times % tries for times in asked} == {0}
        assert max(asked) <= tries * len(hit)
