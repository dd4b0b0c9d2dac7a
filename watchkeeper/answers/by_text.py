"""A text message from a person of the team: which incident or plan it means, and what comes of it.

Who sends it is known by the number that it comes from, and a number can be forged. So what changes production needs
a code as well, which only that person's own phone was sent: for one plan, once, for a limited time, with few guesses.
"""

import hmac
from datetime import datetime, timedelta
from typing import NamedTuple

from watchkeeper.answers.effects import answer
from watchkeeper.answers.plans import decide_by_link
from watchkeeper.answers.said import Answer, Said, Verb, Way
from watchkeeper.answers.words import ON_PLANS, Reply, understand
from watchkeeper.errors import BadInput
from watchkeeper.incidents import incident_of
from watchkeeper.links import LinkSigner, links_of_person
from watchkeeper.policy.answers import Answers
from watchkeeper.store import Db, present

# An incident that ended within this time may still be the one that somebody means.
STILL_MEANT = timedelta(days=1)


class Meant(NamedTuple):
    incident_id: int
    reason: str


async def answer_by_text(
    db: Db,
    public_url: str,
    signer: LinkSigner,
    rules: Answers,
    *,
    person: str,
    text: str,
    message_id: str,
    now: datetime,
    wakes_only: bool = False,
) -> Answer:
    """Let a text message take effect. Run it in a transaction.

    Args:
        wakes_only: for whoever is only asked to wake the people on call: they answer for nobody.
    """
    reply = understand(text)
    if reply.verb is None:
        return await _nothing(db, person, message_id, Answer(person=person, refusal="unclear"), now)
    if reply.verb in ON_PLANS:
        return await _decide(db, signer, rules, reply, person=person, message_id=message_id, now=now)
    meant = await _meant(db, person, reply, wakes_only=wakes_only, now=now)
    if isinstance(meant, Answer):
        return await _nothing(db, person, message_id, meant, now)
    said = Said(verb=reply.verb, person=person, way=Way.SMS, delivery_id=message_id, reason=meant.reason)
    try:
        return await answer(db, public_url, meant.incident_id, said, now=now)
    except BadInput:  # a number that no incident has
        return await _nothing(db, person, message_id, Answer(person=person, refusal="nothing_open"), now)


async def _meant(db: Db, person: str, reply: Reply, *, wakes_only: bool, now: datetime) -> Meant | Answer:
    """The incident that is meant, or why that cannot be told. A wrong one is never taken: in doubt nothing is done."""
    told = [incident_of(row) for row in await db.all("answers/told_of", person=person)]
    numbers = {incident.id for incident in told}
    known = Answer(verb=reply.verb, person=person, open_numbers=[incident.number for incident in told])
    unknown = known.model_copy(update={"refusal": "which_one" if told else "nothing_open"})
    if reply.incident_id is not None:
        may_mean = reply.incident_id in numbers or not wakes_only
        return Meant(reply.incident_id, reply.reason) if may_mean else unknown
    if reply.number is None:
        return Meant(told[0].id, reply.reason) if len(told) == 1 else unknown
    is_alone = not reply.reason
    if reply.number in numbers and (is_alone or len(told) == 1):
        return Meant(reply.number, reply.reason)
    row = await db.one("answers/could_be_meant", id=reply.number, ended_since=now - STILL_MEANT)
    if row is not None and not wakes_only:
        other = incident_of(row)
        if is_alone and not other.is_open:
            return Meant(other.id, "")  # they hear that it is over
        return known.model_copy(update={"refusal": "name_it", "incident": other})
    # No incident's that anybody could mean: it begins the reason, as in "DONE 2 pods restarted".
    return unknown if is_alone or len(told) != 1 else Meant(told[0].id, reply.whole_reason)


async def _decide(
    db: Db,
    signer: LinkSigner,
    rules: Answers,
    reply: Reply,
    *,
    person: str,
    message_id: str,
    now: datetime,
) -> Answer:
    since = now - rules.wrong_codes_per
    wrong = present(await db.one("answers/wrong_codes", person=person, since=since))["wrong"]
    known = Answer(verb=reply.verb, person=person)
    if wrong >= rules.wrong_codes:
        return await _nothing(
            db, person, message_id, known.model_copy(update={"refusal": "too_many_codes"}), now
        )
    for link in await links_of_person(db, person, purpose="approve"):
        if hmac.compare_digest(signer.code(link.id), reply.code or ""):
            return await decide_by_link(
                db,
                link.id,
                approved=reply.verb is Verb.APPROVE,
                reason=reply.reason,
                now=now,
                way=Way.SMS,
                delivery_id=message_id,
            )
    refusal = "wrong_code" if reply.code else "unclear"
    return await _nothing(db, person, message_id, known.model_copy(update={"refusal": refusal}), now)


async def _nothing(db: Db, person: str, message_id: str, answer: Answer, now: datetime) -> Answer:
    """It led to nothing, and that is written down too: guesses are counted."""
    await db.one(
        "answers/record",
        way=Way.SMS,
        delivery_id=message_id,
        person=person,
        verb=answer.verb,
        incident_id=None,
        remediation_id=None,
        outcome=answer.outcome,
        now=now,
    )
    return answer
