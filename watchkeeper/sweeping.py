"""What a sweep's reading says, as an alert; and what it would have said under another policy. Pure."""

from watchkeeper.model import Alert, Kind, Reading, Severity
from watchkeeper.policy import Policy
from watchkeeper.policy.rules import Thresholds

SWEEP = "sweep"

# The probes whose number is held against a threshold of the policy's.
LIMIT_OF_PROBE = {
    "postgres_connections": "leak_above_connections",
    "postgres_slow_queries": "slow_queries_above",
    "queue": "queue_backing_up",
    "sentry_errors": "errors_per_minute",
}


# The probes whose trouble is milder than its service being down: the guide's own severity for it.
MILDER = {"postgres_slow_queries": Severity.P1}


def fingerprint_of(probe: str) -> str:
    return f"{SWEEP}:{probe}"


def alert_of_reading(reading: Reading, policy: Policy) -> Alert | None:
    """A reading as an alert, firing or quiet; None where it speaks for no service of the policy's."""
    known = policy.services.get(reading.service)
    if known is None:
        return None
    return Alert(
        source=SWEEP,
        fingerprint=fingerprint_of(reading.probe),
        firing=not reading.ok,
        service=reading.service,
        kind=Kind.OTHER if reading.probe in MILDER else known.kind,
        severity=MILDER.get(reading.probe),
        summary=f"{known.title}: {reading.detail or reading.probe}"[:500],
        started_at=reading.observed_at,
    )


def judged_under(reading: Reading, thresholds: Thresholds) -> Reading:
    """The same reading under other thresholds; one that is bad for another reason stays bad."""
    name = LIMIT_OF_PROBE.get(reading.probe)
    if name is None or reading.value is None or reading.threshold is None:
        return reading
    limit = float(getattr(thresholds, name))
    was_over, is_over = reading.value > reading.threshold, reading.value > limit
    ok = reading.ok if was_over == is_over else not is_over
    return reading.model_copy(update={"ok": ok, "threshold": limit})
