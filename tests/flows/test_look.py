"""One look of a verification: what it asks of the probes, writes down, and ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from flows import verification as watching
from tests.flows.conftest import MovedBench
from tests.flows.looks import reading
from watchkeeper.endings import read_waited_for
from watchkeeper.findings import read_readings
from watchkeeper.incidents import set_cause
from watchkeeper.model import Incident, Kind, Reading
from watchkeeper.policy import Policy


@dataclass
class Probes:
    """The company's probes and what they read."""

    readings: list[Reading] = field(default_factory=list)

    async def run(self, policy: Policy, *, with_unread: bool) -> Sequence[Reading]:
        return self.readings


@pytest.fixture
def probes(bench: MovedBench, monkeypatch: pytest.MonkeyPatch) -> Probes:
    made = Probes()
    monkeypatch.setattr(watching, "run_probes", made.run)
    monkeypatch.setattr(watching, "open_bench", bench.opened)
    return made


@pytest.mark.parametrize(
    ("told", "quiet"),
    [
        ({"source": "sweep", "fingerprint": "sweep:redis_ping"}, True),
        ({"source": "sweep", "fingerprint": "sweep:backend_health"}, False),
        ({"source": "sweep", "fingerprint": "sweep:queue"}, False),
        ({"source": "uptimerobot", "fingerprint": "uptimerobot:7:down"}, True),
        ({"source": "uptimerobot", "fingerprint": "uptimerobot:8:down", "service": "staging"}, False),
        ({"source": "generic", "fingerprint": "generic:redis_ping"}, False),
    ],
)
async def test_a_look_ends_what_the_same_probe_told_of(
    bench: MovedBench, policy: Policy, probes: Probes, told: dict[str, str], quiet: bool
) -> None:
    """No later sweep or webhook has to say it once more; a webhook that says "up" is sent once, and may be lost."""
    number = await bench.hear(policy, **told)
    read = {"redis_ping": True, "uptimerobot_monitors": True, "backend_health": False}
    probes.readings = [reading(probe, ok, bench.now()) for probe, ok in read.items()]

    await watching.take_look(number)

    assert [alert.fingerprint for alert in await read_waited_for(bench.store, number)] == (
        [] if quiet else [told["fingerprint"]]
    )


async def test_a_look_is_written_down_reading_by_reading(
    bench: MovedBench, incident: Incident, probes: Probes
) -> None:
    probes.readings = [
        reading("backend_health", False, bench.now()),
        reading("redis_ping", True, bench.now()),
    ]

    given: Any = await watching.take_look(incident.id)

    assert given == probes.readings
    assert await read_readings(bench.store, incident.id) == probes.readings


@pytest.mark.parametrize(
    ("told", "cause", "needed"),
    [
        ({"source": "sentry", "kind": Kind.HIGH_ERROR_RATE, "ends": False}, None, True),
        ({"source": "sentry", "kind": Kind.OTHER, "ends": False}, None, True),
        ({"source": "generic", "kind": Kind.HIGH_ERROR_RATE}, None, True),
        ({"source": "uptimerobot"}, "errors_after_deploy", True),
        ({"source": "uptimerobot"}, "connection_leak", False),
        ({"source": "uptimerobot"}, None, False),
    ],
)
async def test_the_error_rate_has_to_be_read_where_only_it_proves_the_end(
    bench: MovedBench,
    policy: Policy,
    probes: Probes,
    told: dict[str, Any],
    cause: str | None,
    needed: bool,
) -> None:
    number = await bench.hear(policy, **told)
    if cause is not None:
        await set_cause(bench.store, number, cause, 0.9)
    unread = reading("sentry_errors", False, bench.now()).model_copy(update={"unread": True})
    probes.readings = [unread]

    assert await watching.take_look(number) == ([unread] if needed else [])


@pytest.mark.parametrize(
    ("kind", "cause", "proofs"),
    [
        (Kind.PAYMENT_FAILURE, None, ["redis_ping", "payment_orders"]),
        (Kind.SITE_OUTAGE, "stripe_signature", ["redis_ping", "payment_orders"]),
        (Kind.SITE_OUTAGE, None, ["redis_ping"]),
    ],
)
async def test_payments_prove_the_end_of_what_is_about_payments(
    bench: MovedBench,
    policy: Policy,
    probes: Probes,
    monkeypatch: pytest.MonkeyPatch,
    kind: Kind,
    cause: str | None,
    proofs: list[str],
) -> None:
    number = await bench.hear(policy, kind=kind)
    if cause is not None:
        await set_cause(bench.store, number, cause, 0.9)
    now = bench.now()
    names = ("redis_ping", "stripe_undelivered", "payment_orders")
    probes.readings = [reading(name, name == "redis_ping", now) for name in names]

    async def every_order(policy: Policy) -> Sequence[Reading]:
        return [reading("payment_orders", True, now)]

    monkeypatch.setattr(watching, "run_payment_probes", every_order)

    told: Any = await watching.take_look(number)

    assert [each.probe for each in told] == proofs
    assert all(each.ok for each in told)
