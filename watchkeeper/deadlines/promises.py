"""The promised update: every so often the team hears where it stands, and each update says when the next is due.

Whoever has the incident gets a draft before that, made of the timeline's facts alone, to send with one tap or to
say better. If nobody sends it, the same facts go out at the time that was promised. What kept each promise is a row.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime

from watchkeeper import messages
from watchkeeper.deadlines import meet_one, next_deadline, set_deadline
from watchkeeper.deadlines.comebacks import comes_back_at, heard_from
from watchkeeper.decisions import routes_to_person, status_in_words
from watchkeeper.incidents import read_incident
from watchkeeper.links import create_link, read_link, use_link
from watchkeeper.model import Channel, Data, Deadline, DeadlineKind, Incident, TimelineEntry, TimelineKind
from watchkeeper.paging.desk import Desk, desk_of, update_key, update_team
from watchkeeper.paging.model import Purpose
from watchkeeper.paging.outbox import tell
from watchkeeper.policy import Policy
from watchkeeper.rendering import clock_time, duration, one_line
from watchkeeper.store import Db
from watchkeeper.timeline import NEWS, read_timeline, record

# A draft is read on a phone: so many facts, each so long.
FACTS = 3
FACT_LENGTH = 200
BY_ITSELF = "watchkeeper"


class PromisedUpdate(Data):
    """One promise. `kept_by` is who wrote what kept it; `sent_at` is when that reached the team's channel."""

    id: int
    incident_id: int
    number: int
    due_at: AwareDatetime
    draft: str | None
    kept_by: str | None
    notification_key: str | None
    sent_at: AwareDatetime | None = None

    def was_kept(self, grace: timedelta) -> bool:
        return self.sent_at is not None and self.sent_at <= self.due_at + grace


Refusal = Literal["unknown", "expired", "used", "over"]


class Sent(Data):
    """What a link to a draft led to; `refusal` says why it led to nothing."""

    incident: Incident | None = None
    promise: PromisedUpdate | None = None
    text: str = ""
    refusal: Refusal | None = None


async def set_promise(db: Db, policy: Policy, incident: Incident, number: int, *, now: datetime) -> None:
    """The next update, and the reminder before it."""
    every = policy.rule(incident.severity).update_every
    if every is None:
        return
    await set_deadline(db, incident.id, DeadlineKind.UPDATE, number, now + every, now=now)
    before = every - policy.telling.remind_update_before
    if before > timedelta():
        await set_deadline(db, incident.id, DeadlineKind.UPDATE_REMINDER, number, now + before, now=now)


async def remind_of_promise(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """Offer the draft to whoever has the incident. While nobody has it, there is no one to disturb for this."""
    due = await next_deadline(db, incident.id, DeadlineKind.UPDATE)
    person = incident.acknowledged_by
    if due is None or due.number != deadline.number or due.due_at <= now or not incident.is_open:
        return  # sent, over, or nobody looked at the clocks for so long that it goes out right away
    if person is None or person not in desk.policy.people:
        return
    draft = facts(incident, await read_timeline(db, incident.id), now=now)
    row = await db.one(
        "promises/draft", incident_id=incident.id, number=due.number, due_at=due.due_at, draft=draft
    )
    if row is not None:
        await _offer(db, desk, incident, PromisedUpdate.model_validate(row), person, now=now)


async def _offer(
    db: Db, desk: Desk, incident: Incident, promise: PromisedUpdate, person: str, *, now: datetime
) -> None:
    every = desk.policy.rule(incident.severity).update_every or timedelta()
    link = await create_link(
        db,
        public_url=desk.public_url,
        purpose="update",
        incident_id=incident.id,
        person=person,
        expires_at=promise.due_at + every,
        about=promise.id,
    )
    message = messages.reminder(
        incident, now=now, due_at=promise.due_at, draft=promise.draft or "", link=link
    )
    for route in routes_to_person(person, [Channel.SMS, Channel.EMAIL], desk.policy)[:1]:
        what = f"reminder:{promise.number}"
        await tell(db, incident, what, Purpose.REMINDER, route, message, now)


async def keep_by_itself(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """Nobody has sent anything: the facts go out as promised."""
    await set_promise(db, desk.policy, incident, deadline.number + 1, now=now)
    text = facts(incident, await read_timeline(db, incident.id), now=now)
    await _keep(db, desk, incident, deadline, BY_ITSELF, text, now=now)


async def look_at_draft(db: Db, link_id: int, *, now: datetime) -> Sent:
    """What a link to a draft shows, or why it no longer sends anything."""
    link = await read_link(db, link_id, purpose="update")
    row = await db.one("promises/one", id=link.about) if link else None
    if link is None or row is None:
        return Sent(refusal="unknown")
    incident, promise = await read_incident(db, link.incident_id), PromisedUpdate.model_validate(row)
    refusal: Refusal | None = None
    if link.used_at is not None:
        refusal = "used"
    elif not incident.is_open:
        refusal = "over"
    elif link.expires_at <= now:
        refusal = "expired"
    return Sent(incident=incident, promise=promise, text=promise.draft or "", refusal=refusal)


async def send_by_link(db: Db, public_url: str, link_id: int, *, text: str, now: datetime) -> Sent:
    """Send the draft, or a person's own words: once. A promise that was kept meanwhile is no reason to lose them."""
    seen = await look_at_draft(db, link_id, now=now)
    link = await read_link(db, link_id, purpose="update")
    if seen.refusal or seen.incident is None or seen.promise is None or link is None:
        return seen
    if not await use_link(db, link_id, now=now):
        return seen.model_copy(update={"refusal": "used"})
    incident, desk = seen.incident, desk_of(seen.incident, public_url)
    if link.person == incident.acknowledged_by:
        await db.one("incidents/lock", id=incident.id)
        await heard_from(db, incident, comes_back_at(incident, desk.policy, now), now=now)
    said = one_line(text) or seen.text
    await record(db, incident.id, TimelineKind.NOTE, f"Update: {said}", now=now, actor=link.person)
    due = await meet_one(db, incident.id, DeadlineKind.UPDATE, seen.promise.number, now=now)
    words = f"{said} ({desk.policy.people[link.person].name})"
    if due is None:
        await update_team(db, desk, incident, words, key=f"link:{link_id}", now=now)
    else:
        await set_promise(db, desk.policy, incident, due.number + 1, now=now)
        await _keep(db, desk, incident, due, link.person, words, now=now)
    return seen.model_copy(update={"text": said})


async def _keep(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, by: str, text: str, *, now: datetime
) -> None:
    """Send what keeps a promise, and write down that it does."""
    key = f"due:{deadline.number}"
    kept = await db.one(
        "promises/keep",
        incident_id=incident.id,
        number=deadline.number,
        due_at=deadline.due_at,
        kept_by=by,
        notification_key=update_key(desk, incident, key),
    )
    if kept is not None:
        await update_team(db, desk, incident, text, key=key, now=now)


async def read_promises(db: Db, incident_id: int) -> list[PromisedUpdate]:
    rows = await db.all("promises/read", incident_id=incident_id)
    return [PromisedUpdate.model_validate(row) for row in rows]


def facts(incident: Incident, timeline: Sequence[TimelineEntry], *, now: datetime) -> str:
    """Where it stands, in the timeline's own words: nothing is guessed."""
    news = [entry for entry in timeline if entry.kind in NEWS][-FACTS:]
    said = [f"{clock_time(entry.at)} {one_line(entry.text)[:FACT_LENGTH]}" for entry in news]
    stands = f"Still {status_in_words(incident.status).lower()}, for {duration(now - incident.started_at)}."
    return " ".join([stands, "; ".join(said)]).strip()
