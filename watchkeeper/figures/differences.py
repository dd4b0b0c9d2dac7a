"""Two replays of the same past, held against each other, in words. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from watchkeeper.figures.recorded import Recorded
from watchkeeper.figures.replay import Rang, counterpart
from watchkeeper.model import incident_number
from watchkeeper.rendering import duration, one_line, utc

Sort = Literal["silent", "new", "sooner", "later", "more", "fewer", "same"]
# Less than that is nothing that anybody would notice.
NOTICED = timedelta(minutes=1)

HEADINGS: dict[Sort, str] = {
    "silent": "would not have paged",
    "new": "would have paged, and did not",
    "sooner": "would have paged earlier",
    "later": "would have paged later",
    "fewer": "would have paged fewer times",
    "more": "would have paged more often",
}


class Difference(NamedTuple):
    sort: Sort
    line: str


def compare(before: Sequence[Rang], after: Sequence[Rang]) -> list[Difference]:
    """What the changed policy would have done otherwise, incident by incident of the policy in force."""
    found = [_difference(one, counterpart(one, after)) for one in before]
    anew = [one for one in after if counterpart(one, before) is None and one.rang_at is not None]
    return found + [Difference("new", f"{_name(one)}: {one.severity}") for one in anew]


def _difference(one: Rang, other: Rang | None) -> Difference:
    was, now = one.rang_at, other.rang_at if other else None
    severity = f"{one.severity} -> {other.severity}" if other and other.severity != one.severity else ""
    told = f"{_name(one)}{': ' if severity else ''}{severity}"
    if was is None or now is None:
        return Difference("same" if was is now else "silent" if now is None else "new", told)
    if abs(now - was) >= NOTICED:
        sort: Sort = "sooner" if now < was else "later"
        word = "earlier" if now < was else "later"
        return Difference(sort, f"{told}{', ' if severity else ': '}{duration(abs(now - was))} {word}")
    pages = other.pages if other else 0
    if pages == one.pages:
        return Difference("same", told)
    counted = f"{one.pages} -> {pages} pages"
    return Difference(
        "more" if pages > one.pages else "fewer", f"{told}{', ' if severity else ': '}{counted}"
    )


def _name(one: Rang) -> str:
    numbers = " and ".join(incident_number(number) for number in sorted(one.of)) or "no incident then"
    return f"{numbers}, {utc(one.detected_at)}, {one_line(one.summary)[:80]}"


def in_words(differences: Sequence[Difference], recorded: Recorded, since: datetime) -> list[str]:
    """The answer, what matters most first."""
    counts = f"{len(recorded.heard)} alerts and {len(recorded.readings)} readings since {utc(since)}"
    lines = [f"Heard again: {counts}. Nothing was sent."]
    for sort, heading in HEADINGS.items():
        of_sort = [each.line for each in differences if each.sort == sort]
        if of_sort:
            these = "This one" if len(of_sort) == 1 else f"These {len(of_sort)}"
            lines += ["", f"{these} {heading}:", *(f"  {line}" for line in of_sort)]
    same = sum(each.sort == "same" for each in differences)
    return [*lines, "", f"{same} as with the policy in force."]
