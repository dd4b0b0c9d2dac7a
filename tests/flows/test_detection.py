"""The sweep: every probe side by side, what is bad looked at twice, an alert that fires and one that falls quiet."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Any

import pytest

from flows import checks, detection
from flows.credentials import Credentials
from flows.looks import Look
from tests.flows.conftest import NOBODY, MovedBench
from watchkeeper.clock import utc_now
from watchkeeper.findings import save_reading
from watchkeeper.model import Check, CheckStatus
from watchkeeper.policy import Policy
from watchkeeper.settings import Settings

PROBE = "sweep:postgres_writable"


class Company:
    """Probes that say what the test wants, in order; the last saying stays. Every look is counted."""

    def __init__(self) -> None:
        self.says: dict[str, list[CheckStatus]] = {}
        self.looks: Counter[str] = Counter()

    def look(self, name: str) -> Callable[..., Awaitable[Check]]:
        async def take(**given: Any) -> Check:
            self.looks[name] += 1
            told = self.says[name]
            status = told.pop(0) if len(told) > 1 else told[0]
            return Check(name=name, system="it", status=status, summary=str(status), observed_at=given["now"])

        return take


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch, bench: MovedBench) -> Company:
    made = Company()
    made.says = {"redis_ping": [CheckStatus.OK], "postgres_writable": [CheckStatus.OK]}

    async def load_credentials(names: Collection[str]) -> Credentials:
        return NOBODY

    probes = [Look(name, made.look(name), lambda scene: {"now": scene.now}, probe=True) for name in made.says]
    monkeypatch.setattr(detection, "PROBES", probes)
    monkeypatch.setattr(checks, "load_credentials", load_credentials)
    monkeypatch.setattr(checks, "Settings", lambda: Settings(_env_file=None))
    monkeypatch.setattr(detection, "SECOND_LOOK_SECONDS", 0)
    monkeypatch.setattr(detection, "open_bench", bench.opened)
    return made


async def swept(policy: Policy) -> dict[str, bool]:
    return {reading.probe: reading.ok for reading in await detection.sweep(policy)}


async def test_what_is_well_is_looked_at_once(company: Company, policy: Policy) -> None:
    assert await swept(policy) == {"redis_ping": True, "postgres_writable": True}
    assert company.looks == {"redis_ping": 1, "postgres_writable": 1}


async def test_one_bad_look_is_no_outage(company: Company, policy: Policy) -> None:
    company.says["redis_ping"] = [CheckStatus.BAD, CheckStatus.OK]

    assert await swept(policy) == {"redis_ping": True, "postgres_writable": True}
    assert company.looks == {"redis_ping": 2, "postgres_writable": 1}


async def test_what_is_bad_twice_is_bad_and_nothing_else_is_asked_again(
    company: Company, policy: Policy
) -> None:
    company.says["redis_ping"] = [CheckStatus.UNKNOWN, CheckStatus.BAD]

    assert await swept(policy) == {"redis_ping": False, "postgres_writable": True}
    assert company.looks == {"redis_ping": 2, "postgres_writable": 1}


async def test_a_slow_probe_does_not_wait_for_anothers_second_look(
    company: Company, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take their time side by side: the sweep is as long as the longer of the two, not as both."""
    second_look = asyncio.Event()

    async def slow(**given: Any) -> Check:
        async with asyncio.timeout(5):
            await second_look.wait()
        return Check(
            name="postgres_writable", system="it", status=CheckStatus.OK, summary="", observed_at=given["now"]
        )

    async def bad(**given: Any) -> Check:
        if company.looks["redis_ping"]:
            second_look.set()
        company.looks["redis_ping"] += 1
        return Check(
            name="redis_ping", system="it", status=CheckStatus.BAD, summary="", observed_at=given["now"]
        )

    given = lambda scene: {"now": scene.now}  # noqa: E731
    looks = [Look("redis_ping", bad, given), Look("postgres_writable", slow, given)]
    monkeypatch.setattr(detection, "PROBES", looks)

    assert await swept(policy) == {"redis_ping": False, "postgres_writable": True}


async def test_a_probe_that_is_not_configured_is_no_reading(company: Company, policy: Policy) -> None:
    company.says["redis_ping"] = [CheckStatus.NOT_CONFIGURED]

    assert await swept(policy) == {"postgres_writable": True}


async def test_what_is_bad_opens_an_incident_once_and_what_is_good_again_quiets_its_alert(
    company: Company, bench: MovedBench
) -> None:
    company.says["postgres_writable"] = [CheckStatus.BAD]
    for _ in range(2):
        assert await detection.detection.fn() == {"redis_ping": True, "postgres_writable": False}
    alert = await bench.store.one("alerts/open_incident_of", fingerprint=PROBE)
    assert alert is not None and (alert["incident_id"], alert["firing"]) == (1, True)

    company.says["postgres_writable"] = [CheckStatus.OK]
    await detection.detection.fn()

    alert = await bench.store.one("alerts/open_incident_of", fingerprint=PROBE)
    assert alert is not None and not alert["firing"]


async def test_every_reading_of_a_sweep_is_kept_for_a_while(company: Company, bench: MovedBench) -> None:
    bench.clock.now = utc_now()
    [one, _] = await detection.sweep(bench.settings.policy())
    old = one.model_copy(update={"observed_at": bench.now() - timedelta(days=8)})
    await save_reading(bench.store, None, old)

    await detection.detection.fn()

    tomorrow = bench.now() + timedelta(days=1)
    assert await bench.store.run("readings/prune", before=tomorrow) == 2
