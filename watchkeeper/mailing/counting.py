"""How far mail to customers has come, in numbers: for the incident's page and its timeline. No address is shown."""

from collections.abc import Sequence
from datetime import datetime

from watchkeeper.mailing.model import Mailing, MailingState
from watchkeeper.model import Data, TimelineKind
from watchkeeper.store import Db, Row, present
from watchkeeper.timeline import record

PURPOSES = ("detected", "resolved")


class MailingSeen(Data):
    """A mailing as the incident's page shows it: whose word it has, and what became of its addresses."""

    subject: str
    word: str
    numbers: str
    note: str | None


async def read_counts(db: Db, mailing_id: int) -> Row:
    """How many of a mailing's addresses are waiting, sent, doubtful, bounced and refused."""
    return present(await db.one("mailings/counts", id=mailing_id))


async def read_mailings(db: Db, incident_id: int) -> Sequence[Mailing]:
    """An incident's mailings: none, the start's, or both."""
    rows = [
        await db.one("mailings/of_incident", incident_id=incident_id, purpose=purpose) for purpose in PURPOSES
    ]
    return [Mailing.model_validate(row) for row in rows if row]


async def see_mailings(db: Db, incident_id: int) -> list[MailingSeen]:
    """An incident's mailings for its page."""
    return [
        see(mailing, await read_counts(db, mailing.id)) for mailing in await read_mailings(db, incident_id)
    ]


def see(mailing: Mailing, counts: Row) -> MailingSeen:
    # What held it up is told only as long as somebody waits for it.
    is_held_up = mailing.addresses is None or counts["waiting"]
    note = mailing.note if goes_on(mailing) and is_held_up else None
    numbers = numbers_of(mailing, counts)
    return MailingSeen(subject=mailing.subject, word=word_on(mailing), numbers=numbers, note=note)


def goes_on(mailing: Mailing) -> bool:
    """Whether who waits for it may still be mailed."""
    return mailing.state in (MailingState.PROPOSED, MailingState.APPROVED)


def word_on(mailing: Mailing) -> str:
    """Who has decided on it, and how."""
    if mailing.state is MailingState.PROPOSED:
        return "proposed, nobody has decided yet"
    if mailing.state is MailingState.ENDED:
        return (
            f"approved by {mailing.decided_by}, ended" if mailing.decided_by else "ended, nobody has decided"
        )
    return f"{mailing.state} by {mailing.decided_by}"


def numbers_of(mailing: Mailing, counts: Row) -> str:
    """What became of its addresses."""
    if mailing.addresses is None:
        return "its addresses are not read yet"
    named = {
        "waiting": "waiting" if goes_on(mailing) else "not mailed",
        "sent": "sent",
        "doubtful": "in doubt",
        "bounced": "bounced",
        "refused": "refused",
    }
    return ", ".join(f"{counts[name]:,} {word}" for name, word in named.items())


async def say_if_over(db: Db, mailing_id: int, *, now: datetime) -> None:
    """Put its numbers on the timeline, once nothing of it waits or is on its way any more; again only where addresses came
    to it later."""
    mailing = Mailing.model_validate(present(await db.one("mailings/lock", id=mailing_id)))
    counts = await read_counts(db, mailing_id)
    may_go_on = counts["doubtful"] or (counts["waiting"] and mailing.state is not MailingState.ENDED)
    if mailing.decided_by is None or mailing.addresses is None or may_go_on:
        return
    text = (
        f"Mail to customers has come to its end ({mailing.subject}): {numbers_of(mailing, counts)}. "
        "What bounces later is counted on the incident's page."
    )
    key = f"mail:{mailing.id}:over:{sum(counts.values())}"
    await record(db, mailing.incident_id, TimelineKind.NOTE, text, now=now, key=key)
