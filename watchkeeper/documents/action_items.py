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
    find_section,
    list_items,
    sections_of,
)

Priority = Literal["high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("high", "medium", "low")
LABEL = r"(?:Assigned|Due|Priority)\s*:"
DASH = "(?:[-\N{EN DASH}\N{EM DASH}]\\s*)?"
FIELD = re.compile(rf"(Assigned|Due|Priority)\s*:\s*(.*?)\s*{DASH}(?={LABEL}|$)", re.IGNORECASE)
FIRST_LABEL = re.compile(rf"\s*{DASH}{LABEL}", re.IGNORECASE)
FORM = "**Action** - Assigned: Name - Due: 2026-03-09 - Priority: High"
MOST_ITEMS = 50
LONGEST_ACTION = 500


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


def promises_of(text: str, *, not_before: date) -> Promises:
    """The document's action items, and what is wrong with them, each with its line.

    A line with a mark that is still to fill is left out: that is a problem of its own.
    """
    section = find_section(sections_of(text), "Action Items")
    items = list_items(text, section) if section else []
    read = [_read(number, item, not_before) for number, item in enumerate(items, start=1)]
    if len(items) > MOST_ITEMS:
        return Promises(
            [], [Problem(items[0].line, f"{len(items)} action items; nobody does more than {MOST_ITEMS}")]
        )
    made = [each for each in read if isinstance(each, Promise)]
    return Promises(made, [each for each in read if isinstance(each, Problem)])


def _read(number: int, item: ListItem, not_before: date) -> Promise | Problem | None:
    if PLACEHOLDER.search(item.text):
        return None
    told = {name.lower(): value for name, value in FIELD.findall(item.text)}
    action = FIRST_LABEL.split(item.text, maxsplit=1)[0].replace("**", "").strip()
    wrong = _what_is_wrong(action, told, not_before)
    if wrong:
        return Problem(item.line, f"action item {number} {wrong}")
    priority = next(each for each in PRIORITIES if each == told["priority"].lower())
    return Promise(
        number, action[:LONGEST_ACTION], told["assigned"], date.fromisoformat(told["due"]), priority
    )


def _what_is_wrong(action: str, told: dict[str, str], not_before: date) -> str:
    if not action:
        return f"does not say what is to be done; write {FORM}"
    if not told.get("assigned"):
        return 'has no owner; write "Assigned:" and a name'
    due = _day(told.get("due", ""))
    if due is None:
        return (
            f'has no possible date ({told.get("due") or "none"}); write "Due:" and a day such as 2026-03-09'
        )
    if due < not_before:
        return f"is due on {due}, before the incident; write a later day"
    if told.get("priority", "").lower() not in PRIORITIES:
        return 'has no priority; write "Priority:" and High, Medium or Low'
    return ""


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def number_of_items(promises: Sequence[Promise]) -> str:
    return "1 action item" if len(promises) == 1 else f"{len(promises)} action items"
