"""Grading a drill: on what the stand-in company, its vendors and its people saw, not on what Watchkeeper says.

Pure functions: facts in, sentences out; no sentence is a pass.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drills.person import Behaviour
from drills.scenarios.scenario import Scenario
from drills.stand import Received
from drills.writes import is_production_write
from watchkeeper.links import BLANK
from watchkeeper.model import Finding, Incident, Remediation, Status
from watchkeeper.paging.model import Notification, Purpose
from watchkeeper.remediations import is_by_hand
from watchkeeper.rendering import one_line

# Where a change touches nothing of production: an issue and a branch are begun before a person takes over.
TOUCHES_NOTHING = frozenset({"github"})


@dataclass(frozen=True)
class Facts:
    """What was seen in one drill.

    Attributes:
        observe: whether the policy let Watchkeeper only observe.
        counterpart: whether this was the night in which the cure does not work.
        before, after: what the company and its vendors saw (GET /control/state) before the fault and at the end; with
            what whoever took over saw meanwhile under "by_hand" of `after`.
        requests: every request a stand-in received.
        incidents: how many were opened; one fault is one incident.
        orders_after: orders that customers placed after the end, as (succeeded, failed).
        messages: texts on each person's phone, by name.
        received: everything that reached somebody since the fault, on whichever channel.
        findings: what was found, of which a person who takes over must have received every word.
    """

    scenario: Scenario
    person: Behaviour
    counterpart: bool
    observe: bool
    before: dict[str, Any]
    after: dict[str, Any]
    incident: Incident | None
    incidents: int
    notifications: Sequence[Notification]
    remediations: Sequence[Remediation]
    requests: Sequence[dict[str, Any]]
    orders_after: tuple[int, int]
    messages: dict[str, list[str]]
    received: Sequence[Received]
    findings: Sequence[Finding]
    review_due_at: datetime | None
    draft: str | None

    @property
    def ends_resolved(self) -> bool:
        """What needs no change of ours ends well under the eyes of one who only observes, too."""
        needs_a_change = self.scenario.needs_approval or any(self.scenario.cure.values())
        if self.counterpart or (self.observe and needs_a_change):
            return False
        return self.scenario.ends_resolved(self.person)

    @property
    def asked_nobody(self) -> bool:
        """Whether nothing of production may have been changed: nobody said yes, or we may only look."""
        return self.observe or (self.person != "prompt" and self.scenario.needs_approval)

    @property
    def writes(self) -> dict[str, int]:
        """How often each write may be seen."""
        if self.observe:
            return {}
        if self.counterpart and self.scenario.counterpart and not self.asked_nobody:
            return self.scenario.counterpart.at_most
        return self.scenario.writes(self.person)


def grade(facts: Facts) -> list[str]:
    """Every reason for which this drill is not a pass."""
    if facts.incident is None:
        return ["no incident was opened"]
    failures = [*paging_failures(facts), *once_failures(facts), *observing_failures(facts)]
    if facts.incidents != 1:
        failures.append(f"{facts.incidents} incidents were opened for one fault")
    if facts.ends_resolved:
        failures += evidence_failures(facts) if facts.scenario.by_hand else []
        return [*failures, *resolved_failures(facts, facts.incident)]
    return [*failures, *handover_failures(facts, facts.incident)]


def paging_failures(facts: Facts) -> list[str]:
    if not facts.scenario.wakes:
        return unwoken_failures(facts)
    failures = []
    if not facts.messages.get("ana"):
        failures.append("the primary's phone received nothing")
    if facts.person == "silent" and not facts.messages.get("ben"):
        failures.append("the primary stayed silent and the secondary's phone received nothing")
    return failures


def unwoken_failures(facts: Facts) -> list[str]:
    """What can wait for the morning is told, and rings nobody's phone."""
    told = [received for received in arrived(facts, Purpose.PAGE) if received.recipient == "ana"]
    failures = [] if told else ["the primary was not told"]
    return failures + [
        f"{name}'s phone rang for what can wait" for name, texts in facts.messages.items() if texts
    ]


def once_failures(facts: Facts) -> list[str]:
    """No change to production twice: counted at the vendor, not in our rows."""
    failures = []
    for write, at_most in facts.writes.items():
        seen = count_writes(facts.requests, write)
        if seen > at_most:
            failures.append(f"{write} was asked {seen} times, {at_most} expected")
    return failures


def observing_failures(facts: Facts) -> list[str]:
    """Whoever only observes writes to no vendor: told by what the vendors received."""
    if not facts.observe:
        return []
    return [
        f"while observing, {r['vendor']} was asked: {r['method']} {r['path']}"
        for r in facts.requests
        if is_production_write(r)
    ]


def count_writes(requests: Sequence[dict[str, Any]], write: str) -> int:
    """How many requests hold these words: "vendor:words", looked for in the method, the path and the body."""
    vendor, _, words = write.partition(":")
    return sum(
        r["vendor"] == vendor and words in f"{r.get('method', '')} {r.get('path', '')} {r['body']}"
        for r in requests
    )


def resolved_failures(facts: Facts, incident: Incident) -> list[str]:
    failures = []
    if incident.status is not Status.RESOLVED:
        failures.append(f"the incident is {incident.status}, not resolved")
    if incident.cause != facts.scenario.cause:
        failures.append(f"the cause was named {incident.cause}, not {facts.scenario.cause}")
    if facts.scenario.kind not in (None, incident.kind):
        failures.append(f"the incident is a {incident.kind}, not a {facts.scenario.kind}")
    succeeded, failed = facts.orders_after
    if failed or not succeeded:
        failures.append(f"customers' orders after the end: {succeeded} succeeded, {failed} failed")
    failures += facts.scenario.proof(facts.before, facts.after)
    for write, times in facts.writes.items():
        if (seen := count_writes(facts.requests, write)) < times:
            failures.append(f"{write} was asked {seen} times, {times} expected")
    if facts.scenario.wakes and (facts.review_due_at is None or not facts.draft):
        failures.append("no post-mortem was drafted, or it has no deadline")
    if not arrived(facts, Purpose.RESOLVED):
        failures.append("nobody was told that it is over")
    return failures


def handover_failures(facts: Facts, incident: Incident) -> list[str]:
    failures = []
    if incident.waiting_for != "person":
        failures.append("the incident did not end in a person's hands")
    failures += evidence_failures(facts)
    if facts.asked_nobody:
        failures += untouched_failures(facts)
    if facts.scenario.ends_with_person and incident.cause != facts.scenario.cause:
        failures.append(f"the cause was named {incident.cause}, not {facts.scenario.cause}")
    if facts.counterpart and facts.scenario.counterpart and not facts.asked_nobody:
        failures += facts.scenario.counterpart.proof(facts.before, facts.after)
        failures += untried_failures(facts)
    if facts.scenario.ends_with_person and not facts.counterpart:
        failures += facts.scenario.proof(facts.before, facts.after)
    return failures


def evidence_failures(facts: Facts) -> list[str]:
    """Whoever takes over is told so, with everything that was found and tried, and what is theirs to do."""
    handed = arrived(facts, Purpose.HANDOVER)
    failures = []
    if not handed:
        failures.append("nobody was told that a person must take over")
    elif lacking := evidence_lacking(facts, handed):
        failures.append(f"whoever took over was not given: {lacking[0]}")
    is_theirs = facts.scenario.ends_with_person or facts.scenario.by_hand
    if is_theirs and not any("to do:" in message.text for message in handed):
        failures.append("whoever took over was not told what to do")
    return [*failures, *untold_failures(facts, handed)]


def untold_failures(facts: Facts, handed: Sequence[Received]) -> list[str]:
    """One message at least has all the words that whoever takes over needs."""
    scenario = facts.scenario
    other = scenario.counterpart.told if facts.counterpart and scenario.counterpart else None
    wanted = scenario.told if other is None else other
    lacking = [[words for words in wanted if words not in message.text] for message in handed]
    fewest = min(lacking, key=len, default=[])
    return [f"whoever took over was not told: {words}" for words in fewest]


def arrived(facts: Facts, purpose: Purpose) -> list[Received]:
    """What reached people of what they were to be told for this purpose: as their phones and mailboxes have it."""
    meant = [n.message for n in facts.notifications if n.purpose is purpose]
    wanted = [signed(words) for message in meant for words in (message.short, message.text)]
    return [received for received in facts.received if any(each.search(received.text) for each in wanted)]


def signed(words: str) -> re.Pattern[str]:
    """These words as they arrive: in our rows the place of a link's signature is blank."""
    return re.compile(re.escape(words.strip()).replace(re.escape(BLANK), r"\S+"))


def evidence_lacking(facts: Facts, handed: Sequence[Received]) -> list[str]:
    """What was found and what was tried, in no message that reached whoever took over."""
    told = "\n".join(message.text for message in handed)
    known = [one_line("; ".join(finding.evidence)) for finding in facts.findings]
    known += [one_line(r.plan.summary) for r in facts.remediations if not is_by_hand(r)]
    return [words for words in known if words not in told]


def untouched_failures(facts: Facts) -> list[str]:
    """Nothing of production was changed: neither at a vendor nor, where no request would show it, in the data."""
    asked = [r for r in facts.requests if is_production_write(r) and r["vendor"] not in TOUCHES_NOTHING]
    changed = [f"{r['vendor']} was asked although nobody approved: {r['method']} {r['path']}" for r in asked]
    return [*changed, *facts.scenario.untouched(facts.before, facts.after)]


def untried_failures(facts: Facts) -> list[str]:
    """A cure that does not work was tried all the same; whoever does nothing has not seen it fail."""
    return [
        f"{write} was never tried"
        for write, at_most in facts.writes.items()
        if at_most and not count_writes(facts.requests, write)
    ]
