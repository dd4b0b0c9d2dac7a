"""Nights of silences: what is held back, and what comes after all."""

from datetime import timedelta
from typing import Any

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, KernelHouse, two_on_call
from watchkeeper.admission import is_watched
from watchkeeper.incidents import list_open
from watchkeeper.quiet.releasing import release_due
from watchkeeper.quiet.silences import Silence, add_silence, end_silence, make_silence, read_silences
from watchkeeper.store import Store
from watchkeeper.timeline import read_timeline


async def silence(house: KernelHouse, *, hours: float = 2, **named: Any) -> Silence:
    now = house.clock()
    made = make_silence(
        named or {"service": "backend"},
        sort="maintenance",
        starts_at=now,
        ends_at=now + timedelta(hours=hours),
        person="ben",
        reason="deploying 4.2",
        now=now,
    )
    return await add_silence(house.store, made, now=now)


async def held(house: KernelHouse) -> int:
    async with house.store._pool.connection() as connection:
        cursor = await connection.execute("SELECT count(*) AS n FROM held_alerts")
        row = await cursor.fetchone()
    return int(row["n"]) if row else 0


async def test_a_deployment_window_silences_its_service_and_no_other(house: KernelHouse) -> None:
    await silence(house)
    admission = await house.hear()
    assert (admission.incident_id, admission.reason) == (None, "in_maintenance_window")
    assert house.phone(ANA) == []
    await house.hear(fingerprint="redis", service="redis", kind="redis_down", summary="Redis is down")
    assert len(house.phone(ANA)) == 1
    await house.hear(firing=False)
    await house.pass_time(hours=3)
    (incident,) = await list_open(house.store)
    assert incident.service == "redis"


async def test_what_still_fires_when_the_silence_ends_pages_then(house: KernelHouse) -> None:
    began = house.clock()
    await silence(house)
    await house.hear()
    await house.hear(summary="Backend is still down")
    await house.pass_time(hours=1, minutes=59)
    assert house.phone(ANA) == []
    await house.pass_time(minutes=1)
    (text,) = house.phone(ANA)
    assert "Backend is still down" in text
    (incident,) = await list_open(house.store)
    assert (incident.started_at, incident.detected_at) == (began, house.clock())
    told = "\n".join(entry.text for entry in await read_timeline(house.store, incident.id))
    assert "by maintenance window 1 by ben (deploying 4.2); that is over and the alert still fires" in told
    assert await held(house) == 0


async def test_what_was_held_back_comes_once_whoever_releases_it(house: KernelHouse) -> None:
    """The row brings it, not the process that held it: another one that looks at the same time finds it taken."""
    await silence(house)
    await house.hear()
    house.clock.advance(hours=2)
    async with house.store.transaction() as db:
        assert await db.one("silences/take_due", now=house.clock())
        await release_due(house.store, house.desk, house.guard, now=house.clock())
        assert await list_open(house.store) == []
    # That process died before it admitted anything.
    for _ in range(2):
        await release_due(house.store, house.desk, house.guard, now=house.clock())
    assert len(await list_open(house.store)) == 1


async def test_what_went_quiet_in_the_meantime_does_not_come_back(house: KernelHouse) -> None:
    await silence(house)
    await house.hear()
    assert await is_watched(house.store, "site")  # so that the sweep tells when it is well again
    await house.hear(firing=False)
    assert not await is_watched(house.store, "site")
    await house.pass_time(hours=3)
    assert house.phone(ANA) == []


async def test_a_silence_that_is_ended_early_brings_back_what_it_held(house: KernelHouse) -> None:
    made = await silence(house)
    await house.hear()
    async with house.store.transaction() as db:
        await end_silence(db, made.id or 0, person="ana", now=house.clock())
    assert await read_silences(house.store, now=house.clock()) == []
    await house.pass_time(seconds=0)
    assert len(house.phone(ANA)) == 1


async def test_a_second_silence_holds_on_where_the_first_one_ends(house: KernelHouse) -> None:
    await silence(house, hours=2)
    await house.hear()
    await silence(house, hours=4)
    await house.pass_time(hours=3)
    assert house.phone(ANA) == []
    assert await held(house) == 1
    await house.pass_time(hours=1)
    assert len(house.phone(ANA)) == 1


async def test_an_incident_that_is_open_already_goes_on(house: KernelHouse) -> None:
    await house.hear()
    await silence(house)
    assert (await house.hear()).reason == "same_fingerprint"
    await house.pass_time(minutes=15)
    assert len(house.phone(ANA)) > 1


async def test_a_p0_by_a_person_pages_through_any_silence(house: KernelHouse) -> None:
    await silence(house)
    assert (await house.hear(source="person", fingerprint="person:1", severity="P0")).opened
    assert house.phone(ANA)


async def test_an_alert_without_an_end_is_written_down_and_does_not_come_back(house: KernelHouse) -> None:
    await silence(house)
    assert (await house.hear(fingerprint="sentry:issue:1", ends=False)).reason == "in_maintenance_window"
    assert await held(house) == 0


async def test_a_window_of_the_policy_opens_every_week(store: Store, clock: MovedClock) -> None:
    window = {"name": "backup", "match": {"kind": "site_outage"}, "days": ["monday"]}
    policy = two_on_call(maintenance_windows=[{**window, "starts": "02:00", "ends": "04:00"}])
    house = KernelHouse(store, clock, policy)
    assert (await house.hear()).reason == "in_maintenance_window"
    await house.pass_time(minutes=59)
    assert house.phone(ANA) == []
    await house.pass_time(minutes=1)
    assert len(house.phone(ANA)) == 1


async def test_what_an_alert_was_held_back_by_is_written_to_it(house: KernelHouse) -> None:
    await silence(house)
    await house.hear()
    await house.pass_time(hours=2)
    async with house.store._pool.connection() as connection:
        row = await (await connection.execute("SELECT incident_id, decision, detail FROM alerts")).fetchone()
    assert row and (row["incident_id"], row["decision"]) == (1, "nothing_open_explains_it")
    assert row["detail"]["severity"] == "P0" and row["detail"]["judged"] == "kind_site_outage"
    assert row["detail"]["hold"]["by"] == "maintenance window 1 by ben (deploying 4.2)"
