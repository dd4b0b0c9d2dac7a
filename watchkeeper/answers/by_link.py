"""What a person says through the signed link of a page: on the phone's page, or by a key on the call."""

from datetime import datetime

from watchkeeper.answers.effects import answer
from watchkeeper.answers.said import Answer, Said, Verb, Way
from watchkeeper.incidents import read_incident
from watchkeeper.links import read_link, use_link
from watchkeeper.store import Db


async def answer_by_link(
    db: Db,
    public_url: str,
    link_id: int,
    verb: Verb,
    *,
    now: datetime,
    way: Way = Way.PAGE,
    delivery_id: str | None = None,
    reason: str = "",
) -> Answer:
    """Answer as the person whose link it is. It works until it expires, for it changes nothing twice."""
    link = await read_link(db, link_id, purpose="acknowledge")
    if link is None:
        return Answer(verb=verb, refusal="unknown")
    if link.expires_at <= now:
        incident = await read_incident(db, link.incident_id)
        already = incident.acknowledged_at is not None and verb is Verb.ACKNOWLEDGE
        known = Answer(verb=verb, incident=incident, person=link.person, already=already)
        return known if already else known.model_copy(update={"refusal": "expired"})
    said = Said(verb=verb, person=link.person, way=way, delivery_id=delivery_id, reason=reason)
    await use_link(db, link_id, now=now)
    return await answer(db, public_url, link.incident_id, said, now=now)
