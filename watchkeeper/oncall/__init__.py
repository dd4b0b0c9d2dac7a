"""Who is on call: a pure function of the roster, the changes to it, and the time.

Changes come from the policy (swaps, holidays, hours of absence) and, said since, from the store's rows. What was
said last counts. A change that names somebody whom the policy does not know changes nothing: they have no address.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Literal, NamedTuple

from pydantic import AwareDatetime

from watchkeeper.model import Data
from watchkeeper.policy import Policy
from watchkeeper.policy.calendar import WEEKDAYS, Calendar
from watchkeeper.policy.roster import Handover

ChangeKind = Literal["primary", "secondary", "unreachable"]
Reason = Literal["fixed_roster", "rotation", "override", "holiday_cover"]
WEEK = timedelta(days=7)


class Change(Data):
    """Somebody takes a role for a time, or cannot be reached for one. `id` where it is a row."""

    id: int | None = None
    kind: ChangeKind
    person: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    reason: str = ""
    said_by: str = "the policy"
    name: Reason = "override"

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


class Shift(Data):
    """Who is on call at one moment, and from when until when that is so; None where no end is in sight.

    Attributes:
        reason: why the primary is the primary.
        away: who cannot be reached at this moment, with the change that says so.
    """

    primary: str
    secondary: str | None
    since: AwareDatetime | None
    until: AwareDatetime | None
    reason: Reason
    away: dict[str, Change]

    @property
    def people(self) -> list[str]:
        return [self.primary, *([self.secondary] if self.secondary else [])]

    @property
    def in_turn(self) -> list[str]:
        """Whom to page, in this order: who has not said that they are away. If all have, they are paged anyway."""
        return [handle for handle in self.people if handle not in self.away] or self.people

    @property
    def nobody_can_be_reached(self) -> bool:
        return all(handle in self.away for handle in self.people)

    @property
    def first(self) -> str:
        """Who is woken first."""
        return self.in_turn[0]

    def after(self, handle: str) -> str | None:
        """Whose turn it is after this person; None when nobody is left."""
        if handle not in self.in_turn:
            return self.first
        later = self.in_turn[self.in_turn.index(handle) + 1 :]
        return later[0] if later else None


class _Turn(NamedTuple):
    """The plan's own answer: who is first, who would follow, and between which moments."""

    people: list[str]
    reason: Reason
    bounds: tuple[datetime, ...]


def on_call(policy: Policy, changes: Sequence[Change], at: datetime) -> Shift:
    """Who is on call at this moment."""
    known = [c for c in [*planned_changes(policy), *changes] if c.person in policy.people]
    holding = [change for change in known if change.holds(at)]
    taken = {change.kind: change for change in holding}
    turn = _turn(policy, at)
    lead = taken.get("primary")
    primary = lead.person if lead else turn.people[0]
    return Shift(
        primary=primary,
        secondary=_secondary(primary, taken.get("secondary"), turn),
        since=max((m for m in _moments(known, turn) if m <= at), default=None),
        until=min((m for m in _moments(known, turn) if m > at), default=None),
        reason=lead.name if lead else turn.reason,
        away={change.person: change for change in holding if change.kind == "unreachable"},
    )


def shifts_between(
    policy: Policy, changes: Sequence[Change], starts_at: datetime, ends_at: datetime
) -> list[Shift]:
    """Every shift of a time, in order."""
    found, at = [], starts_at
    while at < ends_at:
        shift = on_call(policy, changes, at)
        found.append(shift)
        at = shift.until or ends_at
    return found


def _secondary(primary: str, taken: Change | None, turn: _Turn) -> str | None:
    if taken is not None and taken.person != primary:
        return taken.person
    # Whoever gave the first place away for a time is not there for the second one either.
    return next((handle for handle in turn.people[1:] if handle not in (primary, turn.people[0])), None)


def _moments(changes: Sequence[Change], turn: _Turn) -> Iterator[datetime]:
    yield from turn.bounds
    for change in changes:
        if change.kind != "unreachable":
            yield from (change.starts_at, change.ends_at)


def _turn(policy: Policy, at: datetime) -> _Turn:
    roster = policy.roster
    rest = [roster.secondary] if roster.secondary else []
    if roster.rotation is None:
        return _Turn([*filter(None, [roster.primary]), *rest], "fixed_roster", ())
    people = roster.rotation.people
    began, ends = week_of(roster.handover, policy.calendar, at)
    number = (policy.calendar.local(began).date() - roster.rotation.starts_on).days // 7
    order = [people[(number + turns) % len(people)] for turns in range(len(people))]
    return _Turn([order[0], *rest, *order[1:]], "rotation", (began, ends))


def week_of(handover: Handover, calendar: Calendar, at: datetime) -> tuple[datetime, datetime]:
    """From which handover to which one the week of this moment lasts; with a change of daylight saving in it, it is an
    hour shorter or longer than others."""
    local = calendar.local(at).date()
    day = local - timedelta(days=(local.weekday() - WEEKDAYS.index(handover.day)) % 7)
    if calendar.at(day, handover.at) > at:
        day -= WEEK
    return calendar.at(day, handover.at), calendar.at(day + WEEK, handover.at)


def planned_changes(policy: Policy) -> Iterator[Change]:
    """The changes that the policy itself names, weakest first: covers of holidays, swaps, absences."""
    calendar, roster = policy.calendar, policy.roster
    for day, handle in roster.holiday_covers.items():
        yield Change(
            kind="primary",
            person=handle,
            starts_at=calendar.at(day, time()),
            ends_at=calendar.at(day + timedelta(days=1), time()),
            reason=calendar.holidays[day],
            name="holiday_cover",
        )
    for kind, absence in [
        *((override.role, override) for override in roster.overrides),
        *(("unreachable", absence) for absence in roster.unreachable),
    ]:
        yield Change(
            kind=kind,
            person=absence.person,
            starts_at=moment(absence.starts, calendar),
            ends_at=moment(absence.ends, calendar),
            reason=absence.reason,
        )


def moment(said: datetime, calendar: Calendar) -> datetime:
    """What somebody wrote as a moment: without an offset it is the team's own time."""
    return calendar.at(said.date(), said.time()) if said.tzinfo is None else said
