"""Asking one person about a mail or a batch: a link of their own, by text message and by email."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from watchkeeper.decisions import routes_to_person
from watchkeeper.links import create_link
from watchkeeper.model import Channel, Incident
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import tell
from watchkeeper.store import Db

BOTH = (Channel.SMS, Channel.EMAIL)


async def ask(
    db: Db,
    desk: Desk,
    incident: Incident,
    person: str,
    write: Callable[[str], Message],
    *,
    what: str,
    purpose: str,
    about: int,
    life: timedelta,
    now: datetime,
    channels: Sequence[Channel] = BOTH,
    plan_digest: str | None = None,
) -> None:
    """Ask one person.

    Args:
        write: the message, given its link.
        what: makes asking twice one message each.
        purpose: the link's.
        about: the row that the link is about.
        channels: those that are asked on; whoever has none of them is asked on the others.
        plan_digest: binds the link to exactly what was shown.
    """
    for route in routes_to_person(person, channels, desk.policy) or routes_to_person(
        person, BOTH, desk.policy
    ):
        link = await create_link(
            db,
            public_url=desk.public_url,
            purpose=purpose,
            incident_id=incident.id,
            person=person,
            expires_at=now + life,
            plan_digest=plan_digest,
            about=about,
        )
        await tell(db, incident, what, Purpose.APPROVAL, route, write(link), now)
