"""A post-mortem as a person left it: its sections, what is still to fill, and where. Pure."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

# The guide's sections, in its order.
SECTIONS = (
    "Summary",
    "Timeline",
    "Root Cause",
    "Impact",
    "Resolution",
    "Lessons Learned",
    "Action Items",
    "Prevention",
)
# One way to mark what only a person knows. What strangers sent has its brackets escaped and is never one.
PLACEHOLDER = re.compile(r"(?<!\\)\[TO FILL(?::\s*[^\]\n]*)?\]", re.IGNORECASE)


class Problem(NamedTuple):
    """What keeps a document from being published, and where; line 0 is nowhere in it."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


class Section(NamedTuple):
    """One section: its title as written, and its lines by number, the heading's own left out."""

    title: str
    lines: dict[int, str]

    @property
    def is_empty(self) -> bool:
        return not "".join(self.lines.values()).strip()


class ListItem(NamedTuple):
    """One item of a list: its words by the number of their line, the list's own sign left out."""

    lines: dict[int, str]

    @property
    def line(self) -> int:
        return min(self.lines)

    @property
    def text(self) -> str:
        """On one line."""
        return " ".join(" ".join(self.lines.values()).split())


def placeholder(what: str) -> str:
    return f"[TO FILL: {what}]"


def tokens_of(text: str) -> list[Token]:
    return MarkdownIt("commonmark", {"html": False}).parse(text)


def sections_of(text: str) -> list[Section]:
    """What stands under each heading of the second level; a heading in a code block is none."""
    lines = lines_of(text)
    heads = list(_heads(tokens_of(text)))
    starts = [*(start for start, _, _ in heads), len(lines)]
    return [
        Section(title, {number + 1: lines[number] for number in range(body, end)})
        for (_, body, title), end in zip(heads, starts[1:], strict=True)
    ]


def lines_of(text: str) -> list[str]:
    """The lines as Markdown counts them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _heads(tokens: Sequence[Token]) -> Iterator[tuple[int, int, str]]:
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2" and token.map:
            yield token.map[0], token.map[1], inline.content


def find_section(sections: Sequence[Section], name: str) -> Section | None:
    """The section of this name; what follows the name in its title, such as "(All times in UTC)", may differ."""
    return next((each for each in sections if each.title.casefold().startswith(name.casefold())), None)


def problems_of(text: str) -> list[Problem]:
    """What is lost, empty or still to fill, in the order of the document."""
    sections = sections_of(text)
    found: list[Problem] = []
    for name in SECTIONS:
        section = find_section(sections, name)
        if section is None:
            found.append(Problem(0, f'the heading "## {name}" is missing; put it back'))
        elif section.is_empty:
            found.append(Problem(min(section.lines, default=0), f'nothing stands under "## {section.title}"'))
    return found + placeholders_of(text)


def placeholders_of(text: str) -> list[Problem]:
    """Every mark that nobody has filled, with the section that it is in."""
    where = {number: each.title for each in sections_of(text) for number in each.lines}
    return [
        Problem(number, f"{match[0]} ({where.get(number, 'head of the document')})")
        for number, line in enumerate(lines_of(text), start=1)
        for match in PLACEHOLDER.finditer(line)
    ]


def section_text(text: str, name: str) -> str:
    """What stands in a section; nothing where there is none."""
    section = find_section(sections_of(text), name)
    return "\n".join(section.lines.values()).strip() if section else ""


def pictures_in(text: str) -> set[str]:
    """The addresses of the pictures that a document shows."""
    inline = [child for token in tokens_of(text) for child in token.children or []]
    return {str(child.attrs.get("src", "")) for child in inline if child.type == "image"}


def list_items(text: str, section: Section) -> list[ListItem]:
    """The items of every list in a section: top level only, and of each its first paragraph."""
    tokens, found = tokens_of(text), []
    for number, token in enumerate(tokens):
        if token.type == "list_item_open" and token.level == 1 and token.map:
            inline = next((t for t in tokens[number:] if t.type in ("inline", "list_item_close")), None)
            lines = {token.map[0] + 1: ""}  # its sign may stand on a line of its own
            if inline is not None and inline.map:
                lines |= dict(enumerate(inline.content.split("\n"), start=inline.map[0] + 1))
            if min(lines) in section.lines:
                found.append(ListItem(lines))
    return found
