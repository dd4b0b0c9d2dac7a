"""Deadlines are rows. What has become due is taken under a lock, so that one process deals with it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from watchkeeper.model import Deadline, DeadlineKind
from watchkeeper.motor import ask_motor
from watchkeeper.store import Db, present

# An incident sets several deadlines at once. Prefect's server first has the response to start, which is urgent.
SHOWN_AFTER = timedelta(seconds=2)


async def set_deadline(
    db: Db, incident_id: int, kind: DeadlineKind, number: int, due_at: datetime, *, now: datetime
) -> None:
    """Something must happen by `due_at`, or sooner if that was said before. Prefect is asked to show it."""
    row = await db.one("deadlines/set", incident_id=incident_id, kind=kind, number=number, due_at=due_at)
    if row is not None:
        await _show(db, Deadline.model_validate(row), now)


async def set_sooner(
    db: Db, incident_id: int, kind: DeadlineKind, due_at: datetime, *, now: datetime
) -> Deadline | None:
    """The next of its kind must happen by `due_at`, or sooner if that was said before.

    Returns:
        The one that is new or tightened; None where nothing changed.
    """
    row = await db.one("deadlines/set_sooner", incident_id=incident_id, kind=kind, due_at=due_at)
    if row is None:
        return None
    sooner = Deadline.model_validate(row)
    await _show(db, sooner, now)
    return sooner


async def set_next(db: Db, incident_id: int, kind: DeadlineKind, due_at: datetime, *, now: datetime) -> None:
    """One more deadline of a kind that comes again and again. Hold the incident's lock: the number is counted."""
    last = present(await db.one("deadlines/last_number", incident_id=incident_id, kind=kind))
    await set_deadline(db, incident_id, kind, last["number"] + 1, due_at, now=now)


async def postpone(db: Db, deadline: Deadline, due_at: datetime, *, now: datetime) -> None:
    """What is still to come, comes at this later time."""
    which = {"incident_id": deadline.incident_id, "kind": deadline.kind, "number": deadline.number}
    row = await db.one("deadlines/postpone", **which, due_at=due_at)
    if row is not None:
        await _show(db, Deadline.model_validate(row), now)


async def look_again(db: Db, incident_id: int, *, now: datetime) -> None:
    """Who is on call has changed: a page that waits until somebody can be reached is looked at now."""
    for row in await db.all("deadlines/look_again", incident_id=incident_id, now=now):
        await _show(db, Deadline.model_validate(row), now)


async def _show(db: Db, deadline: Deadline, now: datetime) -> None:
    due_at = deadline.due_at.isoformat()
    await ask_motor(
        db,
        f"mirror:{deadline.incident_id}:{deadline.kind}:{deadline.number}:{due_at}",
        deadline.incident_id,
        "mirror",
        now=now + SHOWN_AFTER,
        detail={"kind": deadline.kind.value, "number": deadline.number, "due_at": due_at},
    )


async def meet(db: Db, incident_id: int, kinds: Sequence[DeadlineKind], *, now: datetime) -> None:
    """What was promised happened."""
    rows = await db.all("deadlines/met", incident_id=incident_id, kinds=list(kinds), now=now)
    await _clear_mirrors(db, [Deadline.model_validate(row) for row in rows], now)


async def meet_one(
    db: Db, incident_id: int, kind: DeadlineKind, number: int, *, now: datetime
) -> Deadline | None:
    """What was promised happened in time; None when its time had passed."""
    row = await db.one("deadlines/met_one", incident_id=incident_id, kind=kind, number=number, now=now)
    if row is None:
        return None
    met = Deadline.model_validate(row)
    await _clear_mirrors(db, [met], now)
    return met


async def next_deadline(db: Db, incident_id: int, kind: DeadlineKind) -> Deadline | None:
    """What of this kind is due next."""
    row = await db.one("deadlines/pending_of", incident_id=incident_id, kind=kind)
    return Deadline.model_validate(row) if row else None


async def cancel(db: Db, incident_id: int, kinds: Sequence[DeadlineKind], *, now: datetime) -> None:
    """What was promised is no longer needed."""
    rows = await db.all("deadlines/cancel", incident_id=incident_id, kinds=list(kinds))
    await _clear_mirrors(db, [Deadline.model_validate(row) for row in rows], now)


async def cancel_between(
    db: Db, incident_id: int, kind: DeadlineKind, first: int, last: int, *, now: datetime
) -> None:
    """Of one kind, those with these numbers are no longer needed."""
    rows = await db.all(
        "deadlines/cancel_between", incident_id=incident_id, kind=kind, first=first, last=last
    )
    await _clear_mirrors(db, [Deadline.model_validate(row) for row in rows], now)


async def _clear_mirrors(db: Db, deadlines: Sequence[Deadline], now: datetime) -> None:
    for deadline in deadlines:
        if deadline.due_at > now:
            await ask_motor(
                db,
                f"unmirror:{deadline.incident_id}:{deadline.kind}:{deadline.number}",
                deadline.incident_id,
                "unmirror",
                now=now + SHOWN_AFTER,
                detail={"kind": deadline.kind.value, "number": deadline.number},
            )


async def read_deadlines(db: Db, incident_id: int) -> list[Deadline]:
    rows = await db.all("deadlines/read", incident_id=incident_id)
    return [Deadline.model_validate(row) for row in rows]
