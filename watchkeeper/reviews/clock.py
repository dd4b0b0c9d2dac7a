"""The review's clock: reminders before the deadline, at it and daily after it; moved, or waived by a person."""

from datetime import datetime

from watchkeeper import deadlines
from watchkeeper.deadlines import set_deadline
from watchkeeper.errors import BadInput
from watchkeeper.model import Deadline, DeadlineKind, Incident, TimelineKind
from watchkeeper.paging.desk import Desk
from watchkeeper.rendering import utc
from watchkeeper.reviews import is_settled, read_review
from watchkeeper.reviews.meeting import call_meeting, cancel_meeting
from watchkeeper.reviews.telling import remind_author
from watchkeeper.store import Db, Row, present
from watchkeeper.timeline import record

CLOCKS = (DeadlineKind.REVIEW, DeadlineKind.REVIEW_REMINDER)


async def set_clock(db: Db, desk: Desk, incident: Incident, due_at: datetime, *, now: datetime) -> None:
    """The deadline and the reminder before it, in place of those that were."""
    await deadlines.cancel(db, incident.id, CLOCKS, now=now)
    reminder = due_at - desk.policy.response.remind_author_before
    await set_next(db, incident.id, DeadlineKind.REVIEW_REMINDER, max(reminder, now), now=now)
    await set_next(db, incident.id, DeadlineKind.REVIEW, due_at, now=now)


async def set_next(db: Db, incident_id: int, kind: DeadlineKind, due_at: datetime, *, now: datetime) -> None:
    """One more deadline of this kind: those that rang or were cancelled keep their numbers."""
    highest = present(await db.one("deadlines/highest", incident_id=incident_id, kind=kind))
    await set_deadline(db, incident_id, kind, highest["number"] + 1, due_at, now=now)


async def remind(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> None:
    """Remind the author before the deadline and at it, then daily, the other person on call as well, until the
    post-mortem is published or waived."""
    review = await read_review(db, incident.id)
    if review is None or is_settled(review):
        return
    is_early = deadline.due_at < review["due_at"]
    if is_early and review["due_at"] <= now:
        return  # nobody was there to give it in time, and the deadline itself speaks now
    is_late = deadline.kind is DeadlineKind.REVIEW_REMINDER and not is_early
    key = f"review:{deadline.kind}:{deadline.number}"
    await remind_author(db, desk, incident, review, key=key, second=is_late, now=now)
    if not is_early:
        again = now + desk.policy.response.remind_author_every
        await set_next(db, incident.id, DeadlineKind.REVIEW_REMINDER, again, now=now)


async def move(
    db: Db, desk: Desk, incident: Incident, due_at: datetime, *, person: str, reason: str, now: datetime
) -> None:
    """Have the post-mortem later, or sooner.

    Raises:
        BadInput: nobody is named, no reason is given, the time is past, or nobody waits for it.
    """
    person, reason = _signed("move", person, reason)
    if due_at <= now:
        raise BadInput(f"{utc(due_at)} is past; name a time to come")
    row = await db.one("reviews/move", incident_id=incident.id, due_at=due_at)
    if row is None:
        raise BadInput(await _why_not(db, incident))
    await set_clock(db, desk, incident, due_at, now=now)
    await call_meeting(db, desk, incident, row, now=now)
    text = f"Post-mortem moved to {utc(due_at)} by {person}: {reason}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, actor=person)


async def waive(db: Db, desk: Desk, incident: Incident, *, person: str, reason: str, now: datetime) -> None:
    """Have no post-mortem.

    Raises:
        BadInput: nobody is named, no reason is given, or nobody waits for it.
    """
    person, reason = _signed("waive", person, reason)
    row = await db.one("reviews/waive", incident_id=incident.id, person=person, reason=reason, now=now)
    if row is None:
        raise BadInput(await _why_not(db, incident))
    await deadlines.cancel(db, incident.id, CLOCKS, now=now)
    await cancel_meeting(db, desk, incident, row, why="there will be no post-mortem", now=now)
    text = f"Post-mortem waived by {person}: {reason}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, actor=person)


def _signed(verb: str, person: str, reason: str) -> tuple[str, str]:
    if not person.strip() or not reason.strip():
        raise BadInput(f"to {verb} a post-mortem takes a name and a reason, which go on the timeline")
    return person.strip()[:100], reason.strip()[:500]


async def _why_not(db: Db, incident: Incident) -> str:
    return why_settled(incident, await read_review(db, incident.id))


def why_settled(incident: Incident, review: Row | None) -> str:
    """Why nobody waits for an incident's post-mortem, as a sentence."""
    if review is None:
        return f"{incident.number} has no post-mortem to wait for"
    if review["published_at"]:
        return f"the post-mortem of {incident.number} is published already: {review['published_to']}"
    return f"the post-mortem of {incident.number} was waived by {review['waived_by']}: {review['waived_because']}"
