"""Nights on the running stack that Ana signed for: slept through where the cure works, loud where it does not."""

import re
from collections.abc import AsyncIterator
from datetime import datetime

import httpx
import pytest
import pytest_asyncio

from drills.night import OVERHEAD, break_company, watch_night
from drills.scenarios import SCENARIOS
from tests.drills.conftest import Stand
from tests.drills.test_stories import until
from watchkeeper.clock import utc_now
from watchkeeper.model import Status
from watchkeeper.night.report import report_night
from watchkeeper.night.signatures import ask_for_signature, withdraw
from watchkeeper.paging.desk import Desk
from watchkeeper.remediations import read_remediations

pytestmark = pytest.mark.timeout(300)

CRASHED = "worker-crashed"


@pytest_asyncio.fixture
async def signed(stand: Stand) -> AsyncIterator[Stand]:
    """Ana signs on her phone that a crashed worker may be restarted in her sleep; afterwards it is taken back."""
    began = utc_now()
    async with stand.store.transaction() as db:
        asked = await ask_for_signature(
            db, desk_of(stand), "worker_crashed", "ana", asked_by="ben", ends_at=None, now=began
        )

    async def links() -> list[str]:
        # What the night before was about may still come.
        told = "\n".join(await stand.world.texts("ana", began))
        return re.findall(rf"https?://\S+/n/n{asked.id}\.\S+", told)

    async def has_link() -> bool:
        return bool(await links())

    await until(has_link)
    (link,) = await links()
    async with httpx.AsyncClient() as phone:
        page = await phone.post(link, data={"say": "sign"})
    assert "Signed, Ana" in page.text
    yield stand
    async with stand.store.transaction() as db:
        await withdraw(db, desk_of(stand), asked.id, by="ben", now=utc_now())


def desk_of(stand: Stand) -> Desk:
    settings = stand.stack.settings
    return Desk(settings.policy(), settings.public_url)


async def texts(stand: Stand, since: datetime) -> list[str]:
    return [text for name in ("ana", "ben") for text in await stand.world.texts(name, since)]


async def test_a_worker_that_crashes_is_restarted_in_anas_sleep_and_the_morning_tells(signed: Stand) -> None:
    began = utc_now()
    await break_company(signed.world, SCENARIOS[CRASHED])
    seen = await watch_night(signed.store, signed.screen, since=began, give_up_after=OVERHEAD)
    assert seen.incident is not None
    story = [entry.text for entry in seen.timeline]
    assert seen.incident.status is Status.RESOLVED, story
    assert await texts(signed, began) == [], story
    (done,) = await read_remediations(signed.store, seen.incident.id)
    assert (done.action, done.gate_reason, done.state) == ("restart_service", "signed_in_advance", "done")
    assert "Nobody was woken: Ana had signed in advance, and it is over." in story

    policy = desk_of(signed).policy
    async with signed.store.transaction() as db:
        morning = policy.night.next_end(began, policy.calendar)
        await report_night(db, desk_of(signed), morning, now=utc_now())

    async def is_reported() -> bool:
        received = [m.text for m in await signed.world.received() if datetime.fromisoformat(m.at) >= began]
        return sum("it was over, and nobody was woken" in text for text in received) == 2

    await until(is_reported)


async def test_a_restart_that_is_refused_wakes_her_at_once_with_what_was_tried(signed: Stand) -> None:
    began = utc_now()
    try:
        await break_company(signed.world, SCENARIOS[CRASHED], counterpart=True)
        seen = await watch_night(signed.store, signed.screen, since=began, give_up_after=OVERHEAD)
    finally:
        await signed.world.reset()
    assert seen.incident is not None and seen.incident.waiting_for == "person"
    story = [entry.text for entry in seen.timeline]
    assert any(text.startswith("Nobody is woken yet: Ana signed in advance") for text in story), story

    async def is_woken() -> bool:
        return any("tried restart service" in text for text in await texts(signed, began))

    await until(is_woken)
