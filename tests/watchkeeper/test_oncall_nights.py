"""Nights in which who is on call changes, or cannot be reached."""

import httpx
import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import KernelHouse, two_on_call
from tests.watchkeeper.test_nights import ANA, BEN, away
from watchkeeper.errors import BadInput
from watchkeeper.oncall import Change, ChangeKind
from watchkeeper.shifts import change_said, read_changes, say_change, withdraw_change
from watchkeeper.store import Store
from watchkeeper.timeline import read_timeline

CLEO = "+14155550103"


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    people = {
        "ana": {"name": "Ana", "email": "ana@example.com", "phone": ANA},
        "ben": {"name": "Ben", "email": "ben@example.com", "phone": BEN},
        "cleo": {"name": "Cleo", "email": "cleo@example.com", "phone": CLEO},
    }
    return KernelHouse(store, clock, two_on_call(people=people), httpx.MockTransport(away))


async def say(house: KernelHouse, kind: ChangeKind, person: str, starts: str, ends: str) -> Change:
    policy, now = house.desk.policy, house.clock()
    change = change_said(
        kind, person, starts, ends, reason="", said_by="ana", calendar=policy.calendar, now=now
    )
    async with house.store.transaction() as db:
        return await say_change(db, change, policy, now=now)


async def lines(house: KernelHouse) -> list[str]:
    return [entry.text for entry in await read_timeline(house.store, 1)]


async def test_an_override_in_the_middle_of_an_incident_counts_for_it(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    assert len(house.phone(ANA)) == 1
    await house.pass_time(minutes=30)
    await say(house, "primary", "cleo", "03:30", "09:00")
    await house.pass_time(minutes=30)
    assert house.phone(CLEO) and house.phone(BEN)
    assert len(house.phone(ANA)) == 1
    assert "Cleo is primary on call from Mon 02 Mar 03:30 until Mon 02 Mar 09:00" in await lines(house)


async def test_who_cannot_be_reached_is_skipped_and_the_timeline_says_so(house: KernelHouse) -> None:
    await say(house, "unreachable", "ana", "03:00", "04:00")
    await house.hear(severity="P1")
    assert house.phone(ANA) == [] and len(house.phone(BEN)) == 1
    assert (await lines(house)).count(
        "Not paged: Ana cannot be reached from Mon 02 Mar 03:00 until Mon 02 Mar 04:00"
    ) == 1


async def test_a_change_that_was_taken_back_changes_nothing(house: KernelHouse) -> None:
    change = await say(house, "primary", "cleo", "03:00", "09:00")
    async with house.store.transaction() as db:
        await withdraw_change(db, change.id or 0, house.desk.policy, by="ana", now=house.clock())
    await house.hear(severity="P1")
    assert house.phone(ANA) and house.phone(CLEO) == []
    async with house.store.transaction() as db:
        with pytest.raises(BadInput, match="no change 1 to take back"):
            await withdraw_change(db, 1, house.desk.policy, by="ana", now=house.clock())
    assert await read_changes(house.store, now=house.clock()) == []


@pytest.mark.parametrize(
    ("person", "starts", "ends", "problem"),
    [
        ("zed", "14:00", "18:00", r"no person 'zed' under people \(ana, ben, cleo\)"),
        ("ana", "noon", "18:00", "'noon' is no time; write 14:00"),
        ("ana", "2026-03-03", "2026-03-02", "2026-03-02 is not after 2026-03-03"),
        ("ana", "01:00", "02:00", "2026-03-02 02:00 is over"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_with_what_to_write(
    house: KernelHouse, person: str, starts: str, ends: str, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        await say(house, "unreachable", person, starts, ends)


async def test_an_evening_time_that_ends_in_the_morning_is_the_next_mornings(house: KernelHouse) -> None:
    change = await say(house, "unreachable", "ana", "22:00", "06:00")
    assert f"{change.starts_at:%d %H:%M} {change.ends_at:%d %H:%M}" == "02 22:00 03 06:00"
