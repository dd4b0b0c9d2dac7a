"""UptimeRobot's monitors."""

from pydantic import SecretStr

from blocks.uptimerobot import UptimeRobotCredentials
from tasks.uptimerobot import uptimerobot_monitors
from tests.tasks.conftest import SECRET, Wire, says
from watchkeeper.model import Check, CheckStatus

PAUSED, UNCHECKED, UP, SEEMS_DOWN, DOWN = 0, 1, 2, 8, 9


def monitors(**states: int) -> dict[str, object]:
    listed = [{"friendly_name": name, "status": status} for name, status in states.items()]
    return {"stat": "ok", "pagination": {"offset": 0, "limit": 50, "total": len(listed)}, "monitors": listed}


NAMED = ["shop", "api"]


async def look(wire: Wire, path: str = "/v2") -> Check:
    credentials = UptimeRobotCredentials(api_key=SecretStr(SECRET), base_url=f"{wire.url}{path}")
    return await uptimerobot_monitors(credentials, NAMED)


async def test_sends_its_key_in_the_form_and_nowhere_else(wire: Wire) -> None:
    wire.answers(says(monitors(shop=UP)))

    await look(wire)

    [asked] = wire.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/v2/getMonitors", {})
    assert asked.form == {"api_key": SECRET, "format": "json", "offset": "0"}
    assert SECRET not in str(asked.headers)


async def test_forgives_a_slash_at_the_end_of_the_address(wire: Wire) -> None:
    wire.answers(says(monitors(shop=UP)))

    await look(wire, "/v2/")

    assert wire.asked[0].path == "/v2/getMonitors"


async def test_names_what_is_down_and_takes_paused_for_neither(wire: Wire) -> None:
    wire.answers(says(monitors(shop=DOWN, api=SEEMS_DOWN, blog=UP, old=PAUSED, new=UNCHECKED)))

    check = await look(wire)

    assert check.status is CheckStatus.BAD
    assert check.facts == {"down": ["shop", "api"], "up": ["blog"], "others_down": []}
    assert check.summary == "down: shop, api"


async def test_a_monitor_that_watches_no_service_speaks_for_none(wire: Wire) -> None:
    wire.answers(says(monitors(shop=UP, staging=DOWN)))

    check = await look(wire)

    assert (check.status, check.facts["down"]) == (CheckStatus.OK, [])
    assert check.summary == "1 monitors up; of no service and down: staging"


async def test_reads_on_until_it_has_seen_every_monitor(wire: Wire) -> None:
    first, second = monitors(blog=UP), monitors(shop=DOWN)
    for page in (first, second):
        page["pagination"] = {"offset": 0, "limit": 1, "total": 2}
    wire.answers(says(first), says(second))

    check = await look(wire)

    assert (check.facts["down"], check.facts["up"]) == (["shop"], ["blog"])
    assert [asked.form["offset"] for asked in wire.asked] == ["0", "1"]


async def test_counts_what_is_up(wire: Wire) -> None:
    wire.answers(says(monitors(shop=UP, api=UP)))

    check = await look(wire)

    assert check.status is CheckStatus.OK
    assert check.summary == "2 monitors up"


async def test_takes_a_refusal_with_status_200_for_a_refusal(wire: Wire) -> None:
    error = {"type": "invalid_parameter", "parameter_name": "api_key", "passed_value": SECRET}
    wire.answers(says({"stat": "fail", "error": error}))

    check = await look(wire)

    assert check.status is CheckStatus.UNKNOWN
    assert check.summary.endswith("invalid_parameter")
    assert SECRET not in check.model_dump_json()
    assert len(wire.asked) == 1
