"""Publishing: the document as a person left it is shared with the team, and its deadline is met.

What lies outside the store comes first and may be done twice: only once the team can read it is the deadline met. A
process that dies in between finds on the next try what it put there.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from watchkeeper import deadlines
from watchkeeper.documents.action_items import Promise, number_of_items, promises_of
from watchkeeper.documents.blameless import blaming_words
from watchkeeper.documents.post_mortem import file_name
from watchkeeper.documents.reading import Problem, problems_of, section_text
from watchkeeper.errors import BadInput, VendorError, WatchkeeperError
from watchkeeper.incidents import change_status, policy_of, read_incident
from watchkeeper.machine.files import write_whole
from watchkeeper.model import Incident, Status, TimelineKind
from watchkeeper.paging.desk import Desk
from watchkeeper.reviews import is_settled, read_review
from watchkeeper.reviews.clock import CLOCKS, why_settled
from watchkeeper.reviews.drafting import pictures_of
from watchkeeper.reviews.items import last_day, save_promises
from watchkeeper.reviews.telling import tell_team
from watchkeeper.store import Db, Row, Store
from watchkeeper.timeline import record

LARGEST_BYTES = 1_000_000
FOLDER = "post-mortems"
SUMMARY_SHOWN = 600


class Shelf(Protocol):
    """Where the team reads post-mortems: its folder, or a repository."""

    async def holds(self, name: str) -> bool:
        """Whether there is a document of this name already.

        Raises:
            OSError, VendorError: it cannot be told.
        """

    async def put(self, name: str, files: Mapping[str, str], incident: Incident) -> str:
        """Put the document and its pictures there, by file name; twice is once.

        Returns:
            Where it is read: a path, or an address.

        Raises:
            OSError, VendorError: it is not there, or nobody knows.
        """


class FolderShelf:
    """The team's folder: `post-mortems/` in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    async def holds(self, name: str) -> bool:
        return await asyncio.to_thread((self._folder / name).exists)

    async def put(self, name: str, files: Mapping[str, str], incident: Incident) -> str:
        for each, text in sorted(files.items(), key=lambda file: file[0] == name):  # the document last
            await asyncio.to_thread(write_whole, self._folder / each, text)
        return str(self._folder / name)


class Examined(NamedTuple):
    """A document, looked at: what keeps it from being published, what it promises, and advice that keeps nothing."""

    problems: list[Problem]
    promises: list[Promise]
    advice: list[Problem]


def examine_document(text: str, incident: Incident, *, now: datetime) -> Examined:
    """What is lost, empty, still to fill or impossible; and, as advice, what blames."""
    policy = policy_of(incident)
    latest = last_day(policy.calendar, now)
    promises = promises_of(text, not_before=incident.started_at.date(), not_after=latest)
    people = policy.people
    names = [*people, *(person.name for person in people.values())]
    problems = sorted([*problems_of(text), *promises.problems], key=lambda problem: problem.line)
    return Examined(problems, promises.made, blaming_words(text, list(dict.fromkeys(names))))


def read_document(path: Path) -> str:
    """A document as a person left it.

    Raises:
        BadInput: it cannot be read, or is no text of a document's size.
    """
    try:
        data = path.read_bytes()
        if len(data) > LARGEST_BYTES:
            raise BadInput(f"{path} is larger than {LARGEST_BYTES // 1_000_000} MB; is it the document?")
        return data.decode()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}); name the document with --file") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8; save it as that") from error


async def document_to_publish(db: Db, incident: Incident, file: Path | None) -> str:
    """The document that a person edited: the draft, or the file that they name.

    Raises:
        BadInput: no post-mortem is waited for, or the file cannot be read.
    """
    review = await waited_for(db, incident)
    path = file or (Path(review["draft_path"]) if review["draft_path"] else None)
    if path is None:
        raise BadInput(
            f"{incident.number} has no draft in a file yet; have one with "
            f"`watchkeeper review draft {incident.number} FILE`, edit it, and name it with --file"
        )
    return await asyncio.to_thread(read_document, path)


async def waited_for(db: Db, incident: Incident) -> Row:
    """The post-mortem that somebody waits for.

    Raises:
        BadInput: nobody does; why not.
    """
    review = await read_review(db, incident.id)
    if review is None or is_settled(review):
        raise BadInput(why_settled(incident, review))
    return review


async def publish(
    store: Store, desk: Desk, shelf: Shelf, incident: Incident, text: str, *, person: str, now: datetime
) -> str:
    """Share a post-mortem with the team: put it where the team reads it, tell the team, meet the deadline, and keep
    what it promises.

    Returns:
        Where it is read.

    Raises:
        BadInput: something is lost or still to fill, with its line; or nobody waits for it, or nobody is named.
        WatchkeeperError: it cannot be put there. Nothing is lost, and the deadline stands.
    """
    if not person.strip():
        raise BadInput("say who publishes it")
    await waited_for(store, incident)
    examined = examine_document(text, incident, now=now)
    if examined.problems:
        raise BadInput(
            "\n".join([f"the post-mortem of {incident.number} is not ready:", *map(str, examined.problems)])
        )
    try:
        where = await _put(store, shelf, incident, text)
    except (VendorError, OSError) as error:
        why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        raise WatchkeeperError(
            f"the post-mortem of {incident.number} is not published: {why}. "
            "Your document is as you left it, and the deadline stands; publish again once that is mended"
        ) from error
    async with store.transaction() as db:
        await settle(db, incident, person=person.strip()[:100], where=where, now=now)
        await save_promises(db, desk, incident, examined.promises, now=now)
        await _tell(db, desk, incident, text, where, examined.promises, now=now)
    return where


async def _put(store: Store, shelf: Shelf, incident: Incident, text: str) -> str:
    name = await _name(store, shelf, incident)
    review = await waited_for(store, incident)
    pictures = await pictures_of(store, incident, text, author=review["author"])
    return await shelf.put(name, {name: text, **pictures}, incident)


async def _name(store: Store, shelf: Shelf, incident: Incident) -> str:
    """Its file's name, claimed before anything is written: what is there under another's name is not ours."""
    review = await waited_for(store, incident)
    if review["file_name"]:
        return str(review["file_name"])
    usual = Path(review["draft_path"] or file_name(incident)).name
    numbered = str(Path(usual).with_stem(f"{Path(usual).stem}-{incident.number.lower()}"))
    free = numbered if await shelf.holds(usual) else usual
    row = await store.one("reviews/claim_name", incident_id=incident.id, name=free)
    if row is None:
        row = await store.one("reviews/claim_name", incident_id=incident.id, name=numbered)
    return str(row["file_name"]) if row else numbered


async def _tell(
    db: Db,
    desk: Desk,
    incident: Incident,
    text: str,
    where: str,
    promises: Sequence[Promise],
    *,
    now: datetime,
) -> None:
    reviewed = await read_incident(db, incident.id)
    await tell_team(
        db,
        desk,
        reviewed,
        "published",
        subject=f"Post-mortem of {incident.number} is published: {incident.summary}",
        template="review_published",
        now=now,
        where=where,
        told=section_text(text, "Summary")[:SUMMARY_SHOWN],
        promises=promises,
        count=number_of_items(promises),
    )


async def settle(db: Db, incident: Incident, *, person: str, where: str, now: datetime) -> None:
    """The team can read it there: nobody waits for it any more.

    Raises:
        BadInput: there is none to publish, or it is published already.
    """
    row = await db.one("reviews/publish", incident_id=incident.id, person=person, where=where, now=now)
    if row is None:
        raise BadInput(why_settled(incident, await read_review(db, incident.id)))
    await deadlines.meet(db, incident.id, CLOCKS, now=now)
    await change_status(db, incident.id, expected=[Status.RESOLVED], new=Status.REVIEWED, now=now)
    text = f"Post-mortem published by {person}: {where}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, actor=person)
