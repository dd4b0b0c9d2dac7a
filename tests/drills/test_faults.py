"""Whatever is killed in whichever phase, the night ends well: resolved, every page out, no change made twice."""

import asyncio
import os
import signal
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import httpx
import pytest

from deployments.readiness import is_worker_online
from deployments.stack import WORKER_NAME
from drills.grading import grade
from drills.night import opened_since
from tests.drills.conftest import Stand
from watchkeeper.clock import utc_now
from watchkeeper.findings import read_readings
from watchkeeper.model import Incident, RemediationState, Status
from watchkeeper.paging.model import Notification
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.remediations import read_remediations
from watchkeeper.store import Store

pytestmark = pytest.mark.timeout(300)

PHASES = ("started", "investigating", "waiting", "acting", "verifying", "reviewing")
# What a night may pass through while a victim that died in it before is being started again has a night of its own, which
# two share that die far enough from one another; the other scenario's is passed through by the nights below, as a rule.
ALONE = [
    ("connection-leak", {"worker": "investigating", "prefect": "verifying"}),
    ("bad-deploy", {"prefect": "investigating", "worker": "verifying"}),
    ("connection-leak", {"intake": "investigating", "worker": "reviewing"}),
    ("bad-deploy", {"intake": "verifying", "prefect": "reviewing"}),
]


def must_have_died_in(scenario: str, victim: str) -> set[str]:
    """The phases that no night can pass through while the victim is still being started again; a response that waits
    for a person holds no process."""
    waits = scenario == "bad-deploy" and victim != "response"
    always = {"started", "acting"} | ({"investigating", "verifying"} if victim == "response" else set())
    return always | {"waiting"} if waits else always


@dataclass
class Killer:
    """Kills one part of the house, once in each of these phases of the night."""

    stand: Stand
    victim: str
    phases: Collection[str] = PHASES
    killed_in: list[str] = field(default_factory=list)

    async def prowl(self) -> None:
        began = utc_now()
        while len(self.killed_in) < len(self.phases):
            await asyncio.sleep(0.02)
            incident = next(iter(await opened_since(self.stand.store, began)), None)
            phase = await self.phase_of(incident) if incident else None
            is_due = phase in self.phases and phase not in self.killed_in
            if incident and phase and is_due and await self.kill(incident):
                self.killed_in.append(phase)
                print(f"killed {self.victim} while {phase}")

    async def phase_of(self, incident: Incident) -> str | None:
        if incident.status is Status.RESOLVED:
            # What the intake has not sent when it dies here is sent once it is back, after this night has been graded.
            killed = self.victim != "intake"
            return "reviewing" if killed and await is_to_be_drafted(self.stand.store, incident) else None
        if incident.waiting_for == "approval":
            return "waiting" if self.victim != "response" else None
        if incident.status is Status.MONITORING:
            return "verifying" if await read_readings(self.stand.store, incident.id) else None
        for remediation in await read_remediations(self.stand.store, incident.id):
            if remediation.state is RemediationState.CLAIMED:
                return "acting"
        if incident.status is Status.INVESTIGATING:
            return "investigating"
        return "started" if incident.lease_holder else None

    async def kill(self, incident: Incident) -> bool:
        """Whether it could be killed; what is not there yet, or being started again, is not."""
        pid = (
            await self.pid_of_response(incident)
            if self.victim == "response"
            else self.stand.stack.pids.get(self.victim)
        )
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    async def pid_of_response(self, incident: Incident) -> int | None:
        with suppress(httpx.TransportError):
            answer = await self.stand.prefect.get(f"/flow_runs/{incident.lease_holder}")
            pid = answer.json().get("infrastructure_pid") if answer.is_success else None
            return int(pid.rpartition(":")[2]) if pid else None
        return None


async def is_to_be_drafted(store: Store, incident: Incident) -> bool:
    review = await store.one("reviews/read", incident_id=incident.id)
    return review is not None and review["draft"] is None


async def start_afresh(stand: Stand, part: str) -> None:
    """Start a part again, so that what earlier nights did to it does not make its restarts slower in this one."""
    started_at = utc_now()
    await stand.stack.restart(part)
    async with asyncio.timeout(60):
        while not await answers(stand, part, started_at):
            await asyncio.sleep(0.1)


async def answers(stand: Stand, part: str, since: datetime) -> bool:
    with suppress(httpx.TransportError):
        if part == "worker":
            return await is_worker_online(stand.prefect, name=WORKER_NAME, since=since)
        address = f"{stand.stack.intake_url}/ready" if part == "intake" else f"{stand.stack.api_url}/health"
        return (await stand.prefect.get(address)).is_success
    return False


async def told_in_the_end(stand: Stand, incident: Incident | None) -> list[Notification]:
    """What became of every message, once the leases of whoever died while sending have run out."""
    assert incident is not None
    async with asyncio.timeout(90):
        while True:
            told = await read_notifications(stand.store, incident.id)
            if not any(each.state in ("pending", "sending") for each in told):
                return told
            await asyncio.sleep(0.5)


@pytest.mark.parametrize("scenario", ["connection-leak", "bad-deploy"])
@pytest.mark.parametrize("victim", ["response", "worker", "prefect", "intake"])
async def test_a_kill_in_every_phase_loses_nothing_and_repeats_nothing(
    stand: Stand, scenario: str, victim: str
) -> None:
    [killer] = await survive(stand, scenario, {victim: PHASES})
    assert must_have_died_in(scenario, victim) <= set(killer.killed_in)


@pytest.mark.parametrize(
    ("scenario", "deaths"), ALONE, ids=lambda given: "-".join(given) if isinstance(given, dict) else given
)
async def test_a_kill_in_the_phases_that_pass_while_a_victim_is_started_again(
    stand: Stand, scenario: str, deaths: dict[str, str]
) -> None:
    killers = await survive(stand, scenario, {victim: (phase,) for victim, phase in deaths.items()})
    assert {k.victim: k.killed_in for k in killers} == {victim: [phase] for victim, phase in deaths.items()}


async def survive(stand: Stand, scenario: str, victims: dict[str, Collection[str]]) -> list[Killer]:
    """A night in which each victim is killed in its phases ends well; who was killed in which."""
    for victim in victims:
        if victim != "response":
            await start_afresh(stand, victim)
    killers = [Killer(stand, victim, phases) for victim, phases in victims.items()]
    prowling = [asyncio.create_task(killer.prowl()) for killer in killers]
    try:
        night = await stand.night(scenario)
    finally:
        for each in prowling:
            each.cancel()
        await asyncio.gather(*prowling, return_exceptions=True)
    assert grade(night.facts) == []
    told = await told_in_the_end(stand, night.facts.incident)
    unsent = [n for n in told if n.state not in ("sent", "delivered", "cancelled")]
    assert unsent == []
    needless = {"page", "escalation", "comeback", "approval", "reminder"}
    lost = [(n.purpose, n.key) for n in told if n.state == "cancelled" and n.purpose not in needless]
    assert lost == [], "only what an answer, a decision or the end made needless"
    return killers
