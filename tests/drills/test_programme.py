"""Many nights on one stack: which are played, and the table that they end in."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args
from unittest.mock import AsyncMock

import httpx
import pytest

from drills import cli, nights
from drills.moved.nights import MOVED_DRILLS
from drills.nights import Act, programme, settle
from drills.scenarios import SCENARIOS
from drills.scenarios.scenario import Counterpart, Way
from drills.table import HEADINGS, table_document, write_table
from watchkeeper.errors import BadInput

DOCUMENT = Path(__file__).parents[2] / "docs" / "drills.md"
LEAK = replace(SCENARIOS["connection-leak"], counterpart=None)
REFUSED = replace(SCENARIOS["bad-deploy"], counterpart=Counterpart("Railway refuses", "is refused", (), {}))


def night(**changes: Any) -> dict[str, Any]:
    seconds = {
        "fault_to_alert": 1.25,
        "alert_to_page": 0.05,
        "page_to_acknowledged": 2.0,
        "alert_to_findings": 0.9,
        "alert_to_mitigated": 4.0,
        "mitigated_to_resolved": None,
    }
    known = {
        "name": "bad-deploy",
        "passed": True,
        "failures": [],
        "seconds": seconds,
        "findings": [{"cause": "bad_deployment"}],
        "pages": [{"sent_at": "2026-03-02T03:00:00Z"}, {"sent_at": None}],
    }
    return known | changes


def test_a_counterpart_follows_its_scenario() -> None:
    assert programme([LEAK, REFUSED], counterparts=True) == [Act(LEAK), Act(REFUSED), Act(REFUSED, True)]
    assert programme([LEAK, REFUSED], counterparts=False) == [Act(LEAK), Act(REFUSED)]


@pytest.mark.parametrize(
    ("names", "more", "played"),
    [
        (("connection-leak", "bad-deploy"), {}, ["connection-leak", "bad-deploy"]),
        (
            ("connection-leak", "bad-deploy"),
            {"counterpart": True},
            ["connection-leak-counterpart", "bad-deploy-counterpart"],
        ),
        (("bad-deploy",), {"all_of_them": True}, ["bad-deploy", "bad-deploy-counterpart"]),
        (("bad-deploy",), {"all_of_them": True, "counterpart": True}, ["bad-deploy-counterpart"]),
        ((), {"all_of_them": True, "counterpart": True}, [f"{name}-counterpart" for name in SCENARIOS]),
    ],
)
def test_what_is_named_is_played_with_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], more: dict[str, bool], played: list[str]
) -> None:
    acts: list[str] = []

    def play(chosen: list[Act], nights: list[object], **how: Any) -> int:
        acts.extend(act.name for act in chosen)
        return len(nights)

    monkeypatch.setattr(cli, "play_programme", play)

    assert cli.drill(*names, **more) == 0
    assert acts == played


def test_nothing_is_cured_where_it_may_only_look() -> None:
    with pytest.raises(BadInput, match="nothing is cured"):
        cli.drill("bad-deploy", counterpart=True, observe=True)


def test_the_table_has_a_row_for_each_night_and_every_failure_in_words(tmp_path: Path) -> None:
    bad = night(name="bad-deploy-counterpart", passed=False, failures=["nobody was told"], findings=[])
    write_table([night(), bad], tmp_path / "all")

    lines = (tmp_path / "all" / "drills.md").read_text().splitlines()
    assert lines[0] == f"| {' | '.join(HEADINGS)} |"
    assert lines[2] == "| bad-deploy | pass | bad_deployment | 1.2 s | 0.1 s | 0.9 s | 4.0 s |  | 1 |"
    assert lines[3].startswith("| bad-deploy-counterpart | FAIL | none found |")
    assert lines[5:] == [
        "1 of 2 nights passed, all durations of the policy divided as reported.",
        "- bad-deploy-counterpart: nobody was told",
    ]
    assert json.loads((tmp_path / "all" / "drills.json").read_text())[1]["failures"] == ["nobody was told"]


def test_a_table_of_nothing_says_so() -> None:
    assert "0 of 0 nights passed" in table_document([])


def test_every_scenario_has_a_name_of_its_own_and_says_what_it_is_about() -> None:
    assert all(name == scenario.name and scenario.title for name, scenario in SCENARIOS.items())


def test_every_drill_has_its_counterpart_and_cures_fail_in_every_way() -> None:
    counterparts = {name: scenario.counterpart for name, scenario in SCENARIOS.items()}

    assert [name for name, counterpart in counterparts.items() if counterpart is None] == []
    assert {each.way for each in counterparts.values() if each is not None} == set(get_args(Way))


def test_the_document_has_a_row_for_every_drill_that_says_how_its_counterpart_fails() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| ([^:|]+): [^|]+ \|$", DOCUMENT.read_text(), re.M)

    ways = {name: scenario.counterpart and scenario.counterpart.way for name, scenario in SCENARIOS.items()}
    assert dict(rows) == ways


def test_the_document_has_a_row_for_every_night_with_the_clock_moved() -> None:
    section = DOCUMENT.read_text().partition("## With the clock moved")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| [^|]+ \|$", section, re.M)

    assert rows == list(MOVED_DRILLS)


async def test_a_company_that_cannot_be_mended_is_held_against_its_night_and_the_programme_goes_on() -> None:
    class Away:
        async def reset(self) -> None:
            raise httpx.ReadTimeout("")

    nothing: Any = None
    world: Any = Away()
    assert await settle(world, nothing, nothing, since=datetime.now(UTC)) == [
        "could not be mended by hand: ReadTimeout"
    ]


async def test_the_next_night_begins_when_everybody_has_heard_of_the_last_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = ["pending", "sending", "delivered"]
    sent: list[str] = []

    async def read(store: object, incident_id: int) -> list[Any]:
        sent.append(states[min(len(sent), 2)])
        return [SimpleNamespace(state=sent[-1]), SimpleNamespace(state="failed")]

    monkeypatch.setattr(nights, "opened_since", AsyncMock(return_value=[SimpleNamespace(id=7)]))
    monkeypatch.setattr(nights, "read_notifications", read)
    store: Any = None
    await nights.until_told(store, datetime.now(UTC))
    assert sent == states
