"""Approving and denying a plan: once, in time, by the person who was asked, exactly the plan that was shown."""

from datetime import datetime

from watchkeeper.answers.effects import speaks
from watchkeeper.answers.said import Answer, Refusal, Said, Verb, Way, came_before, write_down
from watchkeeper.incidents import read_incident
from watchkeeper.links import Link, link_of_plan, read_link, use_link
from watchkeeper.model import Remediation, RemediationState
from watchkeeper.remediations import decide, read_remediation
from watchkeeper.store import Db


async def look_at_plan(db: Db, link_id: int, *, now: datetime) -> Answer:
    """What an approve link shows, or why it no longer decides anything."""
    link = await read_link(db, link_id, purpose="approve")
    if link is None or link.remediation_id is None:
        return Answer(refusal="unknown")
    incident = await read_incident(db, link.incident_id)
    remediation = await read_remediation(db, link.remediation_id)
    answer = Answer(incident=incident, remediation=remediation, person=link.person)
    return answer.model_copy(update={"refusal": _why_undecidable(link, remediation, now)})


async def decide_by_link(
    db: Db,
    link_id: int,
    *,
    approved: bool,
    reason: str,
    now: datetime,
    way: Way = Way.PAGE,
    delivery_id: str | None = None,
) -> Answer:
    """Approve or deny by the right that a link gives, whether it was opened, or named by a code or a button."""
    link = await read_link(db, link_id, purpose="approve")
    verb = Verb.APPROVE if approved else Verb.DENY
    if link is None:
        return Answer(refusal="unknown", verb=verb)
    said = Said(verb=verb, person=link.person, way=way, delivery_id=delivery_id, reason=reason)
    await db.one("incidents/lock", id=link.incident_id)
    answer = (await look_at_plan(db, link_id, now=now)).model_copy(update={"verb": verb})
    if await came_before(db, said):
        return answer.model_copy(update={"refusal": None, "already": True})
    if answer.refusal is None:
        answer = await _decide(db, link, answer, said, now)
    await write_down(db, said, answer, now=now)
    return answer


async def decide_as_person(db: Db, remediation_id: int, digest: str, said: Said, *, now: datetime) -> Answer:
    """Approve or deny by a button that everyone can see: it counts for whoever was asked, once."""
    link = await link_of_plan(db, remediation_id, said.person)
    if link is None:
        return Answer(verb=said.verb, person=said.person, refusal="not_asked")
    if link.plan_digest is None or not link.plan_digest.startswith(digest):
        return Answer(verb=said.verb, person=said.person, refusal="changed_plan")
    return await decide_by_link(
        db,
        link.id,
        approved=said.verb is Verb.APPROVE,
        reason=said.reason,
        now=now,
        way=said.way,
        delivery_id=said.delivery_id,
    )


async def _decide(db: Db, link: Link, answer: Answer, said: Said, now: datetime) -> Answer:
    if answer.incident is None or answer.remediation is None or link.plan_digest is None:
        return answer.model_copy(update={"refusal": "unknown"})
    if not await use_link(db, link.id, now=now):
        return answer.model_copy(update={"refusal": "used"})
    decided = await decide(
        db,
        answer.remediation,
        approved=said.verb is Verb.APPROVE,
        person=said.person,
        reason=said.reason,
        plan_digest=link.plan_digest,
        now=now,
        way=said.way.words,
    )
    if decided is None:
        return answer.model_copy(update={"refusal": "too_late"})
    if answer.incident.is_open:
        await speaks(db, answer.incident, said, now=now)
    return answer.model_copy(update={"remediation": decided})


def _why_undecidable(link: Link, remediation: Remediation, now: datetime) -> Refusal | None:
    if link.used_at is not None:
        return "used"
    if remediation.plan_digest != link.plan_digest:
        return "changed_plan"
    if link.expires_at <= now:
        return "expired"
    if remediation.state is not RemediationState.PLANNED:
        return "too_late"
    return None
