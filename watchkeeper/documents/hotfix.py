"""What a hotfix is begun with: the names of its issue and its branch, and the issue's text. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC

from watchkeeper.model import Finding, Incident, Remediation
from watchkeeper.rendering import one_line, render

LONGEST_TITLE = 200
LONGEST_BODY = 20_000
NOT_IN_A_BRANCH = re.compile(r"[^a-z0-9]+")


def hotfix_branch(incident: Incident, finding: Finding) -> str:
    """Such as "hotfix/inc-0007-bad-deployment"."""
    cause = NOT_IN_A_BRANCH.sub("-", finding.cause.lower()).strip("-")
    return f"hotfix/{incident.number.lower()}-{cause}"


def hotfix_title(incident: Incident) -> str:
    return one_line(f"{incident.number} {incident.severity}: {incident.summary}")[:LONGEST_TITLE]


def hotfix_marker(incident: Incident) -> str:
    """What its issue is known by; with the time, for numbers start anew with a new store."""
    return f"watchkeeper:{incident.number}:{incident.detected_at.astimezone(UTC):%Y%m%dT%H%M%S}"


def hotfix_issue(
    incident: Incident,
    finding: Finding,
    tried: Sequence[Remediation],
    *,
    branch: str,
    commit: str,
    incident_link: str,
) -> str:
    """The issue's text, in Markdown: what is known, what was tried, and what the guide says to do with the branch."""
    text = render(
        "documents/hotfix.md.j2",
        incident=incident,
        finding=finding,
        tried=tried,
        branch=branch,
        commit=commit,
        marker=hotfix_marker(incident),
        incident_link=incident_link,
    )
    return text[:LONGEST_BODY]
