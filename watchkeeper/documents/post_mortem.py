"""The post-mortem's draft: the guide's sections, filled from rows, with marks where only a person knows."""

from collections.abc import Sequence
from datetime import datetime

from slugify import slugify

from watchkeeper.model import (
    Deadline,
    Finding,
    Incident,
    Notification,
    Reading,
    Remediation,
    RemediationState,
    TimelineEntry,
    TimelineKind,
)
from watchkeeper.rendering import render

# What belongs on a post-mortem's timeline; single commands and readings are in the incident's own.
TOLD = frozenset(
    {
        TimelineKind.ALERT,
        TimelineKind.STATUS,
        TimelineKind.ACKNOWLEDGED,
        TimelineKind.FINDING,
        TimelineKind.PLAN,
        TimelineKind.APPROVAL,
        TimelineKind.ACTION,
        TimelineKind.DECISION,
    }
)


def file_name(incident: Incident) -> str:
    """YYYY-MM-DD-incident-name.md."""
    return f"{incident.started_at:%Y-%m-%d}-{slugify(incident.summary, max_length=60, word_boundary=True)}.md"


def draft(
    incident: Incident,
    timeline: Sequence[TimelineEntry],
    findings: Sequence[Finding],
    remediations: Sequence[Remediation],
    notifications: Sequence[Notification],
    deadlines: Sequence[Deadline],
    *,
    author_role: str,
    now: datetime,
    readings: Sequence[Reading] = (),
) -> str:
    """The draft as Markdown. It names roles, not people: what failed is the system.

    Args:
        author_role: such as "the primary on-call".
    """
    people = {n.recipient for n in notifications} | {incident.acknowledged_by or ""}
    return render(
        "documents/post_mortem.md.j2",
        incident=incident,
        timeline=[(entry.at, blameless(entry.text, people)) for entry in timeline if entry.kind in TOLD],
        root=findings[0] if findings else None,
        others=list(findings[1:]),
        done=[r for r in remediations if r.state is RemediationState.DONE],
        not_done=[r for r in remediations if r.state is not RemediationState.DONE],
        detect=incident.detected_at - incident.started_at,
        acknowledge=incident.acknowledged_at and incident.acknowledged_at - incident.detected_at,
        mitigate=incident.mitigated_at and incident.mitigated_at - incident.detected_at,
        duration=(incident.resolved_at or now) - incident.started_at,
        pages=sum(n.purpose in ("page", "escalation") for n in notifications),
        missed=[d for d in deadlines if d.state == "missed"],
        looks=len(readings),
        green=sum(r.ok for r in readings),
        author_role=author_role,
        now=now,
    )


def blameless(text: str, people: set[str]) -> str:
    """The text with handles replaced by their role."""
    for person in sorted(filter(None, people), key=len, reverse=True):
        if not person.startswith("#"):
            text = text.replace(f"by {person}", "by a person on call").replace(
                f"to {person}", "to a person on call"
            )
    return text
