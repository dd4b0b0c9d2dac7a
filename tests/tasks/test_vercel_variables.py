"""Vercel's variables: which were changed lately, by name and time, and never a value."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.vercel import VercelCredentials
from tasks.vercel_variables import list_variables, vercel_variables
from tests.tasks.conftest import SECRET, Wire, says
from watchkeeper.errors import VendorRejected
from watchkeeper.model import Check, CheckStatus
from watchkeeper.policy.services import VercelTarget

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
TARGET = VercelTarget(project_id="prj", team_id="team")
VALUE = "hush-value-77c1"


def variable(key: str, *, changed: float, created: float = 9000, **more: Any) -> dict[str, Any]:
    """As Vercel tells of one: changed and created so many minutes ago, its value along with it."""

    def milliseconds(minutes_ago: float) -> int:
        return round((NOW - timedelta(minutes=minutes_ago)).timestamp() * 1000)

    return {
        "key": key,
        "value": VALUE,
        "type": "encrypted",
        "target": ["production"],
        "createdAt": milliseconds(created),
        "updatedAt": milliseconds(changed),
        **more,
    }


def credentials(wire: Wire) -> VercelCredentials:
    return VercelCredentials(token=SecretStr(SECRET), base_url=wire.url)


async def look(wire: Wire, *variables: dict[str, Any]) -> Check:
    wire.answers(says({"envs": list(variables), "pagination": {"count": len(variables)}}))
    return await vercel_variables(
        credentials(wire), TARGET, now=NOW, recent=timedelta(hours=1), service="website"
    )


async def test_names_what_was_set_or_changed_lately_the_newest_first(wire: Wire) -> None:
    check = await look(
        wire,
        variable("SESSION_KEY", changed=59),
        variable("API_URL", changed=12),
        variable("OLD", changed=61),
        variable("FRESH", changed=5, created=5),
    )

    assert (check.status, check.facts["changed"]) == (CheckStatus.OK, ["FRESH", "API_URL", "SESSION_KEY"])
    assert check.summary == "changed lately: FRESH, API_URL, SESSION_KEY"
    first, second, _ = check.facts["changes"]
    assert second == {
        "at": "2026-03-02T02:48:00+00:00",
        "platform": "Vercel",
        "service": "website",
        "status": "changed",
        "what": "variable API_URL; in force with the deployment after that",
    }
    assert first["status"] == "set"


async def test_says_that_none_was_changed_where_none_was(wire: Wire) -> None:
    check = await look(wire, variable("API_URL", changed=61), variable("KEY", changed=9000))

    assert (check.summary, check.facts["changes"]) == ("none of 2 variables was changed lately", [])


@pytest.mark.parametrize("target", [["preview", "development"], "preview", []])
async def test_leaves_out_what_production_does_not_get(wire: Wire, target: Any) -> None:
    check = await look(wire, variable("API_URL", changed=1, target=target))

    assert check.facts["changed"] == []


@pytest.mark.parametrize("kind", ["plain", "encrypted", "sensitive", "system"])
async def test_keeps_no_value_whatever_kind_it_is(
    wire: Wire, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    check = await look(wire, variable("API_URL", changed=1, type=kind))

    [asked] = wire.asked
    assert (asked.path, asked.query) == (
        "/v10/projects/prj/env",
        {"teamId": ["team"], "decrypt": ["false"]},
    )
    assert VALUE not in check.model_dump_json() + caplog.text
    assert VALUE not in json.dumps([list(v[:1]) for v in await list_variables(credentials(wire), TARGET)])


@pytest.mark.parametrize("odd", [{}, {"envs": 3}, {"envs": [{"key": VALUE}]}, {"envs": [VALUE]}, [VALUE]])
async def test_says_so_when_the_list_is_of_another_shape_and_repeats_none_of_it(wire: Wire, odd: Any) -> None:
    wire.answers(says(odd))

    with pytest.raises(VendorRejected, match="unknown shape") as caught:
        await list_variables(credentials(wire), TARGET)

    assert VALUE not in f"{caught.value!r} {vars(caught.value)}"


async def test_a_name_without_end_is_cut(wire: Wire) -> None:
    check = await look(wire, *(variable(f"V{n}_{'X' * 500}", changed=n) for n in range(50)))

    assert len(check.facts["changed"]) == 20
    assert max(len(name) for name in check.facts["changed"]) == 100
