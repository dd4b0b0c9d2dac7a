"""Every vendor over HTTP walks the same table: which answers are asked for again, and what comes of each."""

import json
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.gemini import GeminiCredentials
from blocks.railway import RailwayCredentials
from blocks.removebg import RemoveBgCredentials
from blocks.sentry import SentryCredentials
from blocks.stripe import StripeCredentials
from blocks.supabase import SupabaseCredentials
from blocks.upstash import UpstashCredentials
from blocks.uptimerobot import UptimeRobotCredentials
from blocks.vercel import VercelCredentials
from tasks import orders
from tasks.bullmq import queue_state
from tasks.gemini import gemini_health
from tasks.health import backend_detailed, backend_health, frontend_health
from tasks.jobs import jobs_table
from tasks.orders import payment_orders
from tasks.postgres import postgres_connections, postgres_size, postgres_slow_queries
from tasks.railway import (
    list_deployments,
    redeploy_service,
    restart_deployment,
    roll_back,
    set_variable,
)
from tasks.railway_looks import (
    railway_changes,
    railway_deployments,
    railway_logs,
    railway_metrics,
    worker_deployment,
)
from tasks.railway_usage import update_limits
from tasks.redis import redis_ping
from tasks.removebg import removebg_account
from tasks.sentry import resolve_issue, sentry_errors
from tasks.status_pages import (
    vendor_status_github,
    vendor_status_google_cloud,
    vendor_status_railway,
    vendor_status_stripe,
    vendor_status_supabase,
    vendor_status_upstash,
    vendor_status_vercel,
)
from tasks.stripe import (
    create_endpoint,
    enable_or_disable_endpoint,
    resend_event,
    stripe_endpoint,
    stripe_events,
)
from tasks.supabase import supabase_disk, supabase_health, supabase_pooler, supabase_project
from tasks.upstash import upstash_database
from tasks.uptimerobot import uptimerobot_monitors
from tasks.vendor_http import LARGEST_BODY_BYTES, READ_TRIES
from tasks.vercel import vercel_deployments, vercel_logs
from tests.tasks.conftest import SECRET, Answer, Manner, Wire, says
from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable
from watchkeeper.model import Check, CheckStatus
from watchkeeper.policy import load_policy
from watchkeeper.policy.services import (
    OrdersTable,
    QueueTarget,
    RailwayTarget,
    StripeTarget,
    SupabaseTarget,
    UpstashTarget,
    VercelTarget,
)

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
THRESHOLDS = load_policy().thresholds
TARGET = RailwayTarget(project_id="p", environment_id="e", service_id="s")
VERCEL_TARGET = VercelTarget(project_id="p", team_id="t")
VERCEL_WELL = {
    "deployments": [{"uid": "d1", "state": "READY", "createdAt": 1772416800000}],
    "targets": {"production": {"id": "d1"}},
}
DEPLOYMENT = {"id": "d1", "status": "SUCCESS", "createdAt": "2026-03-02T02:00:00Z", "canRollback": True}
ISSUES = "/organizations/shop/issues/"

# A careless vendor repeats in its refusal what it was sent.
ECHO = f'{{"detail": "bad token {SECRET}", "errors": [{{"message": "bad token {SECRET}"}}]}}'.encode()
HTML = b"<!doctype html><title>Status</title><p>All good"
ANSWERS = {
    **{status: Answer(status, ECHO) for status in (400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503)},
    301: Answer(301, b"{}", {"Location": "/elsewhere"}),
    "not JSON": Answer(200, HTML),
    "deep JSON": Answer(200, b"[" * 100_000),
    "too large": Answer(200, b" " * (LARGEST_BODY_BYTES + 1)),
    "cut off": Answer(manner=Manner.CUT),
}
JSON = {"Content-Type": "application/json"}
ENDLESS = {
    "no answer": Answer(manner=Manner.NEVER),
    "dripping": Answer(headers=JSON, manner=Manner.DRIPPING),
}
# Far above the limits of these tests, and below those of a real night.
PATIENCE_SECONDS = 4
WORTH_REPEATING = (429, 500, 502, 503, "cut off")


def railway(url: str) -> RailwayCredentials:
    return RailwayCredentials(token=SecretStr(SECRET), base_url=url)


def sentry(url: str) -> SentryCredentials:
    return SentryCredentials(token=SecretStr(SECRET), organization="shop", base_url=url)


def uptimerobot(url: str) -> UptimeRobotCredentials:
    return UptimeRobotCredentials(api_key=SecretStr(SECRET), base_url=url)


def upstash(url: str) -> UpstashCredentials:
    return UpstashCredentials(email="ops@example.com", api_key=SecretStr(SECRET), base_url=url)


async def look_at_railway(url: str) -> Check:
    return await railway_deployments(
        railway(url),
        TARGET,
        now=NOW,
    )


async def look_at_usage(url: str) -> Check:
    return await railway_metrics(railway(url), TARGET, now=NOW, recent=timedelta(hours=1))


async def look_at_logs(url: str) -> Check:
    return await railway_logs(railway(url), TARGET)


async def look_at_changes(url: str) -> Check:
    return await railway_changes(railway(url), {"backend": TARGET}, now=NOW, recent=timedelta(hours=1))


async def look_at_worker(url: str) -> Check:
    return await worker_deployment(railway(url), TARGET, now=NOW)


ENDPOINT_URL = "https://shop.example.com/webhooks/stripe"
PAID = "payment_intent.succeeded"
STRIPE_TARGET = StripeTarget(endpoint_url=ENDPOINT_URL, event_types=[PAID])
ENDPOINT = {
    "id": "we_1",
    "status": "enabled",
    "created": 1_600_000_000,
    "enabled_events": [PAID],
    "url": ENDPOINT_URL,
    "metadata": {},
    "api_version": None,
}
PAYMENTS: dict[str, Any] = {
    "now": NOW,
    "window": timedelta(hours=24),
    "late_after": timedelta(minutes=5),
}


async def look_at_endpoint(url: str) -> Check:
    return await stripe_endpoint(stripe(url), STRIPE_TARGET)


async def look_at_events(url: str) -> Check:
    return await stripe_events(stripe(url), STRIPE_TARGET, **PAYMENTS)


async def look_at_orders(url: str) -> Check:
    table = OrdersTable(table="orders", column="event_id")
    target = STRIPE_TARGET.model_copy(update={"orders": table})
    return await payment_orders(stripe(url), None, target, **PAYMENTS)


async def look_at_sentry(url: str) -> Check:
    return await sentry_errors(sentry(url), now=NOW, thresholds=THRESHOLDS)


async def look_at_upstash(url: str) -> Check:
    return await upstash_database(upstash(url), UpstashTarget(database_id="db-1"), near_percent=80)


async def look_at_vercel(url: str) -> Check:
    credentials = VercelCredentials(token=SecretStr(SECRET), base_url=url)
    return await vercel_deployments(credentials, VERCEL_TARGET, now=NOW, recent=timedelta(hours=1))


async def look_at_uptimerobot(url: str) -> Check:
    return await uptimerobot_monitors(uptimerobot(url))


async def look_at_gemini(url: str) -> Check:
    return await gemini_health(GeminiCredentials(api_key=SecretStr(SECRET), base_url=url))


async def look_at_removebg(url: str) -> Check:
    return await removebg_account(RemoveBgCredentials(api_key=SecretStr(SECRET), base_url=url))


REMOVEBG_ACCOUNT = {"data": {"attributes": {"credits": {"total": 200}, "api": {"free_calls": 0}}}}


@dataclass(frozen=True)
class Look:
    """How to look at a vendor, and what it says when all is well."""

    at: Callable[[str], Awaitable[Check]]
    well: Any
    requests: int = 1


def at_supabase(look: Callable[..., Awaitable[Check]], **more: Any) -> Callable[[str], Awaitable[Check]]:
    target = SupabaseTarget(project_ref="abcdefghijklmnopqrst")

    async def look_at_it(url: str) -> Check:
        known = SupabaseCredentials(token=SecretStr(SECRET), base_url=url)
        return await look(known, target, **more)

    return look_at_it


DISK = {"metrics": {"fs_size_bytes": 100, "fs_used_bytes": 5}, "enabled": False}
POOLER = {"database_type": "PRIMARY", "pool_mode": "session", "default_pool_size": 15, "max_client_conn": 200}

LOOKS = {
    "supabase's project": Look(at_supabase(supabase_project), {"status": "ACTIVE_HEALTHY"}),
    "supabase's health": Look(at_supabase(supabase_health), [{"name": "db", "status": "ACTIVE_HEALTHY"}]),
    "supabase's disk": Look(at_supabase(supabase_disk, full_from_percent=90), DISK, requests=2),
    "supabase's pooler": Look(at_supabase(supabase_pooler), [POOLER]),
    "railway": Look(look_at_railway, {"data": {"deployments": {"edges": [{"node": DEPLOYMENT}]}}}),
    "railway's metrics": Look(look_at_usage, {"data": {"metrics": []}}),
    "railway's logs": Look(
        look_at_logs,
        {"data": {"deployments": {"edges": [{"node": DEPLOYMENT}]}, "deploymentLogs": []}},
        requests=2,
    ),
    "railway's changes": Look(look_at_changes, {"data": {"deployments": {"edges": [{"node": DEPLOYMENT}]}}}),
    "railway's worker": Look(look_at_worker, {"data": {"deployments": {"edges": [{"node": DEPLOYMENT}]}}}),
    "stripe's endpoint": Look(look_at_endpoint, {"data": [ENDPOINT], "has_more": False}),
    "stripe's events": Look(look_at_events, {"data": [], "has_more": False}),
    "stripe's payments beside the orders": Look(look_at_orders, {"data": [], "has_more": False}),
    "sentry": Look(look_at_sentry, {"data": []}, requests=3),
    "uptimerobot": Look(look_at_uptimerobot, {"stat": "ok", "monitors": []}),
    "gemini": Look(look_at_gemini, {"models": [{"name": "models/gemini-2.5-flash"}]}),
    "removebg": Look(look_at_removebg, REMOVEBG_ACCOUNT),
    "upstash": Look(
        look_at_upstash, {"state": "active", "total_monthly_requests": 7, "daily_net_commands": 7}, requests=2
    ),
    "vercel": Look(look_at_vercel, VERCEL_WELL, requests=2),
    "status page of supabase": Look(vendor_status_supabase, {"status": {"indicator": "none"}}),
    "status page of railway": Look(vendor_status_railway, {"activeIncidents": []}),
    "status page of vercel": Look(vendor_status_vercel, {"status": {"indicator": "none"}}),
    "status page of upstash": Look(vendor_status_upstash, {"status": {"indicator": "none"}}),
    "status page of stripe": Look(vendor_status_stripe, {"status": {"indicator": "none"}}),
    "status page of github": Look(vendor_status_github, {"status": {"indicator": "none"}}),
    "status page of google cloud": Look(vendor_status_google_cloud, [{"end": "2025-06-13T01:18:00+00:00"}]),
}


def service(service_id: str) -> RailwayTarget:
    return RailwayTarget(project_id="p", environment_id="e", service_id=service_id)


async def set_a_variable(credentials: RailwayCredentials, service_id: str) -> None:
    await set_variable.fn(credentials, service(service_id), "STRIPE_WEBHOOK_SECRET", SecretStr(SECRET))


async def redeploy_a_service(credentials: RailwayCredentials, service_id: str) -> None:
    await redeploy_service.fn(credentials, service(service_id))


async def update_the_limits(credentials: RailwayCredentials, service_id: str) -> None:
    await update_limits.fn(credentials, service(service_id), memory_gb=0.3, cpu=1)


ACTIONS = {
    "roll back": (roll_back.fn, "deploymentRollback"),
    "restart": (restart_deployment.fn, "deploymentRestart"),
    "set a variable": (set_a_variable, "variableUpsert"),
    "update limits": (update_the_limits, "serviceInstanceLimitsUpdate"),
    "redeploy a service": (redeploy_a_service, "serviceInstanceRedeploy"),
}


def on_railway(name: str) -> Callable[[str], Awaitable[object]]:
    act, _ = ACTIONS[name]
    return lambda url: act(railway(url), "d1")


def stripe(url: str) -> StripeCredentials:
    return StripeCredentials(api_key=SecretStr(SECRET), base_url=url)


async def resend(url: str) -> None:
    await resend_event.fn(stripe(url), "evt_1", "we_1", idempotency_key="k")


async def enable(url: str) -> None:
    await enable_or_disable_endpoint.fn(stripe(url), "we_1", enabled=True, idempotency_key="k")


async def create(url: str) -> None:
    await create_endpoint(stripe(url), ENDPOINT, mark={"watchkeeper": "incident-7"}, idempotency_key="k")


async def resolve(url: str) -> None:
    await resolve_issue.fn(sentry(url), "7")


# Every change that is asked for over HTTP and whose success has a body.
CHANGES: dict[str, Callable[[str], Awaitable[object]]] = {
    **{f"railway: {name}": on_railway(name) for name in ACTIONS},
    "stripe: send an event again": resend,
    "stripe: enable an endpoint": enable,
    "stripe: create an endpoint": create,
    "sentry: resolve an issue": resolve,
}
HEALTH = {"frontend": frontend_health, "health": backend_health, "detailed health": backend_detailed}


@pytest.fixture(autouse=True)
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that is logged, from the wire upwards."""
    caplog.set_level(logging.DEBUG)
    return caplog


@pytest.fixture(autouse=True)
def no_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe is what is asked here; the company's database has no orders."""

    async def count_orders(*asked: object) -> dict[str, int]:
        return {}

    monkeypatch.setattr(orders, "count_orders", count_orders)


def all_texts_of(error: VendorError) -> str:
    chain = "".join(traceback.format_exception(error))
    return f"{error} {error!r} {vars(error)} {chain}"


@pytest.mark.parametrize("name", LOOKS)
async def test_says_ok_when_all_is_well(wire: Wire, name: str, told: pytest.LogCaptureFixture) -> None:
    look = LOOKS[name]
    wire.answers(says(look.well))
    wire.answers(says([]), at=ISSUES)

    check = await look.at(wire.url)

    assert check.status is CheckStatus.OK, check.summary
    assert len(wire.asked) == look.requests
    assert SECRET not in check.model_dump_json() + told.text


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", LOOKS)
async def test_looks_again_where_that_may_help_and_then_says_unknown(
    wire: Wire, name: str, answer: int | str, told: pytest.LogCaptureFixture
) -> None:
    wire.answers(ANSWERS[answer])

    check = await LOOKS[name].at(wire.url)

    assert check.status is CheckStatus.UNKNOWN
    assert len(wire.asked) == (READ_TRIES if answer in WORTH_REPEATING else 1)
    assert not isinstance(answer, int) or f"answered {answer}" in check.summary
    assert SECRET not in check.model_dump_json() + told.text


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("passing", [429, 503, "cut off"])
@pytest.mark.parametrize("name", LOOKS)
async def test_forgets_a_failure_that_passes(wire: Wire, name: str, passing: int | str) -> None:
    look = LOOKS[name]
    wire.answers(ANSWERS[passing], says(look.well))
    wire.answers(says([]), at=ISSUES)

    check = await look.at(wire.url)

    assert check.status is CheckStatus.OK, check.summary
    assert len(wire.asked) == look.requests + 1


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", CHANGES)
async def test_never_asks_twice_for_a_change(
    wire: Wire, name: str, answer: int | str, told: pytest.LogCaptureFixture
) -> None:
    wire.answers(ANSWERS[answer])

    kind = VendorUnavailable if answer in WORTH_REPEATING else VendorRejected
    with pytest.raises(kind) as caught:
        await CHANGES[name](wire.url)

    assert len(wire.asked) == 1
    assert not isinstance(answer, int) or caught.value.status == answer
    assert SECRET not in all_texts_of(caught.value) + told.text


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize(
    "refusal",
    [
        {"data": {"deploymentRollback": False, "deploymentRestart": False}},
        {"data": {"deploymentRollback": "true", "deploymentRestart": 1}},
        {"data": {"somethingElse": True}},
        {"data": None},
        {"errors": [{"message": f"Not Authorized: {SECRET}"}], "data": None},
        {"errors": ["odd"], "data": {"deploymentRollback": True, "deploymentRestart": True}},
        {"errors": True, "data": {"deploymentRollback": True, "deploymentRestart": True}},
        [],
        True,
    ],
)
async def test_takes_only_a_literal_true_for_a_change_made(wire: Wire, name: str, refusal: Any) -> None:
    act, _ = ACTIONS[name]
    wire.answers(says(refusal))

    with pytest.raises(VendorRejected) as caught:
        await act(railway(wire.url), "d1")

    assert len(wire.asked) == 1
    assert SECRET not in all_texts_of(caught.value)


@pytest.mark.parametrize("name", ACTIONS)
async def test_is_content_when_the_change_is_true(wire: Wire, name: str) -> None:
    act, field = ACTIONS[name]
    wire.answers(says({"data": {field: True}}))

    await act(railway(wire.url), "d1")

    [asked] = wire.asked
    assert "d1" in json.dumps(asked.json["variables"])
    assert field in asked.json["query"]
    assert asked.headers["project-access-token"] == SECRET
    assert "authorization" not in asked.headers


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", HEALTH)
async def test_takes_any_answer_but_200_of_the_backend_for_bad_and_asks_once(
    wire: Wire, name: str, answer: int | str
) -> None:
    wire.answers(ANSWERS[answer])

    check = await HEALTH[name](wire.url)

    expected = {
        "too large": CheckStatus.UNKNOWN,
        "not JSON": CheckStatus.OK,
        "deep JSON": CheckStatus.OK,
    }
    assert check.status is expected.get(str(answer), CheckStatus.BAD), check.summary
    assert len(wire.asked) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("endless", ENDLESS)
@pytest.mark.parametrize("name", LOOKS)
async def test_interrupts_a_look_that_does_not_end(wire: Wire, name: str, endless: str) -> None:
    wire.answers(ENDLESS[endless])

    check = await LOOKS[name].at(wire.url)

    assert check.status is CheckStatus.UNKNOWN
    assert "time limit" in check.summary
    assert check.seconds < PATIENCE_SECONDS
    assert len(wire.asked) == READ_TRIES


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("endless", ENDLESS)
@pytest.mark.parametrize("name", CHANGES)
async def test_interrupts_a_change_that_does_not_end(wire: Wire, name: str, endless: str) -> None:
    wire.answers(ENDLESS[endless])

    began = time.monotonic()
    with pytest.raises(VendorUnavailable, match="time limit") as caught:
        await CHANGES[name](wire.url)

    assert time.monotonic() - began < PATIENCE_SECONDS
    assert len(wire.asked) == 1
    assert SECRET not in all_texts_of(caught.value)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("endless", ENDLESS)
@pytest.mark.parametrize("name", HEALTH)
async def test_takes_a_backend_that_does_not_end_for_bad(wire: Wire, name: str, endless: str) -> None:
    wire.answers(ENDLESS[endless])

    check = await HEALTH[name](wire.url)

    assert check.status is CheckStatus.BAD
    assert "no answer" in check.summary
    assert check.seconds < PATIENCE_SECONDS
    assert len(wire.asked) == 1


@pytest.mark.parametrize("odd", [None, [], "ok", 7, {}, {"data": 3, "stat": 3, "status": 3}, [[]]])
@pytest.mark.parametrize("name", LOOKS)
async def test_says_unknown_to_json_of_another_shape(wire: Wire, name: str, odd: Any) -> None:
    wire.answers(says(odd))

    check = await LOOKS[name].at(wire.url)

    assert check.status is CheckStatus.UNKNOWN
    assert len(wire.asked) == 1


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", ["railway", "sentry"])
async def test_does_not_show_a_credential_that_no_header_can_carry(wire: Wire, name: str) -> None:
    broken = f"{SECRET}\n"
    wire.answers(says({}))
    looks = {
        "railway": railway_deployments(
            RailwayCredentials(token=SecretStr(broken), base_url=wire.url),
            TARGET,
            now=NOW,
        ),
        "sentry": sentry_errors(
            SentryCredentials(token=SecretStr(broken), organization="shop", base_url=wire.url),
            now=NOW,
            thresholds=THRESHOLDS,
        ),
    }
    checks = {each: await look for each, look in looks.items()}

    assert checks[name].status is CheckStatus.UNKNOWN
    assert SECRET not in checks[name].model_dump_json()


@pytest.mark.usefixtures("eager")
async def test_raises_what_it_could_not_look_up_in_our_own_error_tree(wire: Wire) -> None:
    for odd in (None, [], {"data": {}}, {"data": {"deployments": None}}, {"data": {"deployments": []}}):
        wire.answers(says(odd))
        with pytest.raises(VendorRejected):
            await list_deployments(railway(wire.url), TARGET)


NOT_CONFIGURED: dict[str, Callable[[], Awaitable[Check]]] = {
    "railway": lambda: railway_deployments(
        None,
        TARGET,
        now=NOW,
    ),
    "railway's target": lambda: railway_deployments(
        railway("http://127.0.0.1:9"),
        None,
        now=NOW,
    ),
    "railway's metrics": lambda: railway_metrics(None, TARGET, now=NOW, recent=timedelta(hours=1)),
    "railway's logs": lambda: railway_logs(None, TARGET),
    "railway's changes": lambda: railway_changes(
        railway("http://127.0.0.1:9"), {}, now=NOW, recent=timedelta(hours=1)
    ),
    "railway's worker": lambda: worker_deployment(None, TARGET, now=NOW),
    "railway's worker's target": lambda: worker_deployment(railway("http://127.0.0.1:9"), None, now=NOW),
    "the worker's queue": lambda: queue_state(None, QueueTarget(name="jobs"), backing_up=1, now=NOW),
    "the worker's queue's name": lambda: queue_state(None, None, backing_up=1, now=NOW),
    "the worker's jobs": lambda: jobs_table(
        None, QueueTarget(name="jobs"), stalled_after=timedelta(minutes=5)
    ),
    "the worker's jobs' queue": lambda: jobs_table(None, None, stalled_after=timedelta(minutes=5)),
    "stripe's endpoint": lambda: stripe_endpoint(None, STRIPE_TARGET),
    "stripe's events": lambda: stripe_events(None, STRIPE_TARGET, **PAYMENTS),
    "stripe's payments": lambda: payment_orders(None, None, STRIPE_TARGET, **PAYMENTS),
    "stripe's table of orders": lambda: payment_orders(
        stripe("http://127.0.0.1:9"), None, STRIPE_TARGET, **PAYMENTS
    ),
    "sentry": lambda: sentry_errors(None, now=NOW, thresholds=THRESHOLDS),
    "uptimerobot": lambda: uptimerobot_monitors(None),
    "gemini": lambda: gemini_health(None),
    "removebg": lambda: removebg_account(None),
    "redis": lambda: redis_ping(None, slow_after_ms=1),
    "upstash": lambda: upstash_database(None, None, near_percent=80),
    "upstash's target": lambda: upstash_database(upstash("http://127.0.0.1:9"), None, near_percent=80),
    "postgres connections": lambda: postgres_connections(
        None, leak_above=1, idle_longer_than=timedelta(minutes=1)
    ),
    "postgres slow queries": lambda: postgres_slow_queries(None, longer_than=timedelta(seconds=1)),
    "postgres size": lambda: postgres_size(None),
    "health": lambda: backend_health(None),
    "frontend": lambda: frontend_health(None),
    "vercel": lambda: vercel_deployments(None, VERCEL_TARGET, now=NOW, recent=timedelta(hours=1)),
    "vercel's logs": lambda: vercel_logs(None, VERCEL_TARGET),
    "detailed health": lambda: backend_detailed(None),
}


@pytest.mark.parametrize("name", NOT_CONFIGURED)
async def test_says_not_configured_without_a_block(name: str) -> None:
    check = await NOT_CONFIGURED[name]()

    assert check.status is CheckStatus.NOT_CONFIGURED
    assert "is not configured (set " in check.summary
