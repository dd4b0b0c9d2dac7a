"""Repeats: an incident that was there before, and whether the fix that was promised then is in.

The cause of an incident is known once it has been investigated. Until then only the alert is known: where the same one
belonged to an incident whose cause was found, the first page says so, and does not claim that it is the same again.
"""

from datetime import datetime
from typing import Literal, NamedTuple

from pydantic import AwareDatetime

from watchkeeper.model import ACT_ABOVE, Data, Incident, incident_number
from watchkeeper.policy import Policy
from watchkeeper.policy.calendar import Calendar
from watchkeeper.rendering import words
from watchkeeper.store import Db

Sign = Literal["alert", "cause"]


class Promised(Data):
    """A fix that was promised after one of the last incidents of this cause, and is not done."""

    incident_id: int
    number: int
    due_at: AwareDatetime


class Earlier(Data):
    """The earlier incident that this one repeats, or seems to repeat."""

    sign: Sign
    earlier_id: int
    cause: str
    detected_at: AwareDatetime
    promised: list[Promised]


class Words(NamedTuple):
    """The same for a message's text, and for what is left of a text message."""

    text: str
    short: str


async def link_by_alert(db: Db, incident_id: int, fingerprint: str, policy: Policy, *, now: datetime) -> None:
    """Link a new incident to the last one that the same alert belonged to, where its cause was found."""
    row = await db.one(
        "figures/earlier_by_alert",
        incident_id=incident_id,
        fingerprint=fingerprint,
        since=now - policy.goals.repeats_within,
        sure=ACT_ABOVE,
    )
    if row is not None:
        await _link(db, incident_id, "alert", row["id"], row["cause"], now)


async def link_by_cause(db: Db, incident: Incident, policy: Policy, *, now: datetime) -> Earlier | None:
    """Link an incident whose cause was found to the last one that had the same; what is known of that one."""
    row = None
    if (incident.cause_confidence or 0) >= ACT_ABOVE:
        since = incident.detected_at - policy.goals.repeats_within
        named = {"incident_id": incident.id, "cause": incident.cause}
        row = await db.one("figures/earlier_by_cause", since=since, sure=ACT_ABOVE, **named)
    if row is None:
        await db.run("figures/unlink_repeat", incident_id=incident.id, sign="cause")
        return None
    await _link(db, incident.id, "cause", row["id"], row["cause"], now)
    return await read_earlier(db, incident.id)


async def _link(db: Db, incident_id: int, sign: Sign, earlier_id: int, cause: str, now: datetime) -> None:
    link = {"incident_id": incident_id, "sign": sign, "earlier_id": earlier_id, "cause": cause}
    await db.run("figures/link_repeat", **link, now=now)


async def read_earlier(db: Db, incident_id: int) -> Earlier | None:
    """What an incident repeats, with the fixes that are still owed; None when it repeats nothing that is known."""
    row = await db.one("figures/repeat_of", incident_id=incident_id)
    if row is None:
        return None
    rows = await db.all(
        "figures/promised_against", incident_id=incident_id, cause=row["cause"], sure=ACT_ABOVE
    )
    return Earlier.model_validate({**row, "promised": rows})


def repeat_in_words(earlier: Earlier, policy: Policy, now: datetime) -> Words:
    """What to say of it: when it was, and what became of the fix."""
    at, number = policy.calendar.local(earlier.detected_at), incident_number(earlier.earlier_id)
    day, short_day = f"{at.day} {at:%B}", f"{at.day} {at:%b}"
    if earlier.sign == "cause":
        text, short = f"The same cause on {day} ({number})", f"As on {short_day} ({number})"
    else:
        text = f"The same alert came on {day}; then it was {words(earlier.cause)} ({number})"
        short = f"Seen {short_day} ({number})"
    if not earlier.promised:
        return Words(f"{text}; no fix that was promised is open.", short)
    first, others = earlier.promised[0], len(earlier.promised) - 1
    when, more = _when(first, policy.calendar, now), f", and {others} more" if others else ""
    fix, short_fix = _fix(first, earlier.earlier_id)
    return Words(f"{text}; {fix} is open, {when}{more}.", f"{short}, {short_fix} {when}")


def _fix(item: Promised, earlier_id: int) -> Words:
    """The fix by the incident that it was promised after: "then" is only right of the one that is named beside it."""
    number = incident_number(item.incident_id)
    if item.incident_id == earlier_id:
        return Words(f"the fix promised then ({number}, action {item.number})", "fix")
    return Words(f"the fix promised after {number} (action {item.number})", f"{number}'s fix")


def _when(item: Promised, calendar: Calendar, now: datetime) -> str:
    """By days on the team's clock: what was due yesterday is overdue, whatever the hour."""
    due = calendar.local(item.due_at)
    days = (calendar.local(now).date() - due.date()).days
    if days < 0:
        return f"due {due.day} {due:%B}"
    if days > 1:
        return f"{days} days overdue"
    return "overdue since yesterday" if days else "due today"
