"""What the documents and the messages tell a reader to do or to open is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES
from drills.scenarios import SCENARIOS
from watchkeeper.cli import build_app

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
MESSAGES = sorted((ROOT / "watchkeeper" / "templates").rglob("*.j2"))
LINK = re.compile(r"""(?:\]\(|src=")(?!https?://|mailto:|#)([^)"#]+)""")
# A command stands in backquotes, in a code element, or at the beginning of a line of an example.
COMMAND = re.compile(r"(?:`|<code>|^|:    )(?:\.venv/bin/)?watchkeeper ((?:[a-z]+ ?)+)", re.MULTILINE)
MAKE = re.compile(r"(?:`|^)make ([a-z]+)(?: SCENARIO=([a-z-]+))?", re.MULTILINE)
BENCHMARK = re.compile(r"python -m benchmarks ([a-z]+)")


def named(pattern: re.Pattern[str], files: list[Path]) -> Iterator[tuple[str, re.Match[str]]]:
    for file in files:
        for match in pattern.finditer(file.read_text()):
            yield str(file.relative_to(ROOT)), match


def is_known(words: list[str]) -> bool:
    """Whether the words begin with a command, and with one of its own where it has any."""
    app = build_app()
    if words[0] not in app:
        return False
    own = [name for name in app[words[0]] if not name.startswith("-")]
    return not own or (len(words) > 1 and words[1] in own)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_command_that_is_named_exists() -> None:
    found = list(named(COMMAND, DOCUMENTS + MESSAGES))
    assert len(found) > 30
    assert [(file, match[1]) for file, match in found if not is_known(match[1].split())] == []


def test_every_habit_that_is_named_exists() -> None:
    habits = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    found = list(named(MAKE, DOCUMENTS))
    assert {"drill", "test", "check", "bench", "up"} <= {match[1] for _, match in found}
    assert [(file, match[0]) for file, match in found if match[1] not in habits] == []
    assert {match[2] for _, match in found if match[2]} <= set(SCENARIOS)


def test_every_benchmark_that_is_named_exists() -> None:
    assert {match[1] for _, match in named(BENCHMARK, DOCUMENTS)} <= set(NAMES)
