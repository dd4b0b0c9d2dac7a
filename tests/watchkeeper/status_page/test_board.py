"""The page as data, and as files."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.doctor import examine_status_page
from watchkeeper.errors import BadInput
from watchkeeper.model import Severity
from watchkeeper.policy import Policy, load_policy, merge, validate_policy
from watchkeeper.settings import Settings
from watchkeeper.status_page.board import Board, Post, Posted, components, effect, functionality
from watchkeeper.status_page.static import pages, write_pages

AT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
ODD = 'Mugs & <script>alert(1)</script> "quoted" \u202eright-to-left \N{COLLISION SYMBOL}'


def policy(**own: Any) -> Policy:
    return validate_policy(merge(load_policy().model_dump(mode="json"), own), source="test")


def posted(number: int = 1, *, words: str = "We are looking.", **own: Any) -> Posted:
    post = Post(id=number, at=AT, status="investigating", title=words, body=words)
    known = {"severity": "P0", "service": "backend", "started_at": AT, "resolved_at": None, "posts": [post]}
    return Posted.model_validate({"incident_id": number, **known, **own})


@pytest.mark.parametrize(
    ("severity", "service", "component", "expected"),
    [
        ("P0", "database", "frontend", "major_outage"),
        ("P0", "redis", "frontend", "operational"),
        ("P1", "worker", "worker", "partial_outage"),
        ("P1", "redis", "worker", "degraded_performance"),
        ("P2", "worker", "worker", "degraded_performance"),
    ],
)
def test_an_incident_colours_what_depends_on_its_service(
    severity: str, service: str, component: str, expected: str
) -> None:
    assert effect(Severity(severity), service, component, load_policy()) == expected


def test_without_a_list_the_page_shows_what_nothing_else_depends_on() -> None:
    assert [shown.service for shown in components(load_policy())] == ["frontend", "worker", "payments"]
    assert functionality("database", load_policy()) == "Website, Worker and Payments"
    assert functionality("unheard of", load_policy()) == "parts of our service"


def test_a_component_without_a_service_is_refused_with_its_key() -> None:
    with pytest.raises(BadInput, match=r"status_page\.components\.shop: there is no service 'shop'"):
        policy(status_page={"components": {"shop": {}}})


def test_a_page_before_its_first_incident_says_that_all_is_well() -> None:
    files = pages(Board(policy=load_policy(), incidents=[]))
    assert "All systems operational" in files["index.html"]
    assert files["index.html"].count("Operational") == 3


def test_whatever_stands_in_a_page_is_escaped_and_runs_nothing() -> None:
    own = policy(status_page={"company": ODD, "support": ODD, "components": {"frontend": {"title": ODD}}})
    for name, text in pages(Board(policy=own, incidents=[posted(words=ODD)])).items():
        assert "<script" not in text and "alert(1)" in text, name
        assert not re.search(r"\son\w+=|javascript:", text), name
        if name.endswith(".html"):
            assert "default-src 'none'" in text and "prefers-color-scheme: dark" in text


@pytest.mark.parametrize(
    ("own", "verdict", "text"),
    [
        ({"statuspage": {"token": "t", "page_id": "p1"}}, "ok", "Statuspage, page p1"),
        ({"status_folder": "/srv/status"}, "ok", "files in /srv/status"),
        ({}, "not configured", "set WATCHKEEPER_STATUSPAGE__* or WATCHKEEPER_STATUS_FOLDER to have one"),
    ],
)
def test_the_doctor_says_which_page_there_is(own: dict[str, Any], verdict: str, text: str) -> None:
    examined = examine_status_page(Settings(_env_file=None, **own))
    assert (examined.verdict, examined.text) == (verdict, text)


def test_files_appear_whole_and_what_says_the_same_is_left_alone(tmp_path: Path) -> None:
    board = Board(policy=load_policy(), incidents=[posted(2), posted(1, resolved_at=AT + timedelta(hours=1))])
    write_pages(tmp_path, board)
    before = {file: file.stat().st_ino for file in tmp_path.rglob("*.html")}
    assert len(before) == 3 and not list(tmp_path.rglob(".writing-*"))
    write_pages(
        tmp_path, board.model_copy(update={"incidents": [posted(2, words="News"), board.incidents[1]]})
    )
    changed = {file.name for file, inode in before.items() if file.stat().st_ino != inode}
    assert changed == {"index.html", "INC-0002.html"}
    for link in re.findall(r'href="(incidents/[^"]+)"', (tmp_path / "index.html").read_text()):
        assert (tmp_path / link).is_file()
