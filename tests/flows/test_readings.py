"""What a look says as a reading: whether it is good, of which service it is, and what it is held against."""

from typing import Any

import pytest

from flows.readings import is_unread, measure_of, reading_of, service_of
from tests.flows.test_checks import API, NOW, PROBES, WEB, check
from tests.watchkeeper.house import two_on_call
from watchkeeper.model import CheckStatus


@pytest.mark.parametrize(
    ("status", "ok"), [(CheckStatus.OK, True), (CheckStatus.BAD, False), (CheckStatus.UNKNOWN, False)]
)
def test_only_a_good_look_is_a_good_reading(status: CheckStatus, ok: bool) -> None:
    reading = reading_of(check("backend_health", status, status_code=200), two_on_call())

    assert reading is not None
    assert (reading.probe, reading.ok, reading.observed_at) == ("backend_health", ok, NOW)
    assert (reading.value, reading.threshold, reading.detail) == (200, 200, "all is well")


def test_a_witness_that_cannot_be_asked_says_nothing_of_us() -> None:
    policy = two_on_call()

    for witness in ("sentry_errors", "uptimerobot_monitors"):
        assert reading_of(check(witness, CheckStatus.UNKNOWN), policy) is None
    bad = reading_of(check("sentry_errors", CheckStatus.BAD, per_minute=9.5), policy)
    assert bad is not None and (bad.ok, bad.service in policy.services) == (False, False)


@pytest.mark.parametrize(
    "name", ["sentry_errors", "circuits", "stripe_undelivered", "payment_orders", "uptimerobot_monitors"]
)
def test_a_witness_whose_word_is_needed_is_missed(name: str) -> None:
    reading = reading_of(check(name, CheckStatus.UNKNOWN), two_on_call(), with_unread=True)

    assert reading is not None and not reading.ok and is_unread(reading)


@pytest.mark.parametrize(
    ("name", "facts"),
    [("sentry_errors", {"per_minute": 9.5}), ("circuits", {"open": ["gemini"]}), ("backend_health", {})],
)
def test_what_was_read_and_is_bad_is_not_missed(name: str, facts: dict[str, Any]) -> None:
    reading = reading_of(check(name, CheckStatus.BAD, **facts), two_on_call())

    assert reading is not None and not is_unread(reading)


def test_what_is_not_configured_is_no_reading() -> None:
    assert reading_of(check("redis_ping", CheckStatus.NOT_CONFIGURED), two_on_call()) is None


@pytest.mark.parametrize(
    ("name", "facts", "measure"),
    [
        ("backend_health", {"status_code": 503}, (503, "", 200)),
        ("backend_detailed", {"status_code": 200}, (200, "", 200)),
        ("postgres_connections", {"application_connections": 18}, (18, "connections", 15.0)),
        ("redis_ping", {"milliseconds": 0.4}, (0.4, "ms", None)),
        ("uptimerobot_monitors", {"down": ["shop", "api"]}, (2.0, "monitors down", 0)),
        ("uptimerobot_monitors", {"down": []}, (0.0, "monitors down", 0)),
        ("sentry_errors", {"per_minute": 9.5}, (9.5, "errors a minute", 5)),
        ("dns", {"addresses": ["192.0.2.1"]}, (None, "", None)),
    ],
)
def test_a_reading_is_held_against_its_threshold(
    name: str, facts: dict[str, Any], measure: tuple[float | None, str, float | None]
) -> None:
    assert measure_of(check(name, **facts), two_on_call()) == measure


@pytest.mark.parametrize("probe", PROBES)
def test_a_look_that_gave_nothing_measured_nothing(probe: str) -> None:
    reading = reading_of(check(probe, CheckStatus.UNKNOWN), two_on_call(), with_unread=True)

    assert reading is not None
    assert (reading.value, reading.ok, reading.unread) == (None, False, True)


@pytest.mark.parametrize(
    ("name", "dependencies", "service"),
    [
        ("backend_health", {}, "backend"),
        ("postgres_connections", {}, "database"),
        ("redis_ping", {}, "redis"),
        ("uptimerobot_monitors", {}, "backend"),
        ("frontend_health", {}, "frontend"),
        # It says itself what it cannot use, if that is a service that we know.
        ("backend_detailed", {"database": "error", "redis": "ok"}, "database"),
        ("backend_detailed", {"database": "ok", "redis": "error"}, "redis"),
        ("backend_detailed", {"mailer": "error"}, "backend"),
        ("backend_detailed", {"database": "ok", "redis": "ok"}, "backend"),
    ],
)
def test_a_reading_is_about_what_is_broken(name: str, dependencies: dict[str, str], service: str) -> None:
    assert service_of(check(name, dependencies=dependencies), two_on_call()) == service


@pytest.mark.parametrize(
    ("down", "service"),
    [
        (["shop redis"], "redis"),
        (["shop backend"], "backend"),
        # The database explains the backend; neither the database nor Redis explains the other.
        (["shop backend", "shop database"], "database"),
        (["shop backend", "shop database", "shop redis"], "backend"),
    ],
)
def test_monitors_that_are_down_speak_for_what_explains_them(down: list[str], service: str) -> None:
    services: dict[str, dict[str, Any]] = {
        "backend": {"title": "B", "kind": "site_outage", "depends_on": ["database", "redis"]},
        "database": {"title": "D", "kind": "database_down"},
        "redis": {"title": "R", "kind": "redis_down"},
    }
    for name, each in services.items():
        each["monitors"] = [f"shop {name}"]
    policy = two_on_call(services=services)

    assert service_of(check("uptimerobot_monitors", down=down), policy) == service


@pytest.mark.parametrize(
    ("down", "service"),
    [(["shop website"], "web"), (["shop api"], "api"), (["shop website", "shop api"], "api")],
)
def test_a_monitor_that_is_down_speaks_for_the_service_that_it_watches(down: list[str], service: str) -> None:
    policy = two_on_call(services={"web": WEB, "api": API})

    assert service_of(check("uptimerobot_monitors", down=down), policy) == service


def test_a_dead_page_is_about_the_service_that_vercel_serves_whatever_its_name() -> None:
    policy = two_on_call(services={"api": API, "web": WEB})

    assert service_of(check("frontend_health", CheckStatus.BAD), policy) == "web"
