"""Action items: what a published post-mortem promises, chased until it is done.

An item's deadlines carry its number in their own: item 2's reminder is 2000, its day 2001, what follows 2002 and on.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime

from watchkeeper import deadlines
from watchkeeper.deadlines import set_deadline
from watchkeeper.documents.action_items import Priority, Promise
from watchkeeper.errors import BadInput
from watchkeeper.model import Data, Deadline, DeadlineKind, Incident, TimelineKind, incident_number
from watchkeeper.paging import Desk
from watchkeeper.rendering import duration
from watchkeeper.reviews.telling import compose, handle_of, next_after, send
from watchkeeper.store import Db
from watchkeeper.timeline import record

PER_ITEM = 1000
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
    reminder = item.due_at - desk.policy.reviews.action_items.remind_before
    for number, due_at in ((0, reminder), (1, item.due_at)):
        if due_at > now or number:
            await _ring_at(db, item.incident_id, PER_ITEM * item.number + number, due_at, now=now)


async def _ring_at(db: Db, incident_id: int, number: int, due_at: datetime, *, now: datetime) -> None:
    await set_deadline(db, incident_id, DeadlineKind.ACTION_ITEM, number, due_at, now=now)


async def chase(db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime) -> None:
    """Remind an item's owner; once it is overdue the next person on call hears of it too, again and again."""
    number, step = divmod(deadline.number, PER_ITEM)
    row = await db.one("action_items/one", incident_id=incident.id, number=number)
    item = ActionItem.model_validate(row) if row else None
    if item is None or item.state != "open" or (step == 0 and item.is_overdue(now)):
        return
    people = [item.handle] if item.handle else []
    if item.is_overdue(now):
        owner = item.handle or ""
        people.append(await next_after(db, owner, desk.policy, now=now))
        again = now + desk.policy.reviews.action_items.chase_every
        await _ring_at(db, incident.id, deadline.number + 1, again, now=now)
    subject = f"{item.name} is {item.when(now)}: {item.action}"
    message = compose("action_item", incident, subject=subject, now=now, item=item, when=item.when(now))
    await send(db, desk, incident, f"action_item:{deadline.number}", message, people=people, now=now)


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
        known = await db.one("action_items/one", **said)
        what = f"is {known['state']} already" if known else "does not exist"
        raise BadInput(f"{incident.number}, action {number} {what}")
    item = ActionItem.model_validate(row)
    first = PER_ITEM * number
    await deadlines.cancel_between(
        db, incident.id, DeadlineKind.ACTION_ITEM, first, first + PER_ITEM - 1, now=now
    )
    text = f"Action {number} {state}, says {item.closed_by}: {item.action}"
    await record(db, incident.id, TimelineKind.NOTE, text, now=now, actor=item.closed_by or "")


async def raise_priority(db: Db, item: ActionItem, why: str, *, now: datetime) -> bool:
    """What was promised is needed more than was thought, such as when its cause came back; whether that is news."""
    said = {"incident_id": item.incident_id, "number": item.number}
    if await db.one("action_items/raise_priority", **said) is None:
        return False
    text = f"Action {item.number} rises to high priority: {why}"
    await record(db, item.incident_id, TimelineKind.DECISION, text, now=now)
    return True
