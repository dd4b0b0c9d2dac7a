"""Blameless: a post-mortem names roles and systems. Words that blame are pointed at, as advice. Pure."""

import re
from collections.abc import Mapping, Sequence

from watchkeeper.documents.reading import Problem, lines_of

# What blames, and what to write about instead.
BLAMING = {
    r"should(?:n't| not)? have": "say what was known at the time, and what would have shown the rest",
    r"(?:could|ought to) have known": "say what was known at the time, and what would have shown the rest",
    r"human error": "say what made the mistake easy, and what would have caught it",
    r"(?:his|her|their|whose|somebody's|someone's|anybody's) fault": "say which part of the system failed",
    r"(?:is|was|are|were) to blame|blam(?:ed?|ing)": "say which part of the system failed",
    r"careless(?:ly|ness)?|sloppy|lazy|laziness": "say what the work looked like at the time",
    r"negligen(?:t|tly|ce)|incompeten(?:t|ce)|reckless(?:ly)?": "say what the work looked like at the time",
    r"stupid(?:ly|ity)?|idiot(?:ic)?|dumb": "say what happened",
    r"(?:forgot|neglected|failed|refused) to (?:check|test|tell|read|follow|notice|look)": (
        "say what made it easy to miss"
    ),
    r"obvious(?:ly)?|clearly|simply|of course": "it was not so at the time; say how it looked then",
}
PATTERN = re.compile("|".join(rf"\b(?:{words})\b" for words in BLAMING), re.IGNORECASE)
# These lines carry names by the guide's own form.
NAMING = re.compile(r"^\*\*Author:\*\*|\bAssigned\s*:", re.IGNORECASE)


def blaming_words(text: str, people: Sequence[str]) -> list[Problem]:
    """Where the document blames, and where it names one of these people outside its author and its action items."""
    found: list[Problem] = []
    for number, line in enumerate(lines_of(text), start=1):
        found += [
            Problem(number, f'"{match[0]}" blames: {_instead(match[0])}') for match in PATTERN.finditer(line)
        ]
        if not NAMING.search(line):
            named = [name for name in people if re.search(rf"\b{re.escape(name)}\b", line)]
            found += [
                Problem(number, f'names {name}: write the role, such as "the primary on call"')
                for name in named
            ]
    return found


def _instead(words: str) -> str:
    return next(advice for pattern, advice in BLAMING.items() if re.fullmatch(pattern, words, re.IGNORECASE))


def by_role(text: str, roles: Mapping[str, str]) -> str:
    """The text with names replaced by roles; the longest name first, for one may be part of another."""
    for name in sorted(filter(None, roles), key=len, reverse=True):
        text = re.sub(rf"(?<![\w#@.-]){re.escape(name)}(?![\w-])", lambda _, name=name: roles[name], text)  # type: ignore[misc]
    return text
