"""Nights with the clock moved, played whole: the kernel as a process, judged from outside."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drills.moved.grading import gets
from drills.moved.house import HouseNight
from drills.moved.nights import MOVED_DRILLS
from drills.moved.run import TEMPLATE, play_one
from drills.moved.story import MovedDrill
from drills.screen import Screen
from tests.drills.test_report import KEYS
from watchkeeper.machine.embedded import EmbeddedPostgres, start_postgres
from watchkeeper.store.migrating import migrate

FIRST = MOVED_DRILLS["first-responder-silent"]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A Postgres with an empty store to copy."""
    server = start_postgres(tmp_path_factory.mktemp("nights"), (TEMPLATE,))
    migrate(server.url_for(TEMPLATE))
    yield server
    server.stop()


async def play(drill: MovedDrill, stores: EmbeddedPostgres, folder: Path) -> dict[str, Any]:
    return await play_one(drill, stores, folder / "night", report_folder=folder / "report", screen=Screen())


async def test_the_first_stays_silent_and_the_night_is_a_pass_with_its_whole_report(
    stores: EmbeddedPostgres, tmp_path: Path
) -> None:
    told = await play(FIRST, stores, tmp_path)
    assert told["failures"] == []

    folder = tmp_path / "report"
    report = json.loads((folder / "report.json").read_text())
    assert set(report) == KEYS[""]
    assert report["incident"]["number"] == "INC-0001"
    assert report["seconds"]["page_to_acknowledged"] == timedelta(minutes=61).total_seconds()
    asked = [json.loads(line) for line in (folder / "requests.jsonl").read_text().splitlines()]
    assert {line["vendor"] for line in asked} == {"twilio", "sendgrid", "slack", "statuspage_api"}
    assert any(line["at"] == "2026-03-02T04:00:00+00:00" for line in asked), "at the night's own time"
    assert "Ana has not answered" in "".join(
        file.read_text() for file in folder.glob("messages/*-sms-ben.txt")
    )
    assert (folder / "timeline.md").exists() and (folder / "terminal.svg").exists()


async def deaf(night: HouseNight) -> None:
    """The same night, and no text of the second one's ever arrives."""
    night.vendors.twilio.without_texts.add(night.ben.number)
    await FIRST.tell(night)


async def test_a_night_in_which_the_second_was_not_reached_is_not_a_pass(
    stores: EmbeddedPostgres, tmp_path: Path
) -> None:
    told = await play(replace(FIRST, name="deaf", tell=deaf), stores, tmp_path)
    assert any("ben got 0 of sms with “Ana has not answered”" in failure for failure in told["failures"])
    assert not json.loads((tmp_path / "report" / "report.json").read_text())["passed"]


async def cut_short(night: HouseNight) -> None:
    await night.hear(severity="P1")
    night.ana.phone.link("p")


async def test_a_night_that_cannot_be_told_to_its_end_says_why(
    stores: EmbeddedPostgres, tmp_path: Path
) -> None:
    drill = MovedDrill("cut-short", "No plan", cut_short, (gets("ana", "sms", at=0),))
    (failure,) = (await play(drill, stores, tmp_path))["failures"]
    assert failure.startswith("could not be played to its end: LookupError: no text holds a link for 'p'")
