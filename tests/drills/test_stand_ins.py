"""The vendors' stand-ins: they take what the real ones take, refuse what those refuse, and keep no secret."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from drills.world_config import PEOPLE
from tests.drills.company import ANA, WRONG, Company, all_monitors_up, until


async def test_twilio_takes_a_message_and_it_is_on_the_phone(company: Company) -> None:
    began = datetime.now(UTC)
    answer = await company.text()

    assert (answer.status_code, answer.json()["status"]) == (201, "queued")
    assert len(answer.json()["sid"]) == 34 and answer.json()["sid"].startswith("SM")
    assert await company.world.texts("ana", began) == ["it is down"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"token": WRONG}, 401, 20003),
        ({"sid": "AC" + "0" * 32}, 404, 20404),
        ({"To": "ana"}, 400, 21211),
        ({"To": ""}, 400, 21211),
        ({"To": "4155550101"}, 400, 21211),
        ({"To": f"{ANA} and all the others"}, 400, 21211),
        ({"From": "+14155559999"}, 400, 21606),
        ({"Body": ""}, 400, 21602),
    ],
)
async def test_twilio_refuses_with_its_code_and_nothing_arrives(
    company: Company, changes: dict[str, str], status: int, code: int
) -> None:
    began = datetime.now(UTC)
    answer = await company.text(**changes)

    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    assert await company.world.texts("ana", began) == []


async def test_a_phone_that_is_off_receives_nothing(company: Company) -> None:
    began, off = datetime.now(UTC), PEOPLE["ben"]["phone"]
    await company.world.do(f"/control/undeliverable/{off}", {})

    assert (await company.text(To=off)).status_code == 201

    assert await company.world.texts("ben", began) == []


async def test_sendgrid_takes_mail_and_it_is_in_the_mailbox(company: Company) -> None:
    answer = await company.mail(subject="Only this one")

    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["X-Message-Id"]
    box = (await company.world.ask("/control/mailbox/ana@example.com"))["messages"]
    assert [mail["text"] for mail in box if mail["subject"] == "Only this one"] == ["it is down"]


@pytest.mark.parametrize("part", ["personalizations", "from", "subject", "content"])
async def test_sendgrid_refuses_mail_that_lacks_a_part(company: Company, part: str) -> None:
    answer = await company.mail(**{part: None})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, part)


async def test_sendgrid_refuses_a_wrong_key(company: Company) -> None:
    assert (await company.mail(WRONG)).status_code == 401


@pytest.mark.parametrize(
    ("token", "changes", "error"),
    [
        (WRONG, {}, "invalid_auth"),
        (None, {"channel": "#no-such-channel"}, "channel_not_found"),
        (None, {"text": ""}, "no_text"),
    ],
)
async def test_slack_refuses_with_status_200(
    company: Company, token: str | None, changes: dict[str, str], error: str
) -> None:
    answer = await company.post(token, **changes)

    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})


async def test_slack_takes_a_message_into_its_thread(company: Company) -> None:
    first = (await company.post()).json()
    second = (await company.post(thread_ts=first["ts"], text="still down")).json()

    assert first["ok"] and second["ok"] and first["ts"] != second["ts"]
    posted = (await company.world.ask("/control/slack/incidents"))["messages"]
    assert [(m["text"], m["thread_ts"]) for m in posted[-2:]] == [
        ("it is down", None),
        ("still down", first["ts"]),
    ]


async def test_sentry_resolves_one_issue_and_takes_it_up_again_when_it_is_seen_again(
    company: Company,
) -> None:
    headers = {"Authorization": f"Bearer {company.config['sentry']['token']}"}
    organization = "/sentry/api/0/organizations/shop"

    async def listed() -> list[str]:
        return [issue["id"] for issue in (await company.issues()).json() if "Regression" in issue["title"]]

    await company.report_error("Regression")
    [number] = await listed()
    address = f"{organization}/issues/{number}/"
    resolved = await company.client.put(address, json={"status": "resolved"}, headers=headers)
    assert (resolved.status_code, resolved.json()["status"], await listed()) == (200, "resolved", [])
    odd = await company.client.put(address, json={"status": "mended"}, headers=headers)
    every = await company.client.put(f"{organization}/issues/", json={"status": "resolved"}, headers=headers)
    assert (odd.status_code, every.status_code) == (400, 405)

    await company.report_error("Regression")
    assert await listed() == [number]


async def test_sentry_answers_the_fields_that_it_is_asked_for(company: Company) -> None:
    headers = {"Authorization": f"Bearer {company.config['sentry']['token']}"}
    await company.report_error("Counted")

    async def ask(*fields: str) -> httpx.Response:
        return await company.client.get(
            "/sentry/api/0/organizations/shop/events/", params={"field": list(fields)}, headers=headers
        )

    rows = (await ask("title", "release", "count()")).json()["data"]
    assert {"title": "Counted: it broke", "release": "2024.1", "count()": 1} in rows
    assert set((await ask("release", "count()")).json()["data"][0]) == {"release", "count()"}
    assert (await ask("colour", "count()")).status_code == 400


async def test_sentry_takes_errors_of_its_own_project_only(company: Company) -> None:
    assert (await company.report_error("KnownError")).status_code == 200
    assert (await company.report_error("StrangerError", key=WRONG)).status_code == 403

    titles = [issue["title"] for issue in (await company.issues()).json()]
    assert "KnownError: it broke" in titles
    assert not any("StrangerError" in title for title in titles)


async def test_sentry_refuses_a_wrong_token(company: Company) -> None:
    assert (await company.issues(WRONG)).status_code == 401


async def test_uptimerobot_refuses_a_wrong_key_with_status_200(company: Company) -> None:
    told = await company.monitors(WRONG)

    assert (told["stat"], told["error"]["parameter_name"]) == ("fail", "api_key")
    assert "monitors" not in told


async def test_uptimerobot_says_which_monitors_are_up(company: Company) -> None:
    # On a busy machine it may have looked before the backend first listened.
    await until(lambda: all_monitors_up(company))

    told = await company.monitors()

    assert told["stat"] == "ok"
    states = {m["friendly_name"]: m["status"] for m in told["monitors"]}
    assert states.keys() >= {
        "shop backend",
        "shop database",
        "shop payments",
        "shop redis",
        "shop website",
        "shop worker",
    }
    assert set(states.values()) == {2}


@pytest.mark.parametrize("path", ["/control/company", "/control/company/orders", f"/control/phone/{ANA}"])
@pytest.mark.parametrize("secret", ["", WRONG])
async def test_the_drills_own_addresses_are_for_the_drill(company: Company, path: str, secret: str) -> None:
    answer = await company.client.get(path, headers={"X-Control": secret})

    assert answer.status_code == 403


async def test_a_vendor_fails_as_often_as_it_was_told_to_and_where(company: Company) -> None:
    fault = {"status": 503, "times": 2, "match": "chat.postMessage"}
    await company.world.do("/control/fail/slack", fault)

    assert (await company.mail()).status_code == 202
    assert [(await company.post()).status_code for _ in range(3)] == [503, 503, 200]


async def test_a_status_page_is_red_when_its_vendor_says_so(company: Company) -> None:
    async def indicator() -> str:
        page = (await company.client.get("/statuspage/supabase/api/v2/summary.json")).json()
        return str(page["status"]["indicator"])

    assert await indicator() == "none"
    await company.world.do("/control/status/supabase", {"indicator": "major", "title": "Pooler is down"})
    assert await indicator() == "major"
    await company.world.do("/control/status/supabase", {"indicator": "none"})


async def test_google_clouds_page_is_a_list_of_incidents_and_an_active_one_has_no_end(
    company: Company,
) -> None:
    async def active() -> list[str]:
        page = (await company.client.get("/statuspage/google_cloud/incidents.json")).json()
        assert page
        return [incident["external_desc"] for incident in page if "end" not in incident]

    assert await active() == []
    await company.world.do("/control/status/google_cloud", {"indicator": "major", "title": "Gemini is down"})
    assert await active() == ["Gemini is down"]
    await company.world.do("/control/status/google_cloud", {"indicator": "none"})


async def test_names_what_it_accepts_and_what_it_has_given_out_for_the_search_after_the_night(
    company: Company,
) -> None:
    before = await company.world.secrets()
    await company.world.do("/control/stripe/roll", {})
    asked = {"url": "https://shop.example/hook", "enabled_events[0]": "payment_intent.succeeded"}
    key = {"Authorization": f"Bearer {company.config['stripe']['api_key']}"}
    made = await company.client.post("/stripe/v1/webhook_endpoints", data=asked, headers=key)

    after = await company.world.secrets()
    assert before["stripe.api_key"] == company.config["stripe"]["api_key"]
    assert set(before.values()) >= set(secrets_of(company.config))
    assert set(after) - set(before) == {"stripe.issued.1", "stripe.issued.2"}
    assert after["stripe.issued.2"] == made.json()["secret"]


async def test_writes_down_every_request_and_none_of_the_secrets(company: Company) -> None:
    """The last test here: what the ones before it asked for is in the record too."""
    await let_the_company_report(company)
    began = datetime.now(UTC)
    secrets = secrets_of(company.config)
    told = " and ".join(secrets)  # wherever a request may hold one by mistake
    await company.post(text=told)
    await company.text(Body=told)
    await company.mail(subject=told)
    await company.report_error(told)
    await company.monitors()
    await company.graphql("query { projectToken { projectId } }", note=told)
    await company.client.get(f"/slack/api/{secrets[0]}", headers={"X-Note": told})

    async def all_are_written_down() -> bool:
        # A line follows its answer, so the last one may still be on its way.
        return any(r["status"] == 404 for r in company.world.requests(began))

    await until(all_are_written_down)
    asked = company.world.requests(began)
    ours = [
        (r["vendor"], r["method"], r["status"]) for r in asked if "python-httpx" in r["headers"]["user-agent"]
    ]
    assert ours == [
        ("slack", "POST", 200),
        ("twilio", "POST", 201),
        ("sendgrid", "POST", 202),
        ("sentry", "POST", 200),
        ("uptimerobot", "POST", 200),
        ("railway", "POST", 200),
        ("slack", "GET", 404),
    ]
    [post] = [r for r in asked if r["vendor"] == "slack" and r["method"] == "POST"]
    assert post["body"].count("***") == len(secrets)
    record = company.world.requests_file.read_text()
    assert [secret for secret in [*secrets, basic_pair(company.config)] if secret in record] == []
    assert "sentry.python" in record, "what the company's own reporter sent is in it"


async def let_the_company_report(company: Company) -> None:
    """The company's own reporter has sent an error to Sentry, by whichever test came first."""
    await company.world.do("/control/company/deploy", {"release": "2024.2-broken"})
    await company.backend("/health")
    await company.world.do("/control/company/deploy", {"release": "2024.1"})

    async def has_reported() -> bool:
        return "sentry.python" in company.world.requests_file.read_text()

    await until(has_reported)


SECRET_NAMES = (
    "token",
    "api_key",
    "auth_token",
    "bot_token",
    "client_secret",
    "webhook_secret",
    "public_key",
    "control_secret",
    "Authorization",
)


def secrets_of(config: dict[str, Any]) -> list[str]:
    """Every credential in the vendors' configuration."""
    below = [secret for value in config.values() if isinstance(value, dict) for secret in secrets_of(value)]
    own = [value.removeprefix("Bearer ") for name, value in config.items() if name in SECRET_NAMES]
    return [*own, *below]


def basic_pair(config: dict[str, Any]) -> str:
    """Twilio's credentials as they go over the wire."""
    twilio = config["twilio"]
    return b64encode(f"{twilio['account_sid']}:{twilio['auth_token']}".encode()).decode()
