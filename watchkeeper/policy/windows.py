"""Recurring maintenance windows: when, on the team's wall clock, which alerts are expected and page nobody."""

from datetime import datetime, time, timedelta

from pydantic import Field, model_validator

from watchkeeper.model import Alert, Data, Kind
from watchkeeper.policy.calendar import WEEKDAYS, Calendar, Weekday


class Matcher(Data):
    """Which alerts are meant: those that have everything that is named here. It must name something."""

    service: str | None = None
    kind: Kind | None = None
    source: str | None = None
    fingerprint: str | None = None

    @model_validator(mode="after")
    def _names_something(self) -> "Matcher":
        if not self.named():
            raise ValueError(
                "names nothing and would mean every alert; write at least one of service, kind, source and fingerprint"
            )
        return self

    def named(self) -> dict[str, str]:
        """What it names."""
        return {name: str(value) for name, value in self.model_dump().items() if value is not None}

    def matches(self, alert: Alert) -> bool:
        return all(getattr(alert, name) == value for name, value in self.named().items())

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.named().items())


class MaintenanceWindow(Data):
    """`starts` and `ends` are local times; one that ends at or before its start ends on the next day."""

    name: str = Field(min_length=1)
    match: Matcher
    days: list[Weekday] = Field(min_length=1)
    starts: time
    ends: time
    reason: str = ""

    @model_validator(mode="after")
    def _lasts(self) -> "MaintenanceWindow":
        if self.starts == self.ends:
            raise ValueError(f"starts and ends at {self.starts:%H:%M}; write two different times")
        return self

    def ends_at(self, at: datetime, calendar: Calendar) -> datetime | None:
        """When the window that is open at this moment ends; None when none is."""
        today = calendar.local(at).date()
        for day in (today - timedelta(days=1), today):
            last_day = day if self.starts < self.ends else day + timedelta(days=1)
            opens, closes = calendar.at(day, self.starts), calendar.at(last_day, self.ends)
            if WEEKDAYS[day.weekday()] in self.days and opens <= at < closes:
                return closes
        return None
