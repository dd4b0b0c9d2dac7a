"""Posts are rows, written in the transaction that makes them necessary, each with its message in the outbox."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from watchkeeper.decisions import Route
from watchkeeper.guarding import Guard, Work
from watchkeeper.incidents import policy_of, read_incident
from watchkeeper.messages import fit_sms
from watchkeeper.model import Channel, Incident
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import tell
from watchkeeper.policy import Policy
from watchkeeper.remediations import read_remediations
from watchkeeper.status_page.board import Board, Post, Posted, belongs_on_page, order, status_of
from watchkeeper.status_page.wording import Ending, body, detected_title
from watchkeeper.store import Db, Row, Store

RECIPIENT = "status_page"
# A status that changes back at once is not worth a post.
SETTLED_AFTER = timedelta(minutes=1)


async def post_start(db: Db, policy: Policy, incident: Incident, *, now: datetime) -> bool:
    """Tell customers for the first time, where the severity asks for it; False when that was done, or is not due."""
    if not incident.is_open or not belongs_on_page(incident.severity, policy):
        return False
    return await _post(db, policy, incident, key="start", purpose=Purpose.ANNOUNCEMENT, first=True, now=now)


async def post_update(db: Db, policy: Policy, incident: Incident, *, key: str, now: datetime) -> None:
    """Say where it stands, to those who were told that there is something."""
    if incident.is_open and await _posts_of(db, incident.id):
        await _post(db, policy, incident, key=key, purpose=Purpose.UPDATE, first=False, now=now)


async def post_all_clear(
    db: Db, policy: Policy, incident: Incident, *, ending: Ending, now: datetime
) -> None:
    """It is over, for a page that told of its start."""
    if await _posts_of(db, incident.id):
        await _post(
            db,
            policy,
            incident,
            key="resolved",
            purpose=Purpose.RESOLVED,
            first=False,
            ending=ending,
            now=now,
        )


async def post_where_behind(store: Store, guard: Guard, *, now: datetime) -> None:
    """Post what has changed since the page was last told: the cause is known, the cure is being watched."""
    for row in await store.all("status_page/behind", before=now - SETTLED_AFTER, now=now):
        async with guard.over(Work.STATUS_PAGE, row["id"]), store.transaction() as db:
            # Whoever ends it holds this lock: nothing is posted of it after its all-clear.
            await db.one("incidents/lock", id=row["id"])
            incident = await read_incident(db, row["id"])
            key = f"after:{row['newest_post']}:{status_of(incident)}"
            await post_update(db, policy_of(incident), incident, key=key, now=now)


async def read_board(db: Db, policy: Policy, *, now: datetime) -> Board:
    """The page as it is now."""
    since = now - policy.status_page.history
    rows = await db.all("status_page/posts", since=since)
    by_incident: dict[int, list[Row]] = {}
    for row in rows:
        by_incident.setdefault(row["incident_id"], []).append(row)
    return Board(policy=policy, incidents=order([_posted(told) for told in by_incident.values()]))


def _posted(rows: Sequence[Row]) -> Posted:
    first = rows[0]
    return Posted(
        incident_id=first["incident_id"],
        severity=first["severity"],
        service=first["service"],
        started_at=first["started_at"],
        resolved_at=first["resolved_at"],
        posts=[Post.model_validate({name: row[name] for name in Post.model_fields}) for row in rows],
    )


async def _posts_of(db: Db, incident_id: int) -> bool:
    return await db.one("status_page/any_of", incident_id=incident_id) is not None


async def _post(
    db: Db,
    policy: Policy,
    incident: Incident,
    *,
    key: str,
    purpose: Purpose,
    first: bool,
    ending: Ending | None = None,
    now: datetime,
) -> bool:
    title = detected_title(incident, policy)
    done = await read_remediations(db, incident.id)
    text = body(incident, policy, done=done, ending=ending, now=now, first=first)
    values = {"incident_id": incident.id, "key": key, "status": status_of(incident), "title": title}
    row = await db.one("status_page/post", **values, body=text, now=now)
    if row is None:
        return False
    message = Message(subject=title, text=text, short=fit_sms(title), post=row["id"])
    route = Route(RECIPIENT, Channel.STATUS_PAGE, [])
    return await tell(db, incident, f"status:{key}", purpose, route, message, now)
