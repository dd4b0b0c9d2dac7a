"""A document as a person left it: what is lost, what is empty, what is still to fill, and on which line."""

import re

import pytest

from tests.watchkeeper.documents.test_post_mortem import drafted
from watchkeeper.documents.reading import pictures_in, placeholders_of, problems_of, section_text, sections_of

FILLED = re.sub(r"\[TO FILL: [^\]]*\]", "said", drafted())


@pytest.mark.parametrize(
    ("lost", "heading"),
    [
        ("## Impact\n", "Impact"),
        ("## Timeline (All times in UTC)\n", "Timeline"),
        ("## Action Items", "Action Items"),
    ],
)
def test_a_lost_heading_is_named(lost: str, heading: str) -> None:
    (problem,) = problems_of(FILLED.replace(lost, ""))
    assert str(problem) == f'the heading "## {heading}" is missing; put it back'


def test_headings_that_became_text_or_another_level_are_lost() -> None:
    assert len(problems_of(FILLED.replace("## ", "#### "))) == 8
    assert len(problems_of(FILLED.replace("## Root Cause", "**Root Cause**"))) == 1


def test_a_heading_in_a_block_of_code_is_none() -> None:
    text = FILLED.replace("## Impact\n", "```\n## Impact\n```\n")
    assert "## Impact" in str(problems_of(text)[0])


def test_an_emptied_section_is_named_with_its_line() -> None:
    before, _, rest = FILLED.partition("## Prevention\n")
    (problem,) = problems_of(f"{before}## Prevention\n\n \n")
    assert str(problem) == f'line {before.count(chr(10)) + 2}: nothing stands under "## Prevention"'
    assert rest


def test_headings_may_be_written_in_another_case_and_end() -> None:
    text = FILLED.replace("## Timeline (All times in UTC)", "## TIMELINE (in UTC)").replace("\n", "\r\n")
    assert problems_of(text) == []


def test_each_mark_is_named_with_its_line_and_section() -> None:
    text = "# P\n\n**Affected Users:** [TO FILL: count]\n\n## Impact\n\n- [to fill] and [TO FILL: x] \\[TO FILL: no\\]\n"
    assert [str(p) for p in placeholders_of(text)] == [
        "line 3: [TO FILL: count] (head of the document)",
        "line 7: [to fill] (Impact)",
        "line 7: [TO FILL: x] (Impact)",
    ]


def test_a_section_and_the_pictures_that_are_shown_can_be_read() -> None:
    text = "# P\n\n## Summary\n\nIt broke.\n\n![x](a.svg)\n\n```\n![y](b.svg)\n```\n\n## Impact\n"
    assert section_text(text, "summary").startswith("It broke.")
    assert section_text(text, "Prevention") == ""
    assert pictures_in(text) == {"a.svg"}
    assert [s.title for s in sections_of(text)] == ["Summary", "Impact"]
