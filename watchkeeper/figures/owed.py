"""A cause that came back makes the fixes promised against it urgent."""

from datetime import datetime

from watchkeeper.figures.repeats import Earlier
from watchkeeper.model import incident_number
from watchkeeper.reviews.items import raise_priority, read_items
from watchkeeper.store import Db


async def raise_owed(db: Db, incident_id: int, earlier: Earlier, *, now: datetime) -> None:
    """Raise every open action item against this cause; the timeline of its own incident says why."""
    owed = {(promised.incident_id, promised.number) for promised in earlier.promised}
    why = f"its cause came back in {incident_number(incident_id)}"
    for owing in sorted({owing for owing, _ in owed}):
        for item in await read_items(db, owing):
            if (owing, item.number) in owed:
                await raise_priority(db, item, why, now=now)
