"""Vercel's webhook: signed over the raw bytes by SHA-1, and only what concerns production is news."""

import hashlib
import hmac
import json
from typing import Any

import httpx

from tests.watchkeeper.intake.opened import VERCEL_SECRET, Intake, as_bytes
from watchkeeper.incidents import list_recent, read_incident

BODY: dict[str, Any] = {
    "id": "evt_1",
    "type": "deployment.error",
    "createdAt": 1772420400000,
    "region": "fra1",
    "payload": {
        "team": {"id": "team_1"},
        "project": {"id": "prj_1"},
        "deployment": {"id": "dpl_1", "name": "shop", "url": "shop-1.vercel.app", "meta": {}},
        "target": "production",
        "links": {},
    },
}


def body(**told: Any) -> dict[str, Any]:
    """A webhook's body; `target` and `project` go where they belong."""
    payload = dict(BODY["payload"])
    if "target" in told:
        payload["target"] = told.pop("target")
    return BODY | {"payload": payload} | told


async def send(intake: Intake, told: dict[str, Any], *, secret: str = VERCEL_SECRET) -> httpx.Response:
    content = as_bytes(told)
    signature = hmac.new(secret.encode(), content, hashlib.sha1).hexdigest()
    headers = {"x-vercel-signature": signature}
    return await intake.client.post("/webhooks/vercel", content=content, headers=headers)


async def test_the_signature_is_checked_over_the_raw_bytes(intake: Intake) -> None:
    content = json.dumps(BODY, indent=3).encode()
    signature = hmac.new(VERCEL_SECRET.encode(), content, hashlib.sha1).hexdigest()
    headers = {"x-vercel-signature": signature}

    reordered = await intake.client.post("/webhooks/vercel", content=as_bytes(BODY), headers=headers)
    exact = await intake.client.post("/webhooks/vercel", content=content, headers=headers)

    assert (reordered.status_code, exact.status_code) == (401, 202)
    assert await intake.refused() == {("vercel", "wrong_signature"): 1}


async def test_without_the_right_signature_nothing_comes_of_it(intake: Intake) -> None:
    sha256 = hmac.new(VERCEL_SECRET.encode(), as_bytes(BODY), hashlib.sha256).hexdigest()
    wrong = (None, "", "0" * 40, sha256, "é")
    for signature in wrong:
        headers = {} if signature is None else {"x-vercel-signature": signature.encode()}
        answer = await intake.client.post("/webhooks/vercel", content=as_bytes(BODY), headers=headers)
        assert answer.status_code == 401, signature
    assert (await send(intake, BODY, secret="another")).status_code == 401
    assert await list_recent(intake.house.store) == []
    assert await intake.refused() == {("vercel", "wrong_signature"): len(wrong) + 1}


async def test_a_failed_production_build_is_looked_into_and_wakes_nobody(intake: Intake) -> None:
    answer = await send(intake, BODY)

    assert answer.json()["incident"] == "INC-0001"
    incident = await read_incident(intake.house.store, 1)
    assert (incident.severity, incident.kind, incident.service) == ("P3", "other", "prj_1")
    assert incident.summary == "prj_1: a production deployment failed (dpl_1)"


async def test_it_is_about_the_service_that_vercel_serves(intake: Intake) -> None:
    desk = intake.house.desk
    web = {
        "title": "Website",
        "kind": "site_outage",
        "vercel": {"project_id": "prj_1", "team_id": "team_1"},
    }
    policy = desk.policy.model_validate(desk.policy.model_dump() | {"services": {"web": web}})
    object.__setattr__(desk, "policy", policy)

    await send(intake, BODY)

    assert (await read_incident(intake.house.store, 1)).service == "web"


async def test_previews_and_other_news_are_taken_and_left(intake: Intake) -> None:
    others = [
        body(target="preview"),
        body(target=None),
        body(type="deployment.created"),
        body(type="deployment.canceled"),
        body(type="project.created", payload={"project": {"id": "prj_1"}}),
        body(type="deployment.rollback"),
    ]
    for told in others:
        answer = await send(intake, told)
        assert (answer.status_code, answer.json()["reason"]) == (202, "not_an_alert"), told["type"]
    assert await list_recent(intake.house.store) == []


async def test_a_later_build_that_succeeds_quiets_it(intake: Intake) -> None:
    await send(intake, BODY)

    answer = await send(intake, body(id="evt_2", type="deployment.succeeded"))

    assert answer.json() == {"incident": "INC-0001", "reason": "same_fingerprint"}


async def test_the_same_event_sent_again_is_one_alert(intake: Intake) -> None:
    for _ in range(2):
        assert (await send(intake, BODY)).json()["incident"] == "INC-0001"
    assert await intake.house.store.one("alerts/count", incident_id=1) == {"alerts": 1}


async def test_a_changed_shape_is_told_by_its_field(intake: Intake) -> None:
    for told, says in (
        ({"id": "evt_1"}, "type: Field required"),
        (body(payload={"target": "production"}), "deployment: Field required"),
        (body(createdAt="yesterday"), "createdAt"),
    ):
        answer = await send(intake, told)
        assert (answer.status_code, says in answer.json()["error"]) == (422, True)


async def test_without_its_secret_it_says_which_setting_is_missing(intake: Intake) -> None:
    settings = intake.house.settings
    assert settings.vercel is not None
    without = settings.vercel.model_copy(update={"webhook_secret": None})
    for vercel in (None, without):
        intake.house.settings = settings.model_copy(update={"vercel": vercel})
        answer = await intake.client.post("/webhooks/vercel", content=b"{}")
        assert answer.status_code == 503
        assert "WATCHKEEPER_VERCEL__WEBHOOK_SECRET" in answer.json()["error"]
