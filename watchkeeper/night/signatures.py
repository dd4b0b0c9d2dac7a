"""Signatures: what a person lets happen at night without being woken. Each is an act of that person alone.

It is asked for by command, and the link that signs goes to that person's own phone and mail; nothing counts before
they press its button. It covers one cure on exactly the terms that were shown, until a stated time, and can be taken
back at any time by anybody: that only makes the night safer.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime

from watchkeeper.decisions import Route, routes_to_person
from watchkeeper.errors import BadInput
from watchkeeper.links import night_address
from watchkeeper.messages import fit_sms
from watchkeeper.model import Channel, Data
from watchkeeper.night.cures import Cure, find_cure
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import enqueue
from watchkeeper.policy import Policy
from watchkeeper.quiet.hours import in_words
from watchkeeper.rendering import duration, render
from watchkeeper.store import Db, Row, present

# Whoever is asked signs within a day, or is asked again.
SIGN_WITHIN = timedelta(hours=24)

Refusal = Literal["unknown", "expired", "changed_terms", "withdrawn"]


class Signature(Data):
    """One person's word on one cure; it counts once `signed_at` is there. `terms` is the digest of what was shown."""

    id: int
    person: str
    cause: str
    terms: str
    asked_by: str
    asked_at: AwareDatetime
    sign_by: AwareDatetime
    ends_at: AwareDatetime
    signed_at: AwareDatetime | None = None
    withdrawn_at: AwareDatetime | None = None
    withdrawn_by: str | None = None

    def counts(self, at: datetime) -> bool:
        return self.signed_at is not None and self.withdrawn_at is None and at < self.ends_at


def terms_of(cure: Cure, policy: Policy) -> str:
    """A digest of all that a signature rests on: the changes, how much each may touch, and the rules of the night
    with the clock that they go by."""
    shown = {
        "cause": cure.cause,
        "actions": cure.actions,
        "limits": policy.limits.model_dump(mode="json"),
        "night": policy.night.model_dump(mode="json"),
        "time_zone": policy.calendar.time_zone,
    }
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def terms_in_words(cure: Cure, policy: Policy) -> list[str]:
    """What a person reads before they sign."""
    night, limits = policy.night, policy.limits
    where = f" of {', '.join(night.services)}" if night.services else ""
    return [
        f"Between {night.in_words()} ({policy.calendar.time_zone}), while you are the one on call",
        f"In a {' or '.join(night.severities) or 'severity that the policy does not name'}{where}",
        f"At most {night.budget} changes in one night, all signed cures together",
        f"Ends at most {limits.end_connections} connections; fails one job; never deletes anything",
        f"You are woken if it has not worked within {duration(night.cure_within)}, and at once if it fails",
    ]


async def ask_for_signature(
    db: Db, desk: Desk, cause: str, person: str, *, asked_by: str, ends_at: datetime | None, now: datetime
) -> Signature:
    """Send a person the link that signs.

    Raises:
        BadInput: nobody of that name, no way to reach them, no such cure, or a time that the policy does not allow.
    """
    policy = desk.policy
    cure, latest = find_cure(cause, policy), now + policy.night.signature_lasts
    if person not in policy.people:
        raise BadInput(f"there is no person {person!r} under people ({', '.join(sorted(policy.people))})")
    routes = routes_to_person(person, [Channel.SMS, Channel.EMAIL], policy)
    if not routes:
        raise BadInput(f"people.{person} has neither a phone nor an email: the link would reach nobody")
    if ends_at is not None and not now < ends_at <= latest:
        raise BadInput(f"--until must be within {duration(policy.night.signature_lasts)} (signature_lasts)")
    asked = {"person": person, "cause": cause, "terms": terms_of(cure, policy), "asked_by": asked_by}
    times = {"sign_by": now + SIGN_WITHIN, "ends_at": ends_at or latest}
    signature = signature_of(present(await db.one("night/ask", **asked, **times, now=now)))
    message = request(signature, cure, desk)
    for route in routes:
        await _send(db, f"signature:{signature.id}", route._replace(fallback=[]), message, now)
    return signature


def request(signature: Signature, cure: Cure, desk: Desk) -> Message:
    """What whoever is asked reads. The link is theirs: it goes to their own addresses and to nobody else."""
    link = night_address(desk.public_url, signature.id)
    values = {
        "person": desk.policy.people[signature.person].name,
        "asked_by": signature.asked_by,
        "cure": str(cure),
        "terms": terms_in_words(cure, desk.policy),
        "until": in_words(signature.ends_at, desk.policy),
        "link": link,
    }
    return Message(
        subject=f"Sign for the night? {cure}"[:78],
        text=render("messages/signature.txt.j2", **values),
        short=fit_sms(f"Sleep through this? {cure}. Look and sign:", link),
        link=link,
    )


async def look_at(db: Db, signature_id: int, policy: Policy, *, now: datetime) -> Signature | Refusal:
    """The signature behind a link, as it was asked for or as it counts; or why it is neither."""
    row = await db.one("night/signature", id=signature_id)
    if row is None:
        return "unknown"
    signature = signature_of(row)
    if signature.withdrawn_at is not None:
        return "withdrawn"
    if now >= (signature.ends_at if signature.signed_at else signature.sign_by):
        return "expired"
    return signature if is_as_shown(signature, policy) else "changed_terms"


async def sign(db: Db, desk: Desk, signature_id: int, *, now: datetime) -> Signature | Refusal:
    """The person presses the button. Pressed twice it is one signature; the team's channel hears of it."""
    found = await look_at(db, signature_id, desk.policy, now=now)
    if not isinstance(found, Signature) or found.signed_at is not None:
        return found
    row = await db.one("night/sign", id=signature_id, now=now)
    if row is None:
        return await look_at(db, signature_id, desk.policy, now=now)
    signed = signature_of(row)
    await _tell_team(db, desk, signed, f"Signed for the night: {describe(signed, desk.policy)}", now)
    return signed


async def withdraw(db: Db, desk: Desk, signature_id: int, *, by: str, now: datetime) -> Signature:
    """It counts no longer.

    Raises:
        BadInput: none of that number is in force or asked for.
    """
    row = await db.one("night/withdraw", id=signature_id, by=by, now=now)
    if row is None:
        raise BadInput(
            f"there is no signature {signature_id} to take back; `watchkeeper night show` lists them"
        )
    taken = signature_of(row)
    if taken.signed_at is not None:
        text = f"Taken back by {by}, and no longer so: {describe(taken, desk.policy)}"
        await _tell_team(db, desk, taken, text, now)
    return taken


async def read_signatures(db: Db, *, now: datetime) -> list[Signature]:
    """Those that count now, of whomever."""
    return [signature_of(row) for row in await db.all("night/signatures", now=now)]


async def repeat_signature(db: Db, signature: Signature) -> None:
    """Write a signature down as it was given elsewhere: a simulated night knows what the real one would."""
    asked = signature.model_dump(include={"person", "cause", "terms", "asked_by", "sign_by", "ends_at"})
    row = present(await db.one("night/ask", **asked, now=signature.asked_at))
    if signature.signed_at is not None:
        await db.one("night/sign", id=row["id"], now=signature.signed_at)


def is_as_shown(signature: Signature, policy: Policy) -> bool:
    """Whether the policy still says what was signed."""
    try:
        cure = find_cure(signature.cause, policy)
    except BadInput:
        return False
    return terms_of(cure, policy) == signature.terms


def describe(signature: Signature, policy: Policy) -> str:
    """A signature in one line."""
    person = policy.people.get(signature.person)
    name = person.name if person else signature.person
    try:
        cure = str(find_cure(signature.cause, policy))
    except BadInput:
        cure = f"{signature.cause} (can no longer be signed)"
    changed = "" if is_as_shown(signature, policy) else " (does not count: the policy has changed since)"
    return f"{name}, {cure}, until {in_words(signature.ends_at, policy)}{changed}"


def signature_of(row: Row) -> Signature:
    return Signature.model_validate({name: row[name] for name in Signature.model_fields})


async def _tell_team(db: Db, desk: Desk, signature: Signature, text: str, now: datetime) -> None:
    # Somebody who did not sign this sees that somebody did.
    state = "withdrawn" if signature.withdrawn_at else "signed"
    team = Route(desk.policy.chat_channel, Channel.SLACK, [])
    message = Message(subject=text[:78], text=text, short=fit_sms(text))
    await _send(db, f"signature:{signature.id}:{state}", team, message, now)


async def _send(db: Db, key: str, route: Route, message: Message, now: datetime) -> None:
    await enqueue(
        db,
        key=key,
        incident_id=None,
        purpose=Purpose.SIGNATURE,
        route=route,
        message=message,
        now=now,
    )


def in_force(signatures: Sequence[Signature], person: str, policy: Policy, at: datetime) -> list[Signature]:
    """What this person has signed that counts now, on the terms of this policy."""
    return [s for s in signatures if s.person == person and s.counts(at) and is_as_shown(s, policy)]
