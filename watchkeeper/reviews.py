"""Reviews: the post-mortem's draft, its deadline and the reminders before it."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from watchkeeper import deadlines
from watchkeeper.deadlines import set_deadline
from watchkeeper.decisions import needs_review
from watchkeeper.documents import post_mortem
from watchkeeper.findings import read_findings, read_readings
from watchkeeper.incidents import change_status, policy_of
from watchkeeper.model import Deadline, DeadlineKind, Incident, Status, TimelineKind
from watchkeeper.motor import ask_motor
from watchkeeper.outbox import read_notifications
from watchkeeper.paging import Desk, remind_review
from watchkeeper.remediations import read_remediations
from watchkeeper.shifts import shift_at
from watchkeeper.store import Db, Row
from watchkeeper.timeline import read_timeline, record

# How long a draft may take before it is asked for again.
DRAFT_GRACE = timedelta(seconds=60)


async def open_review(db: Db, incident: Incident, *, now: datetime) -> datetime | None:
    """Set the post-mortem's deadline, where the guide requires one; when it is due."""
    policy = policy_of(incident)
    within = needs_review(incident, policy)
    if within is None:
        return None
    due_at = now + within
    author = incident.acknowledged_by or (await shift_at(db, policy, now=now)).primary
    row = await db.one("reviews/open", incident_id=incident.id, due_at=due_at, author=author, now=now)
    if row is None:
        return due_at
    await ask_for_draft(db, row, now=now)
    reminder = due_at - policy.response.remind_author_before
    await set_deadline(db, incident.id, DeadlineKind.REVIEW_REMINDER, 1, max(reminder, now), now=now)
    await set_deadline(db, incident.id, DeadlineKind.REVIEW, 1, due_at, now=now)
    return due_at


async def ask_for_draft(db: Db, review: Row, *, now: datetime) -> None:
    """Have Prefect run the review, once per time of asking."""
    incident_id, asks = review["incident_id"], review["asks"]
    await ask_motor(db, f"review:{incident_id}:{asks}", incident_id, "review", now=now, detail={"asks": asks})


async def ask_again_for_drafts(db: Db, *, now: datetime) -> None:
    """A review's run may die like any other: what was asked for and has not come is asked for again."""
    for row in await db.all("reviews/ask_again", now=now, before=now - DRAFT_GRACE):
        await ask_for_draft(db, row, now=now)


async def write_draft(db: Db, incident: Incident, folder: Path, *, now: datetime) -> Path:
    """Draft the post-mortem from the rows and keep it, once; a person's edits are never written over.

    Returns:
        Where the draft is.
    """
    known = await read_review(db, incident.id)
    if known and known["draft_path"]:
        return Path(known["draft_path"])
    text = post_mortem.draft(
        incident,
        await read_timeline(db, incident.id),
        await read_findings(db, incident.id),
        await read_remediations(db, incident.id),
        await read_notifications(db, incident.id),
        await deadlines.read_deadlines(db, incident.id),
        author_role="the primary on-call",
        now=now,
        readings=await read_readings(db, incident.id),
    )
    path = await asyncio.to_thread(
        _write_new, folder / post_mortem.file_name(incident), incident.number, text
    )
    await db.one("reviews/draft", incident_id=incident.id, draft=text, draft_path=str(path), now=now)
    note = f"Post-mortem drafted: {path.name}"
    await record(db, incident.id, TimelineKind.NOTE, note, now=now, key="drafted")
    return path


def _write_new(path: Path, number: str, text: str) -> Path:
    """Write a file that is not there yet; where one is, it may hold a person's work: take the next name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    free = path if not path.exists() else path.with_stem(f"{path.stem}-{number.lower()}")
    free.write_text(text)
    return free


async def read_review(db: Db, incident_id: int) -> Row | None:
    return await db.one("reviews/read", incident_id=incident_id)


async def remind(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> None:
    """Remind the author before the deadline and at it, then daily until the post-mortem is published."""
    review = await read_review(db, incident.id)
    if review is None or review["published_at"] is not None:
        return
    number = deadline.number if deadline.kind is DeadlineKind.REVIEW_REMINDER else 100 + deadline.number
    await remind_review(
        db,
        desk,
        incident,
        author=review["author"],
        due_at=review["due_at"],
        draft_path=review["draft_path"],
        number=number,
        now=now,
    )
    # The reminder before the deadline is number 1; those after it come daily.
    if deadline.kind is DeadlineKind.REVIEW or deadline.number > 1:
        again = now + desk.policy.response.remind_author_every
        await set_deadline(db, incident.id, DeadlineKind.REVIEW_REMINDER, deadline.number + 1, again, now=now)


async def publish(db: Db, incident: Incident, person: str, *, now: datetime) -> bool:
    """The post-mortem is shared with the team: its deadline is met. False when there is none to publish."""
    if await db.one("reviews/publish", incident_id=incident.id, now=now) is None:
        return False
    clocks = [DeadlineKind.REVIEW, DeadlineKind.REVIEW_REMINDER]
    await deadlines.meet(db, incident.id, clocks, now=now)
    await change_status(db, incident.id, expected=[Status.RESOLVED], new=Status.REVIEWED, now=now)
    text = f"Post-mortem published by {person}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, actor=person)
    return True
