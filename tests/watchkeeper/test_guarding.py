"""A row that nobody foresaw is set aside, tried again and counted; everything else goes on."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, BEN, PUBLIC_URL, KernelHouse, Phone, two_on_call
from tests.watchkeeper.prefect_stand_in import PrefectStandIn
from tests.watchkeeper.quiet.test_silence_nights import silence
from watchkeeper.decisions import Route
from watchkeeper.errors import StoreUnavailable
from watchkeeper.guarding import Guard, Work, read_set_aside
from watchkeeper.incidents import list_open, read_incident
from watchkeeper.mailing.mailer import Mailer
from watchkeeper.model import Channel
from watchkeeper.motor import ask_motor
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import enqueue, read_notifications
from watchkeeper.status_page.posting import post_start
from watchkeeper.store import Store, open_store
from watchkeeper.timeline import read_timeline


@pytest.fixture
def house(store: Store, clock: MovedClock, prefect: PrefectStandIn) -> KernelHouse:
    return KernelHouse(store, clock, two_on_call(), httpx.MockTransport(prefect))


async def write(store: Store, statement: str, *values: Any) -> None:
    """What no statement of ours would write."""
    async with store._pool.connection() as connection:
        await connection.execute(statement.encode(), values)


async def aside(house: KernelHouse) -> list[tuple[str, str, int]]:
    return [(each.work, each.key, each.times) for each in await read_set_aside(house.store)]


async def test_it_is_tried_again_after_a_while_that_doubles_and_then_forgotten(
    store: Store, clock: MovedClock, caplog: pytest.LogCaptureFixture
) -> None:
    guard, waits, broken = Guard(store, clock), [], True

    async def work() -> None:
        if broken:
            raise ValueError("secret")

    for _ in range(9):
        async with guard.over(Work.PROOF, 7):
            await work()
        (row,) = await read_set_aside(store)
        assert guard.waits(Work.PROOF, 7) and not guard.waits(Work.PROOF, 8)
        waits.append((row.try_at - clock()) / timedelta(seconds=15))
        clock.advance(seconds=(row.try_at - clock()).total_seconds())
        assert not guard.waits(Work.PROOF, 7)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert row.times == 9 and row.error.startswith("ValueError at ")
    assert "the proof 7 cannot be dealt with (ValueError at " in caplog.text and "secret" not in caplog.text

    broken, another = False, Guard(store, clock)
    await another.look()
    async with another.over(Work.PROOF, 7):
        await work()
    assert await read_set_aside(store) == []


async def test_what_is_no_longer_to_be_done_is_forgotten(house: KernelHouse, clock: MovedClock) -> None:
    """Such as a deadline that its Prefect run dealt with, or an alert on disk that somebody removed."""
    async with house.guard.over(Work.SPOOL, "gone.json"):
        raise ValueError
    clock.advance(seconds=15)
    await house.dispatcher.pass_once()
    assert await aside(house) == [(Work.SPOOL, "gone.json", 1)]
    clock.advance(minutes=6)
    await house.dispatcher.pass_once()
    assert await aside(house) == []


@pytest.mark.parametrize("error", [StoreUnavailable("away"), KeyboardInterrupt()])
async def test_a_store_that_is_away_and_an_end_are_nobodys_fault(
    store: Store, clock: MovedClock, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        async with Guard(store, clock).over(Work.PROOF, 7):
            raise error
    assert await read_set_aside(store) == []


async def test_what_fails_before_it_is_known_ends_the_loop(store: Store, clock: MovedClock) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Guard(store, clock).over(Work.DEADLINE):
            _ = 1 / 0


async def test_a_store_that_takes_nothing_counts_as_away(store_url: str, clock: MovedClock) -> None:
    standby = f"{store_url}&options=-c%20default_transaction_read_only%3Don"
    async with open_store(standby) as store:
        house = KernelHouse(store, clock, two_on_call(), httpx.MockTransport(PrefectStandIn()))
        with pytest.raises(StoreUnavailable):
            await house.hear()
        with pytest.raises(StoreUnavailable):
            async with house.guard.over(Work.PROOF, 7):
                _ = 1 / 0


async def test_an_incident_that_cannot_be_read_stops_no_clock_and_keeps_no_alert_out(
    house: KernelHouse, caplog: pytest.LogCaptureFixture
) -> None:
    await house.hear(fingerprint="first", severity="P1")
    await house.hear(fingerprint="second", service="redis", severity="P1", summary="Redis is down")
    await write(house.store, "UPDATE incidents SET severity = 'P9' WHERE id = 1")
    await house.dispatcher.drive_motor()
    await house.pass_time(hours=1)
    assert any("Redis is down" in text for text in house.phone(BEN))
    assert "Response attempt 2 asked for" in await told(house, 2)
    kinds = {key.split(":")[1] for work, key, _ in await aside(house) if work == Work.DEADLINE}
    assert "acknowledge" in kinds and (Work.LAPSED, "1", 1) in await aside(house)

    await house.hear(fingerprint="third", service="payments", severity="P1", summary="Nobody can pay")
    assert any("Nobody can pay" in text for text in house.phone(ANA))
    assert "incident 1 cannot be read: severity" in caplog.text

    await write(house.store, "UPDATE incidents SET severity = 'P1' WHERE id = 1")
    await house.pass_time(minutes=1)
    assert any("Backend is down" in text for text in house.phone(BEN))
    assert await aside(house) == []


async def told(house: KernelHouse, incident_id: int) -> str:
    return "\n".join(entry.text for entry in await read_timeline(house.store, incident_id))


async def test_what_hides_from_the_quiet_and_the_status_page_hides_nothing_else(house: KernelHouse) -> None:
    for number, service in ((1, "backend"), (2, "redis")):
        await house.hear(fingerprint=service, service=service, severity="P0")
        async with house.store.transaction() as db:
            incident = await read_incident(db, number)
            await post_start(db, house.desk.policy, incident, now=house.clock())
    await write(
        house.store,
        "UPDATE incidents SET status = 'identified', waiting_for = 'person', handed_over_at = now() - interval '1 year',"
        " severity = CASE id WHEN 1 THEN 'P9' ELSE severity END",
    )
    await write(house.store, "UPDATE open_fingerprints SET firing = false")
    await write(house.store, "UPDATE alerts SET firing = false")
    await house.pass_time(minutes=2)
    assert {(work, key) for work, key, _ in await aside(house)} >= {
        (Work.WATCH, "1"),
        (Work.STATUS_PAGE, "1"),
    }
    assert "every alert has gone quiet" in await told(house, 2)
    posts = await house.store.all("status_page/posts", since=house.clock() - timedelta(days=1))
    assert [post["status"] for post in posts if post["incident_id"] == 2] == ["investigating", "monitoring"]


async def test_a_request_to_prefect_that_nobody_foresaw_waits_alone(
    house: KernelHouse, prefect: PrefectStandIn
) -> None:
    await house.hear()
    async with house.store.transaction() as db:
        await ask_motor(db, "odd", 1, "never-heard-of", now=house.clock())
    await write(house.store, "UPDATE motor_jobs SET due_at = due_at - interval '1 hour' WHERE key = 'odd'")
    await house.dispatcher.drive_motor()
    assert "INC-0001:1" in prefect.created
    assert await aside(house) == [(Work.MOTOR, "odd", 1)]
    house.clock.advance(seconds=60)
    await house.dispatcher.drive_motor()
    assert await aside(house) == [(Work.MOTOR, "odd", 2)]


async def test_a_held_alert_that_cannot_be_admitted_lets_the_others_go(house: KernelHouse) -> None:
    for service in ("backend", "redis"):
        await silence(house, service=service)
        await house.hear(fingerprint=service, service=service, summary=f"{service} is down")
    await write(house.store, "UPDATE held_alerts SET alert = '{}' WHERE fingerprint = 'backend'")
    await house.pass_time(hours=2)
    assert [incident.service for incident in await list_open(house.store)] == ["redis"]
    assert await aside(house) == [(Work.HELD_ALERT, "backend", 1)]


MAILING = """
INSERT INTO mailings (incident_id, purpose, subject, text, html, digest, state, created_at, due_at, addresses)
VALUES (1, %s, 's', 't', 'h', 'd', %s, %s, %s, %s) RETURNING id
"""


async def test_a_mailing_that_nobody_foresaw_keeps_no_other_from_going(
    house: KernelHouse, clock: MovedClock
) -> None:
    await house.hear(severity="P0")
    now = clock()
    # One to be read and decided on, one to be sent, one whose batch lost its sender, and one whose batch is in doubt.
    await write(house.store, MAILING, "odd", "proposed", now, now, None)
    await write(house.store, MAILING, "odder", "approved", now, now, 1)
    await write(house.store, MAILING, "resolved", "approved", now, now, None)
    await write(house.store, MAILING, "detected", "ended", now, now, 0)
    await write(house.store, "INSERT INTO mailing_addresses VALUES (2, 'ana@example.com', 'waiting')")
    batch = "INSERT INTO mailing_batches (mailing_id, state, claimed_at, lease_until) VALUES (%s, %s, %s, %s)"
    for mailing, state in ((1, "claimed"), (3, "claimed"), (1, "never-heard-of")):
        await write(house.store, batch, mailing, state, now, now)
    await write(house.store, "UPDATE mailing_batches SET state = 'doubtful', size = -1 WHERE id = 3")
    clock.advance(hours=1)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(202))) as client:
        known = {"from_address": "w@example.com", "production_url": None, "public_url": PUBLIC_URL}
        await Mailer(house.store, client, clock=clock, guard=house.guard, **known).pass_once()
    assert {(work, key) for work, key, _ in await aside(house)} == {
        (Work.GATHER, "1"),
        (Work.BATCH, "1"),
        (Work.MAILING, "2"),
        (Work.UNDECIDED, "1"),
    }
    (row,) = await house.store.all("mailings/of_incident", incident_id=1, purpose="resolved")
    assert row["addresses"] == 0
    assert (await house.store.one("mailings/batch", id=2) or {})["state"] == "doubtful"


async def test_a_channel_that_breaks_in_a_new_way_gives_way_to_the_next_at_once(house: KernelHouse) -> None:
    async def breaks(*_: Any, **__: Any) -> None:
        raise RuntimeError("nobody foresaw this")

    house.channels[Channel.SMS].send = breaks  # type: ignore[method-assign,assignment]
    await house.hear(severity="P1")
    assert [to for to, _ in house.channels[Channel.VOICE].sent] == [ANA]
    (failed,) = [n for n in await read_notifications(house.store, 1) if n.state == "failed"]
    assert (failed.error or "").startswith("RuntimeError")


async def test_a_message_that_cannot_be_read_keeps_no_other_from_leaving(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    await write(
        house.store, "UPDATE notifications SET state = 'pending', message = '{}' WHERE channel = 'sms'"
    )
    await house.hear(fingerprint="redis", service="redis", severity="P1", summary="Redis is down")
    assert any("Redis is down" in text for text in house.phone(ANA))
    assert [work for work, *_ in await aside(house)] == [Work.MESSAGE]


@pytest.mark.parametrize("channel", [Channel.SLACK, Channel.STATUS_PAGE])
async def test_a_message_that_is_set_aside_keeps_no_later_one_of_its_thread_waiting(
    house: KernelHouse, channel: Channel
) -> None:
    await house.hear(severity="P1")
    phone = house.channels[channel] = Phone()
    async with house.store.transaction() as db:
        for text in ("first", "second", "third"):
            known = {"key": text, "incident_id": 1, "purpose": Purpose.UPDATE, "now": house.clock()}
            message = Message(subject=text, text=text, short=text)
            await enqueue(db, **known, route=Route("#it", channel, []), message=message)
    first = "UPDATE notifications SET message = %s WHERE starts_with(key, 'first:')"
    await write(house.store, first, "{}")
    await house.pager.send_all_due()
    assert phone.texts("#it") == ["second", "third"]
    assert [work for work, *_ in await aside(house)] == [Work.MESSAGE]

    await write(house.store, first, Message(subject="first", text="first", short="first").model_dump_json())
    await house.pass_time(minutes=1)
    assert phone.texts("#it") == ["second", "third", "first"] and await aside(house) == []
