"""A real night under eyes that may only look: everything is found and shown, and no vendor is written to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import yaml

from drills.grading import grade
from drills.night import play_night
from drills.nights import OBSERVING
from drills.scenarios import SCENARIOS
from drills.writes import is_production_write
from tests.drills.conftest import SPEED, Stand
from tests.drills.test_faults import start_afresh
from watchkeeper.model import Gate, RemediationState

pytestmark = pytest.mark.timeout(300)


@asynccontextmanager
async def observing(stand: Stand) -> AsyncIterator[None]:
    """The company's own file says so for as long as the block lasts; whoever takes alerts reads it at its start."""
    file = stand.world.folder / "watchkeeper.yaml"
    before = file.read_text()
    try:
        file.write_text(yaml.safe_dump(yaml.safe_load(before) | OBSERVING))
        await start_afresh(stand, "intake")
        yield
    finally:
        file.write_text(before)
        await start_afresh(stand, "intake")


async def test_whoever_may_only_look_plays_the_night_to_its_end_without_a_single_write(stand: Stand) -> None:
    """What is cured unasked otherwise: connections are ended and the backend is restarted."""
    async with observing(stand):
        night = await play_night(
            SCENARIOS["connection-leak"],
            stand.world,
            stand.store,
            person="prompt",
            speed=SPEED,
            screen=stand.screen,
            prefect_url=stand.stack.api_url,
            observe=True,
        )
        await stand.world.reset()

    assert grade(night.facts) == []
    asked = {made["vendor"] for made in night.facts.requests if "python-httpx" in str(made["headers"])}
    assert {"railway", "vercel", "sentry", "stripe", "supabase"} <= asked, "it looked, at all of them"
    assert not any(is_production_write(made) for made in night.facts.requests)
    shown = {r.action: (r.gate, r.state) for r in night.facts.remediations}
    only_shown = (Gate.OBSERVE, RemediationState.PLANNED)
    assert shown == dict.fromkeys(("end_idle_connections", "open_hotfix"), only_shown)
