"""What counts as a write at each vendor: told of every stand-in, and of what our own tasks really send."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from drills.vendors.config import Config
from drills.writes import HARMLESS, is_production_write
from tests.tasks.conftest import Wire, open_wire, says
from tests.tasks.vendors import BODILESS, CHANGES, ISSUES, LOOKS
from watchkeeper.errors import VendorError

NOT_VENDORS = {"requests_file", "control_secret", "company"}


def request(vendor: str, method: str = "POST", path: str = "/", **more: Any) -> dict[str, Any]:
    return {"vendor": vendor, "method": method, "path": path, "headers": {}, "body": "", **more}


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Wire]:
    async with open_wire() as opened:
        yield opened


def test_every_stand_in_has_its_rule() -> None:
    assert set(HARMLESS) == set(Config.model_fields) - NOT_VENDORS | {"statuspage"}


@pytest.mark.parametrize(
    ("made", "is_write"),
    [
        (request("railway", body="query { deployments { edges } }"), False),
        (request("railway", body="mutation { deploymentRestart }"), True),
        (request("stripe", path="/v1/events/evt_1/retry"), True),
        (request("stripe", "GET", "/v1/events"), False),
        (request("vercel", path="/v1/projects/p/rollback/d"), True),
        (request("vercel", "PATCH", "/v9/projects/p/env/e"), True),
        (request("supabase", path="/v1/projects/p/database/query"), True),
        (request("supabase", path="/v1/projects/p/readonly/temporary-disable"), True),
        (request("upstash", path="/v2/redis/change-plan/db"), True),
        (request("upstash", "PATCH", "/v2/redis/update-budget/db"), True),
        (request("github", "PUT", "/repos/shop/shop/contents/a"), True),
        (request("github", "DELETE", "/repos/shop/shop/git/refs/heads/b"), True),
        (request("sentry", path="/api/1/envelope/"), False),
        (request("sentry", "PUT", "/api/0/organizations/shop/issues/7/"), True),
        (request("uptimerobot", path="/v2/getMonitors"), False),
        (request("uptimerobot", path="/v2/editMonitor"), True),
        # The shop's worker asks for its designs; whoever else asks spends the shop's quota.
        (request("gemini", path="/m:generateContent", headers={"user-agent": "shop-worker/1.0"}), False),
        (request("gemini", path="/m:generateContent", headers={"user-agent": "python-httpx/0.28"}), True),
        (request("removebg", path="/v1.0/removebg"), True),
        (request("statuspage"), True),
        (request("twilio", path="/Messages.json"), False),
        (request("slack", path="/api/chat.postMessage"), False),
        (request("statuspage_api", path="/v1/pages/p/incidents"), False),
        # One that nobody thought of.
        (request("somebody"), True),
        (request("somebody", "GET"), False),
    ],
)
def test_tells_a_write_from_a_question(made: dict[str, Any], is_write: bool) -> None:
    assert is_production_write(made) is is_write


def seen_by_stand_in(name: str, wire: Wire) -> list[dict[str, Any]]:
    """What the wire was asked, as the vendor's stand-in would have written it down."""
    vendor = (
        "statuspage" if name.startswith("status page") else name.replace(":", "").replace("'", " ").split()[0]
    )
    return [
        request(vendor, asked.method, asked.path, headers=asked.headers, body=asked.body.decode())
        for asked in wire.asked
    ]


@pytest.mark.parametrize("name", [*CHANGES, *BODILESS])
async def test_every_change_that_our_tasks_ask_for_is_a_write(wire: Wire, name: str) -> None:
    wire.answers(says({}, status=403))

    with pytest.raises(VendorError):
        await (CHANGES | BODILESS)[name](wire.url)

    assert [is_production_write(made) for made in seen_by_stand_in(name, wire)] == [True]


@pytest.mark.parametrize("name", LOOKS)
async def test_no_look_of_ours_is_a_write(wire: Wire, name: str) -> None:
    wire.answers(says(LOOKS[name].well))
    wire.answers(says([]), at=ISSUES)

    await LOOKS[name].at(wire.url)

    made = seen_by_stand_in(name, wire)
    assert made and not any(is_production_write(each) for each in made)
