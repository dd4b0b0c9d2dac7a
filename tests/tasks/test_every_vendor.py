"""Every vendor over HTTP walks the same table: which answers are asked for again, and what comes of each."""

import json
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from blocks.railway import RailwayCredentials
from blocks.sentry import SentryCredentials
from tasks import orders
from tasks.bullmq import queue_state
from tasks.gemini import gemini_health
from tasks.health import backend_detailed, backend_health, frontend_health
from tasks.jobs import jobs_table
from tasks.orders import payment_orders
from tasks.postgres import postgres_connections, postgres_size, postgres_slow_queries
from tasks.railway import (
    list_deployments,
)
from tasks.railway_looks import (
    railway_changes,
    railway_deployments,
    railway_logs,
    railway_metrics,
    worker_deployment,
)
from tasks.redis import redis_ping
from tasks.removebg import removebg_account
from tasks.sentry import sentry_errors
from tasks.stripe import (
    stripe_endpoint,
    stripe_events,
)
from tasks.upstash import upstash_database
from tasks.uptimerobot import uptimerobot_monitors
from tasks.vendor_http import LARGEST_BODY_BYTES, READ_TRIES
from tasks.vercel import vercel_deployments, vercel_logs
from tasks.vercel_variables import vercel_variables
from tests.tasks.conftest import SECRET, Answer, Manner, Wire, says
from tests.tasks.vendors import (
    ACTIONS,
    BODILESS,
    CHANGES,
    HEALTH,
    ISSUES,
    LOOKS,
    NOW,
    PAYMENTS,
    STRIPE_TARGET,
    TARGET,
    THRESHOLDS,
    VERCEL_TARGET,
    railway,
    stripe,
    upstash,
)
from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable
from watchkeeper.model import Check, CheckStatus
from watchkeeper.policy.services import (
    QueueTarget,
)

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
# Far above the limits of these tests, and below those of a real night that are not shortened here.
PATIENCE_SECONDS = 10
# On a busy machine the first of these may be over before anything was asked: then it is tried with the next.
SHORT_LIMITS_SECONDS = (0.3, 0.9, 2.7)
# A change whose success has no body is content with any.
ANY_BODY = ("not JSON", "deep JSON")
WORTH_REPEATING = (429, 500, 502, 503, "cut off")


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
@pytest.mark.parametrize(
    ("name", "answer"),
    [
        *((name, answer) for name in CHANGES for answer in ANSWERS),
        *((name, answer) for name in BODILESS for answer in ANSWERS if answer not in ANY_BODY),
    ],
)
async def test_never_asks_twice_for_a_change(
    wire: Wire, name: str, answer: int | str, told: pytest.LogCaptureFixture
) -> None:
    wire.answers(ANSWERS[answer])

    kind = VendorUnavailable if answer in WORTH_REPEATING else VendorRejected
    with pytest.raises(kind) as caught:
        await (CHANGES | BODILESS)[name](wire.url)

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


Result = TypeVar("Result")


async def ask_endless(
    wire: Wire, impatient: Callable[[float], None], ask: Callable[[], Awaitable[Result]], *, times: int
) -> Result:
    """What comes of asking a vendor that does not end, once the limit was long enough to ask it so many times."""
    for seconds in SHORT_LIMITS_SECONDS:
        impatient(seconds)
        wire.asked.clear()
        result = await ask()
        if len(wire.asked) == times:
            break
    return result


@pytest.mark.parametrize("endless", ENDLESS)
@pytest.mark.parametrize("name", LOOKS)
async def test_interrupts_a_look_that_does_not_end(
    wire: Wire, impatient: Callable[[float], None], name: str, endless: str
) -> None:
    wire.answers(ENDLESS[endless])

    check = await ask_endless(wire, impatient, lambda: LOOKS[name].at(wire.url), times=READ_TRIES)

    assert check.status is CheckStatus.UNKNOWN
    assert "time limit" in check.summary
    assert check.seconds < PATIENCE_SECONDS
    assert len(wire.asked) == READ_TRIES


@pytest.mark.parametrize("endless", ENDLESS)
@pytest.mark.parametrize("name", [*CHANGES, *BODILESS])
async def test_interrupts_a_change_that_does_not_end(
    wire: Wire, impatient: Callable[[float], None], name: str, endless: str
) -> None:
    wire.answers(ENDLESS[endless])

    async def change() -> tuple[float, VendorUnavailable]:
        began = time.monotonic()
        with pytest.raises(VendorUnavailable, match="time limit") as caught:
            await (CHANGES | BODILESS)[name](wire.url)
        return time.monotonic() - began, caught.value

    took, error = await ask_endless(wire, impatient, change, times=1)

    assert took < PATIENCE_SECONDS
    assert len(wire.asked) == 1
    assert SECRET not in all_texts_of(error)


@pytest.mark.parametrize("endless", ENDLESS)
@pytest.mark.parametrize("name", HEALTH)
async def test_takes_a_backend_that_does_not_end_for_bad(
    wire: Wire, impatient: Callable[[float], None], name: str, endless: str
) -> None:
    wire.answers(ENDLESS[endless])

    check = await ask_endless(wire, impatient, lambda: HEALTH[name](wire.url), times=1)

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
    "uptimerobot": lambda: uptimerobot_monitors(None, []),
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
    "vercel's variables": lambda: vercel_variables(None, VERCEL_TARGET, now=NOW, recent=timedelta(hours=1)),
    "detailed health": lambda: backend_detailed(None),
}


@pytest.mark.parametrize("name", NOT_CONFIGURED)
async def test_says_not_configured_without_a_block(name: str) -> None:
    check = await NOT_CONFIGURED[name]()

    assert check.status is CheckStatus.NOT_CONFIGURED
    assert "is not configured (set " in check.summary
