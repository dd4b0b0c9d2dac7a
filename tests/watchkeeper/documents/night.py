"""One night's rows, as a post-mortem is written from them: hostile where a stranger could be."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.rows import a_notification, a_remediation, an_incident
from watchkeeper.documents.post_mortem import Known, roles_of
from watchkeeper.model import (
    Channel,
    Check,
    CheckStatus,
    Deadline,
    DeadlineKind,
    DeadlineState,
    Fault,
    Finding,
    Gate,
    Incident,
    Plan,
    Reading,
    Remediation,
    RemediationState,
    TimelineEntry,
    TimelineKind,
)
from watchkeeper.paging.model import Message, Notification, NotificationState, Purpose

START = datetime(2026, 3, 2, 23, 50, tzinfo=UTC)
HOSTILE = "Checkout <img src=x onerror=alert(1)> [TO FILL: nothing] | **down**"
END_CONNECTIONS = Plan(
    action="end_idle_connections",
    target="database",
    cause="connection_leak",
    summary="End 18 idle connections",
    preview=["pid 7"],
)
RESTART = Plan(
    action="restart_service",
    target="backend",
    cause="connection_leak",
    summary="Restart backend to reset its pool",
    preview=["deployment a1b2c3"],
)
ROLES = roles_of([("ana", "Ana"), ("ben", "Ben")], "ana", "ben", ["watchkeeper", "Cleo"])


def after(**duration: float) -> datetime:
    return START + timedelta(**duration)


def incident(**more: Any) -> Incident:
    known = {
        "summary": "Database is out of connections",
        "users_affected_percent": 60,
        "started_at": START,
        "detected_at": after(minutes=2),
        "acknowledged_at": after(minutes=4),
        "acknowledged_by": "ana",
        "mitigated_at": after(minutes=12),
        "recovered_at": after(minutes=12),
        "resolved_at": after(minutes=30),
        "cause": "connection_leak",
        "cause_confidence": 0.87,
    }
    return an_incident(**(known | more))


def entry(minutes: float, kind: TimelineKind, text: str, actor: str = "watchkeeper") -> TimelineEntry:
    return TimelineEntry(
        id=1, incident_id=7, at=after(minutes=minutes), kind=kind, actor=actor, text=text, detail={}
    )


def reading(minutes: float, value: float | None, **more: Any) -> Reading:
    known = {
        "probe": "connections",
        "service": "database",
        "value": value,
        "unit": "connections",
        "threshold": 15,
        "ok": value is not None and value <= 15,
        "observed_at": after(minutes=minutes),
    }
    return Reading.model_validate(known | more)


def remediation(
    state: RemediationState, outcome: str, plan: Plan = END_CONNECTIONS, **more: Any
) -> Remediation:
    known = {
        "gate": Gate.NONE,
        "gate_reason": "guide_does_it_unasked",
        "claimed_at": after(minutes=11),
        "outcome": outcome,
    }
    return a_remediation(plan, state, **(known | more))


def page(channel: Channel, state: NotificationState, **more: Any) -> Notification:
    known = {
        "key": "k",
        "channel": channel,
        "state": state,
        "due_at": after(minutes=2),
        "sent_at": after(minutes=2) if state is NotificationState.SENT else None,
    }
    return a_notification(Purpose.PAGE, Message(subject="s", text="t", short="s"), **(known | more))


def timeline() -> list[TimelineEntry]:
    return [
        entry(2, TimelineKind.ALERT, "uptimerobot: Database is out of connections"),
        entry(2.5, TimelineKind.PAGE, "page to ana by sms sent"),
        entry(4, TimelineKind.ACKNOWLEDGED, "Acknowledged by ana", actor="ana"),
        entry(9, TimelineKind.COMMAND, "SELECT count(*) FROM pg_stat_activity"),
        entry(11, TimelineKind.ACTION, "Doing: End 18 idle connections"),
        entry(
            30,
            TimelineKind.STATUS,
            "Status: resolved (closed by Cleo: Ben says <b>well</b>)",
            actor="Cleo",
        ),
    ]


def night(**more: Any) -> Known:
    """A leak, found and mended; what a test wants otherwise it says."""
    known: dict[str, Any] = {
        "incident": incident(),
        "timeline": timeline(),
        "findings": [
            Finding(
                cause="connection_leak",
                confidence=0.87,
                fault=Fault.OURS,
                evidence=["33 connections, 18 of them idle for longer than 5 minutes"],
                against=["no deployment in the last hour"],
            ),
            Finding(cause="disk_full", confidence=0.2, fault=Fault.OURS, evidence=["the disk is 71 % full"]),
        ],
        "remediations": [
            remediation(RemediationState.DONE, "18 connections ended"),
            remediation(
                RemediationState.FAILED,
                "railway answered 503",
                id=2,
                step=2,
                plan=RESTART,
                claimed_at=after(minutes=14),
                approved_by="ben",
            ),
        ],
        "notifications": [
            page(Channel.SMS, NotificationState.SENT),
            page(Channel.VOICE, NotificationState.FAILED, error="twilio answered 400 to call"),
        ],
        "deadlines": [
            Deadline(
                incident_id=7,
                kind=DeadlineKind.ACKNOWLEDGE,
                number=1,
                due_at=after(minutes=3),
                state=DeadlineState.MET,
                met_at=after(minutes=4),
            )
        ],
        "readings": [reading(n, 33) for n in range(3, 12)] + [reading(n, 9) for n in range(12, 30, 2)],
        "roles": ROLES,
    }
    return Known(**(known | more))


def payments_check(name: str, **facts: Any) -> Check:
    return Check(
        name=name,
        system="stripe",
        status=CheckStatus.BAD,
        summary="3 payments, 41.25 USD",
        facts=facts,
        observed_at=after(minutes=9),
    )
