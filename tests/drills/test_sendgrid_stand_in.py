"""SendGrid's stand-in refuses a whole mail for the sake of one address, and of more than it takes."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from drills.vendors import config
from drills.vendors.sendgrid import SendGridApi


def mail(*addresses: str) -> dict[str, Any]:
    return {
        "personalizations": [{"to": [{"email": address}]} for address in addresses],
        "from": {"email": "watch@example.com"},
        "subject": "Down",
        "content": [{"type": "text/plain", "value": "It is down."}],
        "categories": ["many"],
    }


@pytest.mark.parametrize(
    ("addresses", "status", "field"),
    [
        (["a@x.test"] * 1000, 202, None),
        (["a@x.test"] * 1001, 400, "personalizations"),
        (["a@x.test", "none"], 400, "personalizations.1.to.0.email"),
    ],
)
async def test_all_are_taken_or_none(addresses: list[str], status: int, field: str | None) -> None:
    api = SendGridApi(config.SendGrid(api_key="k"))
    transport = httpx.ASGITransport(Starlette(routes=api.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://sg.test") as client:
        headers = {"Authorization": "Bearer k"}
        answer = await client.post("/sendgrid/v3/mail/send", json=mail(*addresses), headers=headers)
        api.weather.append("lost")
        lost = await client.post("/sendgrid/v3/mail/send", json=mail("lost@x.test"), headers=headers)
    assert answer.status_code == status
    assert bool(api.mailboxes.get("a@x.test")) is (status == 202)
    assert field is None or answer.json()["errors"][0]["field"] == field
    assert lost.status_code == 500 and len(api.mailboxes["lost@x.test"]) == 1
