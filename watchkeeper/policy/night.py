"""The night: which hours it has, and what may be done in them without waking anybody, once a person has signed it."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator

from watchkeeper.model import Data, Severity
from watchkeeper.policy.calendar import Calendar
from watchkeeper.policy.durations import Duration

# Its plan counts what will be gone, changes who may tell of payments, or shuts customers out: that must be seen first.
MUST_BE_SEEN = frozenset(
    {"delete_data", "replace_signing_secret", "enable_endpoint", "disable_endpoint", "set_maintenance_mode"}
)


class Night(NamedTuple):
    """One night, named by the day on which it begins."""

    day: date
    starts_at: datetime
    ends_at: datetime


def _may_be_signed(action: str) -> str:
    if action in MUST_BE_SEEN:
        raise ValueError(f"{action} cannot be signed in advance: its plan must be seen first; remove it")
    return action


class NightPolicy(Data):
    """`starts` and `ends` are on the team's wall clock.

    Attributes:
        severities: whose first page may wait while a signed cure is at work.
        services: of which services; none named: of any.
        actions: what people may sign in advance. Nothing counts before somebody has.
        budget: so many changes of that sort in one night, in all incidents together.
        cure_within: for so long the first page waits at most, unless the readings are good by then.
        signature_lasts: for so long a signature counts at most.
    """

    starts: time
    ends: time
    severities: list[Severity] = Field(default_factory=list)
    services: list[str] = Field(default_factory=list)
    actions: list[Annotated[str, AfterValidator(_may_be_signed)]] = Field(default_factory=list)
    budget: int = Field(ge=0, le=50)
    cure_within: Duration
    signature_lasts: Duration

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.starts == self.ends:
            raise ValueError(f"starts and ends at {self.starts:%H:%M}; write two different times")
        return self

    def around(self, at: datetime, calendar: Calendar) -> Night | None:
        """The night that this moment is in; None by day."""
        return next((n for n in self._near(at, calendar) if n.starts_at <= at < n.ends_at), None)

    def next_end(self, after: datetime, calendar: Calendar) -> datetime:
        """When a night ends next."""
        return min(n.ends_at for n in self._near(after, calendar) if n.ends_at > after)

    def ended_at(self, moment: datetime, calendar: Calendar) -> Night:
        """The night that had ended last by this moment."""
        return max(n for n in self._near(moment, calendar) if n.ends_at <= moment)

    def _near(self, at: datetime, calendar: Calendar) -> list[Night]:
        today = calendar.local(at).date()
        over = timedelta(days=self.starts > self.ends)
        days = [today + timedelta(days=ahead) for ahead in (-2, -1, 0, 1)]
        return [Night(day, calendar.at(day, self.starts), calendar.at(day + over, self.ends)) for day in days]

    def in_words(self) -> str:
        return f"{self.starts:%H:%M} to {self.ends:%H:%M}"
