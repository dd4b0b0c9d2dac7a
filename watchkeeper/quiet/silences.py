"""Silences and maintenance windows: alerts that are expected are written down and page nobody, for a time.

What a silence held back and still fires when it ends is a row, so that its incident opens then whatever happened to the
process meanwhile. What a person tells is never silenced.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from watchkeeper.errors import BadInput
from watchkeeper.model import Alert, Data
from watchkeeper.policy import Policy
from watchkeeper.policy.windows import Matcher
from watchkeeper.store import Db, Row, present

# Longer than that is forgotten about: whoever means it says so again.
AT_MOST = timedelta(days=30)

Sort = Literal["silence", "maintenance"]
Held = Literal["silenced", "in_maintenance_window"]


class Silence(Data):
    """A dated silence, or a maintenance window that was announced ahead. It ends by itself, or a person ends it."""

    id: int | None = None
    sort: Sort = "silence"
    match: Matcher
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    person: str = Field(min_length=1, max_length=100)
    reason: str = Field(min_length=1, max_length=500)

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at

    def __str__(self) -> str:
        name = "maintenance window" if self.sort == "maintenance" else "silence"
        return f"{name} {self.id} by {self.person} ({self.reason})"


class Hold(Data):
    """Why an alert is held back, until when, and by what."""

    decision: Held
    until: AwareDatetime
    by: str
    silence_id: int | None = None


def find_hold(alert: Alert, silences: Sequence[Silence], policy: Policy, now: datetime) -> Hold | None:
    """What holds an alert back at this time, longest first; None when nothing does. A person's word never is."""
    if alert.source == "person":
        return None
    dated = [
        Hold(
            decision="in_maintenance_window" if silence.sort == "maintenance" else "silenced",
            until=silence.ends_at,
            by=str(silence),
            silence_id=silence.id,
        )
        for silence in silences
        if silence.holds(now) and silence.match.matches(alert)
    ]
    recurring = [
        Hold(
            decision="in_maintenance_window",
            until=ends_at,
            by=f"maintenance window {window.name!r} of the policy",
        )
        for window in policy.maintenance_windows
        if window.match.matches(alert) and (ends_at := window.ends_at(now, policy.calendar)) is not None
    ]
    return max([*dated, *recurring], key=lambda hold: hold.until, default=None)


async def hold_back(db: Db, alert: Alert, alert_id: int, policy: Policy, *, now: datetime) -> Hold | None:
    """Hold back an alert that belongs to no open incident, if it is silenced: then a row brings it back.

    One whose sender never says that it is over is written down only: nobody could tell whether it still fires.
    """
    if not alert.firing:
        await db.run("silences/let_go", fingerprint=alert.fingerprint)
        return None
    hold = find_hold(alert, await read_silences(db, now=now), policy, now)
    if hold is not None and alert.ends:
        await db.run(
            "silences/hold",
            fingerprint=alert.fingerprint,
            alert_id=alert_id,
            alert=alert.model_dump(mode="json"),
            silence_id=hold.silence_id,
            held_by=hold.by,
            release_at=hold.until,
            now=now,
        )
    return hold


def make_silence(
    named: dict[str, str | None],
    *,
    sort: Sort,
    starts_at: datetime,
    ends_at: datetime,
    person: str,
    reason: str,
    now: datetime,
) -> Silence:
    """A silence out of what a person wrote.

    Raises:
        BadInput: it names nothing, is over already, or lasts for too long; says what to write instead.
    """
    if not max(starts_at, now) < ends_at:
        raise BadInput("it would be over before it begins; write a later end")
    if ends_at - starts_at > AT_MOST:
        raise BadInput(
            f"it would last longer than {AT_MOST.days} days; silence it for less, and again if need be"
        )
    try:
        return Silence(
            sort=sort,
            match=Matcher.model_validate(named),
            starts_at=starts_at,
            ends_at=ends_at,
            person=person,
            reason=reason,
        )
    except ValidationError as error:
        wrong = (
            f"{'.'.join(map(str, each['loc']))} {each['msg'].removeprefix('Value error, ')}".strip()
            for each in error.errors()
        )
        raise BadInput("; ".join(wrong)) from error


async def add_silence(db: Db, silence: Silence, *, now: datetime) -> Silence:
    row = await db.one(
        "silences/add",
        **silence.match.model_dump(),
        **silence.model_dump(exclude={"id", "match"}),
        now=now,
    )
    return silence.model_copy(update={"id": present(row)["id"]})


async def read_silences(db: Db, *, now: datetime) -> list[Silence]:
    """Those that hold or are announced, soonest end first."""
    return [_silence_of(row) for row in await db.all("silences/read", now=now)]


async def end_silence(db: Db, silence_id: int, *, person: str, now: datetime) -> Silence:
    """End it before its time: what it held back comes at once.

    Raises:
        BadInput: none of that number is in force.
    """
    row = await db.one("silences/end", id=silence_id, person=person, now=now)
    if row is None:
        raise BadInput(f"there is no silence {silence_id} to end; `watchkeeper silence list` shows them")
    return _silence_of(row)


def _silence_of(row: Row) -> Silence:
    matcher = {name: row[name] for name in Matcher.model_fields}
    known = {name: row[name] for name in Silence.model_fields if name != "match"}
    return Silence.model_validate({**known, "match": matcher})
