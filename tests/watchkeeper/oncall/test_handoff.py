"""Monday's handoff: the guide's fields in its order, from the store, once, to both."""

from datetime import datetime

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import KernelHouse, two_on_call
from tests.watchkeeper.oncall.test_nights import say
from watchkeeper.closing import close_by_hand
from watchkeeper.incidents import read_incident
from watchkeeper.model import Channel
from watchkeeper.occasions import OCCASIONS, Occasions
from watchkeeper.oncall.handoff import next_handoff
from watchkeeper.policy.windows import Matcher
from watchkeeper.quiet.silences import Silence, add_silence
from watchkeeper.store import Store

ROTATION = {"people": ["ana", "ben"], "starts_on": "2026-02-23"}
BERLIN = {"time_zone": "Europe/Berlin"}
SAID = """:rotating_light: On-Call Handoff - Week of 2026-03-09

Primary: @Ana
Secondary: @Ben

Last Week Summary:
- Incidents: 3 (P0: 1, P1: 1, P2: 0, P3: 1)
- Notable:
  - INC-0002 P1: Redis is slow
  - INC-0003 P3: A typo
- Action Items: none pending

This Week Watch Items:
- Ben cannot be reached from Mon 09 Mar 14:00 until Mon 09 Mar 18:00
- Planned:
  - New version: Tue 10 Mar 03:00 to Tue 10 Mar 04:00 (service backend), by ana

Good luck! :muscle:
"""


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    policy = two_on_call(roster={"rotation": ROTATION}, calendar=BERLIN)
    house = KernelHouse(store, clock, policy)
    house.occasions = Occasions(store, house.desk, clock, OCCASIONS)
    return house


def handoffs(house: KernelHouse) -> list[str]:
    return [m.text for _, m in house.channels[Channel.SLACK].sent if "On-Call Handoff" in m.text]


async def go_to(house: KernelHouse, moment: str) -> None:
    house.clock.now = datetime.fromisoformat(moment)
    await house.pass_time(seconds=0)


async def test_it_tells_what_the_guide_asks_for_in_its_order(house: KernelHouse) -> None:
    await house.pass_time(days=1)
    await house.hear(fingerprint="a", severity="P0")
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        await close_by_hand(db, house.desk, incident, person="ana", reason="done", now=house.clock())
    await house.hear(fingerprint="b", service="redis", severity="P1", summary="Redis is slow")
    await house.hear(fingerprint="c", service="backend", severity="P3", summary="A typo")
    await say(house, "unreachable", "ben", "2026-03-09 14:00", "18:00")
    window = Silence(
        sort="maintenance",
        match=Matcher(service="backend"),
        starts_at=datetime.fromisoformat("2026-03-10T02:00+00:00"),
        ends_at=datetime.fromisoformat("2026-03-10T03:00+00:00"),
        person="ana",
        reason="New version",
    )
    async with house.store.transaction() as db:
        await add_silence(db, window, now=house.clock())
    await go_to(house, "2026-03-09T07:59:59+00:00")
    assert len(handoffs(house)) == 0
    await go_to(house, "2026-03-09T08:00:00+00:00")
    assert handoffs(house) == [SAID]
    told = [(to, m.text) for to, m in house.channels[Channel.EMAIL].sent if "handoff" in m.subject]
    assert sorted(to for to, _ in told) == ["ana@example.com", "ben@example.com"]
    assert all(":muscle:" not in text and "Good luck!" in text for _, text in told)


async def test_a_quiet_week_is_told_too_and_alone_on_call_is_said(store: Store, clock: MovedClock) -> None:
    house = KernelHouse(store, clock, two_on_call(roster={"primary": "ana"}))
    house.occasions = Occasions(store, house.desk, clock, OCCASIONS)
    await house.pass_time(seconds=0)
    await house.pass_time(hours=6)
    (said,) = handoffs(house)
    for line in ("Secondary: nobody", "0 (P0: 0, P1: 0, P2: 0)", "nothing is open", "none pending"):
        assert line in said


async def test_one_that_was_missed_comes_late_and_tells_of_its_own_week(house: KernelHouse) -> None:
    await house.pass_time(seconds=0)
    await go_to(house, "2026-03-04T12:00:00+00:00")
    (said,) = handoffs(house)
    assert "Week of 2026-03-02" in said and "Primary: @Ben" in said


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-03-23T12:00+00:00", "2026-03-30T07:00+00:00"),  # the clocks went forward on the day before
        ("2026-10-19T12:00+00:00", "2026-10-26T08:00+00:00"),  # and back
    ],
)
def test_it_is_due_at_nine_by_the_teams_clock(after: str, due: str) -> None:
    policy = two_on_call(roster={"rotation": ROTATION}, calendar=BERLIN)
    assert next_handoff(policy, datetime.fromisoformat(after)) == datetime.fromisoformat(due)
