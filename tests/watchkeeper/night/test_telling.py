"""What is told of a night that somebody signed for: at once, in the morning, and to whoever asks why."""

from datetime import datetime

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import PUBLIC_URL, KernelHouse
from tests.watchkeeper.night.responding import Response, a_house, rang, reports, story, until_morning
from tests.watchkeeper.night.signing import signed, worker_is_stuck
from tests.watchkeeper.night.test_deciding import signature
from watchkeeper.commands.asking import describe_steps
from watchkeeper.model import (
    Channel,
)
from watchkeeper.night.report import report_night
from watchkeeper.paging.desk import Desk
from watchkeeper.quiet.explaining import explain, read_facts
from watchkeeper.quiet.simulating import Said, Simulation
from watchkeeper.store import Store


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    return a_house(store, clock)


MORNING = """Night of 2026-03-01, 22:00 to 07:00 (UTC): 1 page waited for a signed cure, none went out.

INC-0001 P1: Worker is stuck
- 03:00 the page waited for what was signed (worker crashed: restart service)
- 03:00 Restart the worker: done
- 03:30 it was over, and nobody was woken

Changes that were made without waking anybody: 1 of 3 that one night may have.
Signed for the nights to come:
- Ana, worker crashed: restart service, until Wed 1 Apr 03:00 (UTC)
"""


async def test_a_cure_that_works_wakes_nobody_and_is_reported_in_the_morning(house: KernelHouse) -> None:
    await house.pass_time(seconds=0)
    await signed(house)
    await house.hear(**worker_is_stuck())
    response = Response(house)
    await response.cures_it()
    await house.pass_time(minutes=15)
    assert any("Nobody is woken yet: better and being watched." in text for text in await story(house))
    house.clock.now = datetime.fromisoformat("2026-03-02T03:30:00+00:00")
    await response.proves_it()
    assert rang(house) == []
    assert not any("you are on call" in m.text for _, m in house.channels[Channel.EMAIL].sent)
    posts = [message.text for _, message in house.channels[Channel.SLACK].sent]
    assert "P1 - Worker is stuck" in posts[0] and any("Resolved: INC-0001" in post for post in posts)
    assert "Nobody was woken: Ana had signed in advance, and it is over." in await story(house)

    await until_morning(house)
    await house.pass_time(hours=1)
    assert reports(house) == [MORNING]
    assert reports(house, Channel.EMAIL) == [MORNING]
    assert rang(house) == []


async def test_the_team_hears_at_once_that_a_page_waits_and_for_what(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    (post,) = [message.text for _, message in house.channels[Channel.SLACK].sent]
    assert (
        "Nobody is woken yet: Ana signed in advance for the night (worker crashed: restart service)" in post
    )
    assert "The page goes out on Mon 2 Mar 03:15 (UTC), or sooner if that does not work." in post


async def test_a_night_in_which_nothing_waited_is_not_reported(house: KernelHouse) -> None:
    await house.pass_time(seconds=0)
    await signed(house)
    await house.hear(**worker_is_stuck(severity="P0"))
    await until_morning(house)
    assert reports(house) == []


async def test_a_report_that_is_made_twice_is_sent_once(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    await until_morning(house)
    for _ in range(2):
        async with house.store.transaction() as db:
            await report_night(db, house.desk, house.clock(), now=house.clock())
        await house.pager.send_all_due()
    assert len(reports(house)) == 1 and len(reports(house, Channel.EMAIL)) == 1


async def test_each_night_since_the_last_report_is_told_of(house: KernelHouse) -> None:
    await house.pass_time(seconds=0)
    await signed(house)
    for day in (2, 4):
        house.clock.now = datetime.fromisoformat(f"2026-03-0{day}T03:00:00+00:00")
        await house.hear(**worker_is_stuck(fingerprint=f"worker {day}", service=f"worker {day}"))
    house.clock.now = datetime.fromisoformat("2026-03-05T09:00:00+00:00")
    for _ in range(2):
        await house.pass_time(hours=1)
    told = sorted(text.partition(",")[0] for text in reports(house))
    assert told == ["Night of 2026-03-01", "Night of 2026-03-03"]


async def test_explaining_an_alert_says_why_nobody_was_woken(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    lines = explain(await read_facts(house.store, "INC-0001"), house.desk.policy)
    assert any("Nobody is woken yet: Ana signed in advance" in line for line in lines)
    assert "Who was called: nobody so far." in lines
    assert lines[-1] == (
        "The page is held until Mon 2 Mar 03:15 (UTC), at the latest, for what was signed in advance for the night."
    )


async def test_a_simulation_knows_what_was_signed(house: KernelHouse) -> None:
    desk = Desk(house.desk.policy, PUBLIC_URL)
    simulation = Simulation(house.store, desk, {Channel.SMS}, house.clock())
    said = Said(signatures=[signature()])
    steps = await simulation.run(house.alert(**worker_is_stuck()), said, asks=1)
    lines = describe_steps(steps, desk.policy)
    waits = next(n for n, line in enumerate(lines) if "Nobody is woken yet: Ana signed in advance" in line)
    woken = next(n for n, line in enumerate(lines) if "Ana is woken by sms (page)" in line)
    assert waits < woken and "+15 minutes" in lines[woken]
