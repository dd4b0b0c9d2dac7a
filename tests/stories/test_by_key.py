"""Answering by a key on the call: only a key counts, and only for the person who was called."""

import pytest

from tests.stories.night import Night


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
    assert "That key means nothing here. Press 1" in await night.ana.presses("9")
    assert (await night.incident()).acknowledged_by is None


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


async def test_a_call_about_a_plan_asks_for_no_key(night: Night) -> None:
    """A key cannot show what it would approve: the plan's page or its code does."""
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
    (script,) = night.phone("ana").calls
    assert "needs your OK" in script
    assert "<Gather" not in script
