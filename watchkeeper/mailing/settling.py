"""What became of a batch: by SendGrid's answer, by its events, or by a person's word."""

from datetime import datetime, timedelta
from typing import Literal

from watchkeeper import messages
from watchkeeper.decisions import routes_to_person
from watchkeeper.incidents import read_incident
from watchkeeper.links import read_link, use_link
from watchkeeper.mailing.asking import BOTH, ask
from watchkeeper.mailing.counting import say_if_over
from watchkeeper.mailing.model import Batch, BatchState, Mailing
from watchkeeper.mailing.sending import Outcome
from watchkeeper.model import Data, Incident, TimelineKind
from watchkeeper.oncall.shifts import shift_at
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import tell
from watchkeeper.store import Db, present
from watchkeeper.timeline import record

LINK_LIFE = timedelta(days=14)
HELD_UP_LINK_LIFE = timedelta(hours=24)
ON_ITS_WAY = [BatchState.CLAIMED, BatchState.DOUBTFUL]
Refusal = Literal["unknown", "expired", "used"]


class DoubtAnswer(Data):
    """What a link about a doubtful batch leads to."""

    incident: Incident | None = None
    mailing: Mailing | None = None
    batch: Batch | None = None
    sent: bool = False
    refusal: Refusal | None = None


async def settle(
    db: Db, desk: Desk, incident: Incident, mailing: Mailing, batch: Batch, outcome: Outcome, *, now: datetime
) -> None:
    """Write down what an answer proves, and what its addresses do next."""
    by = "sendgrid"
    if outcome.proof == "taken":
        await was_sent(db, mailing, batch, by=by, now=now)
    elif outcome.proof == "doubtful":
        await is_doubtful(db, mailing, batch, outcome.why, now=now)
    elif outcome.proof == "refused":
        await _was_refused(db, batch, outcome.why, now=now)
    else:
        await was_not_sent(db, mailing, batch, outcome.why, by=by, now=now)
        if outcome.proof == "held_up":
            due_at = now + desk.policy.customers.pause
            await hold_up(db, desk, incident, mailing, outcome.why, doing="sending", due_at=due_at, now=now)
        else:
            due_at = now + timedelta(seconds=outcome.wait_seconds)
            await db.run("mailings/put_off", id=mailing.id, due_at=due_at, note=outcome.why)
    await say_if_over(db, mailing.id, now=now)


async def hold_up(
    db: Db,
    desk: Desk,
    incident: Incident,
    mailing: Mailing,
    why: str,
    *,
    doing: Literal["reading", "sending"],
    due_at: datetime,
    now: datetime,
) -> None:
    """It cannot leave before somebody mends something. It is tried again by itself; whoever said that it may leave
    believes that customers know, so they hear of it: once of reading the addresses, and once of sending."""
    await db.run("mailings/put_off", id=mailing.id, due_at=due_at, note=why)
    text = f"Mail to customers is held up: {why}. Nobody is lost; it is tried again by itself."
    key = f"held-up:{mailing.id}:{why}"
    await record(db, mailing.incident_id, TimelineKind.NOTE, text, now=now, key=key)
    if mailing.decided_by is None:
        return
    link = desk.own_url(incident, mailing.decided_by, until=now + HELD_UP_LINK_LIFE)
    message = messages.mail_held_up(incident, mailing.subject, why, now=now, link=link)
    for route in routes_to_person(mailing.decided_by, BOTH, desk.policy):
        await tell(db, incident, f"mail:{mailing.id}:held-up:{doing}", Purpose.APPROVAL, route, message, now)


async def was_sent(db: Db, mailing: Mailing, batch: Batch, *, by: str, now: datetime) -> bool:
    """It went out: its addresses are told for good. False when what became of it was known already."""
    if not await _close(db, batch, BatchState.TAKEN, by, None, now):
        return False
    await _mark(db, batch, "sent")
    text = f"Mail to {batch.size} customers went out: {mailing.subject}"
    await record(db, mailing.incident_id, TimelineKind.NOTE, text, now=now, key=f"batch:{batch.id}:sent")
    if mailing.purpose == "detected":
        # Where the end came first, it is now for these too.
        await db.run("mailings/gather_told", incident_id=mailing.incident_id)
    return True


async def was_not_sent(db: Db, mailing: Mailing, batch: Batch, why: str, *, by: str, now: datetime) -> bool:
    """Nobody got it: its addresses wait again. False when what became of it was known already."""
    if not await _close(db, batch, BatchState.NOT_TAKEN, by, why, now):
        return False
    await _mark(db, batch, "waiting")
    return True


async def is_doubtful(db: Db, mailing: Mailing, batch: Batch, why: str, *, now: datetime) -> None:
    """Nobody can tell yet."""
    values = {"id": batch.id, "state": BatchState.DOUBTFUL, "expected": [BatchState.CLAIMED]}
    if await db.one("mailings/settle", **values, by=None, note=why, now=now) is not None:
        await _mark(db, batch, "doubtful", note=why)


async def _was_refused(db: Db, batch: Batch, why: str, *, now: datetime) -> None:
    """One of its addresses is not to SendGrid's liking: in ever smaller portions that one is found."""
    if not await _close(db, batch, BatchState.REFUSED, "sendgrid", why, now):
        return
    if batch.size == 1:
        await _mark(db, batch, "refused", note=why)
    else:
        await _mark(db, batch, "waiting", at_most=(batch.size + 1) // 2)


async def _close(db: Db, batch: Batch, state: BatchState, by: str, why: str | None, now: datetime) -> bool:
    values = {"id": batch.id, "state": state, "expected": ON_ITS_WAY, "by": by, "note": why}
    return await db.one("mailings/settle", **values, now=now) is not None


async def _mark(
    db: Db, batch: Batch, state: str, *, at_most: int | None = None, note: str | None = None
) -> None:
    await db.run("mailings/mark", batch_id=batch.id, state=state, at_most=at_most, note=note)


async def ask_about(db: Db, desk: Desk, incident: Incident, batch: Batch, *, now: datetime) -> None:
    """Nothing has proved it: whoever is on call looks at SendGrid, and says. Who said nothing is asked again, or whoever
    is on call by then: addresses in doubt hear nothing more."""
    before = now - desk.policy.customers.ask_again_after
    if await db.one("mailings/asked", id=batch.id, before=before, now=now) is None:
        return
    shift = await shift_at(db, desk.policy, now=now)
    text = f"In doubt whether mail to {batch.size} customers went out: a person is asked"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now)

    def write(link: str) -> Message:
        return messages.batch_in_doubt(incident, batch.size, batch.category, now=now, link=link)

    await ask(
        db,
        desk,
        incident,
        shift.first,
        write,
        what=f"batch:{batch.id}" if batch.asked_at is None else f"batch:{batch.id}:{now:%Y%m%dT%H%M}",
        purpose="batch",
        about=batch.id,
        life=LINK_LIFE,
        now=now,
    )


async def look_at_doubt(db: Db, link_id: int, *, now: datetime) -> DoubtAnswer:
    """What a link about a doubtful batch shows."""
    link = await read_link(db, link_id, purpose="batch")
    row = await db.one("mailings/batch", id=link.about) if link else None
    if link is None or row is None:
        return DoubtAnswer(refusal="unknown")
    batch = Batch.model_validate(row)
    mailing = Mailing.model_validate(present(await db.one("mailings/one", id=batch.mailing_id)))
    refusal: Refusal | None = None
    if link.used_at is not None or batch.state is not BatchState.DOUBTFUL:
        refusal = "used"
    elif link.expires_at <= now:
        refusal = "expired"
    incident = await read_incident(db, mailing.incident_id)
    return DoubtAnswer(incident=incident, mailing=mailing, batch=batch, refusal=refusal)


async def settle_by_link(db: Db, link_id: int, *, sent: bool, now: datetime) -> DoubtAnswer:
    """A person has looked at SendGrid and says what became of a batch."""
    seen = await look_at_doubt(db, link_id, now=now)
    link = await read_link(db, link_id, purpose="batch")
    if seen.refusal or seen.mailing is None or seen.batch is None or link is None:
        return seen
    if not await use_link(db, link_id, now=now):
        return seen.model_copy(update={"refusal": "used"})
    if sent:
        known = await was_sent(db, seen.mailing, seen.batch, by=link.person, now=now)
    else:
        why = "a person saw that it did not go out"
        known = await was_not_sent(db, seen.mailing, seen.batch, why, by=link.person, now=now)
    if not known:
        return seen.model_copy(update={"refusal": "used"})
    text = f"Mail to {seen.batch.size} customers: {'it went out' if sent else 'it did not go out'}, says {link.person}"
    await record(db, seen.mailing.incident_id, TimelineKind.DECISION, text, now=now, actor=link.person)
    await say_if_over(db, seen.mailing.id, now=now)
    return seen.model_copy(update={"sent": sent})
