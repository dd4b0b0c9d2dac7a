"""Decisions: pure functions over the policy and facts. No I/O, no clock; each returns its named reason."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from watchkeeper.model import Alert, Channel, Decision, Gate, Incident, Kind, Severity, Status
from watchkeeper.oncall import Shift
from watchkeeper.paging.model import Purpose
from watchkeeper.policy import Policy
from watchkeeper.sweeping import SWEEP

# What the guide does only with a person's word: it can hurt, or cannot be taken back.
ALWAYS_ASK = frozenset(
    {
        "roll_back_deployment",
        "roll_back_frontend",
        "promote_frontend",
        "raise_resources",
        "set_maintenance_mode",
        "delete_data",
        "replace_signing_secret",
        "enable_endpoint",
    }
)

# Quietest first; a page that failed or was not answered goes on to a louder one.
LOUDNESS = (Channel.SLACK, Channel.EMAIL, Channel.SMS, Channel.VOICE)


class Judgement(NamedTuple):
    severity: Severity
    reason: str


class Route(NamedTuple):
    """One message to be: to whom, how, and which channels follow when it fails."""

    recipient: str
    channel: Channel
    fallback: list[Channel]


class Placement(NamedTuple):
    """Where an alert belongs. `deeper` means that it names what the incident's own service depends on."""

    choice: Literal["record", "attach", "deepen", "open"]
    incident_id: int | None
    reason: str


def judge_severity(alert: Alert, policy: Policy) -> Judgement:
    """How bad, by the guide's table: what a person chose, else the worst that kind and figures say."""
    if alert.severity is not None:
        return Judgement(alert.severity, "named_by_guide" if alert.source == SWEEP else "chosen_by_person")
    figures = [
        judged
        for judged in (
            _by_users(alert.users_affected_percent, policy),
            _by_error_rate(alert.error_rate_percent, policy),
        )
        if judged
    ]
    by_kind = Judgement(policy.kinds.get(alert.kind, Severity.P3), f"kind_{alert.kind}")
    # An error rate that was measured replaces what is assumed while it is unknown.
    if figures and alert.kind is Kind.HIGH_ERROR_RATE:
        return min(figures)
    return min([by_kind, *figures])


def _by_users(percent: float | None, policy: Policy) -> Judgement | None:
    if percent is None:
        return None
    limits = policy.thresholds
    if percent > limits.users_p0_percent:
        return Judgement(Severity.P0, "users_affected_over_p0_limit")
    if percent >= limits.users_p1_percent:
        return Judgement(Severity.P1, "users_affected_over_p1_limit")
    if percent >= limits.users_p2_percent:
        return Judgement(Severity.P2, "users_affected_over_p2_limit")
    return Judgement(Severity.P3, "few_users_affected")


def _by_error_rate(percent: float | None, policy: Policy) -> Judgement | None:
    if percent is None:
        return None
    if percent > policy.thresholds.error_rate_p1_percent:
        return Judgement(Severity.P1, "error_rate_over_p1_limit")
    if percent >= policy.thresholds.error_rate_p2_percent:
        return Judgement(Severity.P2, "error_rate_over_p2_limit")
    return Judgement(Severity.P3, "error_rate_low")


def place(alert: Alert, open_incidents: Sequence[Incident], policy: Policy, now: datetime) -> Placement:
    """Which incident an alert with an unknown fingerprint belongs to.

    The database's outage is not five incidents: what depends on a service that is already down joins its
    incident, and so does what that incident's service depends on, which then becomes its subject.
    """
    if not alert.firing:
        return Placement("record", None, "nothing_open_to_resolve")
    recent = [i for i in open_incidents if _is_fresh(i, policy, now)]
    for incident in recent:
        if alert.service == incident.service:
            return Placement("attach", incident.id, "same_service_already_down")
    above = policy.depends_on(alert.service)
    for incident in recent:
        if incident.service in above:
            return Placement("attach", incident.id, "depends_on_service_already_down")
    for incident in recent:
        if alert.service in policy.depends_on(incident.service):
            if incident.status in (Status.IDENTIFIED, Status.MONITORING):
                # Its cause is known: what is heard now is the cure at work, such as a restart.
                return Placement("attach", incident.id, "cause_is_known_already")
            return Placement("deepen", incident.id, "is_what_the_open_incident_depends_on")
    for incident in recent:
        if not _is_unsettled(incident, policy, now):
            continue
        if policy.seen_through_one(alert.service, incident.service):
            return Placement("attach", incident.id, "seen_through_the_same_service")
        if policy.needed_by_both(alert.service, incident.service):
            # Whose monitor is the first to notice says nothing about which of them is the cause.
            return Placement("attach", incident.id, "depends_on_the_same_service")
    return Placement("open", None, "nothing_open_explains_it")


def _is_unsettled(incident: Incident, policy: Policy, now: datetime) -> bool:
    """Whether what stands beside its service may fail for its sake: the cause is not found, or the cure is new.

    A backend that is down, or is being restarted, makes the database's monitor and Redis's go red alike, for both
    look through it. While an incident waits for hours, what fails beside it is a matter of its own.
    """
    cured_at = incident.mitigated_at
    return cured_at is None or now - cured_at <= policy.verification.stable_for


def _is_fresh(incident: Incident, policy: Policy, now: datetime) -> bool:
    """Whether it may explain what is heard now: it is young, or a response is at work on it.

    One that lies in a person's hands for longer explains nothing new: that wakes somebody again.
    """
    return is_at_work(incident, now) or now - incident.detected_at <= policy.correlate_within


def is_at_work(incident: Incident, now: datetime) -> bool:
    """Whether a response goes on, or waits for nothing but an approval."""
    return incident.waiting_for == "approval" or (
        incident.waiting_for is None and incident.lease_until is not None and incident.lease_until > now
    )


def service_of_kind(kind: Kind, near: str, policy: Policy) -> str | None:
    """The service that an incident of this kind is about: the one nearest to the service named first."""
    services = policy.services
    fitting = [name for name, service in services.items() if service.kind is kind]
    below = policy.depends_on(near)

    def distance(name: str) -> int:
        if name == near:
            return 0
        if near in services[name].depends_on or (near in services and name in services[near].depends_on):
            return 1
        return 2 if name in below or near in policy.depends_on(name) else 3

    return min(fitting, key=distance, default=None)


def loudest_first(channels: Sequence[Channel]) -> list[Channel]:
    return sorted((c for c in channels if c in LOUDNESS), key=LOUDNESS.index, reverse=True)


def routes_to_person(handle: str, channels: Sequence[Channel], policy: Policy) -> list[Route]:
    """One message on each of these channels that the person has an address for, loudest first.

    Each falls back on the person's other channels, the loudest of them first.
    """
    person = policy.people[handle]
    everything = [c for c in loudest_first(LOUDNESS) if person.address(c)]
    return [
        Route(handle, channel, [other for other in everything if other is not channel])
        for channel in loudest_first(channels)
        if person.address(channel)
    ]


def first_pages(severity: Severity, policy: Policy, shift: Shift, has_it: str | None = None) -> list[Route]:
    """Whom an incident wakes at once, by the severity's channels: who has it already, else the first on call."""
    personal = [c for c in policy.rule(severity).channels if c is not Channel.SLACK]
    return routes_to_person(has_it if has_it in policy.people else shift.first, personal, policy)


def ticket_routes(policy: Policy, shift: Shift) -> list[Route]:
    """Who reads a ticket: the first on call by email, or where they have none by chat, and the ticket system."""
    person = policy.people[shift.first]
    reader = next((c for c in (Channel.EMAIL, Channel.SLACK) if person.address(c)), None)
    routes = [Route(shift.first, reader, [])] if reader else []
    return [*routes, *([Route(policy.tickets_to, Channel.EMAIL, [])] if policy.tickets_to else [])]


def gate_for(action: str, policy: Policy) -> tuple[Gate, str]:
    """What an action needs before it may happen, and why."""
    autonomy = policy.autonomy.actions.get(action, policy.autonomy.default)
    if autonomy == "observe":
        return Gate.OBSERVE, "autonomy_observe"
    if autonomy == "ask":
        return Gate.APPROVAL, "autonomy_ask"
    if action in ALWAYS_ASK:
        return Gate.APPROVAL, "guide_asks_a_person_first"
    return Gate.NONE, "guide_does_it_unasked"


# What a vendor's own outage makes useless, or worse: every action that goes through the vendor, and, where its part
# is the trouble, what would only shake those who wait for it. Three actions are not held: an issue and a branch at
# GitHub are made for a person who takes over now, tidying up in Sentry keeps nobody waiting, and maintenance mode is
# switched by a person who knows.
THROUGH_VENDOR = {
    "railway": frozenset(
        {
            "restart_service",
            "roll_back_deployment",
            "redeploy_deployment",
            "raise_resources",
            "lower_resources",
            "replace_signing_secret",
        }
    ),
    "vercel": frozenset({"roll_back_frontend", "promote_frontend"}),
    "supabase": frozenset({"end_idle_connections", "delete_data", "fail_job"}),
    "upstash": frozenset({"fail_job"}),
    "stripe": frozenset({"resend_events", "enable_endpoint", "disable_endpoint", "replace_signing_secret"}),
}
IN_VAIN = {
    ("supabase", Kind.DATABASE_DOWN): frozenset({"restart_service"}),
    ("upstash", Kind.REDIS_DOWN): frozenset({"restart_service"}),
    ("upstash", Kind.WORKER_STUCK): frozenset({"restart_service"}),
}
# Where a vendor's part is reached by a protocol of its own, and so fails under that name.
HOSTED_BY = {"postgres": "supabase", "redis": "upstash", "bullmq": "upstash"}


def hold_back(action: str, kind: Kind, red: Collection[str]) -> Decision:
    """Whether an action, meant for this kind of incident, waits until a vendor that is out for us recovers.

    Returns:
        The choice "hold" with the vendor in the reason, as in "waits_for_railway", or "go".
    """
    for vendor in sorted(red):
        in_vain = THROUGH_VENDOR.get(vendor, frozenset()) | IN_VAIN.get((vendor, kind), frozenset())
        if action in in_vain:
            return Decision(choice="hold", reason=f"waits_for_{vendor}")
    return Decision(choice="go", reason="no_vendor_stands_in_the_way")


def stands_in_the_way(away: str, red: Collection[str]) -> str:
    """The vendor to wait for, by the name under which it could not be reached; empty where its page knows of nothing."""
    vendor = HOSTED_BY.get(away, away)
    return vendor if vendor in red and vendor in THROUGH_VENDOR else ""


# For about an hour: by then a person has heard of it in another way.
ONLY_WAY_TRIES = 60


def retry_after(attempts: int, *, only_way: bool = False) -> timedelta | None:
    """How long a message waits after its `attempts`-th failure; None when another channel must take over.

    A team's channel or the status page has no other channel: there it is tried for longer.
    """
    waits = (timedelta(seconds=1), timedelta(seconds=3), timedelta(seconds=8))
    if attempts <= len(waits):
        return waits[attempts - 1]
    return timedelta(minutes=1) if only_way and attempts < ONLY_WAY_TRIES else None


def priority_of(purpose: Purpose) -> int:
    """Lower goes first: the first page of an incident jumps the queue."""
    urgent = (Purpose.ESCALATION, Purpose.COMEBACK, Purpose.CONTACT, Purpose.APPROVAL, Purpose.HANDOVER)
    return 0 if purpose is Purpose.PAGE else 1 if purpose in urgent else 5


def status_in_words(status: Status) -> str:
    """The guide's four words for a status."""
    return {
        Status.DETECTED: "Investigating",
        Status.ACKNOWLEDGED: "Investigating",
        Status.INVESTIGATING: "Investigating",
        Status.IDENTIFIED: "Identified",
        Status.MONITORING: "Monitoring",
        Status.RESOLVED: "Resolved",
        Status.REVIEWED: "Resolved",
    }[status]
