"""What Prefect is asked for: kept as rows while it is away, asked once when it is back, in nobody's way."""

from urllib.parse import quote

import httpx
import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, BEN, PUBLIC_URL, KernelHouse, two_on_call
from tests.watchkeeper.prefect_stand_in import PrefectStandIn
from watchkeeper.answers import Verb, answer_by_link
from watchkeeper.incidents import read_incident
from watchkeeper.model import DeadlineKind
from watchkeeper.store import Store, open_store


@pytest.fixture
def house(store: Store, clock: MovedClock, prefect: PrefectStandIn) -> KernelHouse:
    return KernelHouse(store, clock, two_on_call(), httpx.MockTransport(prefect))


async def jobs(house: KernelHouse) -> dict[str, tuple[str, int]]:
    async with house.store._pool.connection() as connection:
        rows = await (await connection.execute("SELECT key, state, attempts FROM motor_jobs")).fetchall()
    return {row["key"]: (row["state"], row["attempts"]) for row in rows}


async def start_job(house: KernelHouse) -> tuple[str, int]:
    return next(job for key, job in (await jobs(house)).items() if key.startswith("start:"))


async def drive(house: KernelHouse, times: int = 1, **pause: float) -> None:
    for _ in range(times):
        house.clock.advance(**pause or {"seconds": 6})
        await house.dispatcher.drive_motor()


async def test_the_response_is_asked_for_once_under_the_incidents_key(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    await house.hear()
    await house.hear(delivery_id="again")
    await drive(house, 3)
    assert prefect.created.count("INC-0001:1") == 1
    run = prefect.runs["INC-0001:1"]
    assert run["parameters"] == {"incident_id": 1, "attempt": 1}
    assert run["name"] == "INC-0001 response"
    assert (await start_job(house))[0] == "done"


async def test_what_prefect_is_to_do_waits_as_rows_while_it_is_away(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    prefect.away = True
    await house.hear()
    await drive(house, 10)
    states = {state for state, _ in (await jobs(house)).values()}
    assert states == {"pending"}
    assert (await start_job(house))[1] == 10
    prefect.away = False
    await drive(house, 3)
    assert prefect.created.count("INC-0001:1") == 1
    assert {state for state, _ in (await jobs(house)).values()} == {"done"}


async def test_people_are_paged_escalated_to_and_heard_while_prefect_is_away(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    prefect.away = True
    await house.hear(severity="P1")
    assert len(house.phone(ANA)) == 1
    await drive(house)
    await house.pass_time(hours=1)
    assert "Ana has not answered" in house.phone(BEN)[-1]
    link = int(house.phone(BEN)[-1].rpartition("/")[2].partition(".")[0])
    async with house.store.transaction() as db:
        answer = await answer_by_link(db, PUBLIC_URL, link, Verb.ACKNOWLEDGE, now=house.clock())
    assert answer.refusal is None
    assert (await read_incident(house.store, 1)).acknowledged_by == "ben"
    before = len(house.phone(ANA))
    await house.pass_time(minutes=59)
    assert len(house.phone(ANA)) == before
    await house.pass_time(
        minutes=1
    )  # unresolved for the two hours that the severity has: Ben has it, so Ana is told
    assert "unresolved after 2 hours" in house.phone(ANA)[-1]
    assert prefect.runs == {}
    prefect.away = False
    await drive(house, 3)
    assert prefect.created.count("INC-0001:1") == 1


@pytest.mark.parametrize("mood", ["away", "500", "503", "429", "html", "200", "307", "lost answer"])
async def test_it_is_asked_again_whatever_went_wrong_and_runs_once(
    house: KernelHouse, prefect: PrefectStandIn, mood: str
) -> None:
    await house.hear()
    prefect.moods = ["", mood]  # the deployment is found; creating the run goes wrong
    await drive(house)
    assert (await start_job(house))[0] == "pending"
    await drive(house, 3)
    assert (await start_job(house))[0] == "done"
    assert list(prefect.runs).count("INC-0001:1") == 1
    assert prefect.created.count("INC-0001:1") == (2 if mood == "lost answer" else 1)


async def test_a_deployment_that_is_not_registered_yet_is_waited_for(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    prefect.registered = False
    await house.hear()
    await drive(house, 5)
    assert (await start_job(house))[0] == "pending"
    prefect.registered = True
    await drive(house, 2)
    assert prefect.created.count("INC-0001:1") == 1


async def test_a_deployment_that_was_made_anew_is_looked_up_again(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    await house.hear()
    await drive(house)
    await house.hear(fingerprint="redis", service="redis", kind="redis_down", summary="Redis is down")
    prefect.asked.clear()
    prefect.moods = ["404"]
    await drive(house, 3)
    assert prefect.created.count("INC-0002:1") == 1
    assert ("GET", "/api/deployments/name/respond/watchkeeper") in prefect.asked


async def test_two_dispatchers_ask_once(house: KernelHouse, prefect: PrefectStandIn, store: Store) -> None:
    await house.hear()
    other = KernelHouse(store, house.clock, two_on_call(), httpx.MockTransport(prefect))
    for dispatcher in (house.dispatcher, other.dispatcher, house.dispatcher):
        await dispatcher.drive_motor()
    assert prefect.created.count("INC-0001:1") == 1


async def test_prefect_starts_the_response_before_it_is_asked_to_show_any_deadline(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    await house.hear()
    await house.dispatcher.drive_motor()
    assert prefect.created == ["INC-0001:1"]
    await drive(house, seconds=2)
    assert any(key.startswith("INC-0001:acknowledge") for key in prefect.created)


async def test_a_response_that_is_to_start_waits_for_one_request_and_not_for_all_that_are_due(
    store: Store, clock: MovedClock, prefect: PrefectStandIn
) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        if len(prefect.created) == 2:  # the first incident's response, and the first of its deadlines
            await house.hear(fingerprint="second", service="redis", summary="Redis is down")
        return prefect(request)

    house = KernelHouse(store, clock, two_on_call(), httpx.MockTransport(answer))
    await house.hear()
    await drive(house)
    assert prefect.created[0] == "INC-0001:1"
    assert prefect.created.index("INC-0002:1") <= 3
    assert len(prefect.created) > 5


async def test_a_dispatcher_that_died_while_asking_is_followed_by_another(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    await house.hear()
    house.clock.advance(seconds=2)
    now = house.clock()
    lease = house.clock.now.replace(second=30)
    assert await house.store.all("motor/claim", now=now, lease_until=lease, limit=20)
    await drive(house, seconds=27)
    assert prefect.created == []
    await drive(house, seconds=2)
    assert prefect.created.count("INC-0001:1") == 1


async def test_deadlines_are_shown_as_scheduled_runs(house: KernelHouse, prefect: PrefectStandIn) -> None:
    await house.hear(severity="P1")
    await drive(house, 2)
    (run,) = [run for key, run in prefect.runs.items() if key.startswith("INC-0001:acknowledge:1")]
    assert run["state"]["type"] == "SCHEDULED"
    row = await house.store.one("deadlines/one", incident_id=1, kind=DeadlineKind.ACKNOWLEDGE, number=1)
    assert row is not None
    assert row["flow_run_id"] == run["id"]


# What makes Postgres ask a subquery anew for each row: other statistics lead to the same plan now and then.
ROW_BY_ROW = "-c enable_hashjoin=off -c enable_mergejoin=off -c enable_hashagg=off -c enable_material=off -c enable_sort=off"


async def test_as_many_requests_are_leased_as_are_carried_out_whatever_the_plan(
    store_url: str, clock: MovedClock, prefect: PrefectStandIn
) -> None:
    async with open_store(f"{store_url}&options={quote(ROW_BY_ROW)}") as store:
        house = KernelHouse(store, clock, two_on_call(), httpx.MockTransport(prefect))
        await house.hear()
        await house.hear(fingerprint="redis", service="redis", summary="Redis is down")
        await drive(house)
        assert {state for state, _ in (await jobs(house)).values()} == {"done"}
