"""How long it takes to detect, acknowledge, mitigate and resolve, by severity, held against the team's goals. Pure."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from watchkeeper.figures.past import Past
from watchkeeper.figures.statistics import WANTED, Middle, Share, middle
from watchkeeper.model import Severity
from watchkeeper.policy.goals import Goals
from watchkeeper.rendering import duration

UNITS = {"hour": "h", "minute": "min", "second": "s"}
TURNS = ("detect", "acknowledge", "mitigate", "resolve")


class Turn(NamedTuple):
    """One turn of one severity's incidents. `missing` are those in which it has not come, or never did."""

    severity: Severity
    turn: str
    n: int
    missing: int
    middle: Middle | None
    goal: timedelta | None
    within: Share | None

    @property
    def is_met(self) -> bool | None:
        """Whether the median is within the goal; None without a goal or with too few samples."""
        if self.goal is None or self.middle is None:
            return None
        return self.middle.median < self.goal.total_seconds()

    def in_words(self) -> str:
        """Such as "12 min (8 min to 1 h 20 min, n = 12), 1 missing", or that there are too few."""
        told = f"too few ({self.n})" if self.middle is None else middle_in_words(self.middle)
        return f"{told}, {self.missing} missing" if self.missing else told

    def goal_in_words(self) -> str:
        """Such as "under 5 min: met, 9 of 12 (75 %)"."""
        if self.goal is None:
            return ""
        verdict = {True: "met, ", False: "not met, ", None: ""}[self.is_met]
        within = self.within.in_words() if self.within else ""
        return f"under {brief(self.goal)}: {verdict}{within}" if self.n else f"under {brief(self.goal)}"


def middle_in_words(found: Middle) -> str:
    """How sure the interval is stands there only where that is less than what is usual."""
    sure = f"{found.sure:.0%}: ".replace("%", " %") if found.sure < WANTED else ""
    median, low, high = (brief(timedelta(seconds=each)) for each in (found.median, found.low, found.high))
    return f"{median} ({sure}{low} to {high}, n = {found.n})"


def brief(length: timedelta) -> str:
    """A duration for a table: "1 h 5 min"."""
    short = re.sub(r" (hour|minute|second)s?\b", lambda unit: f" {UNITS[unit[1]]}", duration(length))
    return short.replace(" and ", " ").replace(", ", " ")


def in_words(seconds: float) -> str:
    return duration(timedelta(seconds=seconds))


def turns_of(incidents: Sequence[Past], goals: Goals) -> list[Turn]:
    """Every turn of every severity that occurred."""
    found = []
    for severity in Severity:
        of_severity = [incident for incident in incidents if incident.severity is severity]
        if of_severity:
            found += [_turn(severity, turn, of_severity, goals) for turn in TURNS]
    return found


def _turn(severity: Severity, turn: str, incidents: Sequence[Past], goals: Goals) -> Turn:
    times = [incident.took()[turn] for incident in incidents]
    seconds = [time.total_seconds() for time in times if time is not None]
    goal = goal_of(severity, turn, goals)
    within = Share(sum(each < goal.total_seconds() for each in seconds), len(seconds)) if goal else None
    missing = len(times) - len(seconds)
    return Turn(severity, turn, len(seconds), missing, middle(seconds), goal, within)


def goal_of(severity: Severity, turn: str, goals: Goals) -> timedelta | None:
    if turn == "detect":
        return goals.detect_within
    return goals.resolve_within.get(severity) if turn == "resolve" else None
