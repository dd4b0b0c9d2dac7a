"""Action items out of a post-mortem's own list, in the guide's form. Pure.

1. **Action** - Assigned: Name - Due: 2026-03-09 - Priority: High
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

from watchkeeper.documents.reading import (
    PLACEHOLDER,
    ListItem,
    Problem,
    Section,
    list_items,
    sections_of,
)

Priority = Literal["high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("high", "medium", "low")
TITLE = "Action Items"
LABEL = r"\b(?:Assigned|Due|Priority)\s*:"
DASH = "(?:[-\N{EN DASH}\N{EM DASH}]\\s*)?"
FIELD = re.compile(rf"\b(Assigned|Due|Priority)\s*:\s*(.*?)\s*{DASH}(?={LABEL}|$)", re.IGNORECASE)
FIRST_LABEL = re.compile(rf"\s*{DASH}{LABEL}", re.IGNORECASE)
FIELDS = frozenset({"assigned", "due", "priority"})
FORM = "**Action** - Assigned: Name - Due: 2026-03-09 - Priority: High"
# "None", alone or with a reason that says that it is one: an honest end of an incident that asks for nothing. Any other
# words behind it may be a promise.
NONE = re.compile(
    r"(?:none|nothing|(?:there (?:are|were) )?no(?:ne)?(?: further)?(?: action items?)?)"
    r"(?: (?:is |are |were )?(?:needed|required|necessary))?\s*(?:\.|[,:;\N{EN DASH}\N{EM DASH}-]?\s*(?:because|since) (?:(?! and )[^.,;:\N{EN DASH}\N{EM DASH}])*\.?)?",
    re.IGNORECASE,
)
MOST_ITEMS = 50
LONGEST_ACTION = 500
WORDS_SHOWN = 100


class Promise(NamedTuple):
    """What somebody is to do by a day. `number` is its place in the list."""

    number: int
    action: str
    owner: str
    due_on: date
    priority: Priority


class Promises(NamedTuple):
    made: list[Promise]
    problems: list[Problem]


def promises_of(text: str, *, not_before: date, not_after: date) -> Promises:
    """The document's action items, and what is wrong with them, each with its line.

    Whatever else stands in their section is a problem, too: a promise that nobody reads is lost. A line with a mark that
    is still to fill is left out: that is a problem of its own.
    """
    sections = sections_of(text)
    named = [each for each in sections if each.title.casefold().startswith(TITLE.casefold())]
    problems = [_misplaced(each) for each in sections if each in named[1:] or FIRST_LABEL.search(each.title)]
    if not named or _says_none(named[0]):
        return Promises([], problems)
    items = [_until_complete(each) for each in list_items(text, named[0])]
    if len(items) > MOST_ITEMS:
        return Promises(
            [], [Problem(items[0].line, f"{len(items)} action items; nobody does more than {MOST_ITEMS}")]
        )
    read = [_read(number, item, not_before, not_after) for number, item in enumerate(items, start=1)]
    problems += [each for each in read if isinstance(each, Problem)]
    problems += _not_understood(named[0], items)
    return Promises([each for each in read if isinstance(each, Promise)], problems)


def _misplaced(section: Section) -> Problem:
    return Problem(
        min(section.lines, default=1) - 1,
        f'"{section.title[:WORDS_SHOWN]}" is a heading of its own; put its action items into the one list '
        f'under "## {TITLE}", each in the form: 1. {FORM}',
    )


def _says_none(section: Section) -> bool:
    """Whether its one line says that there are none."""
    told = [line for line in section.lines.values() if line.strip()]
    words = told[0].strip(" \t*_-") if len(told) == 1 else ""
    return bool(NONE.fullmatch(words)) and not FIRST_LABEL.search(words)


def _until_complete(item: ListItem) -> ListItem:
    """The item's lines up to the one that completes it: what follows is no part of it, and of no other item either."""
    kept: dict[int, str] = {}
    for number, line in item.lines.items():
        kept[number] = line
        told = {name.lower() for name, value in FIELD.findall(ListItem(kept).text) if value}
        if told == FIELDS:
            break
    return ListItem(kept)


def _not_understood(section: Section, items: Sequence[ListItem]) -> list[Problem]:
    """Each line that is no part of an item, with its words; a rule or other mere signs hold nothing to lose."""
    understood = {number for item in items for number in item.lines}
    return [
        Problem(
            number,
            f'"{line.strip()[:WORDS_SHOWN]}" is no action item and would be lost; write each as an item of the list: '
            f'1. {FORM} (or "None", or "None, because ...", where there is nothing to do)',
        )
        for number, line in section.lines.items()
        if number not in understood and re.search(r"\w", line) and not PLACEHOLDER.search(line)
    ]


def _read(number: int, item: ListItem, not_before: date, not_after: date) -> Promise | Problem | None:
    if PLACEHOLDER.search(item.text):
        return None
    fields = [(name.lower(), value) for name, value in FIELD.findall(item.text)]
    told = dict(fields)
    action = FIRST_LABEL.split(item.text, maxsplit=1)[0].replace("**", "").strip()
    wrong = (
        _what_is_said_twice([name for name, _ in fields])
        or _what_is_wrong(action, told)
        or _no_day(told.get("due", ""), not_before, not_after)
    )
    if wrong:
        return Problem(item.line, f"action item {number} {wrong}")
    priority = next(each for each in PRIORITIES if each == told["priority"].lower())
    return Promise(number, action, told["assigned"], date.fromisoformat(told["due"]), priority)


def _what_is_said_twice(names: Sequence[str]) -> str:
    twice = next((name for name in names if names.count(name) > 1), None)
    return (
        f'says "{twice.capitalize()}:" twice; write one action to an item, each with a number of its own'
        if twice
        else ""
    )


def _what_is_wrong(action: str, told: dict[str, str]) -> str:
    if not action:
        return f"does not say what is to be done; write {FORM}"
    if len(action) > LONGEST_ACTION:
        return f"takes more than {LONGEST_ACTION} characters to say what is to be done; write it shorter"
    if not told.get("assigned"):
        return 'has no owner; write "Assigned:" and a name'
    if told.get("priority", "").lower() not in PRIORITIES:
        return 'has no priority; write "Priority:" and High, Medium or Low'
    return ""


def _no_day(text: str, not_before: date, not_after: date) -> str:
    """Why it cannot be done by this day; empty where it can."""
    due = _day(text)
    if due is None:
        return f'has no possible date ({text or "none"}); write "Due:" and a day such as 2026-03-09'
    if due < not_before:
        return f"is due on {due}, before the incident; write a later day"
    if due > not_after:
        return f"is due on {due}, more than a year ahead; write a day until {not_after}"
    return ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def number_of_items(promises: Sequence[Promise]) -> str:
    return "1 action item" if len(promises) == 1 else f"{len(promises)} action items"
