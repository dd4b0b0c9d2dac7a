"""The report of a drill: its keys are an interface, and what strangers sent stays inside its folder."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drills.report import Moments, hold_against, moments, report_of, seconds_of, write_report
from drills.stand import Received
from tests.drills.rows import NOW, incident, notification
from tests.drills.test_grading import LEAK
from watchkeeper.model import (
    Deadline,
    DeadlineKind,
    DeadlineState,
    Fault,
    Finding,
    TimelineEntry,
    TimelineKind,
)
from watchkeeper.paging.model import Notification, Purpose

WHEN = Moments(
    fault=NOW,
    alert=NOW + timedelta(seconds=2.5),
    page=NOW + timedelta(seconds=2.75),
    acknowledged=NOW + timedelta(seconds=5),
    findings=NOW + timedelta(seconds=6),
    mitigated=NOW + timedelta(seconds=9),
    resolved=NOW + timedelta(seconds=30),
)
LEAK_FOUND = Finding(cause="connection_leak", confidence=0.9, fault=Fault.OURS, evidence=["18 held"])
REVIEW = Deadline(
    incident_id=7,
    kind=DeadlineKind.REVIEW,
    number=1,
    due_at=NOW + timedelta(hours=24),
    state=DeadlineState.PENDING,
)


def report(**changes: Any) -> dict[str, Any]:
    """The report as somebody reads it: out of its JSON."""
    told = {
        "when": WHEN,
        "findings": [LEAK_FOUND],
        "deadlines": [REVIEW, REVIEW.model_copy(update={"met_at": NOW})],
        "post_mortem": "post-mortem.md",
        "peak_memory_mb": 412,
        "speed": 60.0,
    }
    facts = changes.pop("facts", LEAK)
    failures = changes.pop("failures", [])
    content: dict[str, Any] = json.loads(json.dumps(report_of(facts, failures, **told | changes)))
    return content


KEYS = {
    "": {
        *(
            "scenario",
            "name",
            "person",
            "counterpart",
            "observe",
            "speed",
            "passed",
            "failures",
            "incident",
            "seconds",
            "pages",
            "findings",
        ),
        *("remediations", "deadlines", "post_mortem", "peak_memory_mb"),
    },
    "incident": {"number", "kind", "severity", "status"},
    "seconds": {
        *("fault_to_alert", "alert_to_page", "page_to_acknowledged"),
        *("alert_to_findings", "alert_to_mitigated", "mitigated_to_resolved"),
    },
    "pages": {"channel", "recipient", "purpose", "sent_at", "delivered_at"},
    "findings": {"cause", "confidence", "evidence"},
    "remediations": {"action", "target", "gate", "approved_by", "preview", "outcome", "state"},
    "deadlines": {"kind", "due_at", "met_at"},
}


@pytest.mark.parametrize("part", KEYS)
def test_has_exactly_the_keys_of_the_interface(part: str) -> None:
    content = report()[part] if part else report()

    entries = content if isinstance(content, list) else [content]
    assert entries
    assert all(set(entry) == KEYS[part] for entry in entries)


def test_says_what_happened() -> None:
    content = report()

    assert (content["scenario"], content["person"], content["speed"]) == ("connection-leak", "prompt", 60.0)
    assert content["incident"] == {
        "number": "INC-0007",
        "kind": "database_down",
        "severity": "P0",
        "status": "resolved",
    }
    assert content["findings"] == [{"cause": "connection_leak", "confidence": 0.9, "evidence": ["18 held"]}]
    assert content["remediations"][0]["state"] == "done"
    assert [d["met_at"] for d in content["deadlines"]] == [None, "2026-03-02T03:00:00+00:00"]
    assert content["deadlines"][0]["due_at"] == "2026-03-03T03:00:00+00:00"
    assert (content["post_mortem"], content["peak_memory_mb"]) == ("post-mortem.md", 412)


@pytest.mark.parametrize(("failures", "passed"), [([], True), (["nobody was told that it is over"], False)])
def test_passes_only_when_nothing_is_held_against_it(failures: list[str], passed: bool) -> None:
    content = report(failures=failures)

    assert (content["passed"], content["failures"]) == (passed, failures)


def test_a_night_without_an_incident_is_reported_too() -> None:
    nothing = replace(LEAK, incident=None, notifications=[], remediations=[])
    content = report(
        facts=nothing, when=moments(NOW, None, [], None), findings=[], deadlines=[], post_mortem=None
    )

    assert set(content) == KEYS[""]
    assert content["incident"] is None
    assert set(content["seconds"].values()) == {None}


def test_counts_the_seconds_between_what_happened() -> None:
    assert seconds_of(WHEN) == {
        "fault_to_alert": 2.5,
        "alert_to_page": 0.25,
        "page_to_acknowledged": 2.25,
        "alert_to_findings": 3.5,
        "alert_to_mitigated": 6.5,
        "mitigated_to_resolved": 21.0,
    }


def page(number: int, purpose: Purpose = Purpose.PAGE, after: float | None = None) -> Notification:
    sent_at = None if after is None else NOW + timedelta(seconds=after)
    return notification(purpose, id=number, sent_at=sent_at)


def test_the_page_is_the_first_that_went_out() -> None:
    sent = [page(1), page(2, after=4), page(3, after=3), page(4, Purpose.ANNOUNCEMENT, after=1)]

    assert moments(NOW, incident(), sent, None).page == NOW + timedelta(seconds=3)
    assert moments(NOW, incident(), [page(1)], None).page is None


def received(recipient: str, **more: Any) -> Received:
    return Received(
        **{"at": "2026-03-02T03:00:01", "channel": "slack", "text": "it is down"} | more, recipient=recipient
    )


def written(folder: Path, *messages: Received, **changes: Any) -> Path:
    told: dict[str, Any] = {
        "incident": incident(),
        "timeline": [
            TimelineEntry(
                id=1, incident_id=7, at=NOW, kind=TimelineKind.ALERT, actor="watchkeeper", text="it is down"
            )
        ],
        "draft": "# What happened\n",
        "requests": [{"vendor": "railway", "status": 200}],
    }
    write_report(folder / "report", report(), messages=messages, **told | changes)
    return folder / "report"


def files(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_leaves_a_folder_with_everything_in_it(tmp_path: Path) -> None:
    mail = received("ana", channel="email", subject="Database is down", html="<p>it is down</p>")

    folder = written(tmp_path, mail, received("#incidents"))

    assert files(folder) == [
        "messages/01-email-ana.html",
        "messages/01-email-ana.txt",
        "messages/02-slack-incidents.txt",
        "post-mortem.md",
        "report.json",
        "requests.jsonl",
        "timeline.md",
    ]
    assert json.loads((folder / "report.json").read_text()) == report()
    assert (folder / "messages/01-email-ana.txt").read_text() == "Subject: Database is down\n\nit is down\n"
    assert (folder / "messages/01-email-ana.html").read_text() == "<p>it is down</p>"
    assert (folder / "messages/02-slack-incidents.txt").read_text() == "it is down\n"
    assert "it is down" in (folder / "timeline.md").read_text()
    assert (folder / "requests.jsonl").read_text() == '{"vendor": "railway", "status": 200}\n'


def test_leaves_out_what_did_not_happen(tmp_path: Path) -> None:
    assert files(written(tmp_path, incident=None, draft=None)) == ["report.json", "requests.jsonl"]


@pytest.mark.parametrize(
    ("recipient", "name"),
    [
        ("#incidents", "incidents"),
        ("../../outside", "outside"),
        ("/etc/passwd", "etc-passwd"),
        ("#shop/alerts", "shop-alerts"),
        ("..", "somebody"),
        ("", "somebody"),
        ("a\nb\0c", "a-b-c"),
    ],
)
def test_a_recipients_name_leads_out_of_no_folder(tmp_path: Path, recipient: str, name: str) -> None:
    folder = written(tmp_path, received(recipient))

    assert files(folder / "messages") == [f"01-slack-{name}.txt"]
    assert files(tmp_path) == [f"report/{each}" for each in files(folder)]


def test_two_messages_to_one_person_are_two_files(tmp_path: Path) -> None:
    folder = written(tmp_path, received("ana"), received("ana"))

    assert files(folder / "messages") == ["01-slack-ana.txt", "02-slack-ana.txt"]


def test_a_second_drill_keeps_no_message_of_the_first(tmp_path: Path) -> None:
    written(tmp_path, received("ana"), received("ben"))

    assert files(written(tmp_path, received("ana")) / "messages") == ["01-slack-ana.txt"]


def test_what_comes_to_light_later_is_held_against_it_in_the_file_too(tmp_path: Path) -> None:
    told = report()
    hold_against(told, [], tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["passed"] is True

    hold_against(told, ["railway.token stands in report/timeline.md"], tmp_path)

    written = json.loads((tmp_path / "report.json").read_text())
    assert (written["passed"], written["failures"]) == (False, ["railway.token stands in report/timeline.md"])
