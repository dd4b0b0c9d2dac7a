"""Nobody answers: how often each person is asked, by what, and what is not sent again once somebody has."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import KernelHouse
from tests.watchkeeper.test_guarding import write
from watchkeeper.answers import Verb
from watchkeeper.deadlines import read_deadlines
from watchkeeper.decisions import routes_to_person
from watchkeeper.errors import VendorRejected, VendorUnavailable
from watchkeeper.incidents import read_incident
from watchkeeper.model import Channel, Deadline, DeadlineKind, DeadlineState
from watchkeeper.paging.escalating import nobody_acknowledged
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import read_notifications, tell
from watchkeeper.paging.pager import receive_receipt

ANA, BEN = "+14155550101", "+14155550102"
ASKS = ("page", "escalation", "comeback")


async def asked(house: KernelHouse, person: str, channel: str, incident_id: int = 1) -> list[float]:
    """After how many minutes somebody was asked by a channel."""
    began = datetime(2026, 3, 2, 3, 0, tzinfo=house.clock().tzinfo)
    return [
        (each.sent_at - began) / timedelta(minutes=1)
        for each in await read_notifications(house.store, incident_id)
        if (each.recipient, each.channel) == (person, channel) and each.purpose in ASKS and each.sent_at
    ]


async def sent(house: KernelHouse) -> Counter[tuple[str, str]]:
    """How many messages of any sort each person got by each channel."""
    told = [each for each in await read_notifications(house.store, 1) if each.sent_at]
    return Counter((each.recipient, each.channel.value) for each in told if each.recipient in ("ana", "ben"))


async def test_two_hours_without_an_answer_to_a_p0_are_24_messages_to_each_person(house: KernelHouse) -> None:
    """The figures of docs/on-call.md."""
    await house.hear(severity="P0")
    await house.pass_time()
    for _ in range(120):
        await house.pass_time(minutes=1)
    for person in ("ana", "ben"):
        assert await asked(house, person, "email") == [0, 15]
        assert await asked(house, person, "sms") == [0, 15, 20, 30, 45, 60, 75, 90, 105, 120]
        assert await asked(house, person, "voice") == [0, 5, 10, 15, 20, 30, 45, 60, 75, 90, 105, 120]
    assert await sent(house) == {
        (person, channel): number
        for person in ("ana", "ben")
        for channel, number in (("email", 2), ("sms", 10), ("voice", 12))
    }


async def test_three_hours_without_an_answer_to_a_p1(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    for _ in range(180):
        await house.pass_time(minutes=1)
    assert await asked(house, "ana", "voice") == [45, 60, 75, 105, 135, 165]
    assert await asked(house, "ana", "email") == [0, 60]
    assert await asked(house, "ben", "email") == [60, 120]  # when it is overdue, and unresolved for two hours


async def test_many_incidents_at_once_ring_no_more_often_than_the_policy_says(house: KernelHouse) -> None:
    """Each incident's first page goes regardless; what only asks again waits, and newer words overtake it."""
    services = ("frontend", "redis", "elsewhere", "nowhere")
    for service in services:
        await house.hear(fingerprint=service, service=service, severity="P0", summary=f"{service} is down")
    await house.pass_time()
    assert len(house.phone(ANA)) == len(house.phone(BEN)) == len(services)
    calls = []
    for minute in range(1, 91):
        before = len(house.channels[Channel.VOICE].sent)
        await house.pass_time(minutes=1)
        new = house.channels[Channel.VOICE].sent[before:]
        calls += [minute for to, _ in new if to == ANA]
    assert calls and calls[-1] > 80
    assert max(sum(minute - 10 < each <= minute for each in calls) for minute in range(10, 91)) == 3


async def test_what_waits_for_its_turn_is_overtaken_and_not_heaped_up(house: KernelHouse) -> None:
    for service in ("frontend", "redis", "elsewhere", "nowhere"):
        await house.hear(fingerprint=service, service=service, severity="P0")
    for _ in range(60):
        await house.pass_time(minutes=1)
    async with house.store._pool.connection() as connection:
        rows = await (
            await connection.execute(
                "SELECT incident_id, recipient, channel, count(*) AS n FROM notifications"
                " WHERE state = 'pending' GROUP BY 1, 2, 3"
            )
        ).fetchall()
    assert rows and max(row["n"] for row in rows) == 1


async def test_whoever_is_paged_at_once_as_the_second_is_told_of_each_new_incident(
    house: KernelHouse,
) -> None:
    for number in range(12):
        service = f"service-{number}"
        await house.hear(fingerprint=service, service=service, severity="P0", summary=f"{service} is down")
    await house.pass_time()
    assert len(house.phone(BEN)) == 12


async def test_a_page_whose_sender_died_is_not_sent_again_once_somebody_has_it(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    # Two senders died over it: one lease has run out, one has not.
    taken = "UPDATE notifications SET state = 'sending', sent_at = NULL, lease_until = %s WHERE channel = %s"
    await write(house.store, taken, house.clock() - timedelta(seconds=1), "sms")
    await write(house.store, taken, house.clock() + timedelta(seconds=20), "email")
    told = [len(phone.sent) for phone in house.channels.values()]
    await house.says("ana")
    await house.pass_time(minutes=1)
    assert [len(phone.sent) for phone in house.channels.values()] == told
    states = {n.channel: n.state for n in await read_notifications(house.store, 1) if n.purpose == "page"}
    assert states == {"sms": "cancelled", "email": "cancelled"}


@pytest.mark.parametrize("verb", [Verb.ACKNOWLEDGE, Verb.RESOLVE, Verb.HOLD])
async def test_a_page_that_fails_while_somebody_answers_is_not_tried_again(
    house: KernelHouse, verb: Verb
) -> None:
    answered: list[bool] = []

    async def answered_meanwhile(_: str, message: Message, **__: object) -> None:
        if not message.text.startswith("Resolved:"):  # which whoever may have been told is told
            answered.append(bool(await house.says("ana", verb)))
        raise VendorUnavailable(vendor="twilio", action="send_sms", status=503)

    house.channels[Channel.SMS].send = answered_meanwhile  # type: ignore[method-assign,assignment]
    await house.hear(severity="P1")
    await house.pass_time(minutes=1)
    assert answered == [True]
    assert not [to for to, _ in house.channels[Channel.VOICE].sent]


@pytest.mark.parametrize("verb", [Verb.ACKNOWLEDGE, Verb.RESOLVE, Verb.HOLD])
async def test_a_page_that_turns_out_undelivered_after_an_answer_rings_nobody(
    house: KernelHouse, verb: Verb
) -> None:
    await house.hear(severity="P1")
    await house.says("ana", verb)
    (text,) = [
        n for n in await read_notifications(house.store, 1) if (n.channel, n.purpose) == ("sms", "page")
    ]
    async with house.store.transaction() as db:
        await receive_receipt(db, house.desk, text.id, delivered=False, detail="30003", now=house.clock())
    await house.pager.send_all_due()
    assert not house.channels[Channel.VOICE].sent


async def test_an_answer_that_crosses_with_the_clock_stops_what_the_clock_has_just_written(
    house: KernelHouse,
) -> None:
    await house.hear(severity="P1")
    house.clock.advance(hours=1)
    async with house.store.transaction() as clock_rings, house.store.transaction() as ana_answers:
        row = await clock_rings.one("deadlines/take_due", now=house.clock())
        # It has read the incident as nobody's; the answer is given before it commits, and cannot see its pages.
        known = await read_incident(clock_rings, 1)
        await nobody_acknowledged(
            clock_rings, house.desk, known, Deadline.model_validate(row), now=house.clock()
        )
        assert await ana_answers.one("incidents/acknowledge", id=1, person="ana", now=house.clock())
        await ana_answers.run("outbox/cancel_pages", incident_id=1)
    await house.pager.send_all_due()
    assert house.phone(BEN) == [] and not house.channels[Channel.VOICE].sent


async def test_help_that_was_asked_for_after_an_answer_is_still_sent_again(house: KernelHouse) -> None:
    """What an answer calls off is what was on its way before it."""
    await house.hear(severity="P1")
    await house.says("ana")
    await house.says("ana", Verb.ESCALATE)
    taken = "UPDATE notifications SET state = 'sending', lease_until = %s WHERE channel = 'sms' AND recipient = 'ben'"
    await write(house.store, taken, house.clock() - timedelta(seconds=1))
    await house.pager.send_all_due()
    assert any("asks for you" in text for text in house.phone(BEN))


@pytest.mark.parametrize("asked_before", [0, 2])
async def test_a_p2_that_gets_worse_is_answered_by_the_worse_ones_clocks(
    house: KernelHouse, clock: MovedClock, asked_before: int
) -> None:
    """Also when its own clock has rung before and stands at Monday morning."""
    clock.now = datetime(2026, 3, 6, 9, 0, tzinfo=clock.now.tzinfo)  # Friday
    await house.hear(severity="P2")
    for _ in range(asked_before):
        await house.pass_time(hours=4)
    became_worse = house.clock()
    await house.hear(severity="P0", summary="Nobody can buy")
    due = {d.kind: d.due_at for d in await pending(house)}
    assert due[DeadlineKind.ACKNOWLEDGE] == became_worse + timedelta(minutes=15)
    assert due[DeadlineKind.CALL_AGAIN] == became_worse + timedelta(minutes=5)
    assert due[DeadlineKind.UPDATE] == became_worse + timedelta(minutes=30)
    await house.pass_time()
    assert any("goes to two people at once" in text for text in house.phone(BEN))
    await house.pass_time(minutes=15)
    assert any("Ana has not answered" in text for text in house.phone(BEN))


async def pending(house: KernelHouse) -> list[Deadline]:
    return [d for d in await read_deadlines(house.store, 1) if d.state is DeadlineState.PENDING]


async def test_a_clock_that_is_sooner_already_stays(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    await house.pass_time(minutes=50)
    sooner = {d.kind: d.due_at for d in await pending(house)}
    await house.hear(severity="P0")
    due = {d.kind: d.due_at for d in await pending(house)}
    assert (
        due[DeadlineKind.ACKNOWLEDGE]
        == sooner[DeadlineKind.ACKNOWLEDGE]
        == house.clock() + timedelta(minutes=10)
    )


async def test_what_gets_worse_after_it_went_to_the_next_person_goes_to_them_again(
    house: KernelHouse,
) -> None:
    await house.hear(severity="P1")
    await house.says("ana")
    await house.pass_time(hours=2)
    assert any("unresolved" in text for text in house.phone(BEN))
    await house.hear(severity="P0", summary="Nobody can buy")
    await house.pass_time()
    assert any("goes to two people at once" in text and "Nobody can buy" in text for text in house.phone(BEN))
    # Somebody has it: nobody is asked for an answer, and it comes back if they stay silent.
    kinds = {d.kind: d.due_at for d in await pending(house)}
    assert DeadlineKind.ACKNOWLEDGE not in kinds and DeadlineKind.CALL_AGAIN not in kinds
    assert kinds[DeadlineKind.SILENCE] == house.clock() + timedelta(minutes=30)


async def test_whoever_has_it_hears_that_it_got_worse(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    await house.says("ben")
    await house.hear(severity="P0", summary="Nobody can buy")
    await house.pass_time()
    assert house.phone(BEN)[-1].startswith("P0 INC-0001")
    assert "goes to two people at once" in house.phone(ANA)[-1]
    assert len(house.phone(ANA)) == 2 and len(house.phone(BEN)) == 1


async def test_what_somebody_put_by_comes_back_to_them_when_it_got_worse(house: KernelHouse) -> None:
    """A P2 that somebody has comes back after four hours of work. As a P0 it does half an hour after it became one."""
    await house.hear(severity="P2")
    await house.says("ana")
    await house.pass_time(hours=3)
    silence = [each.due_at for each in await pending(house) if each.kind is DeadlineKind.SILENCE]
    assert [f"{due_at:%H:%M}" for due_at in silence] == ["13:00"]
    await house.hear(severity="P0", summary="Nobody can buy")
    back = "you have it and are silent"
    await house.pass_time(minutes=29)
    assert not [text for text in house.phone(ANA) if back in text]
    await house.pass_time(minutes=1)
    assert len([text for text in house.phone(ANA) if back in text]) == 1


@pytest.mark.parametrize("is_over", [False, True])
async def test_a_question_about_mail_that_cannot_be_delivered_finds_another_way(
    house: KernelHouse, is_over: bool
) -> None:
    """A mail that says that it is over is proposed when it is over, and asked about then."""
    await house.hear(severity="P0")
    if is_over:
        await house.says("ana", Verb.RESOLVE)
        await house.pager.send_all_due()
    house.channels[Channel.SMS].failures.append(VendorRejected(vendor="twilio", action="send_sms"))
    asked = Message(subject="Mail?", text="Mail?", short="May customers be told?")
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        ways = routes_to_person("ana", [Channel.SMS], house.desk.policy)
        await tell(db, incident, "mail:resolved", Purpose.APPROVAL, ways[0], asked, house.clock())
    await house.pager.send_all_due()
    assert house.channels[Channel.VOICE].sent[-1] == (ANA, asked)
