"""Action items: what a published post-mortem promises, chased until it is done.

An item's deadlines carry its number in their own: item 2's reminder is 2000, its day 2001, what follows 2002 and on.
Moved to another day it gets a new reminder and a new day, under the next numbers.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime

from watchkeeper import deadlines
from watchkeeper.deadlines import set_deadline
from watchkeeper.documents.action_items import Priority, Promise
from watchkeeper.errors import BadInput
from watchkeeper.links import Link, create_link, read_link
from watchkeeper.model import Data, Deadline, DeadlineKind, Incident, TimelineKind, incident_number
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Message
from watchkeeper.policy.calendar import Calendar
from watchkeeper.rendering import duration
from watchkeeper.reviews.telling import compose, handle_of, next_after, send
from watchkeeper.store import Db, present
from watchkeeper.timeline import record

PER_ITEM = 1000
# A day beyond that is a slip of the keyboard, or nobody's promise any more.
AT_MOST_AHEAD = timedelta(days=365)
ItemState = Literal["open", "done", "dropped"]


class ActionItem(Data):
    """One promise. `handle` is its owner's among the policy's people, where the name is one of theirs."""

    incident_id: int
    number: int
    action: str
    owner: str
    handle: str | None
    due_on: date
    due_at: AwareDatetime
    priority: Priority
    state: ItemState
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None = None
    closed_by: str | None = None
    issue: int | None = None
    issue_url: str | None = None
    issue_lease: AwareDatetime | None = None
    issue_ended: AwareDatetime | None = None

    @property
    def name(self) -> str:
        """What people call it: "INC-0004, action 2"."""
        return f"{incident_number(self.incident_id)}, action {self.number}"

    def is_overdue(self, now: datetime) -> bool:
        return self.state == "open" and self.due_at <= now

    def when(self, now: datetime) -> str:
        """Such as "due on 2026-03-09" or "12 days overdue"."""
        if not self.is_overdue(now):
            return f"due on {self.due_on}"
        late = now - self.due_at
        return f"{duration(late)} overdue" if late >= timedelta(minutes=1) else "due now"


async def open_action_items(db: Db, now: datetime) -> list[ActionItem]:
    """What was promised after any incident and is not done, what is due first at the front."""
    rows = await db.all("action_items/open")
    return [ActionItem.model_validate(row) for row in rows]


async def read_items(db: Db, incident_id: int) -> list[ActionItem]:
    rows = await db.all("action_items/of_incident", incident_id=incident_id)
    return [ActionItem.model_validate(row) for row in rows]


async def save_promises(
    db: Db, desk: Desk, incident: Incident, promises: Sequence[Promise], *, now: datetime
) -> None:
    """Keep what the document promises, and set each promise's clock."""
    calendar = desk.policy.calendar
    for promise in promises:
        due_at = calendar.at(promise.due_on, calendar.business_hours.ends)
        row = await db.one(
            "action_items/save",
            incident_id=incident.id,
            **promise._asdict(),
            handle=handle_of(promise.owner, desk.policy),
            due_at=due_at,
            now=now,
        )
        if row is not None:
            await _set_clock(db, desk, ActionItem.model_validate(row), now=now)


async def _set_clock(db: Db, desk: Desk, item: ActionItem, *, now: datetime) -> None:
    """The reminder, if there is time for one, and the day itself; deadlines that were keep their numbers."""
    first, last = _numbers_of(item.number)
    known = {"incident_id": item.incident_id, "kind": DeadlineKind.ACTION_ITEM}
    highest = present(await db.one("deadlines/highest_between", **known, first=first, last=last))["number"]
    reminder = item.due_at - desk.policy.reviews.action_items.remind_before
    if reminder > now:
        await _ring_at(db, item.incident_id, highest + 1, reminder, now=now)
    await _ring_at(db, item.incident_id, highest + 2, item.due_at, now=now)


def _numbers_of(item: int) -> tuple[int, int]:
    """The first and the last number that a deadline of this item may have."""
    return PER_ITEM * item, PER_ITEM * item + PER_ITEM - 1


async def _ring_at(db: Db, incident_id: int, number: int, due_at: datetime, *, now: datetime) -> None:
    await set_deadline(db, incident_id, DeadlineKind.ACTION_ITEM, number, due_at, now=now)


async def chase(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> None:
    """Remind an item's owner; once it is overdue the next person on call hears of it too, again and again."""
    number = deadline.number // PER_ITEM
    row = await db.one("action_items/one", incident_id=incident.id, number=number)
    item = ActionItem.model_validate(row) if row else None
    # A reminder that nobody was there to give in time is not given late: the day itself speaks then.
    if item is None or item.state != "open" or (deadline.due_at < item.due_at <= now):
        return
    people = [item.handle] if item.handle else []
    if item.is_overdue(now):
        owner = item.handle or ""
        people.append(await next_after(db, owner, desk.policy, now=now))
        again = now + desk.policy.reviews.action_items.chase_every
        await _ring_at(db, incident.id, deadline.number + 1, again, now=now)
    personal = {
        handle: _reminder(incident, item, now, link=await _link(db, desk, item, handle, now=now))
        for handle in dict.fromkeys(people)
    }
    key = f"action_item:{deadline.number}"
    message = _reminder(incident, item, now)
    await send(db, desk, incident, key, message, people=people, personal=personal, now=now)


def _reminder(incident: Incident, item: ActionItem, now: datetime, *, link: str | None = None) -> Message:
    subject = f"{item.name} is {item.when(now)}: {item.action}"
    when = item.when(now)
    return compose(
        "action_item", incident, subject=subject, now=now, item=item, when=when, link=link
    ).model_copy(update={"link": link})


async def _link(db: Db, desk: Desk, item: ActionItem, handle: str, *, now: datetime) -> str:
    """Where this person says that it is done, or needs another day; the next reminder brings a new one."""
    rules = desk.policy.reviews.action_items
    return await create_link(
        db,
        public_url=desk.public_url,
        purpose="action_item",
        incident_id=item.incident_id,
        person=handle,
        about=item.number,
        expires_at=max(now, item.due_at) + 2 * rules.chase_every,
    )


async def close_item(
    db: Db, incident: Incident, number: int, *, person: str, state: ItemState = "done", now: datetime
) -> None:
    """It is done, or dropped: nobody is reminded any more.

    Raises:
        BadInput: there is no such item, it is closed already, or nobody is named.
    """
    if not person.strip():
        raise BadInput("say who closes the action item")
    said = {"incident_id": incident.id, "number": number}
    row = await db.one("action_items/close", **said, state=state, person=person.strip()[:100], now=now)
    if row is None:
        raise BadInput(await _why_not_open(db, incident, number))
    item = ActionItem.model_validate(row)
    await _stop_clock(db, item, now=now)
    text = f"Action {number} {state}, says {item.closed_by}: {item.action}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, actor=item.closed_by or "")


async def move_item(
    db: Db,
    desk: Desk,
    incident: Incident,
    number: int,
    due_on: date,
    *,
    person: str,
    reason: str,
    now: datetime,
) -> ActionItem:
    """Have it by another day, later or sooner; the reminders follow it.

    Raises:
        BadInput: nobody is named, no reason is given, the day is past or more than a year ahead, or there is no such open item.
    """
    person, reason = person.strip()[:100], reason.strip()[:500]
    if not person or not reason:
        raise BadInput("to move an action item takes a name and a reason, which go on the timeline")
    calendar = desk.policy.calendar
    latest = last_day(calendar, now)
    if due_on > latest:
        raise BadInput(f"{due_on} is more than a year ahead; name a day until {latest}, or drop the item")
    due_at = calendar.at(due_on, calendar.business_hours.ends)
    if due_at <= now:
        raise BadInput(f"{due_on} is past; name a day to come")
    said = {"incident_id": incident.id, "number": number}
    row = await db.one("action_items/move", **said, due_on=due_on, due_at=due_at)
    if row is None:
        raise BadInput(await _why_not_open(db, incident, number))
    item = ActionItem.model_validate(row)
    await _stop_clock(db, item, now=now)
    await _set_clock(db, desk, item, now=now)
    text = f"Action {number} moved to {due_on} by {person}: {reason}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, actor=person)
    return item


def last_day(calendar: Calendar, now: datetime) -> date:
    """The last one by which something may be promised, or moved to."""
    return calendar.local(now).date() + AT_MOST_AHEAD


def day_of(text: str) -> date:
    """A day as a form or a command line has it.

    Raises:
        BadInput: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no day; write one such as 2026-03-09") from error


async def _stop_clock(db: Db, item: ActionItem, *, now: datetime) -> None:
    first, last = _numbers_of(item.number)
    await deadlines.cancel_between(db, item.incident_id, DeadlineKind.ACTION_ITEM, first, last, now=now)


async def _why_not_open(db: Db, incident: Incident, number: int) -> str:
    known = await db.one("action_items/one", incident_id=incident.id, number=number)
    what = f"is {known['state']} already" if known else "does not exist"
    return f"{incident.number}, action {number} {what}"


async def look_at_item(
    db: Db, link_id: int, *, now: datetime
) -> tuple[Link, ActionItem] | Literal["unknown", "expired"]:
    """The item that a link is about, and whom it was sent to; else why it shows nothing."""
    link = await read_link(db, link_id, purpose="action_item")
    row = link and await db.one("action_items/one", incident_id=link.incident_id, number=link.about)
    if link is None or not row:
        return "unknown"
    return "expired" if link.expires_at <= now else (link, ActionItem.model_validate(row))


async def raise_priority(db: Db, item: ActionItem, why: str, *, now: datetime) -> bool:
    """What was promised is needed more than was thought, such as when its cause came back; whether that is news."""
    said = {"incident_id": item.incident_id, "number": item.number}
    if await db.one("action_items/raise_priority", **said) is None:
        return False
    text = f"Action {item.number} rises to high priority: {why}"
    await record(db, item.incident_id, TimelineKind.DECISION, text, now=now)
    return True
