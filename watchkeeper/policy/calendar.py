"""The team's working time: its time zone, its business hours and its holidays. Pure; the time is an argument."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from watchkeeper.model import Data

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
# A year and a day: further ahead nobody waits for business hours.
LOOK_AHEAD_DAYS = 366


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}; write one such as Europe/Berlin or UTC") from error
    return name


class BusinessHours(Data):
    """`starts` and `ends` are local times of the same day: 09:00 and 17:00."""

    days: list[Weekday] = Field(min_length=1)
    starts: time
    ends: time

    @model_validator(mode="after")
    def _in_order(self) -> "BusinessHours":
        if self.starts >= self.ends:
            raise ValueError(f"ends at {self.ends:%H:%M}, before it starts; write a later time")
        return self


class Calendar(Data):
    """`holidays` are days, by date, on which nobody is expected to work, each with its name."""

    time_zone: Annotated[str, AfterValidator(_known_zone)]
    business_hours: BusinessHours
    holidays: dict[date, str] = Field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def local(self, at: datetime) -> datetime:
        """The same moment on the team's wall clock."""
        return at.astimezone(self.zone)

    def at(self, day: date, clock: time) -> datetime:
        """A local day and time as a moment. A time that daylight saving skips is the moment after the gap; one that
        it repeats is the first."""
        return datetime.combine(day, clock, self.zone).astimezone(ZoneInfo("UTC"))

    def is_working_day(self, day: date) -> bool:
        return WEEKDAYS[day.weekday()] in self.business_hours.days and day not in self.holidays

    def is_business_time(self, at: datetime) -> bool:
        local = self.local(at)
        hours = self.business_hours
        return self.is_working_day(local.date()) and hours.starts <= local.time() < hours.ends

    def next_business_time(self, at: datetime) -> datetime:
        """`at` itself within business hours, else the moment at which they next begin.

        Raises:
            ValueError: none begin within a year.
        """
        if self.is_business_time(at):
            return at
        today = self.local(at).date()
        for ahead in range(LOOK_AHEAD_DAYS):
            day = today + timedelta(days=ahead)
            opens = self.at(day, self.business_hours.starts)
            if self.is_working_day(day) and opens > at:
                return opens
        raise ValueError("no business hours begin within a year: every day is a holiday")

    def add_business_time(self, at: datetime, duration: timedelta) -> datetime:
        """The moment by which so much business time has passed."""
        moment, left = self.next_business_time(at), duration
        while left > (room := self.at(self.local(moment).date(), self.business_hours.ends) - moment):
            left -= room
            moment = self.next_business_time(moment + room)
        return moment + left

    def business_time_between(self, since: datetime, until: datetime) -> timedelta:
        """How much business time passes from one moment to a later one."""
        passed, moment = timedelta(), self.next_business_time(since)
        while moment < until:
            ends = self.at(self.local(moment).date(), self.business_hours.ends)
            passed += min(ends, until) - moment
            moment = self.next_business_time(ends)
        return passed
