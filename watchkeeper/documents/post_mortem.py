"""The post-mortem's draft: the guide's sections, filled from rows, with marks where only a person knows. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from slugify import slugify

from watchkeeper.deadlines.promises import PromisedUpdate
from watchkeeper.documents.blameless import by_role
from watchkeeper.documents.chart import Mark, draw_chart
from watchkeeper.documents.reading import placeholder
from watchkeeper.documents.runbook import Runbook, did_for, difference
from watchkeeper.figures.ledger import Cost, cost_of_incident
from watchkeeper.figures.past import past_of
from watchkeeper.incidents import policy_of
from watchkeeper.model import (
    Check,
    Deadline,
    DeadlineKind,
    Finding,
    Incident,
    Reading,
    Remediation,
    RemediationState,
    TimelineEntry,
    TimelineKind,
)
from watchkeeper.paging.model import Notification, NotificationState
from watchkeeper.remediations import may_have_ended
from watchkeeper.rendering import duration, render, words

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
MOST_CHARTS = 6
PAGES = ("page", "escalation")
# The guide's goal for detection.
DETECTED_LATE = timedelta(minutes=5)
CHANGES_OFFERED = 5


@dataclass(frozen=True)
class Known:
    """What an incident's rows say. `roles` are what people are called by in the document, by their names;
    `missed_payments` is what a comparison of payments and orders found wrong when it was over."""

    incident: Incident
    timeline: Sequence[TimelineEntry] = ()
    findings: Sequence[Finding] = ()
    checks: Sequence[Check] = ()
    missed_payments: Check | None = None
    remediations: Sequence[Remediation] = ()
    notifications: Sequence[Notification] = ()
    deadlines: Sequence[Deadline] = ()
    promises: Sequence[PromisedUpdate] = ()
    readings: Sequence[Reading] = ()
    complaints: Sequence[str] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    author_role: str = "the primary on call"
    runbook: Runbook | None = None

    def told(self, text: str) -> str:
        return by_role(text, self.roles)


def file_name(incident: Incident) -> str:
    """YYYY-MM-DD-incident-name.md."""
    name = slugify(incident.summary, max_length=60, word_boundary=True) or incident.number.lower()
    return f"{incident.started_at.astimezone(UTC):%Y-%m-%d}-{name}.md"


def draft(known: Known, *, stem: str, now: datetime) -> str:
    """The draft as Markdown. It names roles, not people: what failed is the system.

    Args:
        stem: the file's name without its ending, which its pictures' names begin with.
    """
    incident, root = known.incident, root_of(known)
    past = past_of(incident)
    cost = cost_of_incident(past, policy_of(incident), now)
    return render(
        "documents/post_mortem.md.j2",
        known=known,
        incident=incident,
        timeline=[(_moment(e.at, incident), known.told(e.text)) for e in known.timeline if e.kind in TOLD],
        charts=[(name, probe) for name, probe, _ in charts(known, stem)],
        root=root,
        factors=factors(known, root),
        remediations=known.remediations,
        done=may_have_ended(known.remediations, incident.round),
        business=business_figures(known, cost),
        revenue_mark=revenue_mark(cost),
        mitigate=past.took()["mitigate"],
        duration=(incident.resolved_at or now) - incident.started_at,
        after=[r for r in known.readings if incident.mitigated_at and r.observed_at >= incident.mitigated_at],
        missed=missed_clocks(known, now),
        pages=len(pages_of(known)),
        runbook=known.runbook,
        offered=offered_change(known),
        mark=placeholder,
        now=now,
    )


def _moment(at: datetime, incident: Incident) -> str:
    """The guide's 14:23; with its day where that is not the incident's first one."""
    same_day = at.astimezone(UTC).date() == incident.started_at.astimezone(UTC).date()
    return f"{at.astimezone(UTC):%H:%M}" if same_day else f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def missed_clocks(known: Known, now: datetime) -> list[str]:
    """The answer and the updates that did not come by the time they were promised for.

    Every clock that rings is marked as missed. Most only have the next thing done, such as a reminder; an update goes out
    when its clock rings, and is kept by that.
    """
    incident, over_at = known.incident, known.incident.resolved_at or now
    grace = policy_of(incident).telling.promise_grace
    asked = [d for d in known.deadlines if d.kind is DeadlineKind.ACKNOWLEDGE and d.was_missed]
    late = [p for p in known.promises if p.due_at <= over_at and not p.was_kept(grace)]
    # The first is what was promised; those after it are the times at which people were asked again.
    return [
        *(_missed("time to acknowledge", d.due_at, d.met_at, incident) for d in asked[:1]),
        *(_missed("time for an update", p.due_at, p.sent_at, incident) for p in late),
    ]


def _missed(what: str, due_at: datetime, came_at: datetime | None, incident: Incident) -> str:
    came = f"it came at {_moment(came_at, incident)}" if came_at else "it never came"
    return f"The {what} passed at {_moment(due_at, incident)} without it; {came}"


def root_of(known: Known) -> Finding | None:
    """The newest finding of the cause that was acted upon; else the first one's best."""
    of_cause = [f for f in known.findings if f.cause == known.incident.cause]
    return of_cause[-1] if of_cause else next(iter(known.findings), None)


def factors(known: Known, root: Finding | None) -> list[str]:
    """What may have contributed, each worth a person's look: offered, not claimed."""
    incident = known.incident
    others = {f.cause: f for f in known.findings if root is None or f.cause != root.cause}
    found = [
        f"{words(f.cause)} ({f.confidence:.0%}{f.doubt}): {'; '.join(f.evidence)}"
        for f in others.values()
        if f.evidence
    ]
    found += [f"shortly before: {change}" for change in _changes(known.checks)]
    if incident.detected_at - incident.started_at > DETECTED_LATE:
        found.append(f"detected only after {duration(incident.detected_at - incident.started_at)}")
    unsent = [n for n in known.notifications if n.purpose in PAGES and n.state is NotificationState.FAILED]
    found += [f"a page by {n.channel} could not be sent: {n.error or 'no reason given'}" for n in unsent]
    found += [
        f"“{r.plan.summary}” did not work: {r.outcome or 'its outcome is not known'}"
        for r in known.remediations
        if r.state in (RemediationState.FAILED, RemediationState.UNKNOWN)
    ]
    return list(dict.fromkeys(map(known.told, found)))


def _changes(checks: Sequence[Check]) -> list[str]:
    changes = [change for check in checks for change in check.facts.get("changes", [])]
    newest = sorted(changes, key=lambda change: str(change.get("at")), reverse=True)[:CHANGES_OFFERED]
    return [f"{c.get('platform')} {c.get('service')}: {c.get('what')} ({c.get('status')})" for c in newest]


def business_figures(known: Known, cost: Cost) -> dict[str, list[str]]:
    """What the rows say about money, orders and support; what they do not is a person's to fill."""
    facts: dict[str, dict[str, Any]] = {check.name: check.facts for check in known.checks}
    late, orders = facts.get("stripe_events", {}), facts.get("payment_orders", {})
    figures: dict[str, list[str]] = {"revenue": [], "orders": [], "tickets": []}
    if cost.services and cost.amount:
        figures["revenue"].append(
            f"about {cost.amount.in_words()} lost, by the policy's figure for an hour: "
            f"{', '.join(cost.services)} down for {cost.minutes} minutes"
        )
    if late.get("undelivered"):
        figures["revenue"].append(f"{late.get('total')} that Stripe could not deliver while it lasted")
    if orders.get("missing"):
        figures["orders"].append(f"{orders.get('missing_total')} without an order when it was looked at")
    if known.missed_payments is not None:
        figures["orders"].append(f"compared when it was over, {known.missed_payments.summary}")
    figures["orders"] += [
        f"{r.plan.summary}: {r.outcome}"
        for r in known.remediations
        if r.action == "resend_events" and r.outcome
    ]
    if known.complaints:
        count = len(known.complaints)
        figures["tickets"].append(f"{count} complaint{'s' if count > 1 else ''} noted")
        figures["tickets"] += [f"“{words_said}”" for words_said in known.complaints]
    return figures


def revenue_mark(cost: Cost) -> str:
    """What a person is to fill in where no figure of lost revenue is known, and why none is."""
    if not cost.services:
        return "revenue lost; no service was down, so the policy's figure for an hour says nothing"
    return "revenue lost; the policy gives no figure for an hour (costs.revenue_per_hour)"


def offered_change(known: Known) -> str:
    """What would bring the runbook up to what this incident did; empty where they agree."""
    if known.runbook is None:
        return ""
    cause = known.incident.cause
    did = did_for(cause, known.remediations) if cause else []
    told = [each._replace(summary=known.told(each.summary), outcome=known.told(each.outcome)) for each in did]
    return difference(known.runbook, known.incident.number, cause, told)


def pages_of(known: Known) -> list[Notification]:
    return [n for n in known.notifications if n.purpose in PAGES and n.sent_at is not None]


def marks_of(known: Known) -> list[Mark]:
    """Pages, one for each minute, and changes to production."""
    sent: dict[datetime, list[str]] = {}
    for page in pages_of(known):
        if page.sent_at is not None:
            sent.setdefault(page.sent_at.replace(second=0, microsecond=0), []).append(page.channel.value)
    pages = [Mark(at, "page", f"paged by {', '.join(dict.fromkeys(how))}") for at, how in sent.items()]
    actions = [
        Mark(r.claimed_at, "action", known.told(f"{r.plan.summary}: {r.state}"))
        for r in known.remediations
        if r.claimed_at is not None
    ]
    return [*pages, *actions]


def charts(known: Known, stem: str) -> list[tuple[str, str, str]]:
    """A picture of each probe: file name, probe and SVG; what was ever over its threshold comes first."""
    by_probe: dict[str, list[Reading]] = {}
    for reading in known.readings:
        by_probe.setdefault(f"{reading.service}: {reading.probe}", []).append(reading)
    worst_first = sorted(by_probe.items(), key=lambda item: (all(r.ok for r in item[1]), item[0]))
    return [
        (f"{stem}-{slugify(probe)}.svg", probe, draw_chart(series, marks_of(known)))
        for probe, series in worst_first[:MOST_CHARTS]
    ]


def roles_of(
    names: Iterable[tuple[str, str]], primary: str, secondary: str | None, seen: Iterable[str]
) -> dict[str, str]:
    """What everybody is called by in a document: the first two on call by their place, the rest as colleagues.

    Args:
        names: handle and name of everybody whom the policy knows.
        seen: whoever else did something, by the name that they gave.
    """
    roles = {who: "a colleague" for who in seen if who != "watchkeeper"}
    for handle, name in names:
        role = {primary: "the primary on call", secondary: "the secondary on call"}.get(handle, "a colleague")
        roles |= {handle: role, name: role}
    return roles
