"""Whose word keeps an incident open although its probes are green: senders that say when it is over, and have not.

A sender that never says so cannot be waited for; what such an alert told of is proved by the probes.
"""

from collections.abc import Sequence
from datetime import datetime

from watchkeeper.admission import admit
from watchkeeper.model import Alert, Data, Decision, Incident, Kind, Reading, TimelineKind
from watchkeeper.paging.desk import Desk
from watchkeeper.rendering import words
from watchkeeper.store import Db
from watchkeeper.sweeping import SWEEP
from watchkeeper.timeline import record

# Sources whose alerts last, and end by nothing that a monitor says: why the probes are enough for each. Alerts of
# senders that never say that it is over, such as Sentry's of one issue, do not even last (`Alert.ends`).
PROVED_BY_PROBES = {
    "person": "nobody_but_a_person_ends_what_a_person_opened",
    "vercel": "a_build_that_failed_leaves_the_one_before_it_serving",
}

# Which probe reads what the source's alerts tell of; a webhook that says "up" is sent once, and may be lost.
READ_BY_PROBE = {"uptimerobot": "uptimerobot_monitors"}


class StillFiring(Data):
    """An alert that its sender has not ended, in its newest words."""

    fingerprint: str
    source: str
    service: str
    kind: Kind
    summary: str

    def in_words(self) -> str:
        return f"{self.source} still says: {self.summary}"


def decide_ending(source: str) -> Decision:
    """Whether green probes end what this source told of, or only its own word does: "proved" or "waits"."""
    if source in PROVED_BY_PROBES:
        return Decision(choice="proved", reason=PROVED_BY_PROBES[source])
    return Decision(choice="waits", reason="its_sender_says_when_it_is_over")


async def read_still_firing(db: Db, incident_id: int) -> list[StillFiring]:
    """An incident's alerts that nobody has ended, the one that was heard last at the front."""
    rows = await db.all("alerts/still_firing", incident_id=incident_id)
    return [StillFiring.model_validate(row) for row in rows]


async def read_waited_for(db: Db, incident_id: int) -> list[StillFiring]:
    """Those of them that keep the incident open."""
    fires = await read_still_firing(db, incident_id)
    return [alert for alert in fires if decide_ending(alert.source).choice == "waits"]


async def say_what_is_proved(
    db: Db, incident_id: int, alerts: Sequence[StillFiring], *, now: datetime
) -> None:
    """Why an incident ends although these still fire."""
    for alert in alerts:
        text = f"{alert.in_words()}; green probes end it: {words(decide_ending(alert.source).reason)}"
        await record(db, incident_id, TimelineKind.DECISION, text, now=now)


def end_of(alert: StillFiring, readings: Sequence[Reading]) -> Reading | None:
    """The reading that says of this alert that it is over: the probe's own that fired it, or of its source's monitors."""
    own = alert.fingerprint.removeprefix(f"{SWEEP}:") if alert.source == SWEEP else None
    probe = own or READ_BY_PROBE.get(alert.source)
    return next((reading for reading in readings if reading.probe == probe and reading.ok), None)


async def hear_ends(
    db: Db, desk: Desk, incident: Incident, readings: Sequence[Reading], *, now: datetime
) -> None:
    """Take in what one look says of alerts that still fire: no later sweep or webhook has to say it once more."""
    for alert in await read_still_firing(db, incident.id):
        if alert.source in READ_BY_PROBE and alert.service not in desk.policy.services:
            continue  # a monitor of no service's is not among those that were read
        if ended := end_of(alert, readings):
            over = Alert(**alert.model_dump(), firing=False, started_at=ended.observed_at)
            await admit(db, desk, over, now=now)
