"""Where machines knock: what is let in, what is turned away, and that strangers' text stays text."""

import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.watchkeeper.house import ANA
from tests.watchkeeper.intake.opened import BEARER, SENTRY_SECRET, UPTIMEROBOT_SECRET, Intake, as_bytes
from tests.watchkeeper.recording import RecordingServer, until
from watchkeeper.incidents import list_recent, read_incident
from watchkeeper.intake.receiving import BODY_LIMIT_BYTES

SENTRY_BODY = {
    "action": "triggered",
    "data": {"event": {"title": "ZeroDivisionError", "issue_id": "42", "event_id": "e1"}},
}
UPTIMEROBOT_BODY = {
    "monitorID": "777",
    "monitorFriendlyName": "API health",
    "alertType": "1",
    "alertDetails": "Connection refused",
    "alertDateTime": "1772420400",
    "sslExpiryDate": "*sslExpiryDate*",
}


def sentry_headers(body: bytes, now: datetime, **own: str) -> dict[str, str]:
    signature = hmac.new(SENTRY_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Sentry-Hook-Signature": signature,
        "Sentry-Hook-Timestamp": str(int(now.timestamp())),
        "Sentry-Hook-Resource": "event_alert",
        "Request-ID": "r1",
        **{name.replace("_", "-"): value for name, value in own.items()},
    }


async def nothing_came_of_it(intake: Intake, vendors: RecordingServer) -> bool:
    return await list_recent(intake.house.store) == [] and vendors.heard == []


async def test_sentrys_signature_is_checked_over_the_raw_bytes(
    intake: Intake, vendors: RecordingServer
) -> None:
    body = json.dumps(SENTRY_BODY, indent=3).encode()
    headers = sentry_headers(body, intake.clock())
    reordered = await intake.client.post("/webhooks/sentry", content=as_bytes(SENTRY_BODY), headers=headers)
    assert (reordered.status_code, reordered.json()["error"]) == (
        401,
        "Sentry-Hook-Signature does not match this body",
    )
    assert await nothing_came_of_it(intake, vendors)
    exact = await intake.client.post("/webhooks/sentry", content=body, headers=headers)
    assert (exact.status_code, exact.json()["incident"]) == (202, "INC-0001")
    assert await intake.refused() == {("sentry", "wrong_signature"): 1}


async def test_sentry_without_its_signature_is_turned_away(intake: Intake) -> None:
    body = as_bytes(SENTRY_BODY)
    headers = {k: v.encode() for k, v in sentry_headers(body, intake.clock()).items()}
    for signature in (None, "", "0" * 64, "é", "sha256=abc"):
        del headers["Sentry-Hook-Signature"]
        answer = await intake.client.post("/webhooks/sentry", content=body, headers=headers)
        headers["Sentry-Hook-Signature"] = (signature or "").encode()
        assert answer.status_code == 401, signature
    assert await list_recent(intake.house.store) == []


async def test_a_stale_timestamp_is_turned_away(intake: Intake) -> None:
    body = as_bytes(SENTRY_BODY)
    for timestamp in ("1772417000", "99999999999999999999", "yesterday", "nan", ""):
        headers = sentry_headers(body, intake.clock(), Sentry_Hook_Timestamp=timestamp)
        answer = await intake.client.post("/webhooks/sentry", content=body, headers=headers)
        assert answer.status_code == 401, timestamp
        assert "Sentry-Hook-Timestamp" in answer.json()["error"]
    assert await intake.refused() == {("sentry", "stale_timestamp"): 1, ("sentry", "no_timestamp"): 4}


async def test_a_timestamp_from_the_future_is_as_bad_as_an_old_one(intake: Intake) -> None:
    body = as_bytes(SENTRY_BODY)
    for minutes, status in ((-6, 401), (6, 401), (-4, 202), (4, 202)):
        headers = sentry_headers(body, intake.clock() + timedelta(minutes=minutes))
        answer = await intake.client.post("/webhooks/sentry", content=body, headers=headers)
        assert answer.status_code == status


async def test_a_wrong_secret_is_turned_away_and_counted(intake: Intake, vendors: RecordingServer) -> None:
    wrong = (None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dTpw", "Bearer \xe9")
    for source in ("generic", "railway", "uptimerobot"):
        for header in wrong:
            headers = {} if header is None else {"Authorization": header.encode("latin-1")}
            answer = await intake.client.post(f"/webhooks/{source}", json={"service": "x"}, headers=headers)
            assert answer.status_code == 401, header
            assert "Bearer" in answer.json()["error"]
    assert await nothing_came_of_it(intake, vendors)
    assert await intake.refused() == {
        ("generic", "wrong_secret"): len(wrong),
        ("railway", "wrong_secret"): len(wrong),
        ("uptimerobot", "wrong_secret"): len(wrong),
    }


async def test_every_refusal_is_counted_where_one_can_see_it(intake: Intake) -> None:
    assert (await intake.client.get("/ready")).json()["refused"] == 0
    await intake.client.post("/webhooks/generic", content=b"{}")
    await intake.client.post("/webhooks/generic", content=b"not json", headers=BEARER)
    await intake.client.post("/webhooks/nobody", content=b"{}")
    await intake.client.post("/receipts/twilio/1", data={"MessageStatus": "delivered"})
    await intake.client.post("/voice/1.forged", data={"Digits": "1"})
    assert (await intake.client.get("/ready")).json()["refused"] == 5
    assert await intake.refused() == {
        ("generic", "wrong_secret"): 1,
        ("generic", "not_json"): 1,
        ("unknown", "unknown_source"): 1,
        ("twilio", "wrong_signature"): 2,
    }


async def test_a_body_over_256_kb_is_turned_away_and_read_no_further(intake: Intake) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(10_000):
            sent += 1024
            yield b"x" * 1024

    whole = await intake.client.post(
        "/webhooks/generic", content=b"x" * (BODY_LIMIT_BYTES + 1), headers=BEARER
    )
    chunked = await intake.client.post("/webhooks/generic", content=endless(), headers=BEARER)
    assert "content-length" not in chunked.request.headers
    for answer in (whole, chunked):
        assert (answer.status_code, answer.json()["error"]) == (413, "the body is over 256 kB")
    assert sent < BODY_LIMIT_BYTES + 4096
    assert await intake.refused() == {("generic", "too_large"): 2}


async def test_a_body_just_under_the_limit_is_read(intake: Intake) -> None:
    body = as_bytes({"service": "backend", "summary": "Backend is down"}).ljust(BODY_LIMIT_BYTES)
    answer = await intake.client.post("/webhooks/generic", content=body, headers=BEARER)
    assert answer.status_code == 202


NO_ALERTS = [
    (b"", "not JSON"),
    (b"{", "not JSON"),
    (b"\xff\xfe{}", "not JSON"),
    (b'{"service": NaN}', "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b"9" * 5000, "not JSON"),
    (b"[]", "must be a JSON object"),
    (b'"text"', "must be a JSON object"),
    (b"{}", "service: Field required; summary: Field required"),
    (b'{"service": "a", "summary": ""}', "summary: String should have at least 1 character"),
    (b'{"service": "a", "summary": "b", "sumary": "c"}', "sumary: Extra inputs are not permitted"),
    (b'{"service": 7, "summary": "b"}', "service: Input should be a valid string"),
    (b'{"service": "a", "summary": "b", "kind": "fire"}', "kind: Input should be 'site_outage'"),
    (b'{"service": "a", "summary": "b", "users_affected_percent": 101}', "users_affected_percent"),
    (b'{"service": "a", "summary": "b", "users_affected_percent": 1e999}', "users_affected_percent"),
    (b'{"service": "a", "summary": "b", "started_at": "2026-03-02 03:00"}', "started_at"),
    (b'{"service": "a", "summary": "b", "started_at": "0001-01-01T00:00:00+14:00"}', "started_at"),
]


async def test_what_is_no_alert_is_told_what_is_wrong_with_it(
    intake: Intake, vendors: RecordingServer
) -> None:
    for body, says in NO_ALERTS:
        answer = await intake.client.post("/webhooks/generic", content=body, headers=BEARER)
        assert answer.status_code == 422, body
        assert says in answer.json()["error"]
    assert await nothing_came_of_it(intake, vendors)
    assert sum((await intake.refused()).values()) == len(NO_ALERTS)


async def test_ten_kilobytes_of_summary_are_cut_and_kept_whole_with_the_alert(intake: Intake) -> None:
    answer = await intake.tell(summary="<script>" * 1250)
    assert answer.status_code == 202
    incident = await read_incident(intake.house.store, 1)
    assert incident.summary == ("<script>" * 63)[:500]


async def test_a_vendors_changed_shape_is_told_by_its_field(intake: Intake) -> None:
    changed: list[tuple[str, dict[str, Any], str]] = [
        ("uptimerobot", UPTIMEROBOT_BODY | {"alertType": "9"}, "alertType"),
        ("uptimerobot", {"monitorID": "1"}, "monitorFriendlyName: Field required"),
        ("uptimerobot", UPTIMEROBOT_BODY | {"monitorFriendlyName": ""}, "monitorFriendlyName"),
        ("uptimerobot", UPTIMEROBOT_BODY | {"monitorID": "7" * 5000}, "monitorID"),
        ("sentry", {"action": "triggered", "data": {"event": {}}}, "event.title: Field required"),
        ("sentry", {"action": "triggered"}, "data: Field required"),
    ]
    for path, body, says in changed:
        content = as_bytes(body)
        headers = sentry_headers(content, intake.clock()) | {"Authorization": f"Bearer {UPTIMEROBOT_SECRET}"}
        answer = await intake.client.post(f"/webhooks/{path}", content=content, headers=headers)
        assert (answer.status_code, says in answer.json()["error"]) == (422, True)
    assert await intake.refused() == {("uptimerobot", "wrong_shape"): 4, ("sentry", "wrong_shape"): 2}


async def test_a_request_id_of_any_length_can_be_kept(intake: Intake) -> None:
    body = as_bytes(SENTRY_BODY)
    # What repeats itself would be compressed, and would fit the index.
    noise = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(300))
    headers = sentry_headers(body, intake.clock()) | {"Request-ID": noise}
    answer = await intake.client.post("/webhooks/sentry", content=body, headers=headers)
    assert (answer.status_code, answer.json()["incident"]) == (202, "INC-0001")


async def test_an_unknown_source_is_not_found(intake: Intake) -> None:
    answer = await intake.client.post("/webhooks/pigeon", json={}, headers=BEARER)
    assert answer.status_code == 404
    assert "generic" in answer.json()["error"]


async def test_a_source_without_its_secret_is_told_which_setting_is_missing(intake: Intake) -> None:
    intake.house.settings = intake.house.settings.model_copy(update={"sentry": None})
    answer = await intake.client.post("/webhooks/sentry", content=b"{}")
    assert answer.status_code == 503
    assert "WATCHKEEPER_SENTRY__CLIENT_SECRET" in answer.json()["error"]


async def test_a_202_names_the_incident_that_is_durable_by_then(intake: Intake) -> None:
    answer = await intake.tell()
    assert answer.status_code == 202
    assert answer.json() == {"incident": "INC-0001", "reason": "nothing_open_explains_it"}
    # Another connection sees it: it was committed before the answer left.
    incident = await read_incident(intake.house.store, 1)
    assert incident.summary == "Backend is down"
    row = await intake.house.store.one("alerts/count", incident_id=1)
    assert row == {"alerts": 1}


async def test_the_page_leaves_at_once(intake: Intake, vendors: RecordingServer) -> None:
    await intake.tell()
    (text,) = await until(lambda: vendors.at("/Messages.json"), seconds=1)
    assert text.form["To"] == ANA
    assert text.form["Body"].startswith("P0 INC-0001")


async def test_a_repeated_delivery_is_one_incident_and_one_page(
    intake: Intake, vendors: RecordingServer
) -> None:
    content = as_bytes(UPTIMEROBOT_BODY)
    headers = {"Authorization": f"Bearer {UPTIMEROBOT_SECRET}"}
    answers = [
        await intake.client.post("/webhooks/uptimerobot", content=content, headers=headers) for _ in range(3)
    ]
    assert [a.json()["incident"] for a in answers] == ["INC-0001"] * 3
    assert [a.json()["reason"] for a in answers][1:] == ["delivered_before"] * 2
    (incident,) = await list_recent(intake.house.store)
    assert (incident.service, incident.kind) == ("backend", "site_outage")
    await until(lambda: vendors.at("/Messages.json"))
    assert len([sms for sms in vendors.at("/Messages.json") if sms.form["To"] == ANA]) == 1


async def test_sentry_sending_again_under_the_same_request_id_is_one_alert(intake: Intake) -> None:
    body = as_bytes(SENTRY_BODY)
    for _ in range(2):
        headers = sentry_headers(body, intake.clock())
        answer = await intake.client.post("/webhooks/sentry", content=body, headers=headers)
        assert answer.json()["incident"] == "INC-0001"
    assert await intake.house.store.one("alerts/count", incident_id=1) == {"alerts": 1}


@pytest.mark.parametrize(
    ("told", "severity"),
    [
        ({}, "P1"),
        ({"level": "fatal"}, "P1"),
        ({"level": "warning"}, "P3"),
        ({"environment": "Staging"}, "P3"),
        ({"environment": "eu-main"}, "P1"),
        ({"environment": None, "tags": [["browser", "Firefox"], ["environment", "dev"]]}, "P3"),
        ({"tags": [{"key": "environment", "value": "production"}]}, "P1"),
        ({"environment": {"name": 1}, "tags": "odd"}, "P1"),
    ],
)
async def test_sentrys_level_and_environment_say_how_bad_an_issue_is(
    intake: Intake, told: dict[str, Any], severity: str
) -> None:
    event = {"title": "ZeroDivisionError", "issue_id": "42", **told}
    body = as_bytes({"action": "triggered", "data": {"event": event}})
    headers = sentry_headers(body, intake.clock())
    assert (await intake.client.post("/webhooks/sentry", content=body, headers=headers)).status_code == 202
    (incident,) = await list_recent(intake.house.store)
    assert incident.severity == severity


async def test_what_sentry_says_that_is_no_alert_is_taken_and_left(intake: Intake) -> None:
    body = as_bytes({"action": "created", "data": {"installation": {}}})
    headers = sentry_headers(body, intake.clock(), Sentry_Hook_Resource="installation")
    answer = await intake.client.post("/webhooks/sentry", content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"incident": None, "reason": "not_an_alert"})


async def test_text_that_postgres_cannot_hold_does_not_lose_the_alert(
    intake: Intake, vendors: RecordingServer
) -> None:
    body = rb'{"service": "back\u0000end", "summary": "nul \u0000 and half a pair \ud800 here"}'
    answer = await intake.client.post("/webhooks/generic", content=body, headers=BEARER)
    assert answer.status_code == 202
    (incident,) = await list_recent(intake.house.store)
    assert incident.summary == "nul \N{REPLACEMENT CHARACTER} and half a pair \N{REPLACEMENT CHARACTER} here"
    event = {"title": "x", "issue_id": "7", "extra": {"a\x00b": ["\x00", 1e400]}}
    body = as_bytes({"action": "triggered", "data": {"event": event}}).replace(b"Infinity", b"1e999")
    headers = sentry_headers(body, intake.clock())
    answer = await intake.client.post("/webhooks/sentry", content=body, headers=headers)
    assert answer.status_code == 202


NASTY = "<script>alert('x')</script> <!channel> <http://evil.test|click> & \"quoted\"\nStatus: Resolved\n日本語 🔥"


async def test_a_strangers_text_is_escaped_on_the_pages_in_emails_and_in_slack(
    intake: Intake, vendors: RecordingServer
) -> None:
    answer = await intake.tell(summary=NASTY, service="<b>shop</b>\nETA: now", severity="P0")
    assert answer.status_code == 202
    everywhere = ("chat.postMessage", "mail/send", "/Calls.json", "/Messages.json")
    await until(lambda: all(vendors.at(path) for path in everywhere))
    (email,) = [sent for sent in vendors.at("mail/send") if "ana@example.com" in sent.body.decode()]
    check_email(email.json)
    check_slack(vendors.at("chat.postMessage")[0].json["text"])
    sms = vendors.at("/Messages.json")[0].form["Body"]
    assert "\n" not in sms
    assert len(sms) <= 160
    call = vendors.at("/Calls.json")[0].form["Twiml"]
    assert "<script>" not in call
    assert "&lt;script&gt;" in call
    token = re.search(r"/a/(\S+)", sms)
    assert token
    document = re.search(r"/i/(\S+)", vendors.at("chat.postMessage")[0].json["text"])
    assert document
    for path in (f"/a/{token[1]}", f"/i/{document[1]}", "/"):
        page = await intake.client.get(path)
        assert page.status_code == 200
        check_html(page)


def check_email(mail: dict[str, Any]) -> None:
    assert "\n" not in mail["subject"]
    parts = {part["type"]: part["value"] for part in mail["content"]}
    assert "<script>" not in parts["text/html"]
    assert "&lt;script&gt;" in parts["text/html"]
    assert not re.search(r"^Status: Resolved", parts["text/plain"], re.MULTILINE)


def check_slack(text: str) -> None:
    assert not set(re.findall(r"<[^>]*>", text)), "no markup of Slack's"
    assert "&lt;!channel&gt;" in text
    assert not re.search(r"^(Status: Resolved|ETA: now)", text, re.MULTILINE)
    assert "日本語 🔥" in text


def check_html(page: httpx.Response) -> None:
    assert "<script" not in page.text.lower()
    assert "<b>shop</b>" not in page.text
