"""The end of an incident: proved by readings, or said by a person; told to all who were told of the start."""

from collections.abc import Sequence
from datetime import datetime

from watchkeeper import deadlines
from watchkeeper.endings import PROVED_BY_PROBES, read_still_firing, say_what_is_proved
from watchkeeper.figures.past import past_of
from watchkeeper.incidents import cancel_response, incident_of
from watchkeeper.mailing.proposing import propose_resolved
from watchkeeper.model import DeadlineKind, Incident, Remediation, Status, TimelineKind
from watchkeeper.night.holding import say_who_slept
from watchkeeper.paging.contact import stand_down
from watchkeeper.paging.desk import Desk, tell_resolved
from watchkeeper.remediations import may_have_ended, read_remediations
from watchkeeper.reviews.opening import open_review
from watchkeeper.store import Db
from watchkeeper.timeline import record

CLOCKS = [
    DeadlineKind.ACKNOWLEDGE,
    DeadlineKind.CALL_AGAIN,
    DeadlineKind.ESCALATE,
    DeadlineKind.APPROVAL,
    DeadlineKind.TRIAGE,
    DeadlineKind.UPDATE,
    DeadlineKind.PAGE,
    DeadlineKind.UPDATE_REMINDER,
    DeadlineKind.WATCH,
    DeadlineKind.SILENCE,
    DeadlineKind.HOLD,
    DeadlineKind.NIGHT,
]

NONE_KNOWN = "it recovered, and no change of ours is known to have ended it"


async def close_as_proved(
    db: Db, desk: Desk, incident: Incident, *, recovered_at: datetime, healthy_at: datetime, now: datetime
) -> bool:
    """Resolve an incident whose probes stayed green since `recovered_at`; False when an alert fired after
    `healthy_at`, the last look, or still fires by the word of a sender that would say when it is over."""
    row = await db.one(
        "incidents/resolve",
        id=incident.id,
        now=now,
        recovered_at=recovered_at,
        healthy_at=healthy_at,
        proved_by_probes=list(PROVED_BY_PROBES),
    )
    if row is None:
        return False
    await say_what_is_proved(db, incident.id, await read_still_firing(db, incident.id), now=now)
    resolution = what_ended_it(await read_remediations(db, incident.id), incident.round)
    await _all_clear(db, desk, incident_of(row), resolution, actor=None, now=now)
    return True


def what_ended_it(remediations: Sequence[Remediation], last_round: int) -> str:
    """As the team reads it where probes proved the end: no more than may be so."""
    done = [r.plan.summary for r in may_have_ended(remediations, last_round)]
    begun = any(r.claimed_at for r in remediations)
    return "; ".join(done) or (NONE_KNOWN if begun else "it recovered without a change of ours")


async def close_by_hand(
    db: Db, desk: Desk, incident: Incident, *, person: str, reason: str, now: datetime
) -> bool:
    """Resolve an incident because a person says so; False when it was over already.

    A response that is at work stops at its next step, and what was planned and not begun will not happen.
    """
    row = await db.one("incidents/close_by_hand", id=incident.id, now=now)
    if row is None:
        return False
    await db.run("remediations/withdraw", incident_id=incident.id, now=now)
    await cancel_response(db, incident, now=now)
    resolution = f"closed by {person}: {reason}" if reason else f"closed by {person}"
    await _all_clear(db, desk, incident_of(row), resolution, actor=person, now=now)
    return True


async def _all_clear(
    db: Db, desk: Desk, resolved: Incident, resolution: str, *, actor: str | None, now: datetime
) -> None:
    await db.run("alerts/leave", incident_id=resolved.id)
    text = f"Status: {Status.RESOLVED} ({resolution})" if actor else f"Status: {Status.RESOLVED}"
    await record(db, resolved.id, TimelineKind.STATUS, text, now=now, actor=actor or "watchkeeper")
    await deadlines.cancel(db, resolved.id, CLOCKS, now=now)
    await db.run("outbox/cancel_pages", incident_id=resolved.id)
    await db.run("outbox/cancel_requests", incident_id=resolved.id)
    await stand_down(db, desk.policy, resolved, now=now)
    await say_who_slept(db, desk.policy, resolved, now=now)
    cause, proved = past_of(resolved).cause_in_words, actor is None
    await tell_resolved(db, desk, resolved, cause=cause, resolution=resolution, proved=proved, now=now)
    await propose_resolved(db, desk, resolved, ending="proved" if proved else "said", now=now)
    await open_review(db, desk, resolved, now=now)
