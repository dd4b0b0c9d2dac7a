"""Alerts that come at the same time: each is kept once, none waits for another's trouble, their order counts."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, KernelHouse, two_on_call
from tests.watchkeeper.recording import until
from watchkeeper.admission import Admission, admit_again
from watchkeeper.errors import StoreUnavailable
from watchkeeper.incidents import list_recent
from watchkeeper.intake import admitting
from watchkeeper.intake.admitting import BATCH_AT_MOST, Admitting
from watchkeeper.model import Alert, Severity
from watchkeeper.paging.desk import Desk
from watchkeeper.store import Db, Store, present

END_WHAT_WAITS = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
)


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    away = httpx.MockTransport(lambda request: httpx.Response(503))
    return KernelHouse(store, clock, two_on_call(), away)


@pytest_asyncio.fixture
async def queue(house: KernelHouse) -> AsyncIterator[Admitting]:
    yield Admitting(house.store, house.desk)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many alerts each statement was given."""
    given: list[int] = []

    async def counted(
        db: Db, desk: Desk, alerts: Sequence[Alert], *, received_at: Sequence[datetime]
    ) -> dict[int, Admission]:
        given.append(len(alerts))
        return await admit_again(db, desk, alerts, received_at=received_at)

    monkeypatch.setattr(admitting, "admit_again", counted)
    return given


class Blocker:
    """Another process's transaction that has not ended yet."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    async def deliver(self, delivery_id: str) -> None:
        """Write an alert down under this id, and do not commit."""
        await self._connection.execute(
            "INSERT INTO alerts (source, fingerprint, delivery_id, firing, service, kind, summary, started_at,"
            " received_at, payload) VALUES ('generic', 'f', %s, true, 's', 'other', 's', now(), now(), '{}')",
            [delivery_id],
        )

    async def let_go(self, fingerprint: str) -> None:
        """Resolve as far as the fingerprint goes, and do not commit."""
        await self._connection.execute("DELETE FROM open_fingerprints WHERE fingerprint = %s", [fingerprint])

    async def commit(self) -> None:
        await self._connection.commit()

    async def rollback(self) -> None:
        await self._connection.rollback()


@pytest_asyncio.fixture
async def blocker(store_url: str) -> AsyncIterator[Blocker]:
    async with await psycopg.AsyncConnection.connect(store_url) as connection:
        yield Blocker(connection)
        await connection.rollback()


async def tell(house: KernelHouse, queue: Admitting, **told: Any) -> Admission:
    return await queue.admit(house.alert(**told), now=house.clock())


async def count(house: KernelHouse, incident_id: int = 1) -> int:
    return int(present(await house.store.one("alerts/count", incident_id=incident_id))["alerts"])


async def is_firing(house: KernelHouse, fingerprint: str = "site") -> bool:
    return bool(present(await house.store.one("alerts/open_incident_of", fingerprint=fingerprint))["firing"])


async def test_a_storm_with_repeated_deliveries_is_one_incident_and_each_delivery_once(
    house: KernelHouse, queue: Admitting
) -> None:
    async def deliver(number: int) -> str:
        admission = await tell(house, queue, delivery_id=str(number % 100))
        # Another connection sees it: it was committed before it was answered.
        kept = await house.store.one("alerts/delivered", source="generic", delivery_id=str(number % 100))
        assert kept == {"incident_id": admission.incident_id} == {"incident_id": 1}
        return admission.reason

    reasons = Counter(await asyncio.gather(*(deliver(number) for number in range(300))))
    assert reasons == {"nothing_open_explains_it": 1, "same_fingerprint": 99, "delivered_before": 200}
    assert len(await list_recent(house.store)) == 1
    assert await count(house) == 100


async def test_what_waits_at_the_same_time_is_one_statement(
    house: KernelHouse, queue: Admitting, sizes: list[int]
) -> None:
    await tell(house, queue)
    sizes.clear()
    admissions = await asyncio.gather(*(tell(house, queue) for _ in range(BATCH_AT_MOST + 5)))
    assert sizes == [BATCH_AT_MOST, 5]
    assert {(a.incident_id, a.reason) for a in admissions} == {(1, "same_fingerprint")}
    assert await count(house) == BATCH_AT_MOST + 6


async def test_the_first_burst_of_a_storm_opens_one_incident_and_the_rest_follow_together(
    house: KernelHouse, queue: Admitting, sizes: list[int]
) -> None:
    admissions = await asyncio.gather(*(tell(house, queue) for _ in range(20)))
    assert [a.opened for a in admissions] == [True] + [False] * 19
    assert sizes == [20, 19]


async def test_each_alert_belongs_to_its_own_incident(house: KernelHouse, queue: Admitting) -> None:
    await asyncio.gather(*(tell(house, queue, service=f"s{n}", fingerprint=f"f{n}") for n in range(10)))
    first = await asyncio.gather(
        *(tell(house, queue, service=f"s{n}", fingerprint=f"f{n}") for n in range(10))
    )
    again = await asyncio.gather(
        *(tell(house, queue, service=f"s{n}", fingerprint=f"f{n}") for n in range(10))
    )
    assert [a.incident_id for a in first] == [a.incident_id for a in again]
    assert sorted(i.id for i in await list_recent(house.store)) == sorted(
        a.incident_id for a in first if a.incident_id
    )
    assert {await count(house, n) for n in range(1, 11)} == {3}


async def test_an_alert_that_the_store_refuses_fails_alone(house: KernelHouse, queue: Admitting) -> None:
    await tell(house, queue)
    good = [tell(house, queue, delivery_id=str(number)) for number in range(10)]
    bad = tell(house, queue, summary="what Postgres cannot hold: \0")
    fresh = tell(house, queue, fingerprint="other", service="other")
    results = await asyncio.gather(*good[:5], bad, *good[5:], fresh, return_exceptions=True)
    assert isinstance(results.pop(5), psycopg.DataError)
    assert all(isinstance(result, Admission) for result in results)
    assert [await count(house, 1), await count(house, 2)] == [11, 1]


async def test_a_worse_alert_among_known_ones_pages(house: KernelHouse, queue: Admitting) -> None:
    await tell(house, queue, severity="P3")
    await house.pager.send_all_due()
    assert house.phone(ANA) == []
    mild = [tell(house, queue, severity="P3") for _ in range(20)]
    await asyncio.gather(*mild[:10], tell(house, queue, severity="P0"), *mild[10:])
    await house.pager.send_all_due()
    (incident,) = await list_recent(house.store)
    assert incident.severity is Severity.P0
    assert house.phone(ANA)[0].startswith("P0 INC-0001")
    assert await count(house) == 22


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("firing", ["10", "01", "1101", "0010", "1010101"])
async def test_the_last_word_on_a_fingerprint_counts(
    house: KernelHouse, queue: Admitting, firing: str, *, is_known: bool
) -> None:
    if is_known:
        await tell(house, queue)
    said = [tell(house, queue, firing=each == "1") for each in firing]
    others = [tell(house, queue, fingerprint=f"other {number}") for number in range(5)]
    await asyncio.gather(*others[:2], *said, *others[2:])
    assert await is_firing(house) is (firing[-1] == "1")


async def test_a_statement_that_hangs_holds_up_only_what_it_hangs_on(
    house: KernelHouse, queue: Admitting, blocker: Blocker, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.gather(*(tell(house, queue, fingerprint=each, service=each) for each in "abc"))
    await blocker.deliver("held")
    stuck = asyncio.create_task(tell(house, queue, fingerprint="a", service="a", delivery_id="held"))
    others = [tell(house, queue, fingerprint=each, service=each, delivery_id=each) for each in "bc"]
    admissions = await asyncio.gather(*others)
    assert {a.reason for a in admissions} == {"same_fingerprint"}
    assert not stuck.done()
    assert "admitted one by one" in caplog.text
    later = await tell(house, queue, fingerprint="b", service="b", delivery_id="later")
    assert later.reason == "same_fingerprint"
    await blocker.rollback()
    assert (await stuck).reason == "same_fingerprint"
    rows = await house.store.all("alerts/delivered", source="generic", delivery_id="b")
    assert len(rows) == 1, "what a statement that was left behind had written is not written twice"


async def test_a_batch_does_not_wait_for_the_one_before_unless_it_would_contradict_it(
    house: KernelHouse, queue: Admitting, blocker: Blocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admitting, "BATCH_WITHIN_SECONDS", 60)
    await asyncio.gather(*(tell(house, queue, fingerprint=each, service=each) for each in "ab"))
    await blocker.deliver("held")
    stuck = asyncio.create_task(tell(house, queue, fingerprint="a", service="a", delivery_id="held"))
    for _ in range(3):
        await asyncio.sleep(0)  # until it is under way
    ended = asyncio.create_task(tell(house, queue, fingerprint="a", service="a", firing=False))
    beside = [tell(house, queue, fingerprint=each, service=each, delivery_id=f"{each}2") for each in "bb"]
    assert {a.reason for a in await asyncio.gather(*beside)} == {"same_fingerprint", "delivered_before"}
    assert not stuck.done()
    assert not ended.done()
    assert await is_firing(house, "a")
    await blocker.rollback()
    await asyncio.gather(stuck, ended)
    assert not await is_firing(house, "a")


async def test_an_incident_that_is_just_ending_keeps_nobody_waiting_and_loses_nothing(
    house: KernelHouse, queue: Admitting, blocker: Blocker, sizes: list[int]
) -> None:
    await asyncio.gather(*(tell(house, queue, fingerprint=each, service=each) for each in "ab"))
    sizes.clear()
    await blocker.let_go("a")
    waiting = asyncio.create_task(tell(house, queue, fingerprint="a", service="new"))
    assert (await tell(house, queue, fingerprint="b", service="b")).reason == "same_fingerprint"
    assert sizes == [2]
    assert not waiting.done()
    await blocker.commit()
    assert (await waiting).opened


async def test_a_connection_that_is_lost_in_the_middle_of_a_batch_loses_no_alert(
    house: KernelHouse, queue: Admitting, blocker: Blocker, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admitting, "BATCH_WITHIN_SECONDS", 60)
    await tell(house, queue)
    await blocker.deliver("held")
    telling = [asyncio.create_task(tell(house, queue, delivery_id=each)) for each in ("x", "y", "held", "z")]
    with psycopg.connect(store_url, autocommit=True) as connection:
        await until(lambda: connection.execute(END_WHAT_WAITS).rowcount == 1)
    await blocker.rollback()
    admissions = await asyncio.gather(*telling)
    assert {a.reason for a in admissions} == {"same_fingerprint"}
    assert await count(house) == 5


async def test_a_store_that_goes_away_in_the_middle_of_a_batch_is_told_to_all_who_wait(
    house: KernelHouse, queue: Admitting, blocker: Blocker
) -> None:
    await tell(house, queue)
    await blocker.deliver("held")
    first = [asyncio.create_task(tell(house, queue, delivery_id=each)) for each in ("held", "x")]
    await asyncio.sleep(0)
    second = [asyncio.create_task(tell(house, queue, fingerprint=each, service=each)) for each in "ab"]
    await asyncio.sleep(0)
    house.store.is_away = True
    results = await asyncio.gather(*first, *second, return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable] * 4
    house.store.is_away = False
    await blocker.rollback()
    assert (await tell(house, queue, delivery_id="x")).incident_id == 1


async def test_who_has_given_up_is_not_admitted_later(
    house: KernelHouse, queue: Admitting, blocker: Blocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admitting, "ADMIT_WITHIN_SECONDS", 0.3)
    monkeypatch.setattr(admitting, "BATCH_WITHIN_SECONDS", 0.1)
    await tell(house, queue)
    await blocker.deliver("held")
    results = await asyncio.gather(
        tell(house, queue, delivery_id="held"), tell(house, queue, delivery_id="y"), return_exceptions=True
    )
    assert [type(result) for result in results] == [StoreUnavailable] * 2
    await blocker.rollback()
    assert (await tell(house, queue, delivery_id="z")).reason == "same_fingerprint"
    assert await house.store.one("alerts/delivered", source="generic", delivery_id="y") is None
