"""SendGrid's events: what proves that a batch went out, and whose mail came back.

Source:
    https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from watchkeeper.mailing.counting import say_if_over
from watchkeeper.mailing.model import Batch, Mailing
from watchkeeper.mailing.settling import was_sent
from watchkeeper.store import Db, present

# SendGrid knows of a mail only what it has taken, and it takes a request whole.
PROVE_TAKEN = frozenset({"processed", "delivered", "deferred", "bounce", "dropped"})
CAME_BACK = frozenset({"bounce", "dropped"})
LONGEST_REASON = 300


async def hear_events(db: Db, events: Sequence[Mapping[str, Any]], *, now: datetime) -> int:
    """Take in what SendGrid reports; how many of the events were about mail of ours. Hearing one twice changes nothing."""
    ours, mailings = 0, set()
    for event in events:
        batch, mailing = await _about(db, event) or (None, None)
        if batch is None or mailing is None or event.get("event") not in PROVE_TAKEN:
            continue
        ours += 1
        if await was_sent(db, mailing, batch, by="sendgrid", now=now):
            mailings.add(mailing.id)  # what was known to be out already cannot end a mailing now
        if event["event"] in CAME_BACK:
            note = f"{event['event']}: {event.get('reason') or event.get('response') or ''}"[:LONGEST_REASON]
            address = str(event.get("email", "")).lower()
            await db.run("mailings/bounce", batch_id=batch.id, address=address, note=note)
            await db.run("mailings/untell", id=mailing.id, address=address)
    for mailing_id in sorted(mailings):
        await say_if_over(db, mailing_id, now=now)
    return ours


async def _about(db: Db, event: Mapping[str, Any]) -> tuple[Batch, Mailing] | None:
    number = str(event.get("watchkeeper_batch", ""))
    row = await db.one("mailings/batch", id=int(number)) if number.isdecimal() and len(number) < 19 else None
    if row is None:
        return None
    mailing = Mailing.model_validate(present(await db.one("mailings/one", id=row["mailing_id"])))
    # Another installation numbers its batches likewise.
    is_ours = event.get("watchkeeper_mailing") == mailing.mark
    return (Batch.model_validate(row), mailing) if is_ours else None
