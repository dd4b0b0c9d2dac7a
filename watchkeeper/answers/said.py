"""The words of answering: what can be said, by which way, and what it led to."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from watchkeeper.model import Data, Incident, Remediation
from watchkeeper.store import Db


class Verb(StrEnum):
    """What a person can say."""

    ACKNOWLEDGE = "acknowledge"
    WORKING = "working"
    ESCALATE = "escalate"
    HOLD = "hold"
    RESOLVE = "resolve"
    TAKE = "take"
    APPROVE = "approve"
    DENY = "deny"


class Way(StrEnum):
    """How it came."""

    PAGE = "page"
    SMS = "sms"
    CALL = "call"
    SLACK = "slack"

    @property
    def words(self) -> str:
        return {
            Way.PAGE: "on the signed page",
            Way.SMS: "by text message",
            Way.CALL: "by a key on the call",
            Way.SLACK: "by a button in Slack",
        }[self]


# The keys of a phone, on the call and alone in a text message.
KEYS = {"1": Verb.ACKNOWLEDGE, "2": Verb.WORKING, "3": Verb.ESCALATE, "4": Verb.HOLD}
# On the call alone, and pressed twice: they end or change something, and a thumb slips.
ENDING_KEYS = {"9": Verb.RESOLVE}
PLAN_KEYS = {"5": Verb.APPROVE, "6": Verb.DENY}

Refusal = Literal[
    "unknown",
    "expired",
    "used",
    "changed_plan",
    "too_late",
    "over",
    "alone",
    "not_asked",
    "wrong_code",
    "too_many_codes",
    "nothing_open",
    "which_one",
    "name_it",
    "unclear",
]


class Said(Data):
    """One answer as it came. `delivery_id` is the vendor's own, so that a repeated delivery is one answer."""

    verb: Verb
    person: str
    way: Way
    delivery_id: str | None = None
    reason: str = ""


class Answer(Data):
    """What an answer led to; `refusal` says why it led to nothing, `already` that it was so before.

    Attributes:
        until: when it comes back by itself, after "hold" and "working on it"; after the latter None where nobody asks.
        at: when it was said, where `until` may be on another day.
        others: whom "escalate" paged, by handle.
        had_it: from whom "take" took it, by handle.
        open_numbers: where it must be said which incident is meant.
    """

    verb: Verb | None = None
    incident: Incident | None = None
    remediation: Remediation | None = None
    person: str = ""
    refusal: Refusal | None = None
    already: bool = False
    until: datetime | None = None
    at: datetime | None = None
    others: list[str] = []
    had_it: str = ""
    open_numbers: list[str] = []

    @property
    def could_take(self) -> bool:
        """Whether somebody else has it, from whom this person may take it over."""
        holder = self.incident.acknowledged_by if self.incident and self.incident.is_open else None
        return holder is not None and holder != self.person

    @property
    def outcome(self) -> str:
        return self.refusal or ("already" if self.already else "done")


async def write_down(db: Db, said: Said, answer: Answer, *, now: datetime) -> None:
    """One row for each answer, whichever way it came."""
    await db.one(
        "answers/record",
        way=said.way,
        delivery_id=said.delivery_id,
        person=said.person,
        verb=said.verb,
        incident_id=answer.incident.id if answer.incident else None,
        remediation_id=answer.remediation.id if answer.remediation else None,
        outcome=answer.outcome,
        now=now,
    )


async def came_before(db: Db, said: Said) -> bool:
    """Whether this delivery was dealt with already: vendors repeat what they are not sure to have told."""
    return said.delivery_id is not None and (
        await db.one("answers/delivered", way=said.way, delivery_id=said.delivery_id) is not None
    )
