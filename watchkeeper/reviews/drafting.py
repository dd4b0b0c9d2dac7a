"""The draft: a document made from rows, with its pictures, in files that a person edits."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from errno import EEXIST
from pathlib import Path

from watchkeeper import deadlines
from watchkeeper.deadlines.promises import read_promises
from watchkeeper.documents.post_mortem import Known, charts, draft, file_name, roles_of
from watchkeeper.documents.reading import pictures_in, placeholders_of
from watchkeeper.documents.runbook import Runbook
from watchkeeper.errors import BadInput
from watchkeeper.findings import read_checks, read_findings, read_missed_payments, read_readings
from watchkeeper.incidents import policy_of
from watchkeeper.machine.files import write_whole
from watchkeeper.model import Incident, TimelineKind
from watchkeeper.oncall.shifts import shift_at
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.remediations import read_remediations
from watchkeeper.reviews import read_review
from watchkeeper.reviews.complaints import read_complaints
from watchkeeper.store import Db, Row
from watchkeeper.timeline import read_timeline, record

MOST_DRAFTS = 10


async def read_known(db: Db, incident: Incident, *, author: str, runbook: Runbook | None = None) -> Known:
    """Everything that the rows say about an incident, for its post-mortem."""
    timeline = await read_timeline(db, incident.id)
    policy = policy_of(incident)
    shift = await shift_at(db, policy, now=incident.detected_at)
    names = [(handle, person.name) for handle, person in policy.people.items()]
    roles = roles_of(names, shift.primary, shift.secondary, (entry.actor for entry in timeline))
    return Known(
        incident,
        timeline=timeline,
        findings=await read_findings(db, incident.id),
        checks=await read_checks(db, incident.id, incident.round) or [],
        missed_payments=await read_missed_payments(db, incident.id, incident.round),
        remediations=await read_remediations(db, incident.id),
        notifications=await read_notifications(db, incident.id),
        deadlines=await deadlines.read_deadlines(db, incident.id),
        promises=await read_promises(db, incident.id),
        readings=await read_readings(db, incident.id),
        complaints=[row["words"] for row in await read_complaints(db, incident.id)],
        roles=roles,
        author_role=roles.get(author, "a colleague"),
        runbook=runbook,
    )


async def write_draft(
    db: Db, incident: Incident, folder: Path, *, now: datetime, runbook: Runbook | None = None
) -> Row | None:
    """Draft the post-mortem from the rows and keep it, once; a person's edits are never written over.

    Where the incident did otherwise than its `runbook` says, the draft offers to change that.
    A folder that cannot be written costs the file, not the draft: that is in its row, and the timeline says so.

    Returns:
        The review with its draft; None where no post-mortem is due.
    """
    review = await read_review(db, incident.id)
    if review is None or review["drafted_at"] is not None:
        return review
    known = await read_known(db, incident, author=review["author"], runbook=runbook)
    try:
        path, text = await asyncio.to_thread(_keep, known, folder / file_name(incident), now)
        where, note = str(path), f"Post-mortem drafted: {path.name}"
    except OSError as error:
        where, text = None, draft(known, stem=Path(file_name(incident)).stem, now=now)
        note = (
            f"Post-mortem drafted, but {folder} cannot be written ({error.strerror}): read it in the Prefect UI, or "
            f"have it elsewhere with: watchkeeper review draft {incident.number} FILE"
        )
    await db.one("reviews/draft", incident_id=incident.id, draft=text, draft_path=where, now=now)
    await record(db, incident.id, TimelineKind.NOTE, note, now=now, key=f"drafted:{review['asks']}")
    return await read_review(db, incident.id)


async def draft_into(
    db: Db, incident: Incident, path: Path, *, now: datetime, runbook: Runbook | None = None
) -> str:
    """Draft it anew into a file of somebody's own; what has become of it, in words.

    Raises:
        BadInput: the file is there already, or cannot be written.
    """
    review = await read_review(db, incident.id)
    known = await read_known(db, incident, author=review["author"] if review else "", runbook=runbook)
    try:
        text = await asyncio.to_thread(_write_new, known, path, now)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error
    return f"{path} is drafted; {len(placeholders_of(text))} marks are yours to fill"


async def pictures_of(db: Db, incident: Incident, text: str, *, author: str) -> dict[str, str]:
    """Those of our pictures that a document shows, drawn from the rows again; each is known by how its name ends."""
    drawn = charts(await read_known(db, incident, author=author), stem="")
    files: dict[str, str] = {}
    for wanted in pictures_in(text):
        fitting = [(ending, picture) for ending, _, picture in drawn if wanted.endswith(ending)]
        if fitting and wanted == Path(wanted).name:  # a name, and no way out of the folder
            files[wanted] = max(fitting, key=lambda each: len(each[0]))[1]
    return files


def _write_new(known: Known, path: Path, now: datetime) -> str:
    text, pictures = _drawn(known, path.stem, now)
    if path.exists():
        raise BadInput(f"{path} is there already; it may hold somebody's work, so name another file")
    write_with_pictures(path, text, pictures)
    return text


def _drawn(known: Known, stem: str, now: datetime) -> tuple[str, dict[str, str]]:
    pictures = {name: picture for name, _, picture in charts(known, stem)}
    return draft(known, stem=stem, now=now), pictures


def _keep(known: Known, path: Path, now: datetime) -> tuple[Path, str]:
    """Write the draft under its name, or the next one where somebody's file has that.

    Raises:
        OSError: the folder cannot be written, or all names are taken.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    own = f"{path.stem}-{known.incident.number.lower()}"
    # A post-mortem that was waived and is required again has a draft there that may hold somebody's work.
    further = [f"{own}-{number}" for number in range(2, MOST_DRAFTS)]
    for name in (path, *map(path.with_stem, [own, *further])):
        text, pictures = _drawn(known, name.stem, now)
        if name.exists() and name.read_text() != text:
            continue  # a person's work; where it is the same, an earlier run wrote it and died
        write_with_pictures(name, text, pictures)
        return name, text
    raise FileExistsError(EEXIST, "its names are taken", str(path))


def write_with_pictures(path: Path, text: str, pictures: Mapping[str, str]) -> None:
    """The document last and whole: where it is, all of it is."""
    for name, picture in pictures.items():
        write_whole(path.with_name(name), picture)
    write_whole(path, text)
