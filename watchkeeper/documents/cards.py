"""Cards: what a person reads in the Prefect UI about one phase, as Markdown. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from watchkeeper.model import (
    Check,
    CheckStatus,
    Finding,
    Incident,
    Kind,
    Plan,
    Reading,
    Remediation,
    TimelineEntry,
)
from watchkeeper.rendering import render

CHANGES_SHOWN = 10
# The looks that say what was changed lately: deployments on each platform, and the variables of the one that tells.
TELL_OF_CHANGES = ("railway_changes", "vercel_deployments", "vercel_variables")


def findings_card(incident: Incident, checks: Sequence[Check], findings: Sequence[Finding]) -> str:
    """Ranked causes with their evidence, what changed lately, every look, and what is missing."""
    changes = [change for check in checks for change in check.facts.get("changes", [])]
    unread = [c for c in checks if "changes" not in c.facts and c.name in TELL_OF_CHANGES]
    return render(
        "documents/findings.md.j2",
        incident=incident,
        findings=findings,
        checks=checks,
        missing=[c for c in checks if c.status in (CheckStatus.UNKNOWN, CheckStatus.NOT_CONFIGURED)],
        changes=sorted(changes, key=lambda change: str(change["at"]), reverse=True)[:CHANGES_SHOWN],
        unread=unread,
    )


def plan_card(remediations: Sequence[Remediation]) -> str:
    """What will be done, what it touches, and what it waits for."""
    return render("documents/plan.md.j2", remediations=remediations)


def rehearsal_card(kind: Kind, findings: Sequence[Finding], plans: Sequence[tuple[Plan, str, str]]) -> str:
    """What a runbook would do now: each plan with its gate and the gate's reason. Nothing was changed."""
    return render("documents/rehearsal.md.j2", kind=kind, findings=findings, plans=plans)


def verification_card(
    incident: Incident,
    readings: Sequence[Reading],
    *,
    green_since: datetime | None,
    stable_for: timedelta,
    affected: str,
    now: datetime,
) -> str:
    """Every probe with its newest reading, for how long all of them have been green, and what a person tests by hand."""
    newest = {(r.service, r.probe): r for r in readings}
    return render(
        "documents/verification.md.j2",
        incident=incident,
        newest=[newest[key] for key in sorted(newest)],
        looks=len(readings),
        green_for=now - green_since if green_since else None,
        stable_for=stable_for,
        affected=affected,
    )


def timeline_document(incident: Incident, timeline: Sequence[TimelineEntry]) -> str:
    """Everything that happened, with the commands and what they gave."""
    return render("documents/timeline.md.j2", incident=incident, timeline=timeline)
