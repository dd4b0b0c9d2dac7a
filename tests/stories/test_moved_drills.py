"""Every night of `watchkeeper drill` with the clock moved, told as a story: the same people, judged in the same way."""

from pathlib import Path

import pytest

from drills.moved.clock import MovedClock
from drills.moved.gathering import gather
from drills.moved.grading import grade
from drills.moved.nights import MOVED_DRILLS
from tests.stories.night import a_night
from watchkeeper.occasions import OCCASIONS
from watchkeeper.store import Store

TOLD = [name for name, drill in MOVED_DRILLS.items() if not drill.needs_prefect]


@pytest.mark.parametrize("name", TOLD)
async def test_each_night_goes_as_it_must(name: str, tmp_path: Path, store: Store, store_url: str) -> None:
    drill, clock = MOVED_DRILLS[name], MovedClock(MOVED_DRILLS[name].begins)
    policy = drill.policy | drill.prepare(tmp_path)
    async with a_night(tmp_path, store, store_url, clock, policy, calendar=OCCASIONS) as night:
        await drill.tell(night)
        gathered = await gather(night, tmp_path / "requests.jsonl", drill.begins)
    assert grade(drill.expected, gathered.seen) == []
