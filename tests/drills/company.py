"""The stand-in company as a test asks it and its vendors."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from drills.stand import World
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


async def all_monitors_up(company: Company) -> bool:
    return all(monitor["status"] == 2 for monitor in (await company.monitors())["monitors"])
