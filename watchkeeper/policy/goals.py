"""What the team wants its figures to be: the guide's goals."""

from datetime import time

from pydantic import Field

from watchkeeper.model import Data, Severity
from watchkeeper.policy.durations import Duration


class Goals(Data):
    """`repeats`: how many incidents of a month may have a cause that was there before.

    `night_starts` and `night_ends` are on the team's wall clock: pages between them are counted apart.
    """

    detect_within: Duration
    resolve_within: dict[Severity, Duration]
    repeats: int = Field(ge=0)
    repeats_within: Duration
    night_starts: time
    night_ends: time

    def is_night(self, clock: time) -> bool:
        """Whether the team sleeps at this time of its day; a night may go past midnight."""
        if self.night_starts <= self.night_ends:
            return self.night_starts <= clock < self.night_ends
        return clock >= self.night_starts or clock < self.night_ends

    def night_in_words(self) -> str:
        return f"{self.night_starts:%H:%M} to {self.night_ends:%H:%M}"
