"""The past under another policy: the house itself hears it again, and sends nothing."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from tests.conftest import MovedClock, new_store
from tests.watchkeeper.house import KernelHouse, two_on_call
from watchkeeper.commands.figures import replay_both
from watchkeeper.deadlines import meet
from watchkeeper.figures.differences import compare, in_words
from watchkeeper.figures.recorded import read_recorded
from watchkeeper.figures.replay import Rang, Replay
from watchkeeper.findings import save_reading
from watchkeeper.machine.embedded import EmbeddedPostgres
from watchkeeper.model import DeadlineKind, Reading
from watchkeeper.paging.desk import Desk
from watchkeeper.policy import Policy
from watchkeeper.quiet.silences import add_silence, make_silence
from watchkeeper.store import Store, open_store
from watchkeeper.sweeping import alert_of_reading, judged_under

BEGAN = MovedClock().now - timedelta(days=1)


async def end(house: KernelHouse, number: int | None, *, answered: float | None = 5) -> None:
    """It is answered some minutes from now, and over in half an hour; the next day begins."""
    assert number is not None
    if answered is not None:
        at = house.clock() + timedelta(minutes=answered)
        await house.store.one("incidents/acknowledge", id=number, person="ana", now=at)
    ends = house.clock() + timedelta(minutes=30)
    await house.store.one("incidents/close_by_hand", id=number, now=ends)
    await house.store.run("alerts/leave", incident_id=number)
    house.clock.advance(days=1)


@pytest_asyncio.fixture
async def scratch(postgres: EmbeddedPostgres) -> AsyncIterator[list[Store]]:
    """Two stores that are empty."""
    with new_store(postgres) as one, new_store(postgres) as other:
        async with open_store(one) as first, open_store(other) as second:
            yield [first, second]


async def told(house: KernelHouse, changed: Policy, scratch: list[Store]) -> list[str]:
    """What a replay says of the past of this house."""
    recorded = await read_recorded(house.store, BEGAN)
    before = await Replay(scratch[0], Desk(house.desk.policy, "")).run(recorded, until=house.clock())
    after = await Replay(scratch[1], Desk(changed, "")).run(recorded, until=house.clock())
    return in_words(compare(before, after), recorded, BEGAN)


async def test_incident_that_is_milder_now_would_not_have_paged(
    house: KernelHouse, scratch: list[Store]
) -> None:
    await end(house, (await house.hear()).incident_id)
    await end(house, (await house.hear(kind="worker_stuck", service="worker", fingerprint="w")).incident_id)
    lines = await told(house, two_on_call(kinds={"worker_stuck": "P3"}), scratch)
    assert lines == [
        "Heard again: 2 alerts and 0 readings since 2026-03-01 03:00 UTC. Nothing was sent.",
        "",
        "This one would not have paged:",
        "  INC-0002, 2026-03-03 03:00 UTC, Backend is down: P1 -> P3",
        "",
        "1 as with the policy in force.",
    ]


async def test_same_policy_changes_nothing(house: KernelHouse, scratch: list[Store]) -> None:
    for answered in (None, 5, 20):
        await end(house, (await house.hear(error_rate_percent=3)).incident_id, answered=answered)
    lines = await told(house, house.desk.policy, scratch)
    assert lines[1:] == ["", "3 as with the policy in force."]


async def test_what_a_sender_said_is_judged_anew(house: KernelHouse, scratch: list[Store]) -> None:
    heard = await house.hear(kind="high_error_rate", fingerprint="e", error_rate_percent=7)
    await end(house, heard.incident_id)
    lines = await told(house, two_on_call(thresholds={"error_rate_p1_percent": 10}), scratch)
    assert "INC-0001, 2026-03-02 03:00 UTC, Backend is down: P1 -> P2" in "\n".join(lines)


async def test_unanswered_page_rings_again_as_often_as_the_policy_says(
    house: KernelHouse, scratch: list[Store]
) -> None:
    await end(house, (await house.hear()).incident_id, answered=29)
    patient = two_on_call(severities={"P0": {"ask_again_every": "10m"}})
    lines = await told(house, patient, scratch)
    assert lines[2] == "This one would have paged fewer times:"
    assert lines[3].endswith(": 10 -> 8 pages")


async def test_silence_of_then_is_kept(house: KernelHouse, scratch: list[Store]) -> None:
    silence = make_silence(
        {"service": "backend"},
        sort="silence",
        starts_at=house.clock(),
        ends_at=house.clock() + timedelta(hours=1),
        person="ana",
        reason="a test",
        now=house.clock(),
    )
    await add_silence(house.store, silence, now=house.clock())
    await house.hear(ends=False)
    lines = await told(house, house.desk.policy, scratch)
    assert lines[-1] == "0 as with the policy in force."


def connections(at: datetime, value: float) -> Reading:
    return Reading(
        probe="postgres_connections",
        service="database",
        value=value,
        unit="connections",
        threshold=15,
        ok=value <= 15,
        observed_at=at,
    )


async def test_lower_threshold_would_have_paged_earlier(house: KernelHouse, scratch: list[Store]) -> None:
    for minute in range(40):
        value = 8 + minute * 0.5 if minute < 30 else 3
        await save_reading(house.store, None, connections(house.clock(), value))
        house.clock.advance(minutes=1)
    lines = await told(house, two_on_call(thresholds={"leak_above_connections": 10}), scratch)
    assert lines[2] == "This one would have paged earlier:"
    assert lines[3].endswith("10 minutes earlier")


async def leak_that_a_sweep_found(house: KernelHouse) -> None:
    """Twenty minutes of readings above the threshold, each told as the sweep tells it; Ana answers after three."""
    for minute in range(40):
        reading = connections(house.clock(), min(8 + minute, 25) if minute < 30 else 3)
        await save_reading(house.store, None, reading)
        alert = alert_of_reading(reading, house.desk.policy)
        assert alert is not None
        if minute >= 8:
            house.clock.advance(seconds=2)
            await house.hear(**alert.model_dump())
        if minute == 11:
            await house.store.one("incidents/acknowledge", id=1, person="ana", now=house.clock())
            met = [DeadlineKind.ACKNOWLEDGE, DeadlineKind.CALL_AGAIN, DeadlineKind.PAGE]
            await meet(house.store, 1, met, now=house.clock())
        await house.pass_time(minutes=1)
    await end(house, 1, answered=None)


async def test_incident_that_a_sweep_found_is_known_by_its_number_and_was_answered_when_it_was(
    house: KernelHouse, scratch: list[Store]
) -> None:
    await leak_that_a_sweep_found(house)
    recorded = await read_recorded(house.store, BEGAN)
    (again,) = await Replay(scratch[0], house.desk).run(recorded, until=house.clock())
    (then,) = await house.store.all("figures/rings")
    assert (again.of, again.pages) == ({1}, then["pages"])


async def test_earlier_page_of_it_is_told_by_its_number(house: KernelHouse, scratch: list[Store]) -> None:
    await leak_that_a_sweep_found(house)
    lines = await told(house, two_on_call(thresholds={"leak_above_connections": 10}), scratch)
    assert lines[2] == "This one would have paged earlier:"
    assert lines[3].startswith("  INC-0001, ") and lines[3].endswith(": 5 minutes earlier")


@pytest.mark.parametrize(
    ("value", "was_ok", "limit", "is_ok"),
    [(12, True, 10, False), (12, True, 20, True), (17, False, 20, True), (9, False, 20, False)],
)
def test_reading_is_judged_anew_by_its_number_alone(
    value: float, was_ok: bool, limit: int, is_ok: bool
) -> None:
    reading = connections(BEGAN, value).model_copy(update={"ok": was_ok})
    thresholds = two_on_call(thresholds={"leak_above_connections": limit}).thresholds
    assert judged_under(reading, thresholds).ok is is_ok


def test_what_would_have_paged_anew_is_said() -> None:
    rang = Rang(
        id=1,
        severity="P1",
        service="redis",
        summary="slow",
        detected_at=BEGAN,
        rang_at=BEGAN,
        pages=1,
        heard={"a"},
    )
    (difference,) = compare([], [rang])
    assert (difference.sort, difference.line) == ("new", "no incident then, 2026-03-01 03:00 UTC, slow: P1")


async def test_command_hears_it_on_stores_of_its_own(house: KernelHouse) -> None:
    await end(house, (await house.hear()).incident_id)
    recorded = await read_recorded(house.store, BEGAN)
    changed = two_on_call(kinds={"site_outage": "P2"})
    before, after = await asyncio.to_thread(
        replay_both, house.desk.policy, changed, recorded, until=house.clock()
    )
    assert [each.severity for each in (*before, *after)] == ["P0", "P2"]
