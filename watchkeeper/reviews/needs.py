"""Whether an incident's post-mortem is required, recommended or left to people, each with its named reasons. Pure."""

from datetime import timedelta
from typing import Literal, NamedTuple

from watchkeeper.diagnosis import KINDS
from watchkeeper.diagnosis.errors import STRIPE_DOWN
from watchkeeper.model import Data, Incident, Kind, Severity
from watchkeeper.policy import Policy

# What an incident of any kind may have done to payments, or found wrong with them.
PAYMENT_ACTIONS = ("resend_events", "enable_endpoint", "disable_endpoint", "replace_signing_secret")
PAYMENT_CAUSES = (*(cause for cause, kind in KINDS.items() if kind is Kind.PAYMENT_FAILURE), STRIPE_DOWN)


class Facts(Data):
    """What an incident's rows say that bears on its review.

    Attributes:
        touched_payments: it was of the payments' service, or a payment's alert, finding or change was among it, or
            a payment was found without its order when it was over.
        kinds: of the alerts that belong to it.
        repeats: P3 incidents of its kind and service lately, itself among them.
        failed_changes: changes to production that did not work, or nobody knows.
        late: times for an answer or an update that passed without it, though it came later.
    """

    touched_payments: bool = False
    complaints: int = 0
    kinds: list[Kind] = []
    repeats: int = 0
    causes: int = 0
    failed_changes: int = 0
    late: int = 0


class Need(NamedTuple):
    """Within which time of the end it is due; None unless it is required."""

    choice: Literal["required", "recommended", "optional"]
    reasons: list[str]
    within: timedelta | None = None


def judge_need(incident: Incident, facts: Facts, policy: Policy) -> Need:
    """The guide's "when to write a post-mortem"; of several reasons the one that leaves the least time."""
    required = _required(incident, facts, policy)
    if required:
        return Need("required", list(required), min(required.values()))
    recommended = _recommended(incident, facts, policy)
    return Need("recommended" if recommended else "optional", recommended)


def _required(incident: Incident, facts: Facts, policy: Policy) -> dict[str, timedelta]:
    wanted: dict[str, timedelta] = {}
    by_severity = policy.rule(incident.severity).post_mortem_within
    if by_severity is not None:
        wanted[f"severity_{incident.severity.lower()}"] = by_severity
    if facts.touched_payments or incident.kind is Kind.PAYMENT_FAILURE:
        wanted["touched_payments"] = policy.reviews.payments_within
    if facts.complaints:
        wanted["customer_complained"] = policy.reviews.complaints_within
    return wanted


def _recommended(incident: Incident, facts: Facts, policy: Policy) -> list[str]:
    reasons = ["near_miss"] if _nearly_p0(incident, facts, policy) else []
    if incident.severity is Severity.P3 and facts.repeats >= policy.reviews.repeated:
        reasons.append("repeated_p3")
    if incident.severity is Severity.P2:
        reasons += _learnings(incident, facts)
    return reasons


def _nearly_p0(incident: Incident, facts: Facts, policy: Policy) -> bool:
    users = incident.users_affected_percent or 0
    kinds = {incident.kind, *facts.kinds}
    usually_p0 = any(policy.kinds.get(kind) is Severity.P0 for kind in kinds)
    return usually_p0 or users >= policy.reviews.near_miss_users_percent


def _learnings(incident: Incident, facts: Facts) -> list[str]:
    """What makes a P2 interesting: it went otherwise than the runbook meant."""
    learned = {
        "cause_not_found": facts.causes == 0,
        "change_did_not_work": facts.failed_changes > 0,
        "took_several_rounds": incident.round > 1,
        "handed_to_a_person": incident.handed_over_at is not None,
        "deadline_missed": facts.late > 0,
    }
    return [reason for reason, holds in learned.items() if holds]
