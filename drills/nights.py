"""`watchkeeper drill --all`: every night that there is, one after the other on one running stack, and one table."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from deployments.stack import Stack
from drills.night import opened_since
from drills.person import Behaviour
from drills.report import hold_against
from drills.run import clear_away, drill_stand, play, watched_memory
from drills.scenarios.scenario import Scenario
from drills.screen import Screen
from drills.stand import World
from drills.table import MOMENTS, write_table
from watchkeeper.clock import utc_now
from watchkeeper.closing import close_by_hand
from watchkeeper.model import Incident
from watchkeeper.paging.desk import desk_of
from watchkeeper.paging.model import NotificationState
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.store import Store, open_store

# How long whoever mended everything by hand waits until Watchkeeper has seen it hold: long enough for a third look, as each
# that finds it not proved makes the next one wait twice as long.
SETTLES_WITHIN_SECONDS = 150.0
TOLD_WITHIN_SECONDS = 15.0
TO_BE_SENT = (NotificationState.PENDING, NotificationState.SENDING)
LOOK_SECONDS = 0.3
OBSERVING = {"autonomy": {"default": "observe"}}


@dataclass(frozen=True)
class Act:
    """One night of the programme: a scenario, or the night in which its cure does not work."""

    scenario: Scenario
    counterpart: bool = False

    @property
    def name(self) -> str:
        return f"{self.scenario.name}{'-counterpart' if self.counterpart else ''}"


def programme(scenarios: Sequence[Scenario], *, counterparts: bool, alone: bool = False) -> list[Act]:
    """The nights to be played; with their counterparts, each right after its scenario, or these `alone`."""
    acts: list[Act] = []
    for scenario in scenarios:
        if not alone:
            acts.append(Act(scenario))
        if counterparts and scenario.counterpart is not None:
            acts.append(Act(scenario, counterpart=True))
    return acts


async def play_all(
    acts: Sequence[Act],
    *,
    speed: float,
    person: Behaviour,
    report_folder: Path,
    screen: Screen,
    observe: bool = False,
) -> list[dict[str, Any]]:
    """Play one night after the other on one stack; their reports, each written into a folder of its own."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="wk-drill-"))
    await asyncio.to_thread(shutil.rmtree, report_folder, ignore_errors=True)
    reports: list[dict[str, Any]] = []
    try:
        async with (
            drill_stand(folder, speed, screen, policy=OBSERVING if observe else None) as (world, stack),
            open_store(stack.settings.store_url()) as store,
        ):
            for act in acts:
                began = utc_now()
                report = await play_or_say(
                    act.scenario,
                    world,
                    stack,
                    person=person,
                    report_folder=report_folder / act.name,
                    # One terminal for all, and a record for each: a picture shows one night.
                    screen=Screen(),
                    counterpart=act.counterpart,
                    observe=observe,
                )
                left_open = await settle(world, stack, store, since=began)
                hold_against(report, left_open, report_folder / act.name)
                reports.append(report)
    finally:
        await asyncio.to_thread(clear_away, folder, report_folder)
    write_table(reports, report_folder)
    return reports


async def play_or_say(scenario: Scenario, *place: Any, **how: Any) -> dict[str, Any]:
    """Play one night; one that could not be played is a failure of its own, and the programme goes on."""
    try:
        async with watched_memory() as memory:
            return await play(scenario, *place, memory=memory, **how)
    except httpx.HTTPError as error:
        name = Act(scenario, how["counterpart"]).name
        return {
            "name": name,
            "passed": False,
            "failures": [f"could not be played: {type(error).__name__} {error}".strip()],
            "seconds": dict.fromkeys(MOMENTS),
            "findings": [],
            "pages": [],
        }


async def settle(world: World, stack: Stack, store: Store, *, since: datetime) -> list[str]:
    """Mend everything, as whoever took over would, and wait until Watchkeeper has seen that it holds.

    Returns:
        What is to be held against it: an incident that it did not close; or that nothing could be mended, with which
        the nights that follow are played all the same.
    """
    try:
        await world.reset()
    except httpx.HTTPError as error:
        return [f"could not be mended by hand: {type(error).__name__} {error}".strip()]
    give_up_at = asyncio.get_running_loop().time() + SETTLES_WITHIN_SECONDS
    while left := await still_open(store, since):
        if asyncio.get_running_loop().time() > give_up_at:
            await close_all(store, stack.settings.public_url, left)
            return [f"{i.number} was mended by hand and not closed" for i in left]
        await asyncio.sleep(LOOK_SECONDS)
    await until_told(store, since)
    return []


async def until_told(store: Store, since: datetime) -> None:
    """Wait for what is still to be sent, such as the all-clear: in the next night it would ring for nothing."""
    give_up_at = asyncio.get_running_loop().time() + TOLD_WITHIN_SECONDS
    while asyncio.get_running_loop().time() < give_up_at:
        told = [
            notification
            for incident in await opened_since(store, since)
            for notification in await read_notifications(store, incident.id)
        ]
        if all(each.state not in TO_BE_SENT for each in told):
            return
        await asyncio.sleep(LOOK_SECONDS)


async def still_open(store: Store, since: datetime) -> list[Incident]:
    return [incident for incident in await opened_since(store, since) if incident.is_open]


async def close_all(store: Store, public_url: str, incidents: Sequence[Incident]) -> None:
    """So that the next night is not explained by this one."""
    for incident in incidents:
        async with store.transaction() as db:
            desk = desk_of(incident, public_url)
            said = {"person": "ana", "reason": "the drill goes on"}
            await close_by_hand(db, desk, incident, **said, now=utc_now())
