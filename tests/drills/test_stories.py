"""Single nights, told on the running stack: what happens when Prefect is away, or a person says no."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime

import httpx
import pytest

from drills.grading import grade
from drills.night import OVERHEAD, break_company, gather_facts, look, played_person, watch_night
from drills.scenarios import SCENARIOS
from drills.scenarios.scenario import GOOD_RELEASE
from tests.drills.conftest import Stand
from watchkeeper.clock import utc_now
from watchkeeper.model import Status

pytestmark = pytest.mark.timeout(300)


async def until(holds: Callable[[], Awaitable[bool]], *, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.1)


async def acknowledge(stand: Stand, person: str, since: datetime) -> None:
    """Press the button behind the first link on this phone, once the message is there."""

    async def has_text() -> bool:
        return bool(await stand.world.texts(person, since))

    await until(has_text)
    link = re.search(r"https?://\S+", (await stand.world.texts(person, since))[0])
    assert link is not None
    async with httpx.AsyncClient() as phone:
        page = await phone.post(link[0])
        assert page.is_success, page.text


async def test_with_prefect_away_people_are_paged_and_when_it_is_back_the_response_starts(
    stand: Stand,
) -> None:
    await stand.stack.stop("prefect")
    began = utc_now()
    before = await stand.world.state()
    try:
        await break_company(stand.world, SCENARIOS["connection-leak"])

        async def both_were_asked_twice() -> bool:
            texts = [await stand.world.texts(name, began) for name in ("ana", "ben")]
            return all(any("has not answered" in text for text in received) for received in texts)

        await until(both_were_asked_twice)
        await acknowledge(stand, "ben", began)
        seen = await look(stand.store, began)
        assert seen.incident is not None
        assert (seen.incident.acknowledged_by, seen.incident.status) == ("ben", Status.ACKNOWLEDGED)
        assert seen.incident.lease_holder is None
    finally:
        await stand.stack.start("prefect")
    seen = await watch_night(stand.store, stand.screen, since=began, give_up_after=OVERHEAD)
    scenario = SCENARIOS["connection-leak"]
    facts = await gather_facts(
        scenario,
        "prompt",
        stand.world,
        stand.store,
        seen,
        since=began,
        over_at=utc_now(),
        before=before,
    )
    # Orders are counted for the seconds after the end, which have not passed yet.
    assert [failure for failure in grade(facts) if "orders" not in failure] == []


async def test_what_a_person_denied_and_mended_by_hand_is_proved_and_closed(stand: Stand) -> None:
    began = utc_now()
    before = await stand.world.state()
    scenario = SCENARIOS["bad-deploy"]
    async with played_person(stand.world, "denies", stand.screen, since=began):
        await break_company(stand.world, scenario)
        seen = await watch_night(stand.store, stand.screen, since=began, give_up_after=OVERHEAD)
    facts = await gather_facts(
        scenario,
        "denies",
        stand.world,
        stand.store,
        seen,
        since=began,
        over_at=utc_now(),
        before=before,
    )
    assert grade(facts) == []

    await stand.world.do("/control/company/deploy", {"release": GOOD_RELEASE})

    async def is_resolved() -> bool:
        incident = (await look(stand.store, began)).incident
        return incident is not None and incident.status is Status.RESOLVED

    await until(is_resolved, seconds=120)
    assert [r.action for r in facts.remediations if r.state == "done"] == ["open_hotfix"]


async def test_a_domain_that_somebody_mended_at_the_registrar_is_proved_and_closed(stand: Stand) -> None:
    """Only a person can mend it; that it holds is seen without one. What the night before left undelivered at Stripe is
    nobody's reason to look for the cause there."""
    scenario = SCENARIOS["dns-broken"]
    night = await stand.night("dns-broken")
    assert grade(night.facts) == []
    handed = [n.message.text for n in night.facts.notifications if n.purpose == "handover"]
    assert any("NXDOMAIN" in text and "at the registrar" in text for text in handed)
    assert night.facts.remediations == []

    await stand.world.do("/control/dns/answer", {"mode": "well"})

    async def is_resolved() -> bool:
        incident = (await look(stand.store, night.fault_at)).incident
        return incident is not None and incident.status is Status.RESOLVED

    await until(is_resolved, seconds=120)
    seen = await look(stand.store, night.fault_at)
    assert seen.incident is not None and seen.incident.cause == scenario.cause
