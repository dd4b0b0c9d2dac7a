"""The outbox: one row per message, recipient and channel, from pending to delivered or failed.

Enqueueing is part of the transaction that makes the message necessary; sending is the pager's work.
"""

from datetime import datetime
from typing import NamedTuple

from watchkeeper.decisions import Route, priority_of
from watchkeeper.model import Incident
from watchkeeper.paging.model import Message, Notification, Purpose
from watchkeeper.store import Db


class Told(NamedTuple):
    recipient: str
    channel: str


async def enqueue(
    db: Db,
    *,
    key: str,
    incident_id: int | None,
    purpose: Purpose,
    route: Route,
    message: Message,
    now: datetime,
) -> bool:
    """Put one message into the outbox; the pager wakes when this transaction commits.

    Args:
        key: what this message is; the recipient and channel are added. Asking twice is one message.

    Returns:
        Whether it is new.
    """
    added = await db.one(
        "outbox/enqueue",
        key=f"{key}:{route.recipient}:{route.channel}",
        incident_id=incident_id,
        purpose=purpose,
        recipient=route.recipient,
        channel=route.channel,
        fallback=[channel.value for channel in route.fallback],
        message=message.model_dump(mode="json"),
        priority=priority_of(purpose),
        now=now,
    )
    return added is not None


async def tell(
    db: Db,
    incident: Incident,
    what: str,
    purpose: Purpose,
    route: Route,
    message: Message,
    now: datetime,
) -> bool:
    """Put a message about an incident into the outbox. `what` makes telling twice one message.

    Returns:
        Whether it is new.
    """
    return await enqueue(
        db,
        key=f"{incident.number}:{what}",
        incident_id=incident.id,
        purpose=purpose,
        route=route,
        message=message,
        now=now,
    )


async def read_notifications(db: Db, incident_id: int) -> list[Notification]:
    rows = await db.all("outbox/read", incident_id=incident_id)
    return [Notification.model_validate(row) for row in rows]


async def told_of_start(db: Db, incident_id: int) -> list[Told]:
    """Who was reached about the start of an incident; "resolved" goes to them and to nobody else."""
    rows = await db.all("outbox/told_of_start", incident_id=incident_id)
    return [Told(row["recipient"], row["channel"]) for row in rows]
