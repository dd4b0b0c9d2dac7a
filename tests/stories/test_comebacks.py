"""What comes back by itself: silence after an acknowledgement, a hold, a message that never arrived."""

from tests.stories.night import Night
from watchkeeper.deadlines import read_deadlines
from watchkeeper.model import Channel, DeadlineKind, DeadlineState
from watchkeeper.paging.outbox import read_notifications

SILENT = "you have it and are silent"


async def test_an_incident_that_somebody_has_and_is_silent_about_comes_back(night: Night) -> None:
    await night.hear()
    await night.ana.replies("ACK")
    bens = len(night.phone("ben").texts)
    await night.pass_time(minutes=29)
    assert not any(SILENT in text for text in night.phone("ana").texts)
    await night.pass_time(minutes=2)
    assert any(SILENT in text for text in night.phone("ana").texts)
    assert len(night.phone("ben").texts) == bens, "the one who has it is asked first"
    await night.pass_time(minutes=30)
    assert any("Ana has it and is silent" in text for text in night.phone("ben").texts)
    assert len(night.phone("ben").calls) > 0


async def test_working_on_it_is_left_alone_for_longer(night: Night) -> None:
    await night.hear()
    assert "Nobody asks before 04:00Z" in await night.ana.replies("WORKING")
    assert (await night.incident()).acknowledged_by == "ana"
    await night.pass_time(minutes=59)
    assert not any(SILENT in text for text in night.phone("ana").texts)
    assert await night.ana.replies("2") != "INC-0001: that is noted already."
    await night.pass_time(minutes=59)
    assert not any(SILENT in text for text in night.phone("ana").texts)
    await night.pass_time(minutes=2)
    assert any(SILENT in text for text in night.phone("ana").texts)


async def test_working_on_a_p1_brings_it_back_no_sooner_than_silence(night: Night) -> None:
    await night.hear(severity="P1", kind="other")
    assert "Nobody asks before 05:00Z" in await night.ana.replies("WORKING")
    await night.pass_time(minutes=119)
    assert not any(SILENT in text for text in night.phone("ana").texts)
    await night.pass_time(minutes=2)
    assert any(SILENT in text for text in night.phone("ana").texts)


async def test_what_comes_back_says_how_long_it_was_silent(night: Night) -> None:
    await night.hear()
    await night.ana.replies("WORKING")
    await night.pass_time(minutes=91)
    silent = [text for text in await night.timeline() if "without a word" in text]
    assert silent == [
        "ana has had it without a word for 1 hour: paging again",
        "ana has had it without a word for 1 hour and 30 minutes: paging again",
    ]


async def test_asking_for_the_next_person_is_a_sign_of_life(night: Night) -> None:
    await night.hear()
    await night.ana.replies("ACK")
    await night.pass_time(minutes=25)
    assert "is escalated" in await night.ana.replies("ESC")
    await night.pass_time(minutes=29)
    assert not any(SILENT in text for text in night.phone("ana").texts)
    await night.pass_time(minutes=2)
    assert any(SILENT in text for text in night.phone("ana").texts)


async def test_asking_for_the_next_person_does_not_cut_short_being_left_alone(night: Night) -> None:
    await night.hear()
    await night.ana.replies("WORKING")
    await night.ana.replies("ESC")
    await night.pass_time(minutes=59)
    assert not any(SILENT in text for text in night.phone("ana").texts)
    await night.pass_time(minutes=2)
    assert any(SILENT in text for text in night.phone("ana").texts)


async def test_asking_for_the_next_person_alone_gives_it_to_nobody_who_could_be_silent(night: Night) -> None:
    await night.hear()
    await night.ana.replies("ESC")
    assert not [d for d in await read_deadlines(night.store, 1) if d.kind is DeadlineKind.SILENCE]


async def test_a_p2_comes_back_by_email_after_four_hours_of_work(night: Night) -> None:
    """It is Monday 03:00; business hours are from nine to five."""
    await night.pass_time(hours=11)  # 14:00
    await night.hear(severity="P2", kind="other", summary="Designs are slow")
    # Three hours of today are left, and the fourth is tomorrow's: saying "working" asks no sooner than silence.
    assert "Nobody asks before Tue 10:00Z." in await night.ana.replies("WORKING")
    await night.pass_time(hours=19, minutes=59)
    told = len(night.mails("ana"))
    await night.pass_time(minutes=2)
    assert SILENT in night.mails("ana")[-1]["text"] and len(night.mails("ana")) == told + 1
    # Four hours of work later everyone on call reads it, and nothing rings.
    await night.pass_time(hours=3, minutes=58)
    assert len(night.mails("ana")) == told + 1
    await night.pass_time(minutes=2)
    assert "Ana has it and is silent" in night.mails("ben")[-1]["text"]
    assert not any("is silent" in text for text in [*night.phone("ana").texts, *night.phone("ben").texts])
    assert night.phone("ana").calls == night.phone("ben").calls == []


async def test_a_p2_at_the_end_of_the_day_is_asked_about_on_the_next(night: Night) -> None:
    await night.pass_time(hours=13)  # 16:00
    await night.hear(severity="P2", kind="other")
    assert "Nobody asks before Tue 12:00Z." in await night.ana.replies("WORKING")
    assert "left alone until Tue 12:00 UTC" in "".join(await night.timeline())
    told = len(night.mails("ana"))
    await night.pass_time(hours=19, minutes=59)
    assert len(night.mails("ana")) == told
    await night.pass_time(minutes=2)
    assert SILENT in night.mails("ana")[-1]["text"]


async def test_a_p2_that_is_held_at_the_end_of_the_day_comes_back_on_the_next(night: Night) -> None:
    await night.pass_time(hours=9, minutes=50)  # 12:50
    await night.hear(severity="P2", kind="other")
    await night.ana.replies("ACK")  # silent from 16:50 on
    await night.pass_time(hours=4, minutes=-5)  # 16:45
    assert "is held until Tue 09:00Z, then" in await night.ana.replies("HOLD")
    assert "comes back at Tue 09:00 UTC" in "".join(await night.timeline())
    told = len(night.mails("ana"))
    await night.pass_time(hours=16, minutes=14)
    assert len(night.mails("ana")) == told
    await night.pass_time(minutes=2)
    assert "your hold is over" in night.mails("ana")[-1]["text"]
    await night.pass_time(minutes=5)
    assert "Ana has it and is silent" in night.mails("ana")[-1]["text"], "what was left of its time goes on"


async def test_a_p2_that_is_held_before_its_page_is_paged_so_much_later(night: Night) -> None:
    """It is Monday 03:00; the page would come at nine."""
    await night.hear(severity="P2", kind="other")
    assert "is held until 09:15Z, then" in await night.ana.replies("HOLD INC-0001")
    (due,) = [d for d in await read_deadlines(night.store, 1) if d.kind is DeadlineKind.PAGE]
    assert f"{due.due_at:%a %H:%M}" == "Mon 09:15"
    await night.pass_time(minutes=10)
    assert "noted already" in await night.ana.replies("HOLD INC-0001")
    (due,) = [d for d in await read_deadlines(night.store, 1) if d.kind is DeadlineKind.PAGE]
    assert f"{due.due_at:%a %H:%M}" == "Mon 09:15", "held twice is not held for longer"


async def test_of_a_p3_nobody_asks_and_no_question_is_promised(night: Night) -> None:
    await night.hear(severity="P3", kind="other")
    assert await night.ana.replies("WORKING") == "INC-0001: you are working on it."
    assert "ana is working on it, said by text message" in await night.timeline()
    assert await night.ana.replies("WORKING") == "INC-0001: that is noted already."
    told = len(night.mails("ana"))
    await night.pass_time(hours=72)
    assert not [mail for mail in night.mails("ana")[told:] if SILENT in mail["text"]]


async def test_an_answer_to_what_came_back_starts_the_time_anew(night: Night) -> None:
    await night.hear()
    await night.ana.replies("ACK")
    await night.pass_time(minutes=31)
    await night.ana.replies("ACK")
    assert "ana still has it, said by text message" in await night.timeline()
    before = len(night.phone("ben").texts)
    await night.pass_time(minutes=31)
    assert len(night.phone("ben").texts) == before, "back to Ana, not on to everyone"
    assert len([text for text in night.phone("ana").texts if SILENT in text]) == 2


async def test_a_hold_stops_the_paging_and_comes_back_by_itself(night: Night) -> None:
    await night.hear(severity="P1")
    await night.pass_time(minutes=50)
    assert await night.ana.replies("HOLD") == "INC-0001 is held until 04:05Z, then it comes back to you."
    await night.pass_time(minutes=14)
    assert night.phone("ben").texts == [], "an hour without an answer would have been over by now"
    await night.pass_time(minutes=2)
    assert "your hold is over" in night.phone("ana").texts[-1]
    assert night.phone("ben").texts == []
    await night.pass_time(minutes=10)
    assert "Ana has not answered" in night.phone("ben").texts[-1]


async def test_what_is_held_rings_nobody(night: Night) -> None:
    await night.hear()
    await night.pass_time(minutes=2)
    await night.ana.replies("HOLD")
    rung = len(night.phone("ana").calls), len(night.phone("ben").calls)
    await night.pass_time(minutes=14)
    assert (len(night.phone("ana").calls), len(night.phone("ben").calls)) == rung


async def test_holding_twice_in_a_moment_is_one_hold(night: Night) -> None:
    await night.hear(severity="P1")
    await night.ana.replies("HOLD")
    assert await night.ana.replies("4") == "INC-0001: that is noted already."
    due = [d for d in await read_deadlines(night.store, 1) if d.kind is DeadlineKind.ACKNOWLEDGE]
    assert [f"{d.due_at:%H:%M}" for d in due] == ["04:15"]


async def test_nothing_comes_back_once_it_is_over(night: Night) -> None:
    await night.hear()
    await night.ana.replies("HOLD")
    await night.ana.replies("DONE")
    before = len(night.phone("ana").texts)
    await night.pass_time(hours=2)
    texts = [text for text in night.phone("ana").texts[before:] if "Post-mortem" not in text]
    assert texts == []
    pending = [d.kind for d in await read_deadlines(night.store, 1) if d.state is DeadlineState.PENDING]
    assert DeadlineKind.HOLD not in pending
    assert DeadlineKind.SILENCE not in pending


async def test_a_text_that_does_not_arrive_becomes_a_call_by_itself(night: Night) -> None:
    night.vendors.twilio.undeliverable.add(night.ana.number)
    await night.hear(severity="P1")
    sent = [n for n in await read_notifications(night.store, 1) if n.recipient == "ana"]
    states = {n.channel: (n.state, n.error) for n in sent}
    assert states[Channel.SMS] == ("failed", "undelivered: undelivered 30003")
    assert states[Channel.VOICE] == ("failed", "undelivered: no-answer 30003")
    assert states[Channel.EMAIL][0] == "sent"


async def test_help_that_was_asked_for_finds_another_way_although_somebody_has_it(night: Night) -> None:
    await night.hear(severity="P1")
    await night.ana.replies("ACK")
    night.vendors.twilio.undeliverable.add(night.ben.number)
    await night.ana.replies("ESC")
    asked = [n for n in await read_notifications(night.store, 1) if n.recipient == "ben"]
    states = {n.channel: n.state for n in asked if n.purpose == "escalation"}
    assert states[Channel.SMS] == states[Channel.VOICE] == "failed"
    assert states[Channel.EMAIL] == "sent"


async def test_an_answered_page_needs_no_other_way(night: Night) -> None:
    await night.hear(severity="P1")
    (sms,) = [n for n in await read_notifications(night.store, 1) if n.channel is Channel.SMS]
    await night.ana.sends(night.phone("ana").link("a"))
    async with night.store._pool.connection() as connection:
        await connection.execute("UPDATE notifications SET state = 'sent' WHERE id = %s", (sms.id,))
    form = {"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "30008"}
    await night.vendors.twilio._tell(f"{night.house.settings.public_url}/receipts/twilio/{sms.id}", form)
    await night.settle()
    assert night.phone("ana").calls == []
