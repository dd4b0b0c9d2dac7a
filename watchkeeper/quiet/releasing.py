"""What a silence held back and still fires is admitted when the silence ends: then its incident opens."""

from datetime import datetime

from watchkeeper.admission import Admission, take_in
from watchkeeper.guarding import Guard, Work
from watchkeeper.model import Alert, TimelineKind
from watchkeeper.paging.desk import Desk
from watchkeeper.rendering import utc
from watchkeeper.store import Db, Row, Store
from watchkeeper.timeline import record


async def release_due(store: Store, desk: Desk, guard: Guard, *, now: datetime) -> None:
    """Admit everything whose silence has ended, each in a transaction of its own."""
    while await _release_next(store, desk, guard, now):
        pass


async def _release_next(store: Store, desk: Desk, guard: Guard, now: datetime) -> bool:
    async with guard.over(Work.HELD_ALERT) as job, store.transaction() as db:
        row = await db.one("silences/take_due", now=now)
        if row is None:
            return False
        job.key = row["fingerprint"]
        admission = await take_in(db, desk, Alert.model_validate(row["alert"]), row["alert_id"], now=now)
        if admission.incident_id is not None:
            await _tell(db, row, admission.incident_id, now)
        if not is_held(admission):
            await db.run("silences/let_go", fingerprint=row["fingerprint"])
    return True


def is_held(admission: Admission) -> bool:
    return admission.reason in ("silenced", "in_maintenance_window")


async def _tell(db: Db, row: Row, incident_id: int, now: datetime) -> None:
    text = (
        f"Held back since {utc(row['held_at'])} by {row['held_by']}; that is over and the alert still fires"
    )
    await record(db, incident_id, TimelineKind.DECISION, text, now=now)
