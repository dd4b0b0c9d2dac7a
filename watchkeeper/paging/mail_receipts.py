"""What became of an email, as SendGrid's events tell it: delivered, or undeliverable and on to the next channel.

Source:
    https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from watchkeeper.channels.email import RECEIPT
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Notification
from watchkeeper.paging.pager import receipt_address, receive_receipt
from watchkeeper.store import Db, Store

# Of what is only under way, as "processed" or "deferred", nothing is to be made.
DELIVERY = {"delivered": True, "bounce": False, "dropped": False}
LONGEST_REASON = 200
LONGEST_NUMBER = 18


async def hear_mail_receipts(
    store: Store, desk: Desk, events: Sequence[Mapping[str, Any]], *, now: datetime
) -> None:
    """Take in what SendGrid reports of our own emails. Hearing an event twice changes nothing."""
    for event in events:
        verdict = DELIVERY.get(str(event.get("event")))
        if verdict is None or RECEIPT not in event:
            continue
        # Each by itself: one transaction over all of them would hold many incidents' locks, in any order.
        async with store.transaction() as db:
            number = await _about(db, desk, str(event[RECEIPT]))
            if number is not None:
                detail = _detail(event)
                await receive_receipt(db, desk, number, delivered=verdict, detail=detail, now=now)


async def _about(db: Db, desk: Desk, address: str) -> int | None:
    """The message that an address stands for; None where it is another installation's, which counts likewise."""
    number = address.rpartition("/")[2].partition("-")[0]
    if not number.isdecimal() or len(number) > LONGEST_NUMBER:
        return None
    row = await db.one("outbox/one", id=int(number))
    if row is None:
        return None
    notification = Notification.model_validate({name: row[name] for name in Notification.model_fields})
    return notification.id if receipt_address(desk.public_url, notification) == address else None


def _detail(event: Mapping[str, Any]) -> str:
    return f"{event['event']} {event.get('reason') or ''}".strip()[:LONGEST_REASON]
