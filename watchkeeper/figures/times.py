"""How long it takes to detect, acknowledge, mitigate and resolve, by severity, held against the team's goals. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from watchkeeper.figures.past import Past
from watchkeeper.figures.statistics import Middle, Share, middle
from watchkeeper.model import Severity
from watchkeeper.policy.goals import Goals
from watchkeeper.rendering import duration

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
        """Such as "12 minutes (95 %: 8 to 20 minutes, n = 12)", or that there are too few."""
        return f"too few ({self.n})" if self.middle is None else middle_in_words(self.middle)

    def goal_in_words(self) -> str:
        """Such as "under 5 minutes: met, 9 of 12 within (75 %)"."""
        if self.goal is None:
            return ""
        verdict = {True: "met, ", False: "not met, ", None: ""}[self.is_met]
        within = f"{self.within.in_words()} within" if self.within else ""
        return f"under {duration(self.goal)}: {verdict}{within}" if self.n else f"under {duration(self.goal)}"


def middle_in_words(found: Middle) -> str:
    sure = f"{min(found.sure, 0.95):.0%}".replace("%", " %")
    between = f"{in_words(found.low)} to {in_words(found.high)}"
    return f"{in_words(found.median)} ({sure}: {between}, n = {found.n})"


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
