"""What came too late in an incident: an answer or an update, and no clock whose ringing is how the work goes on."""

from pathlib import Path

import pytest

from tests.watchkeeper.house import KernelHouse
from watchkeeper.closing import close_by_hand
from watchkeeper.errors import VendorRejected
from watchkeeper.incidents import read_incident
from watchkeeper.model import Channel
from watchkeeper.reviews.drafting import write_draft
from watchkeeper.reviews.opening import read_facts

REFUSED = VendorRejected(vendor="slack", action="send", status=400)


async def pass_minutes(house: KernelHouse, minutes: int) -> None:
    for _ in range(minutes):
        await house.pass_time(minutes=1)


async def close(house: KernelHouse) -> None:
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        await close_by_hand(db, house.desk, incident, person="ana", reason="mended", now=house.clock())


async def late(house: KernelHouse) -> int:
    incident = await read_incident(house.store, 1)
    return (await read_facts(house.store, incident, house.desk.policy, now=house.clock())).late


async def drafted(house: KernelHouse, folder: Path) -> list[str]:
    """What the draft says went poorly, without what is left to a person."""
    incident = await read_incident(house.store, 1)
    row = await write_draft(house.store, incident, folder, now=house.clock())
    assert row is not None
    went_poorly = row["draft"].partition("**What Went Poorly:**")[2].partition("## Action Items")[0]
    return [line for line in went_poorly.strip().splitlines() if "TO FILL" not in line]


async def test_an_answer_that_came_late_is_named_and_clocks_that_rang_as_meant_are_not(
    house: KernelHouse, tmp_path: Path
) -> None:
    await house.hear(severity="P0")
    await pass_minutes(house, 40)
    await house.says("ana")
    await close(house)
    assert await drafted(house, tmp_path) == [
        "- The time to acknowledge passed at 03:15 without it; it came at 03:40"
    ]


async def test_an_answer_that_never_came_is_named(house: KernelHouse, tmp_path: Path) -> None:
    await house.hear(severity="P0")
    await pass_minutes(house, 20)
    await close(house)
    assert await drafted(house, tmp_path) == [
        "- The time to acknowledge passed at 03:15 without it; it never came"
    ]


async def test_an_update_that_did_not_reach_the_team_in_time_is_named(
    house: KernelHouse, tmp_path: Path
) -> None:
    await house.hear(severity="P0")
    await house.says("ana")
    await pass_minutes(house, 29)
    house.channels[Channel.SLACK].failures = [REFUSED] * 50
    await pass_minutes(house, 1)
    assert await late(house) == 0, "it may yet come within the grace"
    await pass_minutes(house, 6)
    assert await late(house) == 1
    house.channels[Channel.SLACK].failures = []
    await close(house)
    assert await drafted(house, tmp_path) == [
        "- The time for an update passed at 03:30 without it; it never came"
    ]


@pytest.mark.parametrize(("hours", "reasons"), [(1, []), (12, ["deadline missed"])])
async def test_a_p2_that_was_answered_late_has_its_post_mortem_recommended(
    house: KernelHouse, hours: int, reasons: list[str]
) -> None:
    await house.pass_time(hours=6)
    await house.hear(severity="P2", kind="other")
    await house.pass_time(hours=hours)
    await house.says("ana")
    await close(house)
    assert await late(house) == len(reasons)
    await house.pager.send_all_due()
    told = [m.text for _, m in house.channels[Channel.SLACK].sent if "recommended" in m.text]
    assert ["deadline missed" in text for text in told] == [bool(reasons)]
