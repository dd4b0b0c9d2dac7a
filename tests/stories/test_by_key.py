"""Answering by a key on the call: only a key counts, and only for the person who was called."""

import pytest

from tests.stories.night import Night
from watchkeeper.model import RemediationState


@pytest.mark.parametrize(
    ("key", "heard", "line"),
    [
        ("1", "Incident 1 is yours.", "Acknowledged by ana by a key on the call"),
        ("2", "Incident 1: you are working on it. Nobody asks before 04:00 U T C.", "ana is working on it"),
        ("3", "Incident 1 is escalated: Ben paged.", "Escalated to ben by ana by a key on the call"),
        ("4", "Incident 1 is held until 03:15 U T C, then it comes back to you.", "Held for 15 minutes"),
    ],
)
async def test_each_key_does_what_the_call_said(night: Night, key: str, heard: str, line: str) -> None:
    await night.hear(summary="Backend is <b>down</b> & out")
    script = night.phone("ana").calls[0]
    assert "Press 1 to acknowledge, 2 if you are working on it, 3 for the next person, 4 to hold it" in script
    assert "&lt;b&gt;down&lt;/b&gt; &amp; out" in script
    assert await night.ana.presses(key) == heard
    assert any(line in entry for entry in await night.timeline())


async def test_another_key_answers_nothing_and_asks_again(night: Night) -> None:
    await night.hear()
    assert "That key means nothing here. Press 1" in await night.ana.presses("7")
    assert (await night.incident()).acknowledged_by is None


async def test_what_ends_an_incident_is_pressed_twice(night: Night) -> None:
    await night.hear()
    assert await night.ana.presses("9") == "You say that it is over. Press 9 once more to close it."
    assert (await night.incident()).is_open
    assert "is closed" in await night.ana.presses("9")
    assert not (await night.incident()).is_open
    assert any("closed by ana: said by a key on the call" in entry for entry in await night.timeline())


async def test_another_key_than_the_first_ends_nothing(night: Night) -> None:
    await night.hear()
    await night.ana.presses("9")
    assert "That key means nothing here" in await night.ana.presses("1")
    assert (await night.incident()).is_open
    assert await night.ana.presses("1") == "Incident 1 is yours."


async def test_a_voicemail_that_takes_the_call_answers_nothing(night: Night) -> None:
    await night.hear()
    assert len(night.phone("ana").calls) == 1
    await night.pass_time(minutes=16)
    assert (await night.incident()).acknowledged_by is None
    assert "Ana has not answered" in night.phone("ben").texts[-1]


async def test_a_key_that_twilio_did_not_sign_is_refused(night: Night) -> None:
    await night.hear()
    assert await night.vendors.twilio.press(night.ana.number, "1", token="guessed") == 401
    assert (await night.incident()).acknowledged_by is None


async def call_about_a_plan(night: Night) -> None:
    """Ana's text about the plan does not arrive, so she is called."""
    await night.hear(severity="P1")
    await night.plan()
    (sms,) = [
        row
        for row in await night.store.all("outbox/read", incident_id=1)
        if (row["purpose"], row["channel"], row["recipient"]) == ("approval", "sms", "ana")
    ]
    async with night.store._pool.connection() as connection:
        await connection.execute("UPDATE notifications SET state = 'sent' WHERE id = %s", (sms["id"],))
    form = {"MessageSid": "SM1", "MessageStatus": "undelivered"}
    await night.vendors.twilio._tell(f"{night.house.settings.public_url}/receipts/twilio/{sms['id']}", form)
    await night.settle()


@pytest.mark.parametrize(
    ("key", "asked", "heard", "state"),
    [
        ("5", "You approve it. Press 5 once more", "Approved: Roll back", RemediationState.APPROVED),
        ("6", "You deny it. Press 6 once more", "Denied: Roll back", RemediationState.DENIED),
    ],
)
async def test_a_plan_is_read_aloud_and_decided_by_a_key_that_is_pressed_twice(
    night: Night, key: str, asked: str, heard: str, state: RemediationState
) -> None:
    await call_about_a_plan(night)
    (script,) = night.phone("ana").calls
    plan = await night.plan_now()
    assert "needs your OK" in script and plan.plan.preview[0] in script
    assert "Press 5 to approve it, 6 to deny it." in script
    assert asked in await night.ana.presses(key)
    assert (await night.plan_now()).state is RemediationState.PLANNED
    assert heard in await night.ana.presses(key)
    decided = await night.plan_now()
    assert (decided.state, decided.approved_by) == (state, "ana")


async def test_a_key_on_the_call_decides_once(night: Night) -> None:
    await call_about_a_plan(night)
    await night.ben.sends(night.phone("ben").link("p"), decision="deny")
    await night.ana.presses("5")
    assert "decided" in await night.ana.presses("5")
    assert (await night.plan_now()).state is RemediationState.DENIED
