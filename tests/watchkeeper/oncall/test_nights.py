"""Nights in which who is on call changes, or cannot be reached."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, BEN, PUBLIC_URL, KernelHouse, link_id, recipients, two_on_call
from watchkeeper.answers import Said, Verb, Way, answer, answer_by_link
from watchkeeper.errors import BadInput, VendorRejected
from watchkeeper.incidents import read_incident
from watchkeeper.model import Channel
from watchkeeper.oncall import Change, ChangeKind
from watchkeeper.oncall.shifts import change_said, read_changes, say_change, withdraw_change
from watchkeeper.store import Store
from watchkeeper.timeline import read_timeline

CLEO, KIM = "+14155550103", "+14155550109"


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    people = {
        "ana": {"name": "Ana", "email": "ana@example.com", "phone": ANA},
        "ben": {"name": "Ben", "email": "ben@example.com", "phone": BEN},
        "cleo": {"name": "Cleo", "email": "cleo@example.com", "phone": CLEO},
    }
    return KernelHouse(store, clock, two_on_call(people=people))


async def say(house: KernelHouse, kind: ChangeKind, person: str, starts: str, ends: str) -> Change:
    policy, now = house.desk.policy, house.clock()
    change = change_said(
        kind, person, starts, ends, reason="", said_by="ana", calendar=policy.calendar, now=now
    )
    async with house.store.transaction() as db:
        return await say_change(db, change, policy, now=now)


async def acknowledge(house: KernelHouse, person: str) -> None:
    said = Said(verb=Verb.ACKNOWLEDGE, person=person, way=Way.PAGE)
    async with house.store.transaction() as db:
        await answer(db, PUBLIC_URL, 1, said, now=house.clock())


async def lines(house: KernelHouse) -> list[str]:
    return [entry.text for entry in await read_timeline(house.store, 1)]


async def test_an_override_in_the_middle_of_an_incident_counts_for_it(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    assert len(house.phone(ANA)) == 1
    await house.pass_time(minutes=30)
    await say(house, "primary", "cleo", "03:30", "09:00")
    await house.pass_time(minutes=30)
    assert "Ana has not answered" in house.phone(BEN)[-1]
    assert house.phone(CLEO)
    assert len(house.phone(ANA)) == 1
    assert "Cleo is primary on call from Mon 02 Mar 03:30 until Mon 02 Mar 09:00" in await lines(house)


async def test_who_cannot_be_reached_is_skipped_and_the_timeline_says_so(house: KernelHouse) -> None:
    await say(house, "unreachable", "ana", "03:00", "04:00")
    await house.hear(severity="P1")
    assert house.phone(ANA) == [] and len(house.phone(BEN)) == 1
    assert (await lines(house)).count(
        "Not paged: Ana cannot be reached from Mon 02 Mar 03:00 until Mon 02 Mar 04:00"
    ) == 1


async def test_a_change_that_was_taken_back_changes_nothing(house: KernelHouse) -> None:
    change = await say(house, "primary", "cleo", "03:00", "09:00")
    async with house.store.transaction() as db:
        await withdraw_change(db, change.id or 0, house.desk.policy, by="ana", now=house.clock())
    await house.hear(severity="P1")
    assert house.phone(ANA) and house.phone(CLEO) == []
    async with house.store.transaction() as db:
        with pytest.raises(BadInput, match="no change 1 to take back"):
            await withdraw_change(db, 1, house.desk.policy, by="ana", now=house.clock())
    assert await read_changes(house.store, now=house.clock()) == []


@pytest.mark.parametrize(
    ("person", "starts", "ends", "problem"),
    [
        ("zed", "14:00", "18:00", r"no person 'zed' under people \(ana, ben, cleo\)"),
        ("ana", "noon", "18:00", "'noon' is no time; write 14:00"),
        ("ana", "2026-03-03", "2026-03-02", "2026-03-02 is not after 2026-03-03"),
        ("ana", "01:00", "02:00", "2026-03-02 02:00 is over"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_with_what_to_write(
    house: KernelHouse, person: str, starts: str, ends: str, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        await say(house, "unreachable", person, starts, ends)


async def test_an_evening_time_that_ends_in_the_morning_is_the_next_mornings(house: KernelHouse) -> None:
    change = await say(house, "unreachable", "ana", "22:00", "06:00")
    assert f"{change.starts_at:%d %H:%M} {change.ends_at:%d %H:%M}" == "02 22:00 03 06:00"


async def test_the_first_stays_silent_so_it_gets_louder_and_then_goes_to_the_next(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    calls = house.channels[Channel.VOICE]
    await house.pass_time(minutes=44)
    assert (len(house.phone(ANA)), calls.sent, house.phone(BEN)) == (1, [], [])
    await house.pass_time(minutes=1)
    assert (recipients(calls.sent), len(house.phone(ANA)), house.phone(BEN)) == ([ANA], 1, [])
    await house.pass_time(minutes=15)
    assert "Ana has not answered" in house.phone(BEN)[-1]
    assert sorted(recipients(calls.sent)) == [ANA, ANA, BEN]
    await house.pass_time(minutes=15)
    assert len(house.phone(BEN)) == 2


async def test_both_stay_silent_so_they_are_paged_until_somebody_answers(house: KernelHouse) -> None:
    await house.hear()
    calls = house.channels[Channel.VOICE]
    await house.pass_time(seconds=0)
    assert sorted(recipients(calls.sent)) == [ANA, BEN]
    for _ in range(12):
        await house.pass_time(minutes=5)
    assert recipients(calls.sent).count(ANA) == recipients(calls.sent).count(BEN) == 8
    await acknowledge(house, "ben")
    await house.pass_time(minutes=29)
    assert len(calls.sent) == 16


async def test_what_was_promised_is_on_the_timeline(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    assert (
        "Promised for a P1: an answer by Mon 2 Mar 04:00 (UTC), the next person, unless it is resolved, at "
        "Mon 2 Mar 05:00 (UTC), an update by Mon 2 Mar 04:00 (UTC)"
    ) in await lines(house)
    await house.pass_time(hours=1)
    assert (
        "Nobody has acknowledged INC-0001: Ana and Ben by email, sms, voice. Again by Mon 2 Mar 04:15 (UTC)"
    ) in await lines(house)


async def test_a_p1_that_is_unresolved_after_two_hours_goes_to_whoever_does_not_have_it(
    house: KernelHouse,
) -> None:
    await house.hear(severity="P1")
    await acknowledge(house, "ana")
    await house.pass_time(minutes=119)
    assert house.phone(BEN) == []
    await house.pass_time(minutes=1)
    assert "unresolved after 2 hours" in house.phone(BEN)[-1]
    assert "Escalated to Ben: unresolved after 2 hours" in await lines(house)


@pytest.fixture
def alone(store: Store, clock: MovedClock) -> KernelHouse:
    people = {
        "ana": {"name": "Ana", "email": "ana@example.com", "phone": ANA},
        "kim": {"name": "Kim", "phone": KIM},
    }
    policy = two_on_call(people=people, roster={"primary": "ana", "trusted_contact": "kim"})
    return KernelHouse(store, clock, policy)


async def test_alone_and_silent_is_called_again_and_then_the_contact_is_asked_to_wake_her(
    alone: KernelHouse,
) -> None:
    await alone.hear()
    await alone.pass_time(seconds=0)
    calls = alone.channels[Channel.VOICE]
    assert (len(alone.phone(ANA)), recipients(calls.sent)) == (1, [ANA])
    assert "Nobody else is on call to escalate to: a P0 goes to two people at once" in await lines(alone)
    for rung, called in enumerate(([ANA] * 2, [ANA] * 3, [ANA] * 4), start=1):
        await alone.pass_time(minutes=5)
        assert (recipients(calls.sent), alone.phone(KIM)) == (called, []), rung
    await alone.pass_time(minutes=5)
    assert sorted(recipients(calls.sent)) == [ANA] * 5 + [KIM]
    (asked,) = alone.phone(KIM)
    assert asked.startswith(f"Kim, please wake Ana ({ANA}).") and "INC" not in asked
    assert "Asked Kim to wake Ana" in await lines(alone)
    for _ in range(8):
        await alone.pass_time(minutes=5)
    assert len(alone.phone(KIM)) == 2

    await acknowledge(alone, "ana")
    await alone.pass_time(minutes=30)
    assert alone.phone(KIM)[2:] == [
        "Thank you, Kim: it is being taken care of. There is nothing more for you to do."
    ]
    # A text message from the contact decides on nothing; one from Ana would.
    assert await alone.store.all("answers/told_of", person="kim") == []
    assert len(await alone.store.all("answers/told_of", person="ana")) == 1


async def test_alone_and_not_to_be_reached_the_contact_is_asked_at_once(alone: KernelHouse) -> None:
    await say(alone, "unreachable", "ana", "03:00", "07:00")
    await alone.hear()
    assert len(alone.phone(KIM)) == 1 and len(alone.phone(ANA)) == 1
    assert (
        "Paged all the same: Ana cannot be reached from Mon 02 Mar 03:00 until Mon 02 Mar 07:00"
    ) in await lines(alone)


MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def mails(house: KernelHouse) -> list[str]:
    return [message.subject for _, message in house.channels[Channel.EMAIL].sent]


async def test_a_p2_wakes_no_contact_and_waits_for_whoever_is_back(
    alone: KernelHouse, clock: MovedClock
) -> None:
    clock.now = MONDAY
    await say(alone, "unreachable", "ana", "09:00", "11:00")
    await alone.hear(severity="P2")
    assert (alone.phone(KIM), mails(alone)) == ([], [])
    assert (
        "Nobody is paged now: Ana cannot be reached from Mon 02 Mar 09:00 until Mon 02 Mar 11:00, and a P2 wakes "
        "nobody else. The page goes out on Mon 2 Mar 11:00 (UTC)."
    ) in await lines(alone)
    await alone.pass_time(minutes=89)
    assert mails(alone) == []
    await alone.pass_time(minutes=1)
    assert mails(alone) == ["P2 INC-0001: Backend is down"]
    assert alone.phone(KIM) == [] and alone.channels[Channel.VOICE].sent == []


async def test_a_p2_whose_person_is_back_at_night_waits_for_business_hours(
    alone: KernelHouse, clock: MovedClock
) -> None:
    clock.now = MONDAY
    await say(alone, "unreachable", "ana", "09:00", "23:00")
    await alone.hear(severity="P2")
    for _ in range(23):
        await alone.pass_time(hours=1)
    assert mails(alone) == []
    await alone.pass_time(minutes=30)
    assert mails(alone) == ["P2 INC-0001: Backend is down"]


async def test_a_p2_that_waits_for_somebody_comes_at_once_when_they_are_back_sooner(
    alone: KernelHouse, clock: MovedClock
) -> None:
    clock.now = MONDAY
    change = await say(alone, "unreachable", "ana", "09:00", "17:00")
    await alone.hear(severity="P2")
    await alone.pass_time(hours=5)
    assert mails(alone) == [], "neither is it said again to somebody who is away"
    async with alone.store.transaction() as db:
        await withdraw_change(db, change.id or 0, alone.desk.policy, by="ana", now=alone.clock())
    await alone.pass_time(seconds=1)
    assert mails(alone) == ["P2 INC-0001: Backend is down"]


async def test_a_p2_that_reaches_its_person_by_nothing_wakes_no_contact(
    alone: KernelHouse, clock: MovedClock
) -> None:
    clock.now = MONDAY
    refused = VendorRejected(vendor="any", action="send", status=400)
    for channel in (Channel.SMS, Channel.VOICE, Channel.EMAIL):
        alone.channels[channel].failures = [refused]
    await alone.hear(severity="P2")
    assert alone.phone(KIM) == []


async def test_the_contact_of_an_incident_that_nobody_was_woken_for_hears_nothing(alone: KernelHouse) -> None:
    await alone.hear()
    await acknowledge(alone, "ana")
    await alone.pass_time(hours=1)
    assert alone.phone(KIM) == []


async def test_whoever_steps_in_for_somebody_out_of_reach_answers_in_their_own_name(
    house: KernelHouse,
) -> None:
    refused = VendorRejected(vendor="any", action="send", status=400)
    for channel in (Channel.SMS, Channel.VOICE, Channel.EMAIL):
        house.channels[channel].failures = [refused]
    await house.hear(severity="P1")
    (text,) = house.phone(BEN)
    assert "Ana cannot be reached" in text
    async with house.store.transaction() as db:
        answered = await answer_by_link(db, PUBLIC_URL, link_id(text), Verb.ACKNOWLEDGE, now=house.clock())
    assert (answered.person, (await read_incident(house.store, 1)).acknowledged_by) == ("ben", "ben")


async def test_where_no_channel_reaches_the_one_on_call_the_contact_is_asked(alone: KernelHouse) -> None:
    refused = VendorRejected(vendor="any", action="send", status=400)
    for channel in (Channel.SMS, Channel.VOICE, Channel.EMAIL):
        alone.channels[channel].failures = [refused]
    await alone.hear(severity="P1")
    assert len(alone.phone(KIM)) == 1 and alone.phone(ANA) == []


BERLIN = ZoneInfo("Europe/Berlin")
TURNS = {"people": ["ana", "ben", "cleo"], "starts_on": "2026-01-05"}


@pytest.mark.parametrize(
    ("night", "paged", "monday"),
    [
        # At 02:00 the clocks go to 03:00, and at 03:00 back to 02:00; cleo's week ends on the Monday after either.
        ("2026-03-29T01:50+01:00", "2026-03-29T03:05+02:00", "2026-03-30T09:00+02:00"),
        ("2026-10-25T02:50+02:00", "2026-10-25T02:05+01:00", "2026-10-26T09:00+01:00"),
    ],
)
async def test_on_a_night_when_the_clocks_change_answers_are_due_in_time_and_turns_change_at_nine(
    store: Store, clock: MovedClock, night: str, paged: str, monday: str
) -> None:
    people = {
        name: {"name": name.title(), "phone": phone}
        for name, phone in (("ana", ANA), ("ben", BEN), ("cleo", CLEO))
    }
    calendar = {"time_zone": "Europe/Berlin"}
    policy = two_on_call(people=people, calendar=calendar, roster={"rotation": TURNS})
    house = KernelHouse(store, clock, policy)
    clock.now = datetime.fromisoformat(night).astimezone(UTC)
    await house.hear()
    assert len(house.phone(CLEO)) == 1
    await house.pass_time(minutes=15)
    assert clock.now == datetime.fromisoformat(paged)
    assert len(house.phone(CLEO)) == 2
    assert any("Cleo has not answered" in text for text in house.phone(ANA))
    assert any(
        f"an answer by {clock.now.astimezone(BERLIN):%a %-d %b %H:%M}" in line for line in await lines(house)
    )
    await acknowledge(house, "cleo")

    clock.now = datetime.fromisoformat(monday) - timedelta(seconds=1)
    await house.hear(fingerprint="late", service="redis")
    assert len(house.phone(CLEO)) == 3
    clock.advance(seconds=1)
    await house.hear(fingerprint="later", service="payments")
    assert len(house.phone(CLEO)) == 3 and house.phone(ANA)[-1].startswith("P0 INC-0003 since")
