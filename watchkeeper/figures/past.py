"""Past incidents as figures need them: their times and what became of them, without the policy they carry."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from pydantic import AwareDatetime

from watchkeeper.errors import BadInput
from watchkeeper.model import ACT_ABOVE, Data, Incident, Kind, Severity, Status, incident_number
from watchkeeper.policy.calendar import Calendar
from watchkeeper.rendering import words
from watchkeeper.store import Db


class Past(Data):
    """One incident, open or not."""

    id: int
    kind: Kind
    severity: Severity
    status: Status
    service: str
    summary: str
    started_at: AwareDatetime
    detected_at: AwareDatetime
    acknowledged_at: AwareDatetime | None
    recovered_at: AwareDatetime | None
    resolved_at: AwareDatetime | None
    cause: str | None
    cause_confidence: float | None

    @property
    def number(self) -> str:
        return incident_number(self.id)

    @property
    def known_cause(self) -> str | None:
        """The cause, where it is more than a guess."""
        return self.cause if (self.cause_confidence or 0) >= ACT_ABOVE else None

    @property
    def cause_in_words(self) -> str:
        """As the team reads it when it is over: a guess is called one."""
        if self.cause is None:
            return "not found"
        return words(self.cause) if self.known_cause else f"perhaps {words(self.cause)}"

    @property
    def ended_at(self) -> datetime | None:
        """When it no longer hurt. None while it is open: a cure that is watched may yet fail, or only wait."""
        over = self.status in (Status.RESOLVED, Status.REVIEWED)
        return (self.recovered_at or self.resolved_at) if over else None

    def took(self) -> dict[str, timedelta | None]:
        """How long it was until each turn; None for one that has not come. Detection counts from the beginning, all
        else from detection."""
        started, since = min(self.started_at, self.detected_at), self.detected_at
        return {
            "detect": since - started,
            "acknowledge": _between(since, self.acknowledged_at),
            "mitigate": _between(since, self.ended_at),
            "resolve": _between(since, self.resolved_at),
        }


def past_of(incident: Incident) -> Past:
    """What of an incident its figures need."""
    return Past.model_validate({name: getattr(incident, name) for name in Past.model_fields})


def _between(since: datetime, until: datetime | None) -> timedelta | None:
    return None if until is None else until - since


class Month(NamedTuple):
    """A month on the team's wall clock, as the moments at which it starts and ends."""

    name: str
    starts: datetime
    ends: datetime


def month_of(text: str, calendar: Calendar) -> Month:
    """The month that "2026-10" names.

    Raises:
        BadInput: it names none.
    """
    try:
        first = date.fromisoformat(f"{text}-01")
        following = (first + timedelta(days=31)).replace(day=1)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{text!r} is no month; write a year and a month, such as 2026-10") from error
    midnight = datetime.min.time()
    return Month(f"{first:%Y-%m}", calendar.at(first, midnight), calendar.at(following, midnight))


def month_before(now: datetime, calendar: Calendar) -> Month:
    """The last month that is over."""
    first = calendar.local(now).date().replace(day=1)
    return month_of(f"{first - timedelta(days=1):%Y-%m}", calendar)


async def read_past(db: Db, starts: datetime, ends: datetime) -> list[Past]:
    """The incidents that lasted at any time between the two, in the order of their detection."""
    rows = await db.all("figures/past", starts=starts, ends=ends)
    return [Past.model_validate(row) for row in rows]
