"""The draft: a document made from rows, in a file that a person edits."""

import asyncio
from datetime import datetime
from pathlib import Path

from watchkeeper import deadlines
from watchkeeper.documents import post_mortem
from watchkeeper.findings import read_findings, read_readings
from watchkeeper.model import Incident, TimelineKind
from watchkeeper.outbox import read_notifications
from watchkeeper.remediations import read_remediations
from watchkeeper.reviews import read_review
from watchkeeper.store import Db
from watchkeeper.timeline import read_timeline, record


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
