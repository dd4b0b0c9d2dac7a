"""The meeting over a post-mortem: those who took part are invited to it, inside business hours before the deadline."""

from datetime import datetime, timedelta

from watchkeeper.documents.invitation import find_slot, invitation
from watchkeeper.model import Incident, TimelineKind
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Attachment
from watchkeeper.policy import Policy
from watchkeeper.remediations import read_remediations
from watchkeeper.rendering import utc
from watchkeeper.reviews.telling import compose, handle_of, send
from watchkeeper.store import Db, Row, present
from watchkeeper.timeline import read_timeline, record


async def call_meeting(db: Db, desk: Desk, incident: Incident, review: Row, *, now: datetime) -> None:
    """Invite those who took part, anew where the meeting no longer fits before the deadline; where no business hours
    lie before it, take back the meeting that they hold, and say so."""
    rules = desk.policy.reviews.meeting
    known = review["meeting_at"]
    if known is not None and (known <= now or known + timedelta(minutes=rules.minutes) <= review["due_at"]):
        return  # it has taken place, or still fits
    starts_at = choose_time(desk.policy, incident, review["due_at"], now=now)
    if starts_at is None:
        why = "it is not over before the post-mortem is due"
        row = await cancel_meeting(db, desk, incident, review, why=why, now=now)
        await _say_there_is_none(db, desk, incident, row, now=now)
        return
    row = present(await db.one("reviews/meet", incident_id=incident.id, meeting_at=starts_at))
    text = f"Post-mortem meeting called for {utc(starts_at)}, {rules.minutes} minutes"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now)
    await _invite(db, desk, incident, row, now=now)


def choose_time(policy: Policy, incident: Incident, due_at: datetime, *, now: datetime) -> datetime | None:
    """The first time that leaves people a while to themselves; else any that is left before the deadline."""
    rules = policy.reviews.meeting
    rested = max(incident.resolved_at or now, now - rules.not_before) + rules.not_before
    slots = (
        find_slot(policy.calendar, minutes=rules.minutes, earliest=earliest, latest=due_at)
        for earliest in (max(rested, now), now)
    )
    return next((slot for slot in slots if slot is not None), None)


async def cancel_meeting(
    db: Db, desk: Desk, incident: Incident, review: Row, *, why: str, now: datetime
) -> Row:
    """Take the meeting back from everybody who was invited, if it is still to come; the review without it."""
    if review["meeting_at"] is not None and review["meeting_at"] <= now:
        return review
    row = present(await db.one("reviews/meet", incident_id=incident.id, meeting_at=None))
    if review["meeting_at"] is not None:
        taken_back = {**row, "meeting_at": review["meeting_at"]}
        text = f"Post-mortem meeting of {utc(review['meeting_at'])} cancelled: {why}"
        await record(db, incident.id, TimelineKind.NOTE, text, now=now)
        await _invite(db, desk, incident, taken_back, cancelled=why, now=now)
    return row


async def _invite(
    db: Db, desk: Desk, incident: Incident, review: Row, *, cancelled: str = "", now: datetime
) -> None:
    """The invitation to a meeting, or the word that it is cancelled, and why."""
    people = await who_took_part(db, incident, desk.policy, author=review["author"])
    starts_at, minutes = review["meeting_at"], desk.policy.reviews.meeting.minutes
    word = "is cancelled" if cancelled else f"is at {utc(starts_at)}"
    message = compose(
        "review_meeting",
        incident,
        subject=f"Post-mortem meeting of {incident.number} {word}",
        now=now,
        starts_at=starts_at,
        local=desk.policy.calendar.local(starts_at),
        minutes=minutes,
        cancelled=cancelled,
        due_at=review["due_at"],
        people=[desk.policy.people[handle].name for handle in people],
    )
    attached = _attached(desk.policy, incident, review, people, cancelled=bool(cancelled), now=now)
    message = message.model_copy(update={"attachments": attached})
    await send(db, desk, incident, f"review:meeting:{review['meetings']}", message, people=people, now=now)


def _attached(
    policy: Policy, incident: Incident, review: Row, people: list[str], *, cancelled: bool, now: datetime
) -> list[Attachment]:
    """The invitation; none where nobody has an address that it could come from."""
    attendees = {p.email: p.name for p in (policy.people[handle] for handle in people) if p.email}
    if not attendees:
        return []
    return [
        invitation(
            incident,
            starts_at=review["meeting_at"],
            minutes=policy.reviews.meeting.minutes,
            number=review["meetings"],
            organizer=next(iter(attendees)),
            attendees=attendees,
            now=now,
            cancelled=cancelled,
        )
    ]


async def _say_there_is_none(db: Db, desk: Desk, incident: Incident, review: Row, *, now: datetime) -> None:
    try:
        opens = utc(desk.policy.calendar.next_business_time(review["due_at"]))
    except ValueError:
        opens = "not within a year"
    text = (
        f"No post-mortem meeting of {incident.number} fits into business hours before the deadline at "
        f"{utc(review['due_at'])}; the next ones begin: {opens}. Agree on a time yourselves, or move the deadline."
    )
    await record(db, incident.id, TimelineKind.NOTE, text, now=now)
    message = compose(
        "review_no_meeting",
        incident,
        subject=f"No time for a post-mortem meeting of {incident.number}",
        now=now,
        told=text,
    )
    # Not the meeting's own key: the author gets the cancellation as well.
    key = f"review:no_meeting:{review['meetings']}"
    await send(db, desk, incident, key, message, people=[review["author"]], now=now)


async def who_took_part(db: Db, incident: Incident, policy: Policy, *, author: str) -> list[str]:
    """The author, whoever acknowledged, whoever decided on a plan, and whoever else the timeline names as acting."""
    named = [author, incident.acknowledged_by]
    named += [r.approved_by for r in await read_remediations(db, incident.id)]
    named += [entry.actor for entry in await read_timeline(db, incident.id)]
    handles = (handle_of(name, policy) for name in named if name)
    return list(dict.fromkeys(handle for handle in handles if handle))
