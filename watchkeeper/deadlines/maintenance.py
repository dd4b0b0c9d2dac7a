"""While maintenance mode may be on, people are reminded of it. Whether it is, follows from the last switch that was
begun and from the reminder, which is written with the switch's claim and goes away when "off" is proved.
"""

from datetime import datetime
from typing import Literal, NamedTuple

from watchkeeper import deadlines
from watchkeeper.model import Deadline, DeadlineKind, Incident, Remediation, RemediationState
from watchkeeper.paging.desk import Desk, remind_of_maintenance
from watchkeeper.remediations import last_begun
from watchkeeper.rendering import duration
from watchkeeper.store import Db

SET_MAINTENANCE_MODE = "set_maintenance_mode"

Mode = Literal["on", "off", "in_doubt"]


class Maintenance(NamedTuple):
    """Where maintenance mode stands: the last switch that was begun, and the incidents that remind of it."""

    last: Remediation | None
    reminding: list[int]

    @property
    def mode(self) -> Mode:
        """On or off only where the last switch was carried out and the reminder says the same."""
        reminded = bool(self.reminding)
        if self.last is None:
            return "in_doubt" if reminded else "off"
        proved = self.last.state is RemediationState.DONE
        if not proved or self.last.plan.parameters["on"] is not reminded:
            return "in_doubt"
        return "on" if reminded else "off"


async def read_maintenance(db: Db) -> Maintenance:
    rows = await db.all("deadlines/pending_of_kind", kind=DeadlineKind.MAINTENANCE)
    return Maintenance(await last_begun(db, SET_MAINTENANCE_MODE), [row["incident_id"] for row in rows])


async def remind_from_now_on(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> None:
    """The first reminder of those that follow until it is off; one that is still to come stays."""
    due_at = now + desk.policy.response.remind_maintenance_every
    await deadlines.set_sooner(db, incident.id, DeadlineKind.MAINTENANCE, due_at, now=now)


async def remind_no_longer(db: Db, *, now: datetime) -> None:
    """It is off: whichever incident it was switched on in."""
    for incident_id in (await read_maintenance(db)).reminding:
        await deadlines.cancel(db, incident_id, [DeadlineKind.MAINTENANCE], now=now)


async def still_in_maintenance(
    db: Db, desk: Desk, incident: Incident, deadline: Deadline, *, now: datetime
) -> None:
    """Say it in the team's channel and to the primary on call, and again later, also when the incident is over."""
    every = desk.policy.response.remind_maintenance_every
    since = duration(every * deadline.number)
    due_at, number = now + every, deadline.number + 1
    await deadlines.set_deadline(db, incident.id, DeadlineKind.MAINTENANCE, number, due_at, now=now)
    text = f"Maintenance mode is still on, for at least {since}: customers get a 503"
    if (await read_maintenance(db)).mode != "on":
        text = (
            f"Nobody can tell whether maintenance mode is on, for at least {since}: switch it off to be sure"
        )
    await remind_of_maintenance(db, desk, incident, text, number=deadline.number, now=now)
