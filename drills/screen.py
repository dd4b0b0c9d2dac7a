"""The terminal during a drill: one line per thing that happens, as it happens."""

import re
from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from watchkeeper.model import Reading, TimelineEntry, TimelineKind

STYLES = {
    TimelineKind.ALERT: "bold red",
    TimelineKind.STATUS: "bold blue",
    TimelineKind.PAGE: "magenta",
    TimelineKind.ACKNOWLEDGED: "bold magenta",
    TimelineKind.COMMAND: "dim",
    TimelineKind.FINDING: "yellow",
    TimelineKind.PLAN: "bold cyan",
    TimelineKind.APPROVAL: "bold magenta",
    TimelineKind.ACTION: "bold green",
    TimelineKind.DECISION: "white",
    TimelineKind.NOTE: "white",
    TimelineKind.READING: "dim",
}


# Rich's picture loads a font from elsewhere; without it the reader's own monospace is taken.
FETCHED_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)

# From here on nobody reads seconds.
LONG_SECONDS = 900

# All of them are in timeline.md.
PREVIEW_LINES = 4


class Screen:
    """Prints to the terminal; times are seconds since the fault."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, record=True)
        self._started_at: datetime | None = None
        self._shown_entries: set[int] = set()
        self._last_lights = ""

    def start(self, at: datetime) -> None:
        """From here on times are shown."""
        self._started_at = at

    def say(self, text: str, *, at: datetime | None = None, word: str = "", style: str = "white") -> None:
        self.console.print(f"[dim]{self._stamp(at)}[/] [{style}]{word:<12}[/] {escape(text)}")

    def _stamp(self, at: datetime | None) -> str:
        """How long after the start: seconds, and where the clock is moved hours and minutes."""
        if at is None or self._started_at is None:
            return " " * 7
        seconds = (at - self._started_at).total_seconds()
        return (
            f"{seconds:6.1f}s"
            if seconds < LONG_SECONDS
            else f"{seconds // 3600:3.0f}h{seconds // 60 % 60:02.0f}m"
        )

    def show_entries(self, entries: Sequence[TimelineEntry]) -> None:
        """What is new on the timeline; a plan with its preview."""
        for entry in entries:
            if entry.id in self._shown_entries:
                continue
            self._shown_entries.add(entry.id)
            self.say(entry.text, at=entry.at, word=entry.kind, style=STYLES[entry.kind])
            preview = entry.detail.get("preview", [])
            for line in preview[:PREVIEW_LINES]:
                self.say(f"  {line}")
            if len(preview) > PREVIEW_LINES:
                self.say(f"  ... and {len(preview) - PREVIEW_LINES} more")

    def show_readings(self, readings: Sequence[Reading]) -> None:
        """The newest reading of each probe as a light, when a light has changed."""
        newest = {f"{r.service} {r.probe}": r for r in readings}
        if not newest:
            return
        lights = "  ".join(
            f"{'[green]●[/]' if r.ok else '[red]●[/]'} {escape(name)}{measured(r)}"
            for name, r in sorted(newest.items())
        )
        signature = "".join("1" if r.ok else "0" for _, r in sorted(newest.items()))
        if signature != self._last_lights:
            self._last_lights = signature
            at = max(r.observed_at for r in readings)
            self.console.print(f"[dim]{self._stamp(at)}[/] [green]{'readings':<12}[/] {lights}")

    def picture(self, title: str) -> str:
        """All that was shown, as an SVG that fetches nothing from anywhere."""
        return FETCHED_FONT.sub("", self.console.export_svg(title=title, clear=False))

    def show_report(self, title: str, rows: Sequence[tuple[str, str]], failures: Sequence[str]) -> None:
        table = Table(title=title, show_header=False, title_justify="left", title_style="bold")
        for name, value in rows:
            table.add_row(name, escape(value))
        self.console.print(table)
        if failures:
            self.console.print("[bold red]FAILED[/]")
            for failure in failures:
                self.console.print(f"  - {escape(failure)}")
        else:
            self.console.print("[bold green]PASSED[/]")


def measured(reading: Reading) -> str:
    if reading.value is None:
        return ""
    return f" {reading.value:g}{' ' + reading.unit if reading.unit else ''}"
