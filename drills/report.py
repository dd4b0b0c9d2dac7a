"""The report of a drill: `report.json` and what lies beside it. Its shape is an interface; see docs/drills.md."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from slugify import slugify

from drills.grading import Facts
from drills.stand import Received
from watchkeeper.documents.cards import timeline_document
from watchkeeper.model import Deadline, Finding, Incident, Remediation, TimelineEntry
from watchkeeper.paging.model import Notification, Purpose


@dataclass(frozen=True)
class Moments:
    """When things happened; None where they did not."""

    fault: datetime
    alert: datetime | None
    page: datetime | None
    acknowledged: datetime | None
    findings: datetime | None
    mitigated: datetime | None
    resolved: datetime | None


def moments(
    fault_at: datetime,
    incident: Incident | None,
    notifications: Sequence[Notification],
    findings_at: datetime | None,
) -> Moments:
    pages = [n.sent_at for n in notifications if n.purpose is Purpose.PAGE and n.sent_at]
    return Moments(
        fault=fault_at,
        alert=incident.detected_at if incident else None,
        page=min(pages, default=None),
        acknowledged=incident.acknowledged_at if incident else None,
        findings=findings_at,
        mitigated=incident.recovered_at if incident else None,
        resolved=incident.resolved_at if incident else None,
    )


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    return round((end - start).total_seconds(), 3) if start and end else None


def seconds_of(when: Moments) -> dict[str, float | None]:
    return {
        "fault_to_alert": seconds_between(when.fault, when.alert),
        "alert_to_page": seconds_between(when.alert, when.page),
        "page_to_acknowledged": seconds_between(when.page, when.acknowledged),
        "alert_to_findings": seconds_between(when.alert, when.findings),
        "alert_to_mitigated": seconds_between(when.alert, when.mitigated),
        "mitigated_to_resolved": seconds_between(when.mitigated, when.resolved),
    }


def report_of(
    facts: Facts,
    failures: Sequence[str],
    *,
    when: Moments,
    findings: Sequence[Finding],
    deadlines: Sequence[Deadline],
    post_mortem: str | None,
    peak_memory_mb: int,
    speed: float,
) -> dict[str, Any]:
    """The content of `report.json`."""
    return {
        "scenario": facts.scenario.name,
        "name": f"{facts.scenario.name}{'-counterpart' if facts.counterpart else ''}",
        "person": facts.person,
        "counterpart": facts.counterpart,
        "observe": facts.observe,
        "speed": speed,
        "passed": not failures,
        "failures": list(failures),
        **rows_entry(
            facts.incident,
            when=when,
            notifications=facts.notifications,
            findings=findings,
            remediations=facts.remediations,
            deadlines=deadlines,
        ),
        "post_mortem": post_mortem,
        "peak_memory_mb": peak_memory_mb,
    }


def rows_entry(
    incident: Incident | None,
    *,
    when: Moments,
    notifications: Sequence[Notification],
    findings: Sequence[Finding],
    remediations: Sequence[Remediation],
    deadlines: Sequence[Deadline],
) -> dict[str, Any]:
    """What the rows say of a night."""
    return {
        "incident": incident
        and {
            "number": incident.number,
            "kind": incident.kind,
            "severity": incident.severity,
            "status": incident.status,
        },
        "seconds": seconds_of(when),
        "pages": [page_entry(n) for n in notifications],
        "findings": [
            {"cause": f.cause, "confidence": f.confidence, "evidence": f.evidence} for f in findings
        ],
        "remediations": [remediation_entry(r) for r in remediations],
        "deadlines": [
            {"kind": d.kind, "due_at": d.due_at.isoformat(), "met_at": d.met_at and d.met_at.isoformat()}
            for d in deadlines
        ],
    }


def hold_against(report: dict[str, Any], failures: Sequence[str], folder: Path) -> None:
    """What came to light only after the report was written; it is written again."""
    report["failures"] = [*report["failures"], *failures]
    report["passed"] = not report["failures"]
    write_json(report, folder)


def write_json(report: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, indent=2, default=str) + "\n")


def remediation_entry(remediation: Remediation) -> dict[str, Any]:
    return {
        "action": remediation.action,
        "target": remediation.target,
        "gate": remediation.gate,
        "approved_by": remediation.approved_by,
        "preview": remediation.plan.preview,
        "outcome": remediation.outcome,
        "state": remediation.state,
    }


def page_entry(notification: Notification) -> dict[str, Any]:
    sent, delivered = notification.sent_at, notification.delivered_at
    return {
        "channel": notification.channel,
        "recipient": notification.recipient,
        "purpose": notification.purpose,
        "sent_at": sent and sent.isoformat(),
        "delivered_at": delivered and delivered.isoformat(),
    }


def write_report(
    folder: Path,
    report: dict[str, Any],
    *,
    incident: Incident | None,
    timeline: Sequence[TimelineEntry],
    messages: Sequence[Received],
    draft: str | None,
    requests: Sequence[dict[str, Any]],
) -> None:
    """Write the folder that a drill leaves behind; `messages` are what people received, as they would see it."""
    write_json(report, folder)
    with (folder / "requests.jsonl").open("w") as lines:
        lines.writelines(f"{json.dumps(request)}\n" for request in requests)
    if incident is not None:
        (folder / "timeline.md").write_text(timeline_document(incident, list(timeline)))
    if draft is not None:
        (folder / "post-mortem.md").write_text(draft)
    sent = folder / "messages"
    shutil.rmtree(sent, ignore_errors=True)
    sent.mkdir()
    for number, message in enumerate(messages, start=1):
        # A recipient is a stranger's word, such as a channel's name, and must not lead out of the folder.
        stem = f"{number:02d}-{message.channel}-{slugify(message.recipient) or 'somebody'}"
        subject = f"Subject: {message.subject}\n\n" if message.subject else ""
        (sent / f"{stem}.txt").write_text(f"{subject}{message.text}\n")
        if message.html:
            (sent / f"{stem}.html").write_text(message.html)
