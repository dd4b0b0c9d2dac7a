"""Nights that somebody signed in advance for: slept through where the cure works, loud where it does not."""

import asyncio
from datetime import datetime, timedelta

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, BEN, KernelHouse
from tests.watchkeeper.night.responding import (
    Response,
    a_house,
    due,
    rang,
    reports,
    restart,
    story,
    until_morning,
)
from tests.watchkeeper.night.signing import signed, worker_is_stuck
from watchkeeper.answers import Verb
from watchkeeper.errors import LeaseLost
from watchkeeper.incidents import read_incident
from watchkeeper.model import (
    Channel,
    DeadlineKind,
    Gate,
    Plan,
    RemediationState,
)
from watchkeeper.night.holding import still_signed
from watchkeeper.night.signatures import withdraw
from watchkeeper.paging.desk import request_approval, wake
from watchkeeper.remediations import claim, plan_remediation
from watchkeeper.store import Store


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    return a_house(store, clock)


async def test_the_page_goes_out_by_itself_whatever_else_is_dead(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    await house.pass_time(minutes=14, seconds=59)
    assert rang(house) == []
    await house.pass_time(seconds=1)
    (text,) = house.phone(ANA)
    assert text.startswith("P1 INC-0001 since 03:00Z: Worker is stuck") and "nothing tried" in text
    assert len(text) <= 160
    (mail,) = [message.text for _, message in house.channels[Channel.EMAIL].sent]
    assert "The page that waited since 03:00 UTC goes out: not cured in time." in mail
    # The guide's own clocks were never put off.
    await house.pass_time(minutes=30)
    assert len(house.channels[Channel.VOICE].sent) == 1
    await house.pass_time(minutes=15)
    assert "Ana has not answered" in house.phone(BEN)[-1]


async def test_a_cure_that_fails_wakes_at_once_with_what_was_tried(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    response = Response(house)
    await response.begins()
    await response.does(restart(), RemediationState.FAILED)
    await response.gives_up("the cure did not work")
    page, handed = house.phone(ANA)
    assert "Worker is stuck" in page and "tried restart service" in page
    assert "needs YOU: the cure did not work" in handed
    (mail,) = [m.text for _, m in house.channels[Channel.EMAIL].sent if "you are on call" in m.text]
    assert "Tried meanwhile: Restart the worker (failed)" in mail
    await house.pass_time(minutes=15)
    assert len([text for text in house.phone(ANA) if "INC-0001 since" in text]) == 1
    await until_morning(house)
    (report,) = reports(house)
    assert "1 page waited for a signed cure, 1 went out" in report
    assert "- 03:00 the page went out: the cure did not work" in report and "it is still open" in report


async def test_a_cure_that_did_not_hold_wakes(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    await Response(house).cures_it()
    await house.pass_time(minutes=10)
    await Response(house).looks(ok=False)
    await house.pass_time(minutes=5)
    assert "tried restart service" in house.phone(ANA)[0]
    assert any("not better in time" in text for text in await story(house))


async def test_what_is_not_proved_before_the_guide_would_call_wakes(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    await Response(house).cures_it()
    await house.pass_time(minutes=29)
    assert rang(house) == []
    await house.pass_time(minutes=16)
    assert "tried restart service" in house.phone(ANA)[0]


@pytest.mark.parametrize(
    ("plan", "gate"),
    [
        (restart(cause="stuck_job", action="fail_job"), Gate.NONE),
        (restart(cause="errors_after_deploy", action="roll_back_deployment"), Gate.APPROVAL),
    ],
)
async def test_what_was_not_signed_wakes_before_it_happens_and_has_its_ordinary_gate(
    house: KernelHouse, plan: Plan, gate: Gate
) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    response = Response(house)
    await response.begins()
    planned = await response.plans(plan)
    assert planned.gate is gate and planned.gate_reason != "signed_in_advance"
    assert len(house.phone(ANA)) == 1
    assert any("cure is not signed: Restart the worker" in text for text in await story(house))


async def test_a_signature_lets_a_rollback_happen_that_would_be_asked_for_by_day(house: KernelHouse) -> None:
    await signed(house, "errors_after_deploy")
    await house.hear(**worker_is_stuck(kind="high_error_rate", service="backend", summary="Errors"))
    rollback = restart(cause="errors_after_deploy", action="roll_back_deployment", target="backend")
    response = Response(house)
    await response.begins()
    done = await response.does(rollback)
    assert (done.gate, done.gate_reason, done.state) == (Gate.NONE, "signed_in_advance", "done")
    assert rang(house) == []


async def test_an_approval_that_is_asked_for_is_no_secret(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    incident, now = await read_incident(house.store, 1), house.clock()
    rollback = restart(action="roll_back_deployment")
    async with house.store.transaction() as db:
        planned = await plan_remediation(db, incident, rollback, house.desk.policy, step=1, now=now)
        await request_approval(db, house.desk, incident, planned, now=now)
    await house.pager.send_all_due()
    assert any("INC-0001 since" in text for text in house.phone(ANA))


async def test_the_budget_of_a_night_is_never_overdrawn(store: Store, clock: MovedClock) -> None:
    house = a_house(store, clock, budget=2)
    await signed(house)
    for number in range(1, 6):
        # Each of its own: what depends on the same service would join the first.
        service = f"worker-{number}"
        await house.hear(**worker_is_stuck(fingerprint=service, service=service))
        await Response(house, number).begins()
    assert rang(house) == []
    plans = await asyncio.gather(*(Response(house, number).plans(restart()) for number in range(1, 6)))
    assert sum(plan.gate_reason == "signed_in_advance" for plan in plans) == 2
    assert len(house.phone(ANA)) == 3
    rows = await store.all("night/changes", night=datetime(2026, 3, 1).date())  # noqa: DTZ001
    assert [row["number"] for row in rows] == [1, 2]
    await house.hear(**worker_is_stuck(fingerprint="another", service="another"))
    assert len(house.phone(ANA)) == 4
    assert any("night budget used up" in text for text in await story(house, 6))


async def test_each_night_has_a_budget_of_its_own(store: Store, clock: MovedClock) -> None:
    house = a_house(store, clock, budget=1)
    await signed(house)
    await house.hear(**worker_is_stuck())
    await Response(house).cures_it()
    clock.now = datetime.fromisoformat("2026-03-02T22:30:00+00:00")
    await house.hear(**worker_is_stuck(fingerprint="another", service="another"))
    assert rang(house) == []


async def test_what_gets_worse_waits_for_nothing(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    await house.hear(**worker_is_stuck(fingerprint="all", severity="P0", summary="Nothing works"))
    (text,) = house.phone(ANA)
    assert text.startswith("P0 INC-0001")
    assert len(house.channels[Channel.VOICE].sent) == 1
    assert DeadlineKind.NIGHT not in await due(house)


async def test_a_p0_pages_at_once_whatever_was_signed(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck(severity="P0"))
    assert len(house.phone(ANA)) == 1
    assert any("severity is paged at once" in text for text in await story(house))


async def test_whoever_takes_it_first_is_not_woken_later(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    await house.says("ben")
    assert DeadlineKind.NIGHT not in await due(house)
    planned = await Response(house).plans(restart())
    assert planned.gate_reason == "guide_does_it_unasked", "somebody is awake: nothing is done in their sleep"
    await house.pass_time(minutes=20)
    assert rang(house) == []
    await until_morning(house)
    assert "- ben took it before the page went out" in reports(house)[0]


async def test_whoever_holds_it_puts_the_waiting_page_off_too(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    await house.says("ben", Verb.HOLD)
    await house.pass_time(minutes=15)
    assert not any("since 03:00Z: Worker is stuck" in text for text in house.phone(ANA))


async def test_a_signature_that_was_taken_back_lets_nothing_happen_any_more(house: KernelHouse) -> None:
    given = await signed(house)
    await house.hear(**worker_is_stuck())
    response = Response(house)
    await response.begins()
    planned = await response.plans(restart())
    async with house.store.transaction() as db:
        await withdraw(db, house.desk, given.id, by="ana", now=house.clock())
        incident = await read_incident(db, 1)
        again = await still_signed(db, house.desk, incident, planned, now=house.clock())
    await house.pager.send_all_due()
    assert (again.gate, again.gate_reason) == (Gate.NONE, "guide_does_it_unasked")
    assert len(house.phone(ANA)) == 1


async def test_a_plan_of_a_night_that_is_over_is_asked_for(house: KernelHouse) -> None:
    """Its run died after planning; by day the next one finds the plan."""
    await signed(house, "errors_after_deploy")
    await house.hear(**worker_is_stuck(kind="high_error_rate", service="backend", summary="Errors"))
    response = Response(house)
    await response.begins()
    rollback = restart(cause="errors_after_deploy", action="roll_back_deployment", target="backend")
    planned = await response.plans(rollback)
    await until_morning(house)
    with pytest.raises(LeaseLost):
        await claim(house.store, planned, holder="late", now=house.clock())
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        again = await still_signed(db, house.desk, incident, planned, now=house.clock())
    assert (again.gate, again.gate_reason) == (Gate.APPROVAL, "guide_asks_a_person_first")
    assert again.expires_at == house.clock() + timedelta(minutes=30)


async def test_who_is_woken_from_two_sides_gets_one_page(house: KernelHouse) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    incident = await read_incident(house.store, 1)

    async def one_side(why: str) -> bool:
        async with house.store.transaction() as db:
            return await wake(db, house.desk, incident, why, now=house.clock())

    assert sorted(await asyncio.gather(*(one_side(why) for why in "abcd"))) == [False, False, False, True]
    await house.pager.send_all_due()
    assert len(house.phone(ANA)) == 1


async def test_a_plan_and_the_clock_at_the_same_moment_wait_for_each_other_in_one_order(
    house: KernelHouse,
) -> None:
    await signed(house)
    await house.hear(**worker_is_stuck())
    response = Response(house)
    await response.begins()
    house.clock.advance(minutes=15)
    unsigned = restart(cause="stuck_job", action="fail_job")
    async with asyncio.timeout(5):
        await asyncio.gather(response.plans(unsigned), *(house.dispatcher.pass_once() for _ in range(3)))
    await house.pager.send_all_due()
    assert len(house.phone(ANA)) == 1


async def test_what_turns_out_to_be_of_another_service_wakes(store: Store, clock: MovedClock) -> None:
    house = a_house(store, clock, services=["worker"])
    for cause in ("worker_crashed", "redis_connection"):
        await signed(house, cause)
    await house.hear(**worker_is_stuck())
    assert rang(house) == []
    deeper = {"service": "redis", "kind": "redis_down", "severity": "P1", "summary": "Redis is down"}
    await house.hear(fingerprint="redis", **deeper)
    (text,) = house.phone(ANA)
    assert text.startswith("P1 INC-0001")
    assert any("goes out: it is redis down of redis now" in text for text in await story(house))
    assert DeadlineKind.NIGHT not in await due(house)
