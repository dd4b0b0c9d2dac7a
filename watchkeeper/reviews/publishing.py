"""Publishing: the post-mortem is shared with the team, and its deadline is met."""

from datetime import datetime

from watchkeeper import deadlines
from watchkeeper.errors import BadInput
from watchkeeper.incidents import change_status
from watchkeeper.model import Incident, Status, TimelineKind
from watchkeeper.reviews import read_review
from watchkeeper.reviews.clock import CLOCKS, why_settled
from watchkeeper.store import Db
from watchkeeper.timeline import record


async def settle(db: Db, incident: Incident, *, person: str, where: str, now: datetime) -> None:
    """The team can read it there: nobody waits for it any more.

    Raises:
        BadInput: there is none to publish, or it is published already.
    """
    row = await db.one("reviews/publish", incident_id=incident.id, person=person, where=where, now=now)
    if row is None:
        raise BadInput(why_settled(incident, await read_review(db, incident.id)))
    await deadlines.meet(db, incident.id, CLOCKS, now=now)
    await change_status(db, incident.id, expected=[Status.RESOLVED], new=Status.REVIEWED, now=now)
    text = f"Post-mortem published by {person}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, actor=person)
