"""What people answer: acknowledging an incident, and deciding on a plan, through links bound to the person."""

from datetime import datetime
from typing import Literal

from watchkeeper import deadlines
from watchkeeper.incidents import incident_of, read_incident
from watchkeeper.links import Link, read_link, use_link
from watchkeeper.model import Data, DeadlineKind, Incident, Remediation, RemediationState, TimelineKind
from watchkeeper.remediations import decide, read_remediation
from watchkeeper.store import Db
from watchkeeper.timeline import record

Refusal = Literal["unknown", "expired", "used", "changed_plan", "too_late"]


class Answer(Data):
    """What an answer through a link led to; `refusal` says why it led to nothing."""

    incident: Incident | None = None
    remediation: Remediation | None = None
    person: str = ""
    refusal: Refusal | None = None
    already: bool = False


async def acknowledge(db: Db, incident_id: int, person: str, *, now: datetime) -> tuple[Incident, bool]:
    """Somebody has it: the incident, and whether this was the first acknowledgement."""
    row = await db.one("incidents/acknowledge", id=incident_id, person=person, now=now)
    if row is None:
        return await read_incident(db, incident_id), False
    await record(
        db, incident_id, TimelineKind.ACKNOWLEDGED, f"Acknowledged by {person}", now=now, actor=person
    )
    await deadlines.meet(db, incident_id, [DeadlineKind.ACKNOWLEDGE, DeadlineKind.PAGE], now=now)
    await db.run("outbox/cancel_pages", incident_id=incident_id)
    return incident_of(row), True


async def acknowledge_by_link(db: Db, link_id: int, *, now: datetime) -> Answer:
    """Acknowledge through a link. A second tap says who has it and changes nothing."""
    link = await read_link(db, link_id, purpose="acknowledge")
    if link is None:
        return Answer(refusal="unknown")
    incident = await read_incident(db, link.incident_id)
    if incident.acknowledged_at is not None:
        return Answer(incident=incident, person=link.person, already=True)
    if not await use_link(db, link_id, now=now):
        return Answer(incident=incident, person=link.person, refusal=_why_unusable(link))
    incident, first = await acknowledge(db, link.incident_id, link.person, now=now)
    return Answer(incident=incident, person=link.person, already=not first)


async def look_at_plan(db: Db, link_id: int, *, now: datetime) -> Answer:
    """What an approve link shows, or why it no longer decides anything."""
    link = await read_link(db, link_id, purpose="approve")
    if link is None or link.remediation_id is None:
        return Answer(refusal="unknown")
    incident = await read_incident(db, link.incident_id)
    remediation = await read_remediation(db, link.remediation_id)
    answer = Answer(incident=incident, remediation=remediation, person=link.person)
    return answer.model_copy(update={"refusal": _why_undecidable(link, remediation, now)})


async def decide_by_link(db: Db, link_id: int, *, approved: bool, reason: str, now: datetime) -> Answer:
    """Approve or deny through a link: single use, in time, by this person, exactly the plan that was shown."""
    answer = await look_at_plan(db, link_id, now=now)
    link = await read_link(db, link_id, purpose="approve")
    if answer.refusal or answer.remediation is None or link is None or link.plan_digest is None:
        return answer
    if not await use_link(db, link_id, now=now):
        return answer.model_copy(update={"refusal": "used"})
    decided = await decide(
        db,
        answer.remediation,
        approved=approved,
        person=link.person,
        reason=reason,
        plan_digest=link.plan_digest,
        now=now,
    )
    if decided is None:
        return answer.model_copy(update={"refusal": "too_late"})
    return answer.model_copy(update={"remediation": decided})


def _why_unusable(link: Link) -> Refusal:
    return "used" if link.used_at else "expired"


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
