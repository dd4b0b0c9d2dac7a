"""Complaints: what customers said about an incident, noted by a person. One is enough to require a post-mortem."""

from datetime import datetime

from watchkeeper.errors import BadInput
from watchkeeper.model import Incident, TimelineKind
from watchkeeper.paging import Desk
from watchkeeper.reviews.opening import require
from watchkeeper.store import Db, Row
from watchkeeper.timeline import record

LONGEST_WORDS = 500


async def note_complaint(
    db: Db, desk: Desk, incident: Incident, complaint: str, *, person: str, now: datetime
) -> bool:
    """Note that a customer complained, once; of an incident that is over a post-mortem is due from now on.

    Returns:
        Whether it is new.

    Raises:
        BadInput: there are no words, or nobody is named.
    """
    words, noted_by = complaint.strip()[:LONGEST_WORDS], person.strip()[:100]
    if not words or not noted_by:
        raise BadInput("a complaint needs what the customer said, and who notes it")
    known = {"incident_id": incident.id, "noted_by": noted_by, "words": words}
    if await db.one("complaints/note", **known, now=now) is None:
        return False
    text = f"A customer complained: {words}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, actor=noted_by)
    if not incident.is_open:
        due_at = now + desk.policy.reviews.complaints_within
        await require(db, desk, incident, ["customer_complained"], due_at, now=now)
    return True


async def read_complaints(db: Db, incident_id: int) -> list[Row]:
    return await db.all("complaints/read", incident_id=incident_id)
