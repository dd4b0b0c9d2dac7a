"""The beginning of a review, in the transaction that ends the incident: its deadline, its reminders and its draft."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from watchkeeper.errors import BadInput
from watchkeeper.findings import PAYMENTS_MISSED
from watchkeeper.model import Incident, TimelineKind
from watchkeeper.motor import ask_motor
from watchkeeper.oncall.shifts import shift_at
from watchkeeper.paging.desk import Desk
from watchkeeper.policy import Policy
from watchkeeper.policy.roles import payments_name
from watchkeeper.rendering import utc, words
from watchkeeper.reviews import read_review
from watchkeeper.reviews.clock import set_clock, why_settled
from watchkeeper.reviews.meeting import call_meeting
from watchkeeper.reviews.needs import PAYMENT_ACTIONS, PAYMENT_CAUSES, Facts, judge_need
from watchkeeper.reviews.telling import tell_team
from watchkeeper.store import Db, Row, present
from watchkeeper.timeline import record

# How long a draft may take before it is asked for again.
DRAFT_GRACE = timedelta(seconds=60)


async def open_review(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> datetime | None:
    """Set the post-mortem's deadline where the guide requires one, or recommend it; when it is due."""
    need = judge_need(incident, await read_facts(db, incident, desk.policy, now=now), desk.policy)
    if need.within is not None:
        review = await require(db, desk, incident, need.reasons, now + need.within, now=now)
        due_at: datetime = review["due_at"]
        return due_at
    if need.choice == "recommended":
        await _recommend(db, desk, incident, need.reasons, now=now)
    return None


async def read_facts(db: Db, incident: Incident, policy: Policy, *, now: datetime) -> Facts:
    row = await db.one(
        "reviews/facts",
        id=incident.id,
        payment_causes=list(PAYMENT_CAUSES),
        payment_actions=list(PAYMENT_ACTIONS),
        payments=payments_name(policy),
        payments_missed=PAYMENTS_MISSED,
        since=now - policy.reviews.repeated_within,
        grace=policy.telling.promise_grace,
        now=now,
    )
    return Facts.model_validate(present(row))


async def require(
    db: Db, desk: Desk, incident: Incident, reasons: Sequence[str], due_at: datetime, *, now: datetime
) -> Row:
    """A post-mortem is due by then. Where one is already, or is published, that one stays; one that was waived is due
    again: whoever waived it did not know of this.

    Returns:
        The review as it is now.
    """
    before = await read_review(db, incident.id)
    row = await db.one(
        "reviews/open",
        incident_id=incident.id,
        reasons=list(reasons),
        due_at=due_at,
        author=await author_of(db, incident, desk.policy, now=now),
        now=now,
    )
    if row is None:
        return present(await read_review(db, incident.id))
    text = f"Post-mortem required by {utc(due_at)}: {in_words(reasons)}"
    if before is not None:
        text += f". It was waived by {before['waived_by']} before that: {before['waived_because']}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, key=f"review:{row['asks']}")
    await ask_for_draft(db, row, now=now)
    await set_clock(db, desk, incident, due_at, now=now)
    await call_meeting(db, desk, incident, row, now=now)
    return row


async def require_by_hand(db: Db, desk: Desk, incident: Incident, *, person: str, now: datetime) -> datetime:
    """Somebody wants a post-mortem that the guide leaves to people, or that was waived; when it is due.

    Raises:
        BadInput: the incident is not over yet, nobody is named, or it is published already.
    """
    if incident.is_open:
        raise BadInput(f"{incident.number} is not over yet; its post-mortem comes after that")
    if not person.strip():
        raise BadInput("say who asks for the post-mortem")
    due_at = now + desk.policy.reviews.complaints_within
    review = await require(db, desk, incident, [f"asked_for_by_{person.strip()}"], due_at, now=now)
    if review["published_at"]:
        raise BadInput(why_settled(incident, review))
    due: datetime = review["due_at"]
    return due


async def _recommend(
    db: Db, desk: Desk, incident: Incident, reasons: Sequence[str], *, now: datetime
) -> None:
    text = f"A post-mortem is recommended, not required: {in_words(reasons)}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, key="review")
    await tell_team(
        db,
        desk,
        incident,
        "recommended",
        subject=text,
        template="review_recommended",
        now=now,
        reasons=reasons,
    )


async def author_of(db: Db, incident: Incident, policy: Policy, *, now: datetime) -> str:
    """Whoever answered, if that is somebody who can be reminded; else the primary on call."""
    answered = incident.acknowledged_by
    return (
        answered if answered and answered in policy.people else (await shift_at(db, policy, now=now)).primary
    )


def in_words(reasons: Sequence[str]) -> str:
    return "; ".join(words(reason) for reason in reasons)


async def ask_for_draft(db: Db, review: Row, *, now: datetime) -> None:
    """Have Prefect run the review, once per time of asking."""
    incident_id, asks = review["incident_id"], review["asks"]
    await ask_motor(db, f"review:{incident_id}:{asks}", incident_id, "review", now=now, detail={"asks": asks})


async def ask_again_for_drafts(db: Db, *, now: datetime) -> None:
    """A review's run may die like any other: what was asked for and has not come is asked for again."""
    for row in await db.all("reviews/ask_again", now=now, before=now - DRAFT_GRACE):
        await ask_for_draft(db, row, now=now)
