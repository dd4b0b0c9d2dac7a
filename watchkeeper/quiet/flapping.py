"""Flapping: an alert that comes and goes stays one incident, which pages nobody anew with each change and does not
close in one of its pauses. When it stops, by the policy's own figures, that ends by itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from watchkeeper.incidents import read_incident
from watchkeeper.model import Alert, TimelineKind
from watchkeeper.paging.desk import Desk, update_team
from watchkeeper.policy.flapping import FlappingRule
from watchkeeper.rendering import duration
from watchkeeper.store import Db, Row
from watchkeeper.timeline import record


class Flapping(NamedTuple):
    """So many changes over this time; it flaps until then if nothing changes any more."""

    changes: int
    over: timedelta
    until: datetime

    @property
    def reason(self) -> str:
        return f"flapping: {self.changes} changes in {duration(self.over)}"


def recent_changes(changes: Sequence[datetime], rule: FlappingRule, now: datetime) -> list[datetime]:
    return sorted(at for at in changes if now - rule.within < at <= now)


def find_flapping(changes: Sequence[datetime], rule: FlappingRule, now: datetime) -> Flapping | None:
    """Whether an alert that fired or went quiet at these times flaps now."""
    recent = recent_changes(changes, rule, now)
    if len(recent) <= rule.changes:
        return None
    # As soon as this change is older than the rule's time, too few are left.
    decisive = recent[-rule.changes - 1]
    return Flapping(len(recent), recent[-1] - recent[0], decisive + rule.within)


async def note_change(db: Db, desk: Desk, alert: Alert, known: Row, *, now: datetime) -> None:
    """An alert of an open incident went quiet or fires again. `known` is what the store knew of its fingerprint."""
    rule = desk.policy.flapping
    changes = [*recent_changes(known["changes"], rule, now), now]
    flapping = find_flapping(changes, rule, now)
    changed = await db.run(
        "alerts/set_firing",
        fingerprint=alert.fingerprint,
        firing=alert.lasts,
        changes=changes,
        flapping_until=flapping.until if flapping else None,
    )
    if not changed:
        return  # somebody else has told the same
    if flapping is None:
        word = "fires again" if alert.firing else "is quiet"
        text = f"{alert.source}: {alert.summary} ({word})"
        await record(db, known["incident_id"], TimelineKind.ALERT, text, now=now)
    elif known["flapping_until"] is None or known["flapping_until"] <= now:
        await _tell(db, desk, alert, flapping, known["incident_id"], now)


async def _tell(
    db: Db, desk: Desk, alert: Alert, flapping: Flapping, incident_id: int, now: datetime
) -> None:
    text = (
        f"{alert.source}: {alert.summary} ({flapping.reason}). It stays one incident that pages nobody anew "
        "with each change, and it stays open while this goes on."
    )
    await record(db, incident_id, TimelineKind.DECISION, text, now=now)
    incident = await read_incident(db, incident_id)
    await update_team(db, desk, incident, text, key=f"flapping:{now.isoformat()}", now=now)
