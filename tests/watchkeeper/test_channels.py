"""The channels through the vendors' own libraries, on a real wire that ends on loopback."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from twilio.request_validator import RequestValidator

from tests.conftest import MovedClock
from tests.watchkeeper.house import PUBLIC_URL
from tests.watchkeeper.intake.opened import Intake, open_intake, settings_for, vendors_at
from tests.watchkeeper.recording import RecordingServer, Say, recording_server, until
from watchkeeper.channels import Sender, email, open_channels, slack, sms
from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable
from watchkeeper.model import Channel
from watchkeeper.paging.model import Attachment, Message, NotificationState
from watchkeeper.paging.outbox import read_notifications

REAL = "twilio-token"
CREDENTIALS = (REAL, "SG.key", "xoxb-token", base64.b64encode(REAL.encode()).decode())
MESSAGE = Message(
    subject="P0 INC-0001: Backend is down",
    text="Ana, you are on call.\n<!channel> & more",
    short="P0 INC-0001: Backend is down http://watch.test/a/1.sig",
    html="<p>Ana, you are on call.</p>",
    spoken="Severity P0 & <loud>",
    link="http://watch.test/a/1.sig",
)
ADDRESSES = {
    Channel.SMS: "+14155550101",
    Channel.VOICE: "+14155550101",
    Channel.EMAIL: "ana@example.com",
    Channel.SLACK: "#incidents",
}
EVERY = pytest.mark.parametrize("channel", list(ADDRESSES))


@pytest_asyncio.fixture
async def vendors() -> AsyncIterator[RecordingServer]:
    async with recording_server() as server:
        yield server


@pytest_asyncio.fixture
async def senders(tmp_path: Path, vendors: RecordingServer) -> AsyncIterator[dict[Channel, Sender]]:
    settings = settings_for(tmp_path, "unused", **vendors_at(vendors.url))
    async with open_channels(settings) as opened:
        yield opened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sms, email, slack):
        monkeypatch.setattr(module, "TIME_LIMIT_SECONDS", 0.3)


async def failure(sender: Sender, channel: Channel) -> VendorError:
    with pytest.raises(VendorError) as raised:
        await sender.send(ADDRESSES[channel], MESSAGE)
    return raised.value


async def test_a_text_message_is_one_form_with_basic_auth(
    senders: dict[Channel, Sender], vendors: RecordingServer
) -> None:
    receipt = await senders[Channel.SMS].send("+14155550101", MESSAGE, callback_url="http://watch.test/r/1")
    (heard,) = vendors.heard
    account = "AC" + "1" * 32
    assert (heard.method, heard.path) == ("POST", f"/2010-04-01/Accounts/{account}/Messages.json")
    assert heard.form == {
        "To": "+14155550101",
        "From": "+14155550100",
        "Body": MESSAGE.short,
        "StatusCallback": "http://watch.test/r/1",
    }
    scheme, _, secret = heard.headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(secret)) == ("Basic", f"{account}:twilio-token".encode())
    assert receipt.vendor_id.startswith("SM")


async def test_a_call_reads_the_page_twice_and_takes_a_key(
    senders: dict[Channel, Sender], vendors: RecordingServer
) -> None:
    await senders[Channel.VOICE].send("+14155550101", MESSAGE)
    (heard,) = vendors.heard
    assert heard.path.endswith("/Calls.json")
    form = heard.form
    script = form.pop("Twiml")
    assert form == {"To": "+14155550101", "From": "+14155550100", "Timeout": "30", "TimeLimit": "120"}
    assert script.count("Severity P0 &amp; &lt;loud&gt; Press 1 to acknowledge, 2 if you are working") == 2
    assert script.count('action="http://watch.test/voice/1.sig"') == 2


async def test_an_email_carries_text_and_html_to_one_person(
    senders: dict[Channel, Sender], vendors: RecordingServer
) -> None:
    receipt = await senders[Channel.EMAIL].send("ana@example.com", MESSAGE)
    (heard,) = vendors.heard
    assert (heard.method, heard.path) == ("POST", "/v3/mail/send")
    assert heard.headers["Authorization"] == "Bearer SG.key"
    assert heard.json == {
        "from": {"email": "watch@example.com"},
        "personalizations": [{"to": [{"email": "ana@example.com"}]}],
        "subject": MESSAGE.subject,
        "content": [
            {"type": "text/plain", "value": MESSAGE.text},
            {"type": "text/html", "value": MESSAGE.html},
        ],
    }
    assert receipt.vendor_id == "mail-1"


async def test_an_email_carries_where_its_receipt_belongs(
    senders: dict[Channel, Sender], vendors: RecordingServer
) -> None:
    address = "http://watch.test/receipts/sendgrid/1-abc"
    await senders[Channel.EMAIL].send("ana@example.com", MESSAGE, callback_url=address)
    (heard,) = vendors.heard
    assert heard.json["custom_args"] == {"watchkeeper_receipt": address}


async def test_an_email_carries_its_attachments(
    senders: dict[Channel, Sender], vendors: RecordingServer
) -> None:
    files = [Attachment(name=f"{n}.ics", type="text/calendar", text="BEGIN:VCALENDAR\r\n") for n in "ab"]
    await senders[Channel.EMAIL].send("ana@example.com", MESSAGE.model_copy(update={"attachments": files}))
    (heard,) = vendors.heard
    assert {each["filename"] for each in heard.json["attachments"]} == {"a.ics", "b.ics"}
    first = heard.json["attachments"][0]
    assert (first["type"], first["disposition"]) == ("text/calendar", "attachment")
    assert base64.b64decode(first["content"]) == b"BEGIN:VCALENDAR\r\n"


async def test_a_chat_message_is_escaped_and_starts_a_thread(
    senders: dict[Channel, Sender], vendors: RecordingServer
) -> None:
    first = await senders[Channel.SLACK].send("#incidents", MESSAGE)
    await senders[Channel.SLACK].send("#incidents", MESSAGE, thread=first.thread)
    start, reply = (heard.json for heard in vendors.heard)
    assert vendors.heard[0].path == "/api/chat.postMessage"
    assert vendors.heard[0].headers["Authorization"] == "Bearer xoxb-token"
    assert start["text"] == "Ana, you are on call.\n&lt;!channel&gt; &amp; more"
    assert (start["channel"], start.get("thread_ts")) == ("#incidents", None)
    assert reply["thread_ts"] == first.thread == first.vendor_id


BODIES: list[Any] = [{}, {"code": 20003, "message": "no"}, "<html>Bad gateway</html>", "[]", ""]


@EVERY
async def test_each_status_is_a_refusal_or_may_pass_after_one_request(
    channel: Channel, senders: dict[Channel, Sender], vendors: RecordingServer
) -> None:
    expected = dict.fromkeys((400, 401, 403, 404, 413, 422), VendorRejected) | dict.fromkeys(
        (429, 500, 502, 503, 504), VendorUnavailable
    )
    for status, kind in expected.items():
        for body in BODIES:
            vendors.heard.clear()
            vendors.answer = lambda _, status=status, body=body: Say(status, body)
            error = await failure(senders[channel], channel)
            assert (type(error), error.status) == (kind, status), body
            assert len(vendors.heard) == 1, "sent once, whatever the answer"
            assert not any(secret in f"{error!r} {error}" for secret in CREDENTIALS)
            assert error.__cause__ is None


@EVERY
async def test_a_vendor_that_answers_nonsense_raises_nothing_else(
    channel: Channel, senders: dict[Channel, Sender], vendors: RecordingServer
) -> None:
    for body in ("<html>", "[]", "null", "{}", ""):
        vendors.heard.clear()
        vendors.answer = lambda _, body=body: Say(200, body)
        with suppress(VendorError):
            await senders[channel].send(ADDRESSES[channel], MESSAGE)
        assert len(vendors.heard) == 1


@pytest.mark.usefixtures("impatient")
@EVERY
async def test_a_vendor_that_keeps_silent_or_drips_is_interrupted(
    channel: Channel, tmp_path: Path, vendors: RecordingServer
) -> None:
    settings = settings_for(tmp_path, "unused", **vendors_at(vendors.url))
    async with open_channels(settings) as senders:
        for say in (Say(silent=True), Say(201, {"sid": "x" * 200, "ok": True}, drip_seconds=0.1)):
            vendors.heard.clear()
            vendors.answer = lambda _, say=say: say
            began = time.monotonic()
            error = await failure(senders[channel], channel)
            assert isinstance(error, VendorUnavailable)
            assert time.monotonic() - began < 1
            assert len(vendors.heard) == 1


@EVERY
async def test_a_vendor_that_is_not_there_may_come_back(channel: Channel, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "unused", **vendors_at("http://127.0.0.1:1"))
    async with open_channels(settings) as senders:
        error = await failure(senders[channel], channel)
    assert isinstance(error, VendorUnavailable)
    assert not any(secret in f"{error!r} {error}" for secret in CREDENTIALS)


async def test_slack_says_no_with_status_200(
    senders: dict[Channel, Sender], vendors: RecordingServer
) -> None:
    for code, kind in {
        "channel_not_found": VendorRejected,
        "invalid_auth": VendorRejected,
        "ratelimited": VendorUnavailable,
        "internal_error": VendorUnavailable,
    }.items():
        vendors.answer = lambda _, code=code: Say(200, {"ok": False, "error": code})
        error = await failure(senders[Channel.SLACK], Channel.SLACK)
        assert (type(error), error.reason) == (kind, code)


async def test_slacks_wait_is_passed_on(senders: dict[Channel, Sender], vendors: RecordingServer) -> None:
    vendors.answer = lambda _: Say(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "7"})
    error = await failure(senders[Channel.SLACK], Channel.SLACK)
    assert error.retry_after_seconds == 7


@pytest_asyncio.fixture
async def intake(
    tmp_path: Path, store_url: str, clock: MovedClock, vendors: RecordingServer
) -> AsyncIterator[Intake]:
    async with open_intake(settings_for(tmp_path, store_url, **vendors_at(vendors.url)), clock) as opened:
        yield opened


async def receipt(intake: Intake, callback: str, form: dict[str, str], *, signed_with: str = REAL) -> int:
    signature = RequestValidator(signed_with).compute_signature(callback, form)
    path = callback.removeprefix(PUBLIC_URL)
    answer = await intake.client.post(path, data=form, headers={"X-Twilio-Signature": signature})
    return answer.status_code


async def state_of(intake: Intake, channel: Channel) -> NotificationState:
    (told,) = [
        n
        for n in await read_notifications(intake.house.store, 1)
        if n.channel is channel and n.recipient == "ana"
    ]
    return told.state


async def settled(intake: Intake, channel: Channel) -> None:
    async with asyncio.timeout(5):
        while await state_of(intake, channel) is not NotificationState.SENT:  # a row rings no bell
            await asyncio.sleep(0.01)


async def test_twilios_receipts_say_what_became_of_a_message(
    intake: Intake, vendors: RecordingServer
) -> None:
    await intake.tell(severity="P1")
    (text,) = await until(lambda: vendors.at("/Messages.json"))
    callback = text.form["StatusCallback"]
    assert callback.startswith(f"{PUBLIC_URL}/receipts/twilio/")
    await settled(intake, Channel.SMS)
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "Über": "+&=", "Empty": ""}
    assert await receipt(intake, callback, form, signed_with="forged") == 401
    assert await receipt(intake, callback.replace("/twilio/", "/twilio/9"), form, signed_with="forged") == 401
    assert await state_of(intake, Channel.SMS) is NotificationState.SENT
    assert await receipt(intake, callback, {"MessageStatus": "sent"}) == 204
    assert await state_of(intake, Channel.SMS) is NotificationState.SENT
    assert await receipt(intake, callback, form) == 204
    assert await state_of(intake, Channel.SMS) is NotificationState.DELIVERED
    assert await receipt(intake, callback, {"MessageStatus": "undelivered"}) == 204
    assert await state_of(intake, Channel.SMS) is NotificationState.DELIVERED, "the first word stays"
    assert await intake.refused() == {("twilio", "wrong_signature"): 2}


async def test_an_undelivered_text_is_followed_by_a_call(intake: Intake, vendors: RecordingServer) -> None:
    await intake.tell(severity="P1")
    (text,) = await until(lambda: vendors.at("/Messages.json"))
    await settled(intake, Channel.SMS)
    assert vendors.at("/Calls.json") == []
    form = {"MessageStatus": "undelivered", "ErrorCode": "30003"}
    assert await receipt(intake, text.form["StatusCallback"], form) == 204
    assert await state_of(intake, Channel.SMS) is NotificationState.FAILED
    (call,) = await until(lambda: vendors.at("/Calls.json"))
    assert call.form["To"] == ADDRESSES[Channel.VOICE]


async def test_pressing_one_on_the_call_acknowledges_and_nothing_else_does(
    intake: Intake, vendors: RecordingServer
) -> None:
    await intake.tell(severity="P0")
    (call,) = await until(lambda: vendors.at("/Calls.json"))
    action = call.form["Twiml"].partition('action="')[2].partition('"')[0]
    for form, token in (
        ({"Digits": "1"}, "forged"),
        ({"Digits": "9"}, "twilio-token"),
        ({}, "twilio-token"),
    ):
        await receipt(intake, action, form, signed_with=token)
        row = await intake.house.store.one("incidents/read", id=1)
        assert row is not None
        assert row["acknowledged_at"] is None
    assert await receipt(intake, action, {"Digits": "1"}) == 200
    row = await intake.house.store.one("incidents/read", id=1)
    assert row is not None
    assert row["acknowledged_by"] == "ana"


def test_the_credentials_that_are_looked_for_are_those_in_use() -> None:
    assert all(secret in json.dumps(vendors_at("")) for secret in CREDENTIALS[:3])
