"""What is left of a night with the clock moved: what was seen from outside, and the rows for its report."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from drills.moved.grading import Seen
from drills.moved.night import MovedNight
from drills.stand import Received
from watchkeeper.deadlines import read_deadlines
from watchkeeper.findings import read_findings
from watchkeeper.incidents import list_recent
from watchkeeper.model import Deadline, Finding, Incident, Remediation, TimelineEntry
from watchkeeper.paging.model import Notification
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.remediations import read_remediations
from watchkeeper.reviews import read_review
from watchkeeper.timeline import read_timeline


@dataclass(frozen=True)
class Gathered:
    """A night as it was. Its incident is the first one; what was sent is told of all of them."""

    seen: Seen
    incident: Incident | None
    timeline: Sequence[TimelineEntry]
    notifications: Sequence[Notification]
    findings: Sequence[Finding]
    remediations: Sequence[Remediation]
    deadlines: Sequence[Deadline]
    draft: str | None

    @property
    def findings_at(self) -> datetime | None:
        return min((entry.at for entry in self.timeline if entry.kind == "finding"), default=None)


async def gather(night: MovedNight, requests_file: Path, began: datetime) -> Gathered:
    """Everything, once the night has been told."""
    store = night.store
    incidents = sorted(await list_recent(store, 50), key=lambda incident: incident.id)
    remediations = [each for incident in incidents for each in await read_remediations(store, incident.id)]
    first = incidents[0] if incidents else None
    review = await read_review(store, first.id) if first else None
    return Gathered(
        seen=Seen(
            began=began,
            received=received_by_team(night),
            customers=night.customer_mail,
            requests=await asyncio.to_thread(requests_in, requests_file),
            noted=night.noted,
            rows=rows_of(remediations),
        ),
        incident=first,
        timeline=await read_timeline(store, first.id) if first else [],
        notifications=[n for incident in incidents for n in await read_notifications(store, incident.id)],
        findings=await read_findings(store, first.id) if first else [],
        remediations=remediations,
        deadlines=[d for incident in incidents for d in await read_deadlines(store, incident.id)],
        draft=review["draft"] if review else None,
    )


def received_by_team(night: MovedNight) -> list[Received]:
    """What reached people, the team's channel and the status page, oldest first."""
    found: list[Received] = []
    channels = night.vendors.slack.channels
    for handle, person in night.desk.policy.people.items():
        found += [Received(p["at"], "slack", handle, p["text"]) for p in channels.get(person.slack or "", [])]
        found += [Received(m["at"], m["kind"], handle, m["body"]) for m in night.phone(handle).received]
        found += [
            Received(m["at"], "email", handle, m["text"], m["subject"], m["html"])
            for m in night.mails(handle)
        ]
    found += [
        Received(post["at"], "slack", night.desk.policy.chat_channel, post["text"]) for post in night.posts
    ]
    found += [
        Received(update["created_at"], "status_page", "status page", update["body"], incident["name"])
        for incident in night.vendors.statuspage.incidents
        for update in incident["incident_updates"]
    ]
    return sorted(found, key=lambda message: message.at)


def requests_in(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def rows_of(remediations: Sequence[Remediation]) -> dict[str, str]:
    """What nothing outside shows: what has become of each plan."""
    return {
        f"plan {each.id}": f"{each.state} by {each.approved_by}" if each.approved_by else str(each.state)
        for each in remediations
    }
