"""One row for each night that was played: for the terminal, for people who read Markdown, and for programs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from drills.screen import Screen

# "noticed" is counted from the fault, "proved" from when it was mended, the others from the alert.
HEADINGS = ("drill", "grade", "cause", "noticed", "paged", "found", "mended", "proved", "messages")
MOMENTS = (
    "fault_to_alert",
    "alert_to_page",
    "alert_to_findings",
    "alert_to_mitigated",
    "mitigated_to_resolved",
)


def row_of(report: dict[str, Any]) -> list[str]:
    """One night in the table."""
    seconds = report["seconds"]
    cause = report["findings"][0]["cause"] if report["findings"] else "none found"
    moments = [f"{seconds[name]:.1f} s" if seconds[name] is not None else "" for name in MOMENTS]
    sent = sum(page["sent_at"] is not None for page in report["pages"])
    return [report["name"], "pass" if report["passed"] else "FAIL", cause, *moments, str(sent)]


def table_document(reports: Sequence[dict[str, Any]]) -> str:
    """The table as Markdown, with every failure below it."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{' --- |' * len(HEADINGS)}"]
    lines += [f"| {' | '.join(row_of(report))} |" for report in reports]
    passed = sum(report["passed"] for report in reports)
    lines += [
        "",
        f"{passed} of {len(reports)} nights passed, all durations of the policy divided as reported.",
    ]
    lines += [f"- {report['name']}: {failure}" for report in reports for failure in report["failures"]]
    return "\n".join(lines) + "\n"


def write_table(reports: Sequence[dict[str, Any]], folder: Path) -> None:
    """Beside the nights' own folders: drills.md for people, drills.json for programs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "drills.md").write_text(table_document(reports))
    (folder / "drills.json").write_text(json.dumps(list(reports), indent=2, default=str) + "\n")


def show_table(reports: Sequence[dict[str, Any]], screen: Screen) -> None:
    table = Table(
        title="All drills", title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=heading in HEADINGS[:2])
    for report in reports:
        table.add_row(*row_of(report), style=None if report["passed"] else "bold red")
    screen.console.print(table)
    for report in reports:
        for failure in report["failures"]:
            screen.console.print(f"  - {report['name']}: {failure}", markup=False)
