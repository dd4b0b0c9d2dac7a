"""Action items as issues elsewhere: which are to be made, which to be closed, and what closing one there means here."""

import re
from datetime import datetime, timedelta

from watchkeeper.documents.hotfix import hotfix_marker
from watchkeeper.incidents import read_incident
from watchkeeper.model import Data
from watchkeeper.rendering import one_line, render
from watchkeeper.reviews import read_review
from watchkeeper.reviews.items import ActionItem, ItemState, close_item
from watchkeeper.store import Db, Store

# Longer than GitHub takes to answer on a bad day.
LEASE = timedelta(minutes=5)
LONGEST_TITLE = 200
# As the template writes them.
DUE_LINE = re.compile(r"^(- Due: )\d{4}-\d\d-\d\d(?=\s*$)", re.MULTILINE)
PRIORITY_LINE = re.compile(r"^(- Priority: )(?:High|Medium|Low)(?=\s*$)", re.MULTILINE)


class Issue(Data):
    """What an item's issue says. `marker` stands in its text: what it is known by."""

    title: str
    body: str
    marker: str


async def issue_of(db: Db, item: ActionItem) -> Issue:
    """What the issue of this item is to say."""
    incident = await read_incident(db, item.incident_id)
    review = await read_review(db, item.incident_id)
    marker = f"{hotfix_marker(incident)}:action-{item.number}"
    body = render(
        "documents/action_item.md.j2",
        item=item,
        incident=incident,
        marker=marker,
        post_mortem=review["published_to"] if review else None,
    )
    return Issue(title=one_line(f"{item.name}: {item.action}")[:LONGEST_TITLE], body=body, marker=marker)


def of_today(body: str, item: ActionItem) -> str:
    """The issue's text with the day and the priority that the item has now; what people changed in it stays theirs."""
    body = DUE_LINE.sub(rf"\g<1>{item.due_on}", body, count=1)
    return PRIORITY_LINE.sub(rf"\g<1>{item.priority.capitalize()}", body, count=1)


async def lease_issue(db: Db, item: ActionItem, *, now: datetime) -> bool:
    """Whether this process makes the issue of this item; nobody else does for a while then."""
    said = {"incident_id": item.incident_id, "number": item.number}
    return await db.one("action_items/lease_issue", **said, until=now + LEASE, now=now) is not None


async def keep_issue(db: Db, item: ActionItem, issue: int, url: str) -> None:
    """The item has this issue from now on."""
    said = {"incident_id": item.incident_id, "number": item.number}
    await db.run("action_items/set_issue", **said, issue=issue, url=url)


async def closed_there(store: Store, item: ActionItem, state: ItemState, *, now: datetime) -> None:
    """Somebody closed the item's issue: the item is closed, by their hand."""
    async with store.transaction() as db:
        incident = await read_incident(db, item.incident_id)
        await close_item(db, incident, item.number, person=f"issue {item.issue}", state=state, now=now)
        await issue_ended(db, item, now=now)


async def issue_ended(db: Db, item: ActionItem, *, now: datetime) -> None:
    said = {"incident_id": item.incident_id, "number": item.number}
    await db.run("action_items/end_issue", **said, now=now)


async def issues_to_end(db: Db) -> list[ActionItem]:
    """Items that were closed here while their issue may be open."""
    return [ActionItem.model_validate(row) for row in await db.all("action_items/to_end")]
