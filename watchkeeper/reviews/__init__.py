"""Reviews: whether a post-mortem is due and by when, its draft, its publishing, and what came of its promises.

    needs        required, recommended or optional, and why
    opening      the deadline, the reminders and the draft, set with the end of the incident
    clock        what happens as time passes; moved and waived
    complaints   what customers said
    meeting      who meets over it, and when
    drafting     the document from rows, in a file that a person edits
    publishing   the document as a person left it, shared with the team
    items        what a published post-mortem promises, chased until it is done
    mirrors      those promises as issues elsewhere
    telling      the words of it, to the team's channel and by email

The document itself, its charts and its reading are pure functions under `documents/`.
"""

from watchkeeper.store import Db, Row


async def read_review(db: Db, incident_id: int) -> Row | None:
    """An incident's post-mortem, as far as it has come; None where none is due."""
    return await db.one("reviews/read", incident_id=incident_id)


def is_settled(review: Row) -> bool:
    """Whether nobody waits for it any more."""
    return review["published_at"] is not None or review["waived_at"] is not None
