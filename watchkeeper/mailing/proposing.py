"""What customers would be told by mail, for a person to approve; and what that person said."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from watchkeeper import messages
from watchkeeper.decisions import routes_to_person
from watchkeeper.incidents import read_incident
from watchkeeper.links import create_link, read_link, use_link
from watchkeeper.mailing.model import Mailing, MailingState, MailPurpose, digest_of
from watchkeeper.model import Channel, Data, Incident, Purpose, Severity, TimelineKind
from watchkeeper.outbox import enqueue
from watchkeeper.paging import Desk
from watchkeeper.policy import Policy
from watchkeeper.remediations import read_remediations
from watchkeeper.rendering import render
from watchkeeper.shifts import shift_at
from watchkeeper.status_page.wording import customer_fields
from watchkeeper.store import Db, Row, present
from watchkeeper.timeline import record

LINK_LIFE = timedelta(hours=24)
# The guide's own subjects.
SUBJECTS: dict[MailPurpose, str] = {
    "detected": "[Action Required] Service Disruption Detected",
    "resolved": "[Resolved] Service Restored",
}
# "Send recovery email to affected users (for P0/P1)".
RECOVERY = (Severity.P0, Severity.P1)

Refusal = Literal["unknown", "expired", "used", "changed", "over"]


class MailAnswer(Data):
    """What a link to a mail leads to; `refusal` says why it led to nothing."""

    incident: Incident | None = None
    mailing: Mailing | None = None
    refusal: Refusal | None = None


def is_due(incident: Incident, policy: Policy) -> bool:
    """Whether the guide has customers mailed about the start: a P0 with more than so many of the users affected.

    Nobody measures that share of a site that is down. Where it is not known, the person who is asked for the text
    is told so, and decides.
    """
    share = incident.users_affected_percent
    enough = share is None or share > policy.thresholds.customer_email_above_percent
    return incident.is_open and incident.severity is Severity.P0 and enough and policy.customers.is_configured


async def propose_detected(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> None:
    """Ask for approval of the mail about the start, once, where the guide has one."""
    if is_due(incident, desk.policy):
        await _propose(db, desk, incident, "detected", now=now)


async def propose_resolved(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> None:
    """The mail about the start is over; those whom it reached are to be told of the end."""
    row = await db.one("mailings/of_incident", incident_id=incident.id, purpose="detected")
    if row is None:
        return
    await db.one("mailings/end", id=row["id"])
    told = await db.one("mailings/someone_was_told", id=row["id"])
    if told is not None and incident.severity in RECOVERY:
        await _propose(db, desk, incident, "resolved", now=now)


async def _propose(db: Db, desk: Desk, incident: Incident, purpose: MailPurpose, *, now: datetime) -> None:
    done = await read_remediations(db, incident.id)
    fields = customer_fields(incident, desk.policy, done=done, now=now)
    text = render(f"messages/customers_{purpose}.txt.j2", **fields).strip() + "\n"
    subject = SUBJECTS[purpose]
    html = render("messages/customers.html.j2", **fields, subject=subject, paragraphs=paragraphs(text))
    digest = digest_of(subject, text, html)
    values = {"incident_id": incident.id, "purpose": purpose, "subject": subject, "text": text}
    row = await db.one("mailings/propose", **values, html=html, digest=digest, now=now)
    if row is None:
        return
    words = f"Mail to customers proposed: {subject}"
    await record(db, incident.id, TimelineKind.PLAN, words, now=now)
    await _ask_for_approval(db, desk, incident, Mailing.model_validate(row), now=now)


def paragraphs(text: str) -> list[list[str]]:
    """The text's paragraphs, each its lines."""
    return [part.splitlines() for part in text.strip().split("\n\n")]


async def _ask_for_approval(
    db: Db, desk: Desk, incident: Incident, mailing: Mailing, *, now: datetime
) -> None:
    shift = await shift_at(db, desk.policy, now=now)
    for person in shift.in_turn:
        for route in routes_to_person(person, [Channel.SMS, Channel.EMAIL], desk.policy):
            link = await create_link(
                db,
                public_url=desk.public_url,
                purpose="mail",
                incident_id=incident.id,
                person=person,
                expires_at=now + LINK_LIFE,
                plan_digest=mailing.digest,
                about=mailing.id,
            )
            await enqueue(
                db,
                key=f"{incident.number}:mail:{mailing.purpose}",
                incident_id=incident.id,
                purpose=Purpose.APPROVAL,
                route=route,
                message=messages.mail_request(incident, mailing.subject, mailing.text, now=now, link=link),
                now=now,
            )


async def look_at_mail(db: Db, link_id: int, *, now: datetime) -> MailAnswer:
    """What a link to a mail shows, or why it no longer decides anything."""
    link = await read_link(db, link_id, purpose="mail")
    row = await db.one("mailings/one", id=link.about) if link else None
    if link is None or row is None:
        return MailAnswer(refusal="unknown")
    mailing = Mailing.model_validate(row)
    refusal: Refusal | None = None
    if link.used_at is not None or mailing.state in (MailingState.APPROVED, MailingState.DENIED):
        refusal = "used"
    elif mailing.state is MailingState.ENDED:
        refusal = "over"
    elif mailing.digest != link.plan_digest:
        refusal = "changed"
    elif link.expires_at <= now:
        refusal = "expired"
    incident = await read_incident(db, mailing.incident_id)
    return MailAnswer(incident=incident, mailing=mailing, refusal=refusal)


async def decide_mail_by_link(db: Db, link_id: int, *, approved: bool, now: datetime) -> MailAnswer:
    """Approve or deny exactly the text that was shown; the first word counts."""
    seen = await look_at_mail(db, link_id, now=now)
    link = await read_link(db, link_id, purpose="mail")
    if seen.refusal or seen.mailing is None or link is None:
        return seen
    if not await use_link(db, link_id, now=now):
        return seen.model_copy(update={"refusal": "used"})
    state = MailingState.APPROVED if approved else MailingState.DENIED
    row = await db.one(
        "mailings/decide",
        id=seen.mailing.id,
        state=state,
        person=link.person,
        digest=link.plan_digest,
        now=now,
    )
    if row is None:
        return seen.model_copy(update={"refusal": "used"})
    words = f"Mail to customers {state} by {link.person}: {seen.mailing.subject}"
    incident_id = seen.mailing.incident_id
    await record(db, incident_id, TimelineKind.APPROVAL, words, now=now, actor=link.person)
    return seen.model_copy(update={"mailing": Mailing.model_validate(row)})


async def read_counts(db: Db, mailing_id: int) -> Row:
    """How many of a mailing's addresses are waiting, sent, doubtful, bounced and refused."""
    return present(await db.one("mailings/counts", id=mailing_id))


async def read_mailings(db: Db, incident_id: int) -> Sequence[Mailing]:
    """An incident's mailings: none, the start's, or both."""
    rows = [
        await db.one("mailings/of_incident", incident_id=incident_id, purpose=purpose) for purpose in SUBJECTS
    ]
    return [Mailing.model_validate(row) for row in rows if row]
