"""Who is on call, as a team plans it: fixed or in rotation, with swaps, holidays and hours of absence. Data alone.

A time without an offset is one on the team's own wall clock (`calendar.time_zone`).
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from watchkeeper.model import Data
from watchkeeper.policy.calendar import WEEKDAYS, Weekday

Role = Literal["primary", "secondary"]
Handle = Annotated[str, Field(min_length=1)]


class Handover(Data):
    """When a week begins; the guide's Monday at nine."""

    day: Weekday = "monday"
    at: time = time(9)


class Rotation(Data):
    """`people` take turns, a week each. The first of them begins on `starts_on`, at the handover's time."""

    people: list[Handle] = Field(min_length=1)
    starts_on: date
    handover: Handover = Handover()

    @model_validator(mode="after")
    def _starts_with_a_handover(self) -> Self:
        wanted = WEEKDAYS.index(self.handover.day)
        if (days_late := (self.starts_on.weekday() - wanted) % 7) != 0:
            day = self.starts_on - timedelta(days=days_late)
            raise ValueError(
                f"starts_on: {self.starts_on} is a {WEEKDAYS[self.starts_on.weekday()]}, and weeks begin "
                f"on {self.handover.day}; write {day}"
            )
        return self


class Absence(Data):
    """A time for which somebody says beforehand that they cannot be reached."""

    person: Handle
    starts: datetime
    ends: datetime
    reason: str = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.starts.tzinfo is None) != (self.ends.tzinfo is None):
            raise ValueError("write both starts and ends with an offset such as +01:00, or both without")
        if self.starts >= self.ends:
            raise ValueError(f"ends: {self.ends} is not after {self.starts}; write a later time")
        return self


class Override(Absence):
    """Somebody takes a role for a time, whoever would have it. A swap is two of these."""

    role: Role


class Roster(Data):
    """Who is on call: handles out of `people`, either fixed (`primary`) or a `rotation`.

    Attributes:
        secondary: with a rotation left out, whoever's turn comes next.
        trusted_contact: who is asked to wake the people on call when they do not answer; need not be an engineer.
        holiday_covers: who is primary on one of the calendar's holidays, from midnight to midnight.
    """

    primary: Handle | None = None
    secondary: Handle | None = None
    rotation: Rotation | None = None
    trusted_contact: Handle | None = None
    overrides: list[Override] = Field(default_factory=list)
    holiday_covers: dict[date, Handle] = Field(default_factory=dict)
    unreachable: list[Absence] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.primary is None) == (self.rotation is None):
            raise ValueError(
                "name a primary, or a rotation with people and starts_on; one of the two and not both"
            )
        return self

    def named(self) -> Iterator[tuple[str, str]]:
        """Every handle that the roster names, with the path of its key."""
        for role in ("primary", "secondary", "trusted_contact"):
            if (handle := getattr(self, role)) is not None:
                yield role, handle
        for number, handle in enumerate(self.rotation.people if self.rotation else []):
            yield f"rotation.people.{number}", handle
        for key, absences in (("overrides", self.overrides), ("unreachable", self.unreachable)):
            for number, absence in enumerate(absences):
                yield f"{key}.{number}.person", absence.person
        for day, handle in self.holiday_covers.items():
            yield f"holiday_covers.{day}", handle

    @property
    def handover(self) -> Handover:
        return self.rotation.handover if self.rotation else Handover()

    def regulars(self) -> list[str]:
        """Who is ever on call by plan, each once."""
        by_turn = self.rotation.people if self.rotation else [self.primary]
        return list(dict.fromkeys(handle for handle in [*by_turn, self.secondary] if handle))

    def only_wakes(self, person: str | None) -> bool:
        """Whether this is the trusted contact, who is asked to wake the people on call and answers for nobody."""
        return person is not None and person == self.trusted_contact and person not in self.regulars()
