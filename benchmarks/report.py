"""The figures as a table in the terminal, as Markdown for the README, and as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.figures import Figure
from benchmarks.machine import in_words

HEADINGS = ("What", "Measured", "Target", "Met", "Beside")
MET = {"yes": "[green]yes[/]", "no": "[bold red]no[/]", "": ""}


@dataclass
class Report:
    """One run of the benchmarks. `load` is the machine's load average before it, `failures` what could not run."""

    started_at: datetime
    load: tuple[float, float, float]
    quick: bool
    seconds: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def circumstances(self) -> str:
        """What one must know to judge the figures."""
        how = "A quick run, too small to quote," if self.quick else "One run"
        machine = in_words(self.machine) if self.machine else "the machine was not described"
        return (
            f"{machine}. {how} of {self.seconds / 60:.0f} minutes on {self.started_at:%Y-%m-%d}, "
            f"load average before it {self.load[0]:.2f}. Everything is on this machine: clients, stand-ins, stack."
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "started_at": self.started_at.isoformat(),
            "seconds": round(self.seconds, 1),
            "quick": self.quick,
            "load_average_before": self.load,
            "machine": self.machine,
            "figures": [figure.as_json() for figure in self.figures],
            "could_not_run": self.failures,
        }


def write(report: Report, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(report.as_json(), indent=2) + "\n")
    (folder / f"{name}.md").write_text(markdown(report))


def markdown(report: Report) -> str:
    lines = [_line(HEADINGS), _line(["---"] * len(HEADINGS))]
    lines += [_line(figure.as_row()) for figure in report.figures]
    lines += ["", report.circumstances()]
    lines += [f"\nCould not run: {name}: {why}" for name, why in report.failures.items()]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def show(report: Report, console: Console) -> None:
    table = Table(*HEADINGS, title="Figures", title_justify="left", title_style="bold", show_lines=True)
    for figure in report.figures:
        what, measured, target, met, beside = map(escape, figure.as_row())
        table.add_row(what, f"[bold]{measured}[/]", target, MET[met], beside)
    console.print(table)
    console.print(escape(report.circumstances()))
    for name, why in report.failures.items():
        console.print(f"[bold red]could not run[/] {name}: {escape(why)}")
