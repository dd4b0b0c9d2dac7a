"""Admission: one transaction from an alert to a page.

The same fingerprint as an open incident's alert is attached; what is silenced is held back; what depends on a service that is already down
joins its incident; else an incident opens, with its first pages, its deadlines and its response.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import Field, ValidationError

from watchkeeper.decisions import judge_severity, place, service_of_kind
from watchkeeper.errors import BadInput
from watchkeeper.figures.repeats import link_by_alert
from watchkeeper.incidents import START_GRACE, ask_for_response, incident_of, list_open, read_incident
from watchkeeper.model import Alert, Channel, Data, Incident, Kind, Severity, TimelineKind
from watchkeeper.paging.desk import Desk, update_team, wake
from watchkeeper.paging.proving import PROOF, page_own_phone
from watchkeeper.paging.routing import tell_of_start
from watchkeeper.policy import Policy
from watchkeeper.quiet.flapping import note_change
from watchkeeper.quiet.silences import hold_back
from watchkeeper.rendering import words
from watchkeeper.store import Db, present
from watchkeeper.timeline import record

JUDGED_BY = ("severity", "users_affected_percent", "error_rate_percent", "ends")


class Admission(Data):
    """What became of an alert: the incident that it belongs to, if any, and the named reason."""

    incident_id: int | None
    reason: str
    opened: bool = False
    detail: dict[str, Any] = Field(default_factory=dict)


def alert_of_person(
    summary: str,
    kind: Kind,
    severity: Severity | None,
    *,
    users_affected_percent: float | None,
    policy: Policy,
    now: datetime,
) -> Alert:
    """What a person says is wrong, as an alert of its own that nothing but a person ends.

    Raises:
        BadInput: a value is out of its range.
    """
    try:
        return Alert(
            source="person",
            fingerprint=f"person:{uuid.uuid4()}",
            service=service_of_kind(kind, near="", policy=policy) or kind.value,
            kind=kind,
            summary=summary,
            started_at=now,
            severity=severity,
            users_affected_percent=users_affected_percent,
        )
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise BadInput("; ".join(wrong)) from error


async def admit_again(
    db: Db, desk: Desk, alerts: Sequence[Alert], *, received_at: Sequence[datetime]
) -> dict[int, Admission]:
    """Take in alerts that change nothing, in one statement: what a storm consists of.

    Returns:
        What became of these, by their place in `alerts`; any other alert is missing and wants a transaction.
    """
    told = [
        {
            **_columns(alert, now),
            "started_at": alert.started_at.isoformat(),
            "now": now.isoformat(),
            "number": number,
            "lasts": alert.lasts,
            "severity": judge_severity(alert, desk.policy).severity,
        }
        for number, (alert, now) in enumerate(zip(alerts, received_at, strict=True))
    ]
    rows = await db.all("alerts/again", alerts=Jsonb(told))
    return {row["number"]: Admission(incident_id=row["incident_id"], reason=row["reason"]) for row in rows}


def _columns(alert: Alert, now: datetime) -> dict[str, Any]:
    return {
        "source": alert.source,
        "fingerprint": alert.fingerprint,
        "delivery_id": alert.delivery_id,
        "firing": alert.firing,
        "service": alert.service,
        "kind": alert.kind,
        "summary": alert.summary,
        "started_at": alert.started_at,
        "payload": alert.payload,
        "detail": _said(alert),
        "now": now,
    }


def _said(alert: Alert) -> dict[str, Any]:
    """What its sender said that a decision rests on, where it said anything: another policy may decide otherwise."""
    told = alert.model_dump(mode="json", include=set(JUDGED_BY), exclude_defaults=True)
    return {"said": told} if told else {}


async def admit(db: Db, desk: Desk, alert: Alert, *, now: datetime) -> Admission:
    """Take in one alert. Run it in a transaction: when that commits, the alert and its pages are durable."""
    alert_id = await _write_down(db, alert, now)
    if alert_id is None:
        return await _delivered_before(db, alert)
    if alert.source == PROOF:
        await page_own_phone(db, alert, desk.public_url, now=now)
        admission = Admission(incident_id=None, reason=PROOF)
        await _decide(db, alert_id, admission)
        return admission
    return await take_in(db, desk, alert, alert_id, now=now)


async def take_in(db: Db, desk: Desk, alert: Alert, alert_id: int, *, now: datetime) -> Admission:
    """Decide about an alert that is written down, and write the decision to it with what it was made on."""
    severity, why = judge_severity(alert, desk.policy)
    admission = await _attach_to_known(db, desk, alert, now)
    if admission is None and (hold := await hold_back(db, alert, alert_id, desk.policy, now=now)):
        admission = Admission(
            incident_id=None, reason=hold.decision, detail={"hold": hold.model_dump(mode="json")}
        )
    admission = admission or await _place_unknown(db, desk, alert, now)
    judged = {"severity": severity.value, "judged": why}
    admission = admission.model_copy(update={"detail": judged | admission.detail})
    await _decide(db, alert_id, admission)
    return admission


async def _decide(db: Db, alert_id: int, admission: Admission) -> None:
    await db.run(
        "alerts/decide",
        id=alert_id,
        incident_id=admission.incident_id,
        decision=admission.reason,
        detail=admission.detail,
    )


async def is_watched(db: Db, fingerprint: str) -> bool:
    """Whether anything waits to hear that an alert is over."""
    return bool(present(await db.one("alerts/is_watched", fingerprint=fingerprint))["watched"])


async def _write_down(db: Db, alert: Alert, now: datetime) -> int | None:
    row = await db.one("alerts/insert", **_columns(alert, now))
    return row["id"] if row else None


async def _delivered_before(db: Db, alert: Alert) -> Admission:
    row = await db.one("alerts/delivered", source=alert.source, delivery_id=alert.delivery_id)
    return Admission(incident_id=row["incident_id"] if row else None, reason="delivered_before")


async def _attach_to_known(db: Db, desk: Desk, alert: Alert, now: datetime) -> Admission | None:
    row = await db.one("alerts/open_incident_of", fingerprint=alert.fingerprint)
    if row is None:
        return None
    if row["firing"] != alert.lasts:
        await note_change(db, desk, alert, row, now=now)
    if alert.firing and judge_severity(alert, desk.policy).severity.is_worse_than(Severity(row["severity"])):
        incident = await read_incident(db, row["incident_id"])
        await _reconsider(db, desk, alert, incident, deeper=False, now=now)
    return Admission(incident_id=row["incident_id"], reason="same_fingerprint")


async def _place_unknown(db: Db, desk: Desk, alert: Alert, now: datetime) -> Admission:
    await db.one("incidents/lock_admission")
    if admission := await _attach_to_known(db, desk, alert, now):
        return admission  # opened by somebody else while we waited for the lock
    placement = place(alert, await list_open(db), desk.policy, now)
    if placement.choice == "record":
        return Admission(incident_id=None, reason=placement.reason)
    if placement.incident_id is None:
        return await _open(db, desk, alert, placement.reason, now)
    incident = await read_incident(db, placement.incident_id)
    await _join(db, alert, incident, placement.reason, now)
    await _reconsider(db, desk, alert, incident, deeper=placement.choice == "deepen", now=now)
    return Admission(incident_id=incident.id, reason=placement.reason)


async def _join(db: Db, alert: Alert, incident: Incident, reason: str, now: datetime) -> None:
    await db.run(
        "alerts/join",
        fingerprint=alert.fingerprint,
        incident_id=incident.id,
        source=alert.source,
        firing=alert.lasts,
        now=now,
    )
    text = f"{alert.source}: {alert.summary}"
    await record(db, incident.id, TimelineKind.ALERT, text, now=now, detail={"reason": reason})


async def _reconsider(
    db: Db, desk: Desk, alert: Alert, incident: Incident, *, deeper: bool, now: datetime
) -> None:
    """What a joining alert changes: a deeper one is what the incident is about, a worse one how bad it is."""
    judged, why = judge_severity(alert, desk.policy)
    worse = judged.is_worse_than(incident.severity)
    changes: dict[str, str] = {"severity": judged} if worse else {}
    if deeper or (worse and alert.service == incident.service):
        changes |= {"kind": alert.kind, "service": alert.service, "summary": alert.summary}
    if deeper:
        why = f"{why}; {incident.service} depends on {alert.service}"
    if changes:
        await reclassify(db, desk, incident, why, now=now, **changes)


async def reclassify(
    db: Db,
    desk: Desk,
    incident: Incident,
    why: str,
    *,
    now: datetime,
    severity: str | None = None,
    kind: str | None = None,
    service: str | None = None,
    summary: str | None = None,
) -> Incident:
    """Write down what the incident turned out to be. A worse severity pages by its channels and tightens the
    deadlines; a milder one is left to people. What turned out to be something else is slept through by nobody.

    Returns:
        The incident as it is now.
    """
    row = await db.one(
        "incidents/reclassify",
        id=incident.id,
        kind=kind or incident.kind,
        service=service or incident.service,
        summary=summary or incident.summary,
        severity=severity or incident.severity,
    )
    if row is None:
        return incident  # it was resolved meanwhile
    known = incident_of(row)
    text = f"{known.severity} {words(known.kind)} of {known.service} ({words(why)})"
    await record(db, incident.id, TimelineKind.DECISION, text, now=now)
    if known.severity.is_worse_than(incident.severity):
        await tell_of_start(db, desk, known, now=now, got_worse=True)
        if Channel.SLACK in desk.policy.rule(incident.severity).channels:
            # The team's channel has its alert already, and hears in its thread that it got worse.
            key = f"severity:{known.severity}"
            await update_team(db, desk, known, f"It got worse: now {text}", key=key, now=now)
    elif (known.kind, known.service) != (incident.kind, incident.service):
        # The page may wait for what was signed for something else.
        await wake(db, desk, known, f"it is {words(known.kind)} of {known.service} now", now=now)
    return known


async def _open(db: Db, desk: Desk, alert: Alert, reason: str, now: datetime) -> Admission:
    severity, why = judge_severity(alert, desk.policy)
    row = await db.one(
        "incidents/open",
        kind=alert.kind,
        severity=severity,
        service=alert.service,
        summary=alert.summary,
        source=alert.source,
        users_affected_percent=alert.users_affected_percent,
        started_at=alert.started_at,
        lease_until=now + START_GRACE,
        policy=desk.policy.model_dump(mode="json"),
        now=now,
    )
    incident = incident_of(present(row))
    await _join(db, alert, incident, reason, now)
    await link_by_alert(db, incident.id, alert.fingerprint, desk.policy, now=now)
    text = f"{incident.number} opened: {severity} ({words(why)})"
    await record(db, incident.id, TimelineKind.DECISION, text, now=now)
    await tell_of_start(db, desk, incident, now=now)
    await ask_for_response(db, incident, now=now)
    return Admission(incident_id=incident.id, reason=reason, opened=True)
