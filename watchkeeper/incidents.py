"""Incidents: reading them and moving them on, each move a compare-and-set on the row."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from pydantic import ValidationError

from watchkeeper.errors import BadInput, LeaseLost, PreconditionChanged
from watchkeeper.model import Incident, Status, TimelineKind
from watchkeeper.motor import ask_motor
from watchkeeper.policy import Policy, kept_policy
from watchkeeper.store import Db, Row, present
from watchkeeper.timeline import record

log = logging.getLogger(__name__)

# How long Prefect may take to bring a response's run to its first line.
START_GRACE = timedelta(seconds=60)

# A response that cannot even hold its lease after this many attempts needs a person.
MAX_ATTEMPTS = 5


def incident_of(row: Row) -> Incident:
    return Incident.model_validate(row)


def policy_of(incident: Incident) -> Policy:
    """The policy that this incident started under."""
    return kept_policy(incident.policy)


async def read_incident(db: Db, incident_id: int) -> Incident:
    """One incident.

    Raises:
        BadInput: there is none with this number.
    """
    row = await db.one("incidents/read", id=incident_id)
    if row is None:
        raise BadInput(f"there is no incident {incident_id}")
    return incident_of(row)


async def list_open(db: Db) -> list[Incident]:
    return list(_readable(await db.all("incidents/list_open")))


async def list_recent(db: Db, limit: int = 50) -> list[Incident]:
    return list(_readable(await db.all("incidents/list_recent", limit=limit)))


def _readable(rows: Sequence[Row]) -> Iterator[Incident]:
    """What is wrong with one row hides no other incident and keeps no alert out: it is left out, and said."""
    for row in rows:
        try:
            yield incident_of(row)
        except ValidationError as error:
            wrong = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            log.error("incident %s cannot be read: %s", row["id"], wrong)  # noqa: TRY400


async def change_status(
    db: Db, incident_id: int, *, expected: Sequence[Status], new: Status, now: datetime
) -> Incident | None:
    """Move on, if the incident still stands where it is expected; None when it does not."""
    row = await db.one("incidents/change_status", id=incident_id, expected=list(expected), new=new, now=now)
    if row is None:
        return None
    await record(db, incident_id, TimelineKind.STATUS, f"Status: {new}", now=now)
    return incident_of(row)


async def set_cause(db: Db, incident_id: int, cause: str, confidence: float) -> Incident:
    return incident_of(
        present(await db.one("incidents/set_cause", id=incident_id, cause=cause, confidence=confidence))
    )


async def next_round(db: Db, incident: Incident, why: str, *, now: datetime) -> Incident:
    """Back to investigation.

    Raises:
        PreconditionChanged: another run moved on already.
    """
    row = await db.one("incidents/next_round", id=incident.id, round=incident.round)
    if row is None:
        raise PreconditionChanged(f"{incident.number} is no longer in round {incident.round}")
    await record(db, incident.id, TimelineKind.DECISION, f"Investigating again: {why}", now=now)
    return incident_of(row)


async def take_lease(
    db: Db, incident_id: int, *, attempt: int, holder: str, lease: timedelta, now: datetime
) -> Incident:
    """Hold the incident's response.

    Raises:
        LeaseLost: it is resolved, another run holds it, or this attempt was given up.
    """
    row = await db.one(
        "incidents/take_lease", id=incident_id, attempt=attempt, holder=holder, until=now + lease, now=now
    )
    if row is None:
        raise LeaseLost(f"incident {incident_id} is not for attempt {attempt} to respond to")
    return incident_of(row)


async def renew_lease(db: Db, incident_id: int, *, holder: str, lease: timedelta, now: datetime) -> None:
    """Keep holding it.

    Raises:
        LeaseLost: another attempt has taken over.
    """
    if await db.one("incidents/renew_lease", id=incident_id, holder=holder, until=now + lease) is None:
        raise LeaseLost(f"incident {incident_id} was taken over by another attempt")


async def wait_for(db: Db, incident_id: int, whom: str, *, holder: str, now: datetime) -> None:
    """Give the lease back: only a person can go on. `whom` is "approval" or "person".

    Raises:
        LeaseLost: another attempt has taken over.
    """
    row = await db.one("incidents/wait_for", id=incident_id, waiting_for=whom, holder=holder, now=now)
    if row is None:
        raise LeaseLost(f"incident {incident_id} was taken over by another attempt")


async def goes_on(db: Db, incident: Incident, *, now: datetime) -> None:
    """The run that waited for an approval is going on: where it never takes the lease, the next attempt does."""
    until = now + START_GRACE
    await db.run("incidents/goes_on", id=incident.id, flow_run_id=incident.flow_run_id, lease_until=until)


async def start_attempt(db: Db, incident: Incident, why: str, *, now: datetime) -> bool:
    """Ask for the next attempt at the response; False when somebody else did."""
    row = await db.one(
        "incidents/start_attempt", id=incident.id, attempt=incident.attempt, lease_until=now + START_GRACE
    )
    if row is None:
        return False
    following = incident_of(row)
    await ask_for_response(db, following, now=now)
    await cancel_response(db, incident, now=now)
    text = f"Response attempt {following.attempt} asked for: {why}"
    await record(db, incident.id, TimelineKind.DECISION, text, now=now)
    return True


async def cancel_response(db: Db, incident: Incident, *, now: datetime) -> None:
    """Have Prefect end the run of this attempt, if there is one; without its lease it changes nothing any more."""
    if incident.flow_run_id:
        key = f"cancel:{incident.id}:{incident.attempt}"
        detail = {"flow_run_id": incident.flow_run_id}
        await ask_motor(db, key, incident.id, "cancel", now=now, detail=detail)


async def ask_for_response(db: Db, incident: Incident, *, now: datetime) -> None:
    """Have Prefect start the response's current attempt, once."""
    await ask_motor(
        db,
        f"start:{incident.id}:{incident.attempt}",
        incident.id,
        "start",
        now=now,
        detail={"attempt": incident.attempt},
    )
