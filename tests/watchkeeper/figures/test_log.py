"""The incident log: the guide's table, from rows, whole or not at all."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.watchkeeper.house import KernelHouse
from watchkeeper.closing import close_by_hand
from watchkeeper.figures.log import FILE_NAME, LogRow, incident_log, keep_log, write_log
from watchkeeper.incidents import read_incident, set_cause
from watchkeeper.machine.files import write_whole
from watchkeeper.reviews.drafting import write_draft
from watchkeeper.reviews.publishing import settle

AT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def row(**known: Any) -> LogRow:
    empty = dict.fromkeys(LogRow.model_fields)
    told = {"id": 1, "severity": "P1", "summary": "Worker stuck", "started_at": AT}
    return LogRow.model_validate(empty | told | known)


def cells(text: str) -> list[str]:
    return [cell.strip() for cell in text.splitlines()[-1].strip("|").split(" | ")]


async def test_log_follows_an_incident_from_its_opening_to_its_review(
    house: KernelHouse, tmp_path: Path
) -> None:
    async def written() -> list[str]:
        return cells((await write_log(house.store, tmp_path)).read_text())

    await house.hear()
    assert await written() == ["2026-03-02", "P0", "INC-0001 Backend is down", "open", "not known yet", ""]

    await set_cause(house.store, 1, "bad_deployment", 0.9)
    house.clock.advance(minutes=125)
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        await close_by_hand(db, house.desk, incident, person="ana", reason="", now=house.clock())
    assert (await written())[3:] == ["2 hours and 5 minutes", "bad deployment", "due 2026-03-03 05:05 UTC"]

    incident = await read_incident(house.store, 1)
    await write_draft(house.store, incident, tmp_path / "post-mortems", now=house.clock())
    link = "[Link](post-mortems/2026-03-02-backend-is-down.md)"
    assert (await written())[5] == f"{link}, due 2026-03-03 05:05 UTC"
    where = str(tmp_path / "post-mortems" / "2026-03-02-backend-is-down.md")
    await settle(house.store, incident, person="ana", where=where, now=house.clock())
    assert (await written())[5] == link


@pytest.mark.parametrize(
    ("known", "cell", "says"),
    [
        ({"cause": "rate_limit", "cause_confidence": 0.4}, 4, "perhaps rate limit"),
        ({"resolved_at": AT + timedelta(minutes=30)}, 3, "30 minutes"),
        ({"resolved_at": AT}, 4, "not found"),
        ({"resolved_at": AT}, 5, "not required"),
        ({"resolved_at": AT, "due_at": AT, "published_at": AT}, 5, "published"),
        ({"resolved_at": AT, "due_at": AT, "waived_at": AT}, 5, "waived"),
        (
            {"due_at": AT, "published_at": AT, "published_to": "https://git.test/pull/7"},
            5,
            "[Link](https://git.test/pull/7)",
        ),
    ],
)
def test_cell_says_how_far_it_has_come(known: dict[str, Any], cell: int, says: str) -> None:
    assert cells(incident_log([row(**known)], Path("/team")))[cell] == says


@pytest.mark.parametrize("summary", ["a | b", "a\n| x |", "<b>a</b>", "a [x](y)", "`a`\\|b", "**a** __b__"])
def test_strangers_text_stays_in_its_cell_and_shows_as_itself(summary: str) -> None:
    text = incident_log([row(summary=summary)], Path("/team"))
    table = MarkdownIt("commonmark", {"html": False}).enable("table").parse(text)
    shown = [token for token in table if token.type == "inline"][-6:]
    assert {child.type for child in shown[2].children or []} <= {"text", "text_special"}
    assert (
        "".join(child.content for child in shown[2].children or []) == f"INC-0001 {' '.join(summary.split())}"
    )


def test_reader_never_finds_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / FILE_NAME
    write_whole(path, "old")

    def dies(descriptor: int) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", dies)
        with pytest.raises(OSError, match="the disk is full"):
            write_whole(path, "new and longer")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]
    write_whole(path, "new and longer")
    assert path.read_text() == "new and longer"


async def test_folder_that_cannot_be_written_is_said_and_harms_nothing(
    house: KernelHouse, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchkeeper.figures.log.REST_AT_LEAST_SECONDS", 0)
    await house.hear()
    file = tmp_path / "file"
    file.touch()
    await keep_log(house.store, file / "folder")
    assert "incident-log.md cannot be written (Not a directory)" in caplog.text
    await keep_log(house.store, tmp_path / "new")
    assert "INC-0001" in (tmp_path / "new" / FILE_NAME).read_text()
