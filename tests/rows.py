"""Rows as the store gives them, each with what every row has; a test says what is otherwise."""

from datetime import UTC, datetime
from typing import Any

from watchkeeper.model import (
    Channel,
    Gate,
    Incident,
    Kind,
    Plan,
    Remediation,
    RemediationState,
    Severity,
    Status,
)
from watchkeeper.paging.model import Message, Notification, NotificationState, Purpose

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def an_incident(**told: Any) -> Incident:
    """A database that was down."""
    known = {
        "id": 7,
        "kind": Kind.DATABASE_DOWN,
        "severity": Severity.P0,
        "status": Status.RESOLVED,
        "service": "database",
        "summary": "down",
        "source": "uptimerobot",
        "users_affected_percent": None,
        "started_at": NOW,
        "detected_at": NOW,
        "policy": {},
    }
    return Incident.model_validate(known | told)


def a_remediation(plan: Plan, state: RemediationState, **told: Any) -> Remediation:
    """The first step that was taken for this plan, which a person approved."""
    known = {
        "id": 1,
        "incident_id": 7,
        "round": 1,
        "step": 1,
        "attempt": 1,
        "action": plan.action,
        "target": plan.target,
        "plan": plan,
        "plan_digest": "d",
        "gate": Gate.APPROVAL,
        "gate_reason": "guide_asks_a_person_first",
        "state": state,
    }
    return Remediation.model_validate(known | told)


def a_notification(purpose: Purpose, message: Message, **told: Any) -> Notification:
    """A text message to Ana, sent at the first try."""
    known = {
        "id": 1,
        "key": f"INC-0007:{purpose}:ana:sms",
        "incident_id": 7,
        "purpose": purpose,
        "recipient": "ana",
        "channel": Channel.SMS,
        "fallback": [],
        "message": message,
        "state": NotificationState.SENT,
        "attempts": 1,
        "priority": 0,
        "due_at": NOW,
    }
    return Notification.model_validate(known | told)
