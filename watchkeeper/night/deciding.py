"""Whether somebody may sleep on. Pure; every reason is named and stands on the timeline."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from watchkeeper.model import DeadlineKind, Decision, Incident, Kind, Plan, Reading, Severity, Status
from watchkeeper.night.cures import CHANGES, Cure, find_cure
from watchkeeper.night.signatures import Signature, in_force
from watchkeeper.paging.desk import severity_deadlines
from watchkeeper.policy import Policy
from watchkeeper.quiet.hours import due_after

# The gate's reason for what was signed.
SIGNED = "signed_in_advance"

# The clocks of the guide at which people are called: before the first of them a page must have gone out.
LADDER = (DeadlineKind.ACKNOWLEDGE, DeadlineKind.CALL_AGAIN, DeadlineKind.ESCALATE)


class Holding(NamedTuple):
    """Whether a first page waits: until when, when at the very latest it must go, and which cures may work meanwhile."""

    choice: Literal["hold", "page"]
    reason: str
    until: datetime
    latest: datetime
    cures: list[Cure]


class Told(NamedTuple):
    """Who would be woken, and every signature that counts, of whomever."""

    person: str
    signatures: Sequence[Signature]


def may_wait(
    kind: Kind, severity: Severity, service: str, policy: Policy, told: Told, now: datetime, *, used: int
) -> Holding:
    """Whether the first page of a new incident may wait for a cure that was signed in advance. `used` is how many
    changes this night has seen already."""
    night = policy.night.around(now, policy.calendar)
    if night is None:
        return _page("not_at_night", now)
    if severity not in policy.night.severities:
        return _page("severity_is_paged_at_once", now)
    if policy.night.services and service not in policy.night.services:
        return _page("service_is_paged_at_once", now)
    reason, cures = _cures_of(kind, policy, told, now)
    if not cures:
        return _page(reason, now)
    affordable = [cure for cure in cures if len(cure.actions) <= policy.night.budget - used]
    if not affordable:
        return _page("night_budget_used_up", now)
    latest = min(night.ends_at, _first_call(severity, policy, now))
    until = min(now + policy.night.cure_within, latest)
    if until <= now:
        return _page("no_time_to_wait", now)
    return Holding("hold", SIGNED, until, latest, affordable)


def _page(reason: str, now: datetime) -> Holding:
    return Holding("page", reason, now, now, [])


def _first_call(severity: Severity, policy: Policy, now: datetime) -> datetime:
    """When the guide's own clocks would call somebody who was not told."""
    within = severity_deadlines(severity, policy)
    return min(due_after(severity, policy, now, within[kind]) for kind in LADDER if kind in within)


def _cures_of(kind: Kind, policy: Policy, told: Told, now: datetime) -> tuple[str, list[Cure]]:
    """The signed cures for a kind of incident, or why there is none."""
    fitting = [s for s in told.signatures if s.counts(now) and _kind_of(s) is kind]
    if not fitting:
        return "nothing_signed_for_this", []
    if not any(signature.person == told.person for signature in fitting):
        return "signed_by_somebody_who_is_not_on_call", []
    signed = in_force(fitting, told.person, policy, now)
    if not signed:
        return "policy_changed_since_it_was_signed", []
    return SIGNED, [find_cure(cause, policy) for cause in dict.fromkeys(s.cause for s in signed)]


def _kind_of(signature: Signature) -> Kind | None:
    return Cure(signature.cause, ()).kind if signature.cause in CHANGES else None


def may_act(plan: Plan, incident: Incident, policy: Policy, told: Told, now: datetime) -> Decision:
    """Whether a plan may be carried out while its person sleeps, if the budget still has a change to give."""
    if incident.severity not in policy.night.severities:
        return Decision(choice="wake", reason="severity_is_paged_at_once")
    if policy.night.services and incident.service not in policy.night.services:
        return Decision(choice="wake", reason="service_is_paged_at_once")
    if policy.night.around(now, policy.calendar) is None:
        return Decision(choice="wake", reason="night_is_over")
    mine = in_force(told.signatures, told.person, policy, now)
    signed = [s for s in mine if s.cause == plan.cause]
    if not signed:
        return Decision(choice="wake", reason="cure_is_not_signed")
    if plan.action not in CHANGES[plan.cause]:
        return Decision(choice="wake", reason="change_is_not_signed")
    return Decision(choice="act", reason=SIGNED)


def signature_for(plan: Plan, policy: Policy, told: Told, now: datetime) -> Signature:
    """The signature that covers a plan that may be carried out."""
    return next(s for s in in_force(told.signatures, told.person, policy, now) if s.cause == plan.cause)


def may_sleep_on(
    incident: Incident, readings: Sequence[Reading], *, at_work: bool, latest: datetime, now: datetime
) -> Decision:
    """The time for the cure is over: whether its person may sleep until it is proved.

    Every probe's newest reading since the change is good, and the response goes on watching; else they are woken.
    """
    if incident.status is not Status.MONITORING or incident.mitigated_at is None:
        return Decision(choice="wake", reason="not_cured_in_time")
    if now >= latest:
        return Decision(choice="wake", reason="not_proved_in_time")
    if not at_work:
        return Decision(choice="wake", reason="nobody_watches_whether_it_holds")
    newest = {r.probe: r for r in readings if r.observed_at >= incident.mitigated_at}
    if not newest or not all(reading.ok for reading in newest.values()):
        return Decision(choice="wake", reason="not_better_in_time")
    return Decision(choice="sleep", reason="better_and_being_watched")
