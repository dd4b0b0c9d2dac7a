"""After each page one question, "was this worth waking you?", whose answers are counted per rule.

It is asked when the incident is over, once of each person whom a page reached; the answer is signed and counts once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from watchkeeper.decisions import LOUDNESS
from watchkeeper.links import Link, create_link, read_link, use_link
from watchkeeper.model import Channel, Data, Incident, Kind, TimelineKind
from watchkeeper.paging.outbox import Told
from watchkeeper.store import Db
from watchkeeper.timeline import record

# Nobody remembers for longer how bad the night was.
QUESTION_LIFE = timedelta(days=14)
PURPOSE = "worth"

Refusal = Literal["unknown", "expired", "used"]


class Question(Data):
    """The question to one person about one incident. `link` as in a message: its signature is still to be filled in."""

    person: str
    link: str
    worth: bool | None = None


class WorthOfRule(Data):
    """How often people were woken by one rule, and what they said of it afterwards.

    `judged` names why it was so severe, as in "kind_site_outage".
    """

    kind: Kind
    source: str
    service: str
    judged: str
    asked: int
    worth: int
    not_worth: int

    @property
    def unanswered(self) -> int:
        return self.asked - self.worth - self.not_worth


async def ask_worth(db: Db, public_url: str, incident: Incident, *, now: datetime) -> dict[str, str]:
    """Ask everyone whom a page of this incident reached.

    Returns:
        The link of each, by handle.
    """
    links = {}
    for row in await db.all("worth/woken", incident_id=incident.id):
        person = row["recipient"]
        links[person] = await create_link(
            db,
            public_url=public_url,
            purpose=PURPOSE,
            incident_id=incident.id,
            person=person,
            expires_at=now + QUESTION_LIFE,
        )
        await db.run("worth/ask", incident_id=incident.id, person=person, link=links[person], now=now)
    return links


def written_to(person: str, told: Sequence[Told]) -> Told | None:
    """Of the ways by which somebody hears that it is over, the one that carries the question: the quietest."""
    ways = [each for each in told if each.recipient == person]
    return min(ways, key=lambda each: LOUDNESS.index(Channel(each.channel)), default=None)


async def read_questions(db: Db, incident_id: int) -> list[Question]:
    """What was asked about an incident, with the answers."""
    rows = await db.all("worth/questions", incident_id=incident_id)
    return [Question.model_validate(row) for row in rows]


async def look_at_question(db: Db, link_id: int, *, now: datetime) -> Link | Refusal:
    """The question behind a link, or why it can no longer be answered."""
    link = await read_link(db, link_id, purpose=PURPOSE)
    if link is None:
        return "unknown"
    if link.used_at is not None:
        return "used"
    return "expired" if link.expires_at <= now else link


async def answer_worth(db: Db, link_id: int, *, worth: bool, now: datetime) -> Link | Refusal:
    """Answer through a link: once, by this person, about this incident."""
    link = await look_at_question(db, link_id, now=now)
    if not isinstance(link, Link):
        return link
    if not await use_link(db, link_id, now=now):
        return "used"
    await db.run("worth/answer", incident_id=link.incident_id, person=link.person, worth=worth, now=now)
    text = f"{link.person} says that it was {'worth' if worth else 'not worth'} waking them"
    await record(db, link.incident_id, TimelineKind.NOTE, text, now=now, actor=link.person)
    return link


async def read_worth(db: Db, *, since: datetime, until: datetime) -> list[WorthOfRule]:
    """Each rule that woke somebody in an incident that began in this time, the least worth it first."""
    rows = await db.all("worth/by_rule", since=since, until=until)
    return [WorthOfRule.model_validate(row) for row in rows]
