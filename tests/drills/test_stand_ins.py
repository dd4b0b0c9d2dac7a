"""The vendors' stand-ins: they take what the real ones take, refuse what those refuse, and keep no secret."""

import json
import shutil
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import pytest_asyncio

from drills.stand import World, running_world
from drills.world_config import FROM_NUMBER, PEOPLE

ANA = PEOPLE["ana"]["phone"]
WRONG = "wrong-4f1c9d"


@dataclass(frozen=True)
class Company:
    """The stand-in world, and a client of its vendors that carries no credential of its own."""

    world: World
    client: httpx.AsyncClient

    @property
    def config(self) -> dict[str, Any]:
        return self.world.config

    async def graphql(self, query: str, token: str | None = None, **variables: Any) -> dict[str, Any]:
        """What Railway answers; always with status 200."""
        headers = {"Project-Access-Token": token or self.config["railway"]["token"]}
        body = {"query": query, "variables": variables}
        answer = await self.client.post("/railway/graphql/v2", json=body, headers=headers)
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    async def deployments(self) -> list[dict[str, Any]]:
        """Railway's deployments, newest first."""
        query = (
            "query ($input: DeploymentListInput!) { deployments(input: $input) { edges { node { id } } } }"
        )
        config = self.config["railway"]
        where = {"projectId": config["project_id"], "serviceId": "svc-backend"}
        told = await self.graphql(query, input=where)
        return [edge["node"] for edge in told["data"]["deployments"]["edges"]]

    async def text(self, **changes: str) -> httpx.Response:
        """What Twilio answers to a message, given by what differs from a good one."""
        twilio = self.config["twilio"]
        given = {"sid": twilio["account_sid"], "token": twilio["auth_token"]} | changes
        form = {"To": ANA, "From": FROM_NUMBER, "Body": "it is down"} | changes
        return await self.client.post(
            f"/twilio/2010-04-01/Accounts/{given['sid']}/Messages.json",
            data={name: form[name] for name in ("To", "From", "Body")},
            auth=(twilio["account_sid"], given["token"]),
        )

    async def mail(self, token: str | None = None, **changes: Any) -> httpx.Response:
        body = {
            "personalizations": [{"to": [{"email": "ana@example.com"}]}],
            "from": {"email": "watchkeeper@example.com"},
            "subject": "Database is down",
            "content": [{"type": "text/plain", "value": "it is down"}],
        }
        headers = {"Authorization": f"Bearer {token or self.config['sendgrid']['api_key']}"}
        return await self.client.post("/sendgrid/v3/mail/send", json=body | changes, headers=headers)

    async def post(self, token: str | None = None, **changes: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.config['slack']['bot_token']}"}
        body = {"channel": "#incidents", "text": "it is down"} | changes
        return await self.client.post("/slack/api/chat.postMessage", json=body, headers=headers)

    async def report_error(self, title: str, key: str | None = None) -> httpx.Response:
        """An error as Sentry's SDK sends it."""
        event = {"exception": {"values": [{"type": title, "value": "it broke"}]}, "release": "2024.1"}
        lines: list[dict[str, Any]] = [{"sent_at": "now"}, {"type": "event"}, event]
        auth = f"Sentry sentry_key={key or self.config['sentry']['public_key']}, sentry_version=7"
        return await self.client.post(
            "/sentry/api/1/envelope/",
            content="\n".join(json.dumps(line) for line in lines),
            headers={"X-Sentry-Auth": auth},
        )

    async def issues(self, token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.config['sentry']['token']}"}
        return await self.client.get("/sentry/api/0/organizations/shop/issues/", headers=headers)

    async def monitors(self, api_key: str | None = None) -> dict[str, Any]:
        key = {"api_key": api_key or self.config["uptimerobot"]["api_key"]}
        answer = await self.client.post("/uptimerobot/v2/getMonitors", data=key)
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told

    async def backend(self, path: str, method: str = "GET") -> httpx.Response:
        return await self.client.request(method, f"http://127.0.0.1:{self.world.ports.backend}{path}")

    async def page(self) -> str:
        """What a visitor of the website reads."""
        return (await self.client.get(f"http://127.0.0.1:{self.world.ports.frontend}/")).text

    async def release(self) -> str | None:
        """Which release answers at the backend's health address."""
        found: str | None = (await self.backend("/health")).json().get("release")
        return found


@pytest_asyncio.fixture(scope="module")
async def company() -> AsyncIterator[Company]:
    # A short path: a Unix socket's address has little room.
    folder = Path(tempfile.mkdtemp(prefix="wk-st-"))
    try:
        async with running_world(folder) as world:
            address = f"http://127.0.0.1:{world.ports.vendors}"
            async with httpx.AsyncClient(base_url=address, timeout=20) as client:
                yield Company(world, client)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    give_up_at = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < give_up_at, "it did not happen in time"


def refusal(told: dict[str, Any]) -> str:
    """Why Railway refused."""
    assert told["data"] is None
    [error] = told["errors"]
    return str(error["message"])


ROLL_BACK = "mutation ($id: String!) { deploymentRollback(id: $id) }"
RESTART = "mutation ($id: String!) { deploymentRestart(id: $id) }"


async def test_railway_refuses_a_wrong_token_with_status_200(company: Company) -> None:
    query = "query { projectToken { projectId environmentId } }"

    assert refusal(await company.graphql(query, WRONG)) == "Not Authorized"

    told = await company.graphql(query)
    assert told["data"]["projectToken"] == {"projectId": "prj-shop", "environmentId": "env-production"}
    assert "errors" not in told


@pytest.mark.parametrize(
    ("query", "variables", "message"),
    [
        (ROLL_BACK, {"id": "no-such-deployment"}, "Deployment not found"),
        (RESTART, {"id": "no-such-deployment"}, "Deployment not found"),
        ("mutation { deploymentRolback }", {}, 'Cannot query field "deploymentRolback".'),
        ("query { deployments { edges } }", {}, 'Variable "$input" of required type'),
        ("query { deployments { edges } }", {"input": {"projectId": "another"}}, "Not Authorized"),
    ],
)
async def test_railway_refuses_in_its_errors_with_status_200(
    company: Company, query: str, variables: dict[str, Any], message: str
) -> None:
    assert refusal(await company.graphql(query, **variables)).startswith(message)


async def test_railway_refuses_what_cannot_be_rolled_back_to_and_what_does_not_run(company: Company) -> None:
    current, older = (await company.deployments())[:2]
    assert (current["canRollback"], older["status"]) == (False, "REMOVED")

    assert refusal(await company.graphql(ROLL_BACK, id=current["id"])) == "Deployment cannot be rolled back"
    assert refusal(await company.graphql(RESTART, id=older["id"])) == "Deployment is not running"

    assert (await company.deployments())[0]["id"] == current["id"]


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


async def all_monitors_up(company: Company) -> bool:
    return all(monitor["status"] == 2 for monitor in (await company.monitors())["monitors"])


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


async def test_a_rollback_swaps_the_release_that_runs(company: Company) -> None:
    before = (await company.deployments())[0]
    await company.world.do("/control/company/deploy", {"release": "2024.3"})
    assert await company.release() == "2024.3"
    new, old = (await company.deployments())[:2]
    assert (old["id"], old["status"], old["canRollback"]) == (before["id"], "REMOVED", True)

    told = await company.graphql(ROLL_BACK, id=old["id"])

    assert told["data"] == {"deploymentRollback": True}
    assert await company.release() == "2024.1"
    current = (await company.deployments())[0]
    assert current["id"] not in (new["id"], old["id"])
    assert (current["status"], current["meta"]["commitMessage"]) == ("SUCCESS", "Show delivery times")


SET_VARIABLE = "mutation ($input: VariableUpsertInput!) { variableUpsert(input: $input) }"
REDEPLOY_SERVICE = (
    "mutation ($environmentId: String!, $serviceId: String!) "
    "{ serviceInstanceRedeploy(environmentId: $environmentId, serviceId: $serviceId) }"
)
REDEPLOY = "mutation ($id: String!) { deploymentRedeploy(id: $id) { id } }"


async def test_a_variable_is_in_force_with_the_next_deployment_and_gone_with_a_rollback(
    company: Company,
) -> None:
    began = datetime.now(UTC)
    told = company.config["railway"]
    where = {"environmentId": told["environment_id"], "serviceId": "svc-backend"}
    variable = {**where, "projectId": told["project_id"], "name": "SENTRY_DSN", "value": "not an address"}

    async def answers() -> bool:
        try:
            return (await company.backend("/health")).status_code == 200
        except httpx.TransportError:
            return False

    before = await company.deployments()
    set_it = await company.graphql(SET_VARIABLE, input={**variable, "skipDeploys": True})
    assert set_it["data"] == {"variableUpsert": True}
    await company.graphql(RESTART, id=before[0]["id"])
    assert await answers(), "a restart keeps the variables that the deployment was made with"

    told = await company.graphql(REDEPLOY_SERVICE, **where)
    assert told["data"] == {"serviceInstanceRedeploy": True}
    broken = (await company.deployments())[0]
    assert (broken["status"], await answers()) == ("CRASHED", False)

    assert (await company.graphql(REDEPLOY, id=before[0]["id"]))["data"]["deploymentRedeploy"]["id"]
    assert await answers(), "a deployment that is deployed again brings its own variables"
    await company.graphql(REDEPLOY_SERVICE, **where)
    assert (await company.graphql(ROLL_BACK, id=before[0]["id"]))["data"] == {"deploymentRollback": True}
    await company.graphql(REDEPLOY_SERVICE, **where)
    assert await answers(), "a rollback brought the old variables back"
    await until(lambda: all_monitors_up(company))
    assert not any("not an address" in r["body"] for r in company.world.requests(began))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value": None}, 'Variable "$input" of required type'),
        ({"projectId": "another"}, "Not Authorized"),
        ({"environmentId": "another"}, "Not Authorized"),
        ({"serviceId": None}, "Not Authorized"),
    ],
)
async def test_railway_refuses_a_variable_that_is_not_ours_to_set(
    company: Company, changes: dict[str, Any], message: str
) -> None:
    told = company.config["railway"]
    variable = {
        "projectId": told["project_id"],
        "environmentId": told["environment_id"],
        "serviceId": "svc-backend",
        "name": "MAINTENANCE_MODE",
        "value": "true",
    }

    assert refusal(await company.graphql(SET_VARIABLE, input=variable | changes)).startswith(message)


async def test_maintenance_mode_tells_customers_and_still_answers_about_its_health(company: Company) -> None:
    query = "mutation ($input: VariableUpsertInput!) { variableUpsert(input: $input) }"
    railway = company.config["railway"]
    where = {"projectId": railway["project_id"], "environmentId": railway["environment_id"]}

    async def set_mode(value: str) -> None:
        variable = where | {"serviceId": "svc-backend", "name": "MAINTENANCE_MODE", "value": value}
        assert (await company.graphql(query, input=variable))["data"] == {"variableUpsert": True}

    async def orders_answer(status: int) -> bool:
        try:
            return (await company.backend("/orders", "POST")).status_code == status
        except httpx.TransportError:
            return False  # between two deployments

    assert "mug, shirt, poster" in await company.page()
    await set_mode("true")
    await until(lambda: orders_answer(503))
    assert (await company.backend("/orders", "POST")).json()["error"] == "maintenance"
    assert (await company.backend("/health")).status_code == 200
    assert "closed for maintenance</h1><p>Back shortly.</p>" in await company.page()

    await set_mode("false")
    await until(lambda: orders_answer(201))
    assert "mug, shirt, poster" in await company.page()


async def test_a_broken_release_answers_no_one(company: Company) -> None:
    await company.world.do("/control/company/deploy", {"release": "2024.2-broken"})
    try:
        answers = [await company.backend("/health"), await company.backend("/orders", "POST")]
        assert [answer.status_code for answer in answers] == [500, 500]
    finally:
        await company.world.do("/control/company/deploy", {"release": "2024.1"})


async def test_a_leak_empties_the_pool_and_ending_its_connections_frees_it(company: Company) -> None:
    async def orders_answer(status: int) -> bool:
        return (await company.backend("/orders", "POST")).status_code == status

    pid = (await company.world.ask("/control/company"))["pid"]
    await company.world.do("/control/company/fault/leak", {})
    await until(lambda: orders_answer(500))
    detailed = await company.backend("/health/detailed")
    assert (detailed.status_code, detailed.json()["checks"]["database"]["status"]) == (503, "error")
    assert (await company.backend("/health")).status_code == 200

    assert end_idle_connections(company.world.database.monitor_url) >= 15
    await until(lambda: orders_answer(201))

    current = (await company.deployments())[0]
    told = await company.graphql(RESTART, id=current["id"])
    assert told["data"] == {"deploymentRestart": True}
    assert (await company.world.ask("/control/company"))["pid"] not in (pid, None)
    restarted = (await company.deployments())[0]
    assert restarted["id"] == current["id"]
    assert restarted["statusUpdatedAt"] > current["statusUpdatedAt"]
    assert (await company.backend("/health/detailed")).status_code == 200


async def test_a_redis_that_is_away_or_out_of_reach_keeps_nobody_from_ordering(company: Company) -> None:
    async def redis_answers(status: int) -> bool:
        return (await company.backend("/health/redis")).status_code == status

    async def queued() -> int:
        return len((await company.world.state())["upstash"]["lists"].get("confirmations", []))

    await company.world.do("/control/upstash/outage", {"seconds": 600})
    assert await redis_answers(503)
    assert (await company.backend("/orders", "POST")).status_code == 201
    assert (await company.backend("/health/detailed")).json()["rate_limiting"] == "off"
    await company.world.reset()
    await until(lambda: redis_answers(200))

    await company.world.do("/control/company/fault/redis-stuck", {})
    await until(lambda: redis_answers(503))
    assert (await company.backend("/orders", "POST")).status_code == 201
    before = await queued()
    await company.graphql(RESTART, id=(await company.deployments())[0]["id"])
    assert await redis_answers(200)
    assert (await company.backend("/orders", "POST")).status_code == 201
    assert await queued() > before


def end_idle_connections(url: str) -> int:
    """As a person would, in psql."""
    statement = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE usename = 'app' AND state = 'idle' AND query LIKE '%forgets its connection%'
    """
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
    return row[0] if row else 0


METRICS = (
    "query ($startDate: DateTime!, $measurements: [MetricMeasurement!]!, $environmentId: String, "
    "$serviceId: String) { metrics(startDate: $startDate, measurements: $measurements, environmentId: "
    "$environmentId, serviceId: $serviceId) { measurement values { ts value } } }"
)
LOGS = (
    "query ($deploymentId: String!, $limit: Int) { deploymentLogs(deploymentId: $deploymentId) { message } }"
)
LIMITS = (
    "query ($environmentId: String!, $serviceId: String!) "
    "{ serviceInstanceLimits(environmentId: $environmentId, serviceId: $serviceId) }"
)
UPDATE_LIMITS = (
    "mutation ($input: ServiceInstanceLimitsUpdateInput!) { serviceInstanceLimitsUpdate(input: $input) }"
)


def where(company: Company, **more: Any) -> dict[str, Any]:
    return {
        "environmentId": company.config["railway"]["environment_id"],
        "serviceId": "svc-backend",
        **more,
    }


async def test_a_backend_that_outgrows_its_memory_is_killed_until_it_may_have_more(company: Company) -> None:
    began = datetime.now(UTC)

    async def status() -> str:
        found: str = (await company.world.state())["company"]["backend"]["deployments"][0]["status"]
        return found

    async def is_crashed() -> bool:
        return await status() == "CRASHED"

    async def cache_is_full() -> bool:
        told = await company.graphql(LOGS, deploymentId=current["id"], limit=500)
        return any("100 of 100 MB" in line["message"] for line in told["data"]["deploymentLogs"])

    current = (await company.deployments())[0]
    await company.world.do("/control/company/fault/memory", {})
    await until(is_crashed, seconds=40)
    seen = (await company.world.state())["company"]["backend"]
    assert (seen["pid"], seen["out_of_memory"], seen["memory_limit_gb"]) == (None, 3, 0.15)

    wanted = where(company, startDate=began.isoformat(), measurements=["MEMORY_USAGE_GB", "MEMORY_LIMIT_GB"])
    told = (await company.graphql(METRICS, **wanted))["data"]["metrics"]
    used = {series["measurement"]: [point["value"] for point in series["values"]] for series in told}
    assert max(used["MEMORY_USAGE_GB"]) == 0.15, "more than the limit is never measured"
    assert set(used["MEMORY_LIMIT_GB"]) == {0.15}

    assert (await company.graphql(UPDATE_LIMITS, input=where(company, memoryGB=0.4)))["data"]
    limits = (await company.graphql(LIMITS, **where(company)))["data"]["serviceInstanceLimits"]
    assert limits == {"containers": {"cpu": 1.0, "memoryBytes": 400_000_000}}
    assert (await company.world.state())["company"]["backend"]["memory_limit_gb"] == 0.15, (
        "not without a start"
    )
    assert (await company.graphql(RESTART, id=current["id"]))["data"] == {"deploymentRestart": True}
    await until(cache_is_full, seconds=20)
    assert await status() == "SUCCESS"

    await company.world.reset()
    seen = (await company.world.state())["company"]["backend"]
    assert (seen["memory_limit_gb"], seen["deployments"][0]["status"]) == (0.15, "SUCCESS")
    await until(lambda: all_monitors_up(company))


@pytest.mark.parametrize(
    ("query", "changes", "message"),
    [
        (UPDATE_LIMITS, {"memoryGB": 64}, "memoryGB is not within the limits of your plan"),
        (UPDATE_LIMITS, {"memoryGB": 0}, "memoryGB is not within the limits of your plan"),
        (UPDATE_LIMITS, {"memoryGB": "1"}, "memoryGB is not within the limits of your plan"),
        (UPDATE_LIMITS, {"serviceId": "another"}, "Not Authorized"),
        (UPDATE_LIMITS, {"environmentId": "another"}, "Not Authorized"),
    ],
)
async def test_railway_refuses_limits_that_are_not_to_be_had(
    company: Company, query: str, changes: dict[str, Any], message: str
) -> None:
    assert refusal(await company.graphql(query, input=where(company, memoryGB=1) | changes)) == message


@pytest.mark.parametrize(
    ("query", "changes", "message"),
    [
        (METRICS, {"measurements": ["MEMORY"]}, 'Value "MEMORY" does not exist'),
        (METRICS, {"startDate": "yesterday"}, 'Variable "$startDate" of required type'),
        (METRICS, {"serviceId": "another"}, "Not Authorized"),
        (LOGS, {"deploymentId": "no-such-deployment"}, "Deployment not found"),
        (LIMITS, {"environmentId": "another"}, "Not Authorized"),
    ],
)
async def test_railway_refuses_looks_at_what_is_not_there(
    company: Company, query: str, changes: dict[str, Any], message: str
) -> None:
    known = where(company, startDate=datetime.now(UTC).isoformat(), measurements=["CPU_USAGE"])
    assert refusal(await company.graphql(query, **known | changes)).startswith(message)


async def test_railway_refuses_what_it_is_told_to_refuse_until_all_is_well(company: Company) -> None:
    current = (await company.deployments())[0]
    refused = {"field": "deploymentRestart", "message": "Try again later"}
    await company.world.do("/control/railway/refuse", refused)
    assert refusal(await company.graphql(RESTART, id=current["id"])) == "Try again later"

    await company.world.reset()

    current = (await company.deployments())[0]
    assert (await company.graphql(RESTART, id=current["id"]))["data"] == {"deploymentRestart": True}


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
    """The last test here: what the ones before it asked for, and what the company sent, is in the record too."""
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
