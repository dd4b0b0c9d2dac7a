"""The timeline: everything that happened in an incident, written down as it happens."""

from datetime import datetime
from typing import Any

from watchkeeper.model import TimelineEntry, TimelineKind
from watchkeeper.store import Db

# What somebody who was just woken wants to know of it.
NEWS = frozenset(
    {TimelineKind.FINDING, TimelineKind.PLAN, TimelineKind.ACTION, TimelineKind.DECISION, TimelineKind.STATUS}
)


async def record(
    db: Db,
    incident_id: int,
    kind: TimelineKind,
    text: str,
    *,
    now: datetime,
    actor: str = "watchkeeper",
    detail: dict[str, Any] | None = None,
    key: str | None = None,
) -> None:
    """Add one entry; with a key, saying it again adds nothing."""
    await db.run(
        "timeline/record",
        incident_id=incident_id,
        kind=kind,
        text=text,
        now=now,
        actor=actor,
        detail=detail or {},
        key=key,
    )


async def newest(db: Db, incident_id: int) -> TimelineEntry | None:
    """The latest piece of news."""
    news = [entry for entry in await read_timeline(db, incident_id) if entry.kind in NEWS]
    return news[-1] if news else None


async def read_timeline(db: Db, incident_id: int) -> list[TimelineEntry]:
    rows = await db.all("timeline/read", incident_id=incident_id)
    return [TimelineEntry.model_validate(row) for row in rows]
