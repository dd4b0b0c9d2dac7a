"""Which changes worked: those after which the watchkeeper itself proved the end."""

from datetime import timedelta

from tests.watchkeeper.house import KernelHouse
from watchkeeper.closing import close_as_proved, close_by_hand
from watchkeeper.figures.month import Tried, read_month
from watchkeeper.figures.past import month_of
from watchkeeper.incidents import change_status, read_incident
from watchkeeper.model import OPEN_STATUSES, Plan, Remediation, RemediationState, Status
from watchkeeper.paging.desk import hand_over
from watchkeeper.remediations import BY_HAND_STEP, claim, finish, plan_remediation, plan_undoing

RESTART = Plan(
    action="restart_service", target="backend", cause="out_of_memory", summary="Restart it", preview=[]
)


async def restarted(house: KernelHouse) -> Remediation:
    """The backend is down; it is restarted, and watched."""
    await house.hear()
    incident = await read_incident(house.store, 1)
    planned = await plan_remediation(
        house.store, incident, RESTART, house.desk.policy, step=1, now=house.clock()
    )
    done = await carried_out(house, planned)
    await change_status(house.store, 1, expected=OPEN_STATUSES, new=Status.MONITORING, now=house.clock())
    house.clock.advance(minutes=20)
    await house.hear(firing=False)
    return done


async def carried_out(house: KernelHouse, planned: Remediation) -> Remediation:
    claimed = await claim(house.store, planned, holder="run", now=house.clock())
    return await finish(house.store, claimed, RemediationState.DONE, "as asked", now=house.clock())


async def handed_over(house: KernelHouse) -> None:
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        await hand_over(db, house.desk, incident, "it did not help", [], now=house.clock())
    given = {"id": 1, "attempt": incident.attempt, "now": house.clock()}
    assert await house.store.one("incidents/hand_over", **given)


async def proved(house: KernelHouse) -> None:
    async with house.store.transaction() as db:
        proof = dict.fromkeys(("recovered_at", "healthy_at", "now"), house.clock())
        assert await close_as_proved(db, house.desk, await read_incident(db, 1), **proof)


async def closed_by_ana(house: KernelHouse) -> None:
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        assert await close_by_hand(db, house.desk, incident, person="ana", reason="mended", now=house.clock())


async def figures_of(house: KernelHouse) -> list[Tried]:
    policy = house.desk.policy
    month = month_of("2026-03", policy.calendar)
    figures = await read_month(house.store, policy, month, now=house.clock() + timedelta(days=1))
    return list(figures.tried)


def restarts(*, begun: int = 1, ended: int) -> list[Tried]:
    return [Tried(action="restart_service", begun=begun, done=begun, ended=ended)]


async def test_change_after_which_readings_proved_the_end_worked(house: KernelHouse) -> None:
    await restarted(house)
    await proved(house)
    assert await figures_of(house) == restarts(ended=1)


async def test_change_that_a_person_went_on_from_is_not_said_to_have_worked(house: KernelHouse) -> None:
    await restarted(house)
    await handed_over(house)
    await closed_by_ana(house)
    assert await figures_of(house) == restarts(ended=0)


async def test_what_a_person_mended_is_no_merit_of_the_change_though_readings_prove_it(
    house: KernelHouse,
) -> None:
    await restarted(house)
    await handed_over(house)
    house.clock.advance(hours=1)
    await proved(house)
    assert await figures_of(house) == restarts(ended=0)


async def test_what_a_person_switched_by_hand_meanwhile_took_nothing_back(house: KernelHouse) -> None:
    await restarted(house)
    incident = await read_incident(house.store, 1)
    by_hand = Plan(
        action="maintenance_on", target="backend", cause="by_hand", summary="Close the shop", preview=[]
    )
    planned = await plan_remediation(
        house.store, incident, by_hand, house.desk.policy, step=BY_HAND_STEP, now=house.clock()
    )
    await carried_out(house, planned)
    await proved(house)
    assert restarts(ended=1)[0] in await figures_of(house)


async def test_a_taking_back_that_was_never_done_took_nothing_back(house: KernelHouse) -> None:
    done = await restarted(house)
    incident = await read_incident(house.store, 1)
    back = RESTART.model_copy(update={"target": "backend, back"})
    undo = await plan_undoing(house.store, incident, done, back, house.desk.policy, now=house.clock())
    claimed = await claim(house.store, undo, holder="run", now=house.clock())
    await finish(house.store, claimed, RemediationState.FAILED, "refused", now=house.clock())
    await proved(house)
    assert await figures_of(house) == [Tried(action="restart_service", begun=2, done=1, ended=1)]


async def test_neither_what_was_taken_back_nor_its_taking_back_worked(house: KernelHouse) -> None:
    done = await restarted(house)
    incident = await read_incident(house.store, 1)
    back = RESTART.model_copy(update={"target": "backend, back"})
    undo = await plan_undoing(house.store, incident, done, back, house.desk.policy, now=house.clock())
    await carried_out(house, undo)
    await proved(house)
    assert await figures_of(house) == restarts(begun=2, ended=0)
