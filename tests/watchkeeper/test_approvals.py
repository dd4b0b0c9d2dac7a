"""Plans that people decide upon: once, in time, and exactly what they were shown."""

from tests.watchkeeper.house import ANA, BEN, KernelHouse, link_id
from watchkeeper.answers import decide_by_link
from watchkeeper.closing import close_by_hand
from watchkeeper.deadlines.dispatcher import give_up
from watchkeeper.incidents import read_incident
from watchkeeper.model import Channel, Plan, RemediationState
from watchkeeper.paging.desk import request_approval
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.paging.pager import receive_receipt
from watchkeeper.remediations import plan_remediation, read_remediation


async def plan_a_rollback(house: KernelHouse) -> int:
    await house.hear()
    incident = await read_incident(house.store, 1)
    plan = Plan(
        action="roll_back_deployment",
        target="backend",
        cause="bad_deployment",
        summary="Roll back",
        preview=["x"],
    )
    async with house.store.transaction() as db:
        remediation = await plan_remediation(db, incident, plan, house.desk.policy, step=1, now=house.clock())
        await request_approval(db, house.desk, incident, remediation, now=house.clock())
    await house.pager.send_all_due()
    return remediation.id


async def test_a_plan_is_approved_once_by_the_person_whose_link_it_was(house: KernelHouse) -> None:
    remediation_id = await plan_a_rollback(house)
    link = link_id(house.phone(ANA)[-1])
    async with house.store.transaction() as db:
        answer = await decide_by_link(db, link, approved=True, reason="looks right", now=house.clock())
    assert answer.refusal is None
    async with house.store.transaction() as db:
        again = await decide_by_link(db, link, approved=False, reason="", now=house.clock())
    assert again.refusal == "used"
    remediation = await read_remediation(house.store, remediation_id)
    assert (remediation.state, remediation.approved_by) == (RemediationState.APPROVED, "ana")


async def test_two_people_decide_and_the_first_one_counts(house: KernelHouse) -> None:
    remediation_id = await plan_a_rollback(house)
    links = [link_id(house.phone(number)[-1]) for number in (BEN, ANA)]
    async with house.store.transaction() as db:
        await decide_by_link(db, links[0], approved=False, reason="", now=house.clock())
    async with house.store.transaction() as db:
        late = await decide_by_link(db, links[1], approved=True, reason="", now=house.clock())
    assert late.refusal == "too_late"
    assert (await read_remediation(house.store, remediation_id)).state is RemediationState.DENIED


async def test_an_expired_approval_says_so_and_does_nothing(house: KernelHouse) -> None:
    remediation_id = await plan_a_rollback(house)
    house.clock.advance(minutes=31)
    async with house.store.transaction() as db:
        answer = await decide_by_link(
            db, link_id(house.phone(ANA)[-1]), approved=True, reason="", now=house.clock()
        )
    assert answer.refusal == "expired"
    assert (await read_remediation(house.store, remediation_id)).state is RemediationState.PLANNED


async def test_a_changed_plan_is_not_what_was_approved(house: KernelHouse) -> None:
    remediation_id = await plan_a_rollback(house)
    async with house.store._pool.connection() as connection:
        await connection.execute("UPDATE remediations SET plan_digest = 'another'")
    async with house.store.transaction() as db:
        answer = await decide_by_link(
            db, link_id(house.phone(ANA)[-1]), approved=True, reason="", now=house.clock()
        )
    assert answer.refusal == "changed_plan"
    assert (await read_remediation(house.store, remediation_id)).state is RemediationState.PLANNED


async def test_a_person_closes_an_incident_and_nothing_planned_happens_any_more(house: KernelHouse) -> None:
    remediation_id = await plan_a_rollback(house)
    incident = await read_incident(house.store, 1)
    async with house.store.transaction() as db:
        closed = await close_by_hand(
            db, house.desk, incident, person="ben", reason="false alarm", now=house.clock()
        )
    assert closed
    await house.pass_time(seconds=0)
    assert (await read_incident(house.store, incident.id)).status == "resolved"
    assert (await read_remediation(house.store, remediation_id)).state is RemediationState.SKIPPED
    assert "closed by ben: false alarm" in house.phone(ANA)[-1]
    async with house.store.transaction() as db:
        again = await close_by_hand(
            db, house.desk, incident, person="ana", reason="me too", now=house.clock()
        )
    assert not again


async def test_a_late_receipt_of_what_is_decided_or_over_rings_no_phone(house: KernelHouse) -> None:
    await plan_a_rollback(house)
    async with house.store.transaction() as db:
        await give_up(db, await read_incident(db, 1), house.desk.public_url, now=house.clock())
    await house.pager.send_all_due()
    called = len(house.channels[Channel.VOICE].sent)
    link = link_id(next(text for text in reversed(house.phone(ANA)) if "/p/" in text))
    async with house.store.transaction() as db:
        await decide_by_link(db, link, approved=False, reason="", now=house.clock())
    await undelivered(house, "approval")
    assert len(house.channels[Channel.VOICE].sent) == called

    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        await close_by_hand(db, house.desk, incident, person="Ana", reason="", now=house.clock())
    await undelivered(house, "handover")
    assert len(house.channels[Channel.VOICE].sent) == called


async def undelivered(house: KernelHouse, purpose: str) -> None:
    told = await read_notifications(house.store, 1)
    async with house.store.transaction() as db:
        for each in (n for n in told if n.purpose == purpose and n.channel is Channel.SMS):
            await receive_receipt(db, house.desk, each.id, delivered=False, detail="30003", now=house.clock())
    await house.pager.send_all_due()
