"""A night that the test leads: what a response does, a step when the test says so, and what people hear of it."""

from datetime import datetime, timedelta
from typing import Any

from tests.conftest import MovedClock
from tests.watchkeeper.house import KernelHouse
from tests.watchkeeper.night.signing import at_night, worker_is_stuck
from watchkeeper.closing import close_as_proved
from watchkeeper.deadlines import read_deadlines
from watchkeeper.findings import save_reading
from watchkeeper.incidents import change_status, read_incident, take_lease
from watchkeeper.model import (
    Channel,
    DeadlineKind,
    DeadlineState,
    Plan,
    Reading,
    Remediation,
    RemediationState,
    Status,
)
from watchkeeper.night.holding import gate_at_night
from watchkeeper.occasions import OCCASIONS, Occasions
from watchkeeper.paging.desk import desk_of, hand_over
from watchkeeper.remediations import claim, finish, plan_remediation
from watchkeeper.store import Store
from watchkeeper.timeline import read_timeline


def a_house(store: Store, clock: MovedClock, **night: Any) -> KernelHouse:
    house = KernelHouse(store, clock, at_night(**night))
    morning = {"night_report": OCCASIONS["night_report"]}
    house.occasions = Occasions(store, house.desk, clock, morning, house.guard)
    return house


def restart(**own: Any) -> Plan:
    known = {
        "action": "restart_service",
        "target": "worker",
        "cause": "worker_crashed",
        "summary": "Restart the worker",
        "preview": ["1 deployment"],
    }
    return Plan.model_validate(known | own)


class Response:
    """What a response does, a step when the test says so."""

    def __init__(self, house: KernelHouse, number: int = 1) -> None:
        self.house, self.number = house, number

    async def begins(self) -> None:
        house = self.house
        lease = timedelta(hours=2)
        held = {"attempt": 1, "holder": "run", "lease": lease, "now": house.clock()}
        await take_lease(house.store, self.number, **held)
        await self.moves_on(Status.INVESTIGATING)

    async def moves_on(self, new: Status) -> None:
        moved = await change_status(
            self.house.store, self.number, expected=list(Status), new=new, now=self.house.clock()
        )
        assert moved is not None

    async def plans(self, plan: Plan) -> Remediation:
        house, now = self.house, self.house.clock()
        async with house.store.transaction() as db:
            incident = await read_incident(db, self.number)
            desk = desk_of(incident, house.desk.public_url)
            gated = await gate_at_night(db, desk, incident, plan, now=now)
            planned = await plan_remediation(db, incident, plan, desk.policy, step=1, now=now, gated=gated)
        await house.pager.send_all_due()
        return planned

    async def does(self, plan: Plan, state: RemediationState = RemediationState.DONE) -> Remediation:
        planned, now = await self.plans(plan), self.house.clock()
        claimed = await claim(self.house.store, planned, holder="run", now=now)
        return await finish(self.house.store, claimed, state, "as asked", now=now)

    async def looks(self, *, ok: bool = True) -> None:
        reading = Reading(
            probe="queue",
            service="worker",
            value=1,
            unit="jobs",
            threshold=None,
            ok=ok,
            observed_at=self.house.clock(),
        )
        await save_reading(self.house.store, self.number, reading)

    async def cures_it(self) -> None:
        await self.begins()
        await self.does(restart())
        await self.moves_on(Status.MONITORING)
        self.house.clock.advance(seconds=30)
        await self.looks()

    async def proves_it(self) -> None:
        house = self.house
        await house.hear(**worker_is_stuck(firing=False))
        async with house.store.transaction() as db:
            incident = await read_incident(db, self.number)
            closed = dict.fromkeys(("recovered_at", "healthy_at", "now"), house.clock())
            assert await close_as_proved(db, house.desk, incident, **closed)
        await house.pager.send_all_due()

    async def gives_up(self, why: str) -> None:
        house = self.house
        async with house.store.transaction() as db:
            incident = await read_incident(db, self.number)
            await hand_over(db, house.desk, incident, why, [], now=house.clock())
        await house.pager.send_all_due()


def rang(house: KernelHouse) -> list[str]:
    """Everything that a phone got: texts and calls."""
    return [m.short for c in (Channel.SMS, Channel.VOICE) for _, m in house.channels[c].sent]


async def story(house: KernelHouse, number: int = 1) -> list[str]:
    return [entry.text for entry in await read_timeline(house.store, number)]


async def due(house: KernelHouse) -> list[DeadlineKind]:
    """The clocks of the first incident that still run."""
    return [d.kind for d in await read_deadlines(house.store, 1) if d.state is DeadlineState.PENDING]


def reports(house: KernelHouse, channel: Channel = Channel.SLACK) -> list[str]:
    return [m.text for _, m in house.channels[channel].sent if m.text.startswith("Night of")]


async def until_morning(house: KernelHouse) -> None:
    house.clock.now = datetime.fromisoformat("2026-03-02T07:00:00+00:00")
    await house.pass_time(seconds=0)
