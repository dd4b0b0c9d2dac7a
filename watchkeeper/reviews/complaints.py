"""Complaints: what customers said about an incident, noted by a person. One is enough to require a post-mortem."""

from datetime import datetime

from watchkeeper.errors import BadInput
from watchkeeper.model import Incident, TimelineKind
from watchkeeper.paging.desk import Desk
from watchkeeper.rendering import utc
from watchkeeper.reviews.clock import why_settled
from watchkeeper.reviews.opening import require
from watchkeeper.store import Db, Row
from watchkeeper.timeline import record

LONGEST_WORDS = 500


async def note_complaint(
    db: Db, desk: Desk, incident: Incident, complaint: str, *, person: str, now: datetime
) -> str:
    """Note that a customer complained, once; of an incident that is over a post-mortem is due from now on, also where
    one was waived before.

    Returns:
        What has become of it, in words.

    Raises:
        BadInput: there are no words, or nobody is named.
    """
    words, noted_by = complaint.strip()[:LONGEST_WORDS], person.strip()[:100]
    if not words or not noted_by:
        raise BadInput("a complaint needs what the customer said, and who notes it")
    known = {"incident_id": incident.id, "noted_by": noted_by, "words": words}
    if await db.one("complaints/note", **known, now=now) is None:
        return "that was noted before"
    text = f"A customer complained: {words}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, actor=noted_by)
    if incident.is_open:
        return f"noted; a post-mortem is required once {incident.number} is over"
    due_at = now + desk.policy.reviews.complaints_within
    review = await require(db, desk, incident, ["customer_complained"], due_at, now=now)
    if review["published_at"]:
        why = why_settled(incident, review)
        text = f"The complaint is not in it: {why}"
        await record(db, incident.id, TimelineKind.NOTE, text, now=now)
        return f"noted; {why}"
    return f"noted; the post-mortem of {incident.number} is due at {utc(review['due_at'])}"


async def read_complaints(db: Db, incident_id: int) -> list[Row]:
    return await db.all("complaints/read", incident_id=incident_id)
