"""What customers would be told by mail, for a person to approve; and what that person said."""

from datetime import datetime, timedelta
from typing import Literal

from watchkeeper import messages
from watchkeeper.incidents import read_incident
from watchkeeper.links import read_link, use_link
from watchkeeper.mailing.asking import BOTH, ask
from watchkeeper.mailing.counting import say_if_over
from watchkeeper.mailing.model import Mailing, MailingState, MailPurpose, digest_of
from watchkeeper.model import Channel, Data, Incident, Severity, TimelineKind
from watchkeeper.oncall.shifts import shift_at
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Message
from watchkeeper.policy import Policy
from watchkeeper.remediations import read_remediations
from watchkeeper.rendering import render
from watchkeeper.status_page.wording import Ending, customer_fields
from watchkeeper.store import Db
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
    """What a link to a mail leads to; `first_word` as in `is_first_word`, `refusal` says why it led to nothing."""

    incident: Incident | None = None
    mailing: Mailing | None = None
    first_word: bool = False
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


async def propose_resolved(db: Db, desk: Desk, incident: Incident, *, ending: Ending, now: datetime) -> None:
    """The mail about the start is over; those whom it reached are to be told of the end. Where the start was told on the
    status page alone, as a P1's is, those affected are."""
    start = await db.one("mailings/of_incident", incident_id=incident.id, purpose="detected")
    if start is None:
        is_told = desk.policy.customers.is_configured and await db.one(
            "status_page/is_told", incident_id=incident.id
        )
    else:
        if await db.one("mailings/end", id=start["id"]):
            await say_if_over(db, start["id"], now=now)
        is_told = await db.one("mailings/someone_was_told", id=start["id"])
    if is_told and incident.severity in RECOVERY:
        await _propose(db, desk, incident, "resolved", ending=ending, now=now)


async def is_first_word(db: Db, mailing: Mailing) -> bool:
    """Whether it tells of an end whose start no mail told of."""
    start = {"incident_id": mailing.incident_id, "purpose": "detected"}
    return mailing.purpose == "resolved" and await db.one("mailings/of_incident", **start) is None


async def follow_up(db: Db, desk: Desk, incident: Incident, mailing: Mailing, *, now: datetime) -> None:
    """Nobody has decided: ask once more, and when the links are over, say that nobody did."""
    waited = now - mailing.created_at
    if waited >= LINK_LIFE:
        if await db.one("mailings/lapse", id=mailing.id):
            words = f"Nobody has decided on the mail to customers, and it is not sent: {mailing.subject}"
            await record(db, incident.id, TimelineKind.NOTE, words, now=now)
    elif waited >= desk.policy.customers.remind_after and await db.one(
        "mailings/reminded", id=mailing.id, now=now
    ):
        await _ask_for_approval(db, desk, incident, mailing, again=True, now=now)


async def _propose(
    db: Db,
    desk: Desk,
    incident: Incident,
    purpose: MailPurpose,
    *,
    ending: Ending | None = None,
    now: datetime,
) -> None:
    done = await read_remediations(db, incident.id)
    fields = customer_fields(incident, desk.policy, done=done, ending=ending, now=now)
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
    await _ask_for_approval(db, desk, incident, Mailing.model_validate(row), again=False, now=now)


def paragraphs(text: str) -> list[list[str]]:
    """The text's paragraphs, each its lines."""
    return [part.splitlines() for part in text.strip().split("\n\n")]


async def _ask_for_approval(
    db: Db, desk: Desk, incident: Incident, mailing: Mailing, *, again: bool, now: datetime
) -> None:
    shift = await shift_at(db, desk.policy, now=now)
    first_word = await is_first_word(db, mailing)

    def write(link: str) -> Message:
        asks = {"first_word": first_word, "again": again}
        return messages.mail_request(incident, mailing.subject, mailing.text, **asks, now=now, link=link)

    what = f"mail:{mailing.purpose}:again" if again else f"mail:{mailing.purpose}"
    # Nobody waits for a first word about what is over: it wakes nobody.
    channels = [Channel.EMAIL] if first_word else BOTH
    for person in shift.in_turn:
        await ask(
            db,
            desk,
            incident,
            person,
            write,
            what=what,
            purpose="mail",
            about=mailing.id,
            life=mailing.created_at + LINK_LIFE - now,
            channels=channels,
            plan_digest=mailing.digest,
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
    first_word = await is_first_word(db, mailing)
    return MailAnswer(incident=incident, mailing=mailing, first_word=first_word, refusal=refusal)


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
