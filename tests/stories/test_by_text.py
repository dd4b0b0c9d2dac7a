"""Answering by text message: plain words in, one plain text back, and nothing for anybody who is not of the team."""

import pytest

from tests.stories.night import FROM_NUMBER, Night, Somebody
from watchkeeper.model import RemediationState
from watchkeeper.store import Row


async def answers(night: Night) -> list[tuple[str, str | None, str]]:
    async with night.store._pool.connection() as connection:
        cursor = await connection.execute("SELECT person, verb, outcome FROM answers ORDER BY id")
        rows: list[Row] = await cursor.fetchall()
    return [(row["person"], row["verb"], row["outcome"]) for row in rows]


async def test_a_page_says_what_to_reply_and_the_reply_acknowledges(night: Night) -> None:
    await night.hear()
    assert "(reply ACK, WORKING, ESC or HOLD)" in night.phone("ana").texts[0]
    said_back = await night.ana.replies("ack")
    assert said_back == "INC-0001 is yours. Reply WORKING, ESC, HOLD or DONE."
    assert (await night.incident()).acknowledged_by == "ana"
    assert "Acknowledged by ana by text message" in await night.timeline()


@pytest.mark.parametrize("word", ["1", "Ack.", " ACK\n", "acknowledge"])
async def test_a_digit_or_a_word_acknowledges(night: Night, word: str) -> None:
    await night.hear()
    await night.ana.replies(word)
    assert (await night.incident()).acknowledged_by == "ana"


async def test_two_people_answer_and_the_second_is_told_who_has_it(night: Night) -> None:
    await night.hear()
    await night.ben.replies("ACK")
    assert await night.ana.replies("ACK") == (
        "INC-0001: Ben has it since 03:00Z. Reply TAKE to take it over."
    )
    assert await answers(night) == [("ben", "acknowledge", "done"), ("ana", "acknowledge", "already")]


async def test_what_came_back_stays_with_whoever_has_it_until_somebody_takes_it_over(night: Night) -> None:
    await night.hear()
    await night.ana.replies("ACK")
    await night.pass_time(minutes=61)
    assert any("Ana has it and is silent" in text for text in night.phone("ben").texts)
    assert await night.ben.replies("ACK") == "INC-0001: Ana has it since 03:00Z. Reply TAKE to take it over."
    assert (await night.incident()).acknowledged_by == "ana"

    taken = "INC-0001 is yours now; Ana is told. Reply WORKING, ESC, HOLD or DONE."
    assert await night.ben.replies("TAKE") == taken
    incident = await night.incident()
    assert (incident.acknowledged_by, incident.acknowledged_at) == ("ben", incident.detected_at)
    assert "ben took it over from ana, said by text message" in await night.timeline()
    assert "Ben has taken it over from Ana" in night.phone("ana").texts[-1]
    assert any("Ben has taken it over from Ana" in post["text"] for post in night.posts)
    # From here it is Ben who must not fall silent.
    told = len(night.phone("ana").texts)
    await night.pass_time(minutes=31)
    assert "you have it and are silent" in night.phone("ben").texts[-1]
    assert len(night.phone("ana").texts) == told


async def test_taking_what_nobody_has_or_what_is_yours_is_acknowledging_it(night: Night) -> None:
    await night.hear()
    assert "INC-0001 is yours now. Reply" in await night.ben.replies("TAKE")
    assert (await night.incident()).acknowledged_by == "ben"
    assert "is yours now" not in await night.ben.replies("TAKE")
    assert (await night.incident()).acknowledged_by == "ben"


async def test_the_same_message_delivered_twice_is_one_answer(night: Night) -> None:
    await night.hear()
    for _ in range(2):
        await night.ana.replies("ESC", sid="SM" + "7" * 32)
    assert await answers(night) == [("ana", "escalate", "done")]
    assert len([text for text in night.phone("ben").texts if "Ana asks for you" in text]) == 1


async def test_a_number_is_needed_only_where_several_are_open(night: Night) -> None:
    await night.hear()
    await night.pass_time(hours=2)
    await night.hear(service="worker", kind="worker_stuck", fingerprint="worker", severity="P0")
    asked = await night.ana.replies("ACK")
    assert asked == "Open: INC-0001, INC-0002. Say which, such as ACK 1."
    await night.ana.replies("ACK 2")
    assert (await night.incident(2)).acknowledged_by == "ana"
    assert (await night.incident(1)).acknowledged_by is None


async def an_old_ticket_and_a_p0(night: Night) -> None:
    """INC-0001 is a P0 that Ana was paged about, INC-0002 a ticket that she was not told of."""
    await night.hear()
    await night.hear(service="intranet", kind="other", fingerprint="old", severity="P3")
    async with night.store._pool.connection() as connection:
        await connection.execute("UPDATE notifications SET recipient = 'ben' WHERE incident_id = 2")


@pytest.mark.parametrize("words", ["2 pods restarted", "2: pods restarted", "2"])
async def test_a_reason_that_begins_with_a_number_closes_no_incident_of_that_number(
    night: Night, words: str
) -> None:
    await an_old_ticket_and_a_p0(night)
    assert await night.ana.replies(f"DONE {words}") == (
        "Nothing was done: is INC-0002 meant? Then reply DONE INC-0002. You were told of: INC-0001."
    )
    assert [(await night.incident(number)).is_open for number in (1, 2)] == [True, True]
    # Whoever names it means it, told of it or not.
    await night.ana.replies(f"DONE INC-0001 {words}")
    assert f"Status: resolved (closed by ana: {words})" in await night.timeline()
    assert await night.ana.replies("DONE inc 2 tidied up") == (
        "INC-0002 is closed. Whoever was told of it is told."
    )
    assert "Status: resolved (closed by ana: tidied up)" in await night.timeline(2)


async def test_a_number_that_could_be_of_an_incident_just_over_is_asked_about(night: Night) -> None:
    await an_old_ticket_and_a_p0(night)
    await night.ben.replies("DONE INC-0002")
    assert "is INC-0002 meant?" in await night.ana.replies("WORKING 2 hours")
    assert (await night.incident()).acknowledged_by is None
    assert await night.ana.replies("WORKING 2") == "INC-0002 is over already. Nothing was done."


async def test_a_number_of_no_incident_begins_the_reason(night: Night) -> None:
    await night.hear()
    assert "INC-0001 is closed" in await night.ana.replies("DONE 2 pods restarted")
    assert "Status: resolved (closed by ana: 2 pods restarted)" in await night.timeline()


async def test_with_several_open_a_number_before_a_reason_is_no_incident_unless_it_is_named(
    night: Night,
) -> None:
    await night.hear()
    await night.pass_time(hours=2)
    await night.hear(service="worker", kind="worker_stuck", fingerprint="worker", severity="P0")
    asked = await night.ana.replies("DONE 2 pods restarted")
    assert asked == (
        "Nothing was done: is INC-0002 meant? Then reply DONE INC-0002. You were told of: INC-0001, INC-0002."
    )
    assert await night.ana.replies("DONE 30 pods restarted") == (
        "Open: INC-0001, INC-0002. Say which, such as ACK 1."
    )
    assert (await night.incident(2)).is_open
    assert "INC-0001 is yours." in await night.ana.replies("ack inc-1 on my way")


async def test_the_only_open_incidents_number_may_stand_before_a_reason(night: Night) -> None:
    await night.hear()
    await night.ana.replies("DONE 1 it was the load test")
    assert "Status: resolved (closed by ana: it was the load test)" in await night.timeline()


async def test_nothing_is_said_back_to_a_number_that_nobody_owns(night: Night) -> None:
    await night.hear()
    stranger = "+14155559999"
    assert await night.vendors.twilio.reply(stranger, "ACK") == 403
    assert night.vendors.twilio.phones.get(stranger) is None
    assert (await night.incident()).acknowledged_by is None
    assert (await night.refusals())["twilio", "unknown_number"] == 1


async def test_a_reply_that_twilio_did_not_sign_is_refused(night: Night) -> None:
    await night.hear()
    assert await night.vendors.twilio.reply(night.ana.number, "ACK", token="guessed") == 401
    assert (await night.incident()).acknowledged_by is None
    assert (await night.refusals())["twilio", "wrong_signature"] == 1


async def test_words_that_mean_nothing_are_answered_with_those_that_do(night: Night) -> None:
    await night.hear()
    assert (await night.ana.replies("who is this?")).startswith("Reply ACK, WORKING")
    assert await night.ben.replies("ACK 999") == "Open: INC-0001. Say which, such as ACK 1."
    assert (await night.incident()).acknowledged_by is None


async def test_done_closes_it_with_the_reason_and_tells_whoever_was_told(night: Night) -> None:
    await night.hear()
    said_back = await night.ana.replies("DONE it was the load test")
    assert said_back == "INC-0001 is closed. Whoever was told of it is told."
    assert (await night.incident()).status == "resolved"
    assert any("closed by ana: it was the load test" in text for text in night.phone("ben").texts)
    assert await night.ana.replies("HOLD 1") == "INC-0001 is over already. Nothing was done."


async def test_a_plan_is_approved_with_the_code_that_stood_in_the_persons_own_text(night: Night) -> None:
    await night.hear()
    await night.plan()
    assert night.phone("ana").code != night.phone("ben").code
    said_back = await night.ana.replies(f"ok {night.phone('ana').code} looks right")
    assert said_back.startswith("Approved: Roll back the backend")
    plan = await night.plan_now()
    assert (plan.state, plan.approved_by) == (RemediationState.APPROVED, "ana")
    assert plan.approval_reason == "looks right"
    assert any("Approved by ana by text message: looks right" in line for line in await night.timeline())
    assert (await night.incident()).acknowledged_by == "ana"


async def test_a_plan_is_denied_and_the_other_is_told_that_it_was(night: Night) -> None:
    await night.hear()
    await night.plan()
    said_back = await night.ben.replies(f"NO {night.phone('ben').code}")
    assert said_back == "Denied: Roll back the backend to d4e5f6. Nothing was changed."
    assert "was decided on" in await night.ana.replies(f"OK {night.phone('ana').code}")
    assert (await night.plan_now()).state is RemediationState.DENIED


async def test_a_code_works_for_its_own_person_once_and_in_time(night: Night) -> None:
    await night.hear()
    await night.plan()
    anas, bens = night.phone("ana").code, night.phone("ben").code
    assert "not a code of yours" in await night.ben.replies(f"OK {anas}")
    assert (await night.plan_now()).state is RemediationState.PLANNED
    await night.pass_time(minutes=31)
    assert "time has run out" in await night.ben.replies(f"OK {bens}")
    assert (await night.plan_now()).approved_by is None


async def test_guessing_a_code_ends_after_a_few(night: Night) -> None:
    await night.hear()
    await night.plan()
    right = night.phone("ana").code
    guesses = [f"{number:06d}" for number in range(6) if f"{number:06d}" != right][:5]
    for guess in guesses:
        assert "not a code of yours" in await night.ana.replies(f"OK {guess}")
    assert "Too many wrong codes" in await night.ana.replies(f"OK {right}")
    assert (await night.plan_now()).state is RemediationState.PLANNED
    assert (await night.refusals())["twilio", "wrong_code"] == 5
    await night.ana.sends(night.phone("ana").link("p"), decision="approve")
    assert (await night.plan_now()).state is RemediationState.APPROVED


async def test_a_code_is_nowhere_in_the_store(night: Night) -> None:
    await night.hear()
    await night.plan()
    async with night.store._pool.connection() as connection:
        cursor = await connection.execute("SELECT message::text FROM notifications")
        messages = " ".join(row["message"] for row in await cursor.fetchall())
    assert night.phone("ana").code not in messages


async def test_a_stranger_cannot_have_a_signature_made_by_what_they_write(night: Night) -> None:
    await night.hear(summary=f"Backend is down 2.{'~' * 27} 2:{'~' * 6} i9.{'~' * 27}")
    mail = night.mails("ana")[0]["text"]
    assert f"2.{'~' * 27} 2:{'~' * 6} i9.{'~' * 27}" in mail
    assert night.phone("ana").link("a") != ""


@pytest.mark.parametrize("until", ["9" * 30, "9" * 12, "32503680000", "x"])
@pytest.mark.parametrize("whose", ["YW5h", "Y", "_-_"])
async def test_a_stranger_cannot_have_a_page_signed_that_acts_for_longer_nor_hold_a_message_up(
    night: Night, until: str, whose: str
) -> None:
    forged = f"i1-{until}-{whose}.{'~' * 27}"
    await night.hear(summary=f"Down {forged}")
    assert f"/i/{forged}" not in night.mails("ana")[0]["text"]
    assert forged in night.mails("ana")[0]["text"]


async def test_every_text_that_is_said_back_comes_from_the_number_that_pages(night: Night) -> None:
    await night.hear()
    await night.ana.replies("WORKING")
    assert {each["from"] for each in night.phone("ana").received} == {FROM_NUMBER}


KIM = "+14155550103"


@pytest.mark.parametrize(
    "own_policy",
    [
        {
            "people": {
                "ana": {"name": "Ana", "email": "ana@example.com", "phone": "+14155550101"},
                "kim": {"name": "Kim", "phone": KIM},
            },
            "roster": {"primary": "ana", "trusted_contact": "kim"},
        }
    ],
)
@pytest.mark.parametrize("words", ["ACK", "ACK 1", "DONE 1"])
async def test_whoever_is_only_asked_to_wake_somebody_answers_for_nobody(night: Night, words: str) -> None:
    await night.hear()
    await night.pass_time(minutes=21)
    assert night.phone("kim").texts
    said_back = await Somebody(night, "kim").replies(words)
    assert said_back == "Nothing is open that you were told of."
    incident = await night.incident()
    assert (incident.acknowledged_by, incident.is_open) == (None, True)
