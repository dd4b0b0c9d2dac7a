"""What a sweep's reading says as an alert: how bad it is at once, and that triage makes it no worse."""

from datetime import UTC, datetime

import pytest

from tests.watchkeeper.house import two_on_call
from watchkeeper.decisions import judge_severity
from watchkeeper.model import Alert, Reading, Severity
from watchkeeper.sweeping import alert_of_reading

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def alert_of(probe: str, service: str) -> Alert:
    reading = Reading(
        probe=probe, service=service, value=9, unit="", threshold=2, ok=False, observed_at=NOW, detail="bad"
    )
    alert = alert_of_reading(reading, two_on_call())
    assert alert is not None
    return alert


@pytest.mark.parametrize(
    ("probe", "service", "severity", "reason"),
    [
        ("postgres_connections", "database", "P0", "kind_database_down"),
        # The guide: a database that is very slow is a P1.
        ("postgres_slow_queries", "database", "P1", "named_by_guide"),
        ("stripe_undelivered", "payments", "P0", "kind_payment_failure"),
        ("queue", "worker", "P1", "kind_worker_stuck"),
    ],
)
def test_a_probe_is_as_bad_as_the_guide_says(probe: str, service: str, severity: str, reason: str) -> None:
    alert = alert_of(probe, service)

    assert judge_severity(alert, two_on_call()) == (severity, reason)
    # Triage knows the kind and no longer the probe.
    later = alert.model_copy(update={"severity": None})
    assert not judge_severity(later, two_on_call()).severity.is_worse_than(Severity(severity))
