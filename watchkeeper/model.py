"""The words of the trade as types. Plain, frozen data; rows and wire formats become these at the edge."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from watchkeeper.errors import BadInput


class Data(BaseModel):
    """Frozen and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Severity(StrEnum):
    """P0 (production is down) to P3 (minor), as in the guide."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"

    def is_worse_than(self, other: "Severity") -> bool:
        return self.value < other.value


class Kind(StrEnum):
    """What is broken; one runbook each, apart from `other`."""

    SITE_OUTAGE = "site_outage"
    DATABASE_DOWN = "database_down"
    REDIS_DOWN = "redis_down"
    HIGH_ERROR_RATE = "high_error_rate"
    WORKER_STUCK = "worker_stuck"
    PAYMENT_FAILURE = "payment_failure"
    OTHER = "other"


class Status(StrEnum):
    """How far an incident has come. Each change is a compare-and-set on the row."""

    DETECTED = "detected"
    ACKNOWLEDGED = "acknowledged"
    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    REVIEWED = "reviewed"


OPEN_STATUSES = (
    Status.DETECTED,
    Status.ACKNOWLEDGED,
    Status.INVESTIGATING,
    Status.IDENTIFIED,
    Status.MONITORING,
)


class Channel(StrEnum):
    """A way to reach people, quietest first."""

    SLACK = "slack"
    EMAIL = "email"
    STATUS_PAGE = "status_page"
    SMS = "sms"
    VOICE = "voice"
    OWN_PHONE = "own_phone"  # answers test pages by itself; reaches nobody


class Alert(Data):
    """One thing somebody or something told us, normalised.

    Attributes:
        source: who told us: "uptimerobot", "sentry", "generic", "sweep", "person".
        fingerprint: the key that makes two alerts the same alert.
        delivery_id: the sender's own id of this delivery, so that a repeated delivery is one alert.
        users_affected_percent: 0 to 100, when the sender knows.
        severity: only where a person chose it.
        ends: False where its sender never says that it is over, such as Sentry's issue alerts.
    """

    source: str = Field(min_length=1, max_length=40)
    fingerprint: str = Field(min_length=1, max_length=300)
    firing: bool = True
    service: str = Field(min_length=1, max_length=100)
    kind: Kind = Kind.OTHER
    summary: str = Field(min_length=1, max_length=500)
    started_at: AwareDatetime
    delivery_id: str | None = None
    severity: Severity | None = None
    users_affected_percent: float | None = Field(default=None, ge=0, le=100)
    error_rate_percent: float | None = Field(default=None, ge=0, le=100)
    ends: bool = True
    payload: dict[str, Any] = Field(default_factory=dict)

    @property
    def lasts(self) -> bool:
        """Whether it goes on until its sender says that it is over."""
        return self.firing and self.ends


class Incident(Data):
    """What people respond to. `policy` is the policy that it started under, as validated data.

    `acknowledged_at` is when it was answered first, `held_since` since when `acknowledged_by` has it. `mitigated_at` is
    since when a cure is watched, also one that only waits, and `watched_since` since when a person's mend is, which is
    none that we know of; `recovered_at`, known at the end, is when it no longer hurt;
    `proved` is whether readings told that, and not a person.
    """

    id: int
    kind: Kind
    severity: Severity
    status: Status
    service: str
    summary: str
    source: str
    users_affected_percent: float | None
    started_at: AwareDatetime
    detected_at: AwareDatetime
    acknowledged_at: AwareDatetime | None = None
    acknowledged_by: str | None = None
    held_since: AwareDatetime | None = None
    identified_at: AwareDatetime | None = None
    mitigated_at: AwareDatetime | None = None
    watched_since: AwareDatetime | None = None
    recovered_at: AwareDatetime | None = None
    proved: bool = False
    resolved_at: AwareDatetime | None = None
    cause: str | None = None
    cause_confidence: float | None = None
    waiting_for: Literal["approval", "person"] | None = None
    handed_over_at: AwareDatetime | None = None
    attempt: int = 0
    round: int = 1
    flow_run_id: str | None = None
    lease_holder: str | None = None
    lease_until: AwareDatetime | None = None
    policy: dict[str, Any] = Field(repr=False)

    @property
    def number(self) -> str:
        """The name people use: INC-0007."""
        return incident_number(self.id)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES


def incident_number(incident_id: int) -> str:
    return f"INC-{incident_id:04d}"


def incident_id_of(number: str) -> int:
    """The id behind a number such as "INC-0007".

    Raises:
        BadInput: it is not an incident's number.
    """
    digits = number.upper().removeprefix("INC-")
    if not digits.isdecimal():
        raise BadInput(f"{number!r} is not an incident's number, such as INC-0007")
    return int(digits)


class Fault(StrEnum):
    """Whose fault a cause looks like."""

    OURS = "ours"
    DEPLOYMENT = "deployment"
    VENDOR = "vendor"


class CheckStatus(StrEnum):
    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"
    NOT_CONFIGURED = "not_configured"


class Check(Data):
    """What one look at one system gave. `facts` is what decisions are made on; `output` what a person reads.

    Attributes:
        name: which look it was, such as "postgres_connections".
        system: whose: "railway", "postgres", "backend".
        command: what a person would type or click to see the same.
    """

    name: str
    system: str
    status: CheckStatus
    summary: str
    command: str = ""
    output: str = ""
    facts: dict[str, Any] = Field(default_factory=dict)
    observed_at: AwareDatetime
    seconds: float = 0.0


class Reading(Data):
    """What a probe measured once; ok says on which side of the threshold, `unread` that it could not be asked."""

    probe: str
    service: str
    value: float | None
    unit: str
    threshold: float | None
    ok: bool
    observed_at: AwareDatetime
    detail: str = ""
    unread: bool = False


# Below this a cause is a guess: shown to people, never acted upon.
ACT_ABOVE = 0.6


def doubt(confidence: float | None) -> str:
    """What is said after a cause that nothing is done about; empty where one may be acted upon."""
    return "" if (confidence or 0) >= ACT_ABOVE else ": a guess, too weak to act on"


class Finding(Data):
    """One possible cause, with what speaks for it. `confidence` runs from 0 to 1.

    `advice` is what helps and is a person's to do, with the figures to do it by.
    """

    cause: str
    confidence: float = Field(ge=0, le=1)
    fault: Fault
    evidence: list[str]
    against: list[str] = Field(default_factory=list)
    advice: list[str] = Field(default_factory=list)

    @property
    def doubt(self) -> str:
        return doubt(self.confidence)


class Gate(StrEnum):
    """What a remediation needs before it may happen."""

    NONE = "none"
    APPROVAL = "approval"
    OBSERVE = "observe"  # planned and shown, never carried out


class RemediationState(StrEnum):
    PLANNED = "planned"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class Plan(Data):
    """A change to production as it was shown to people.

    Attributes:
        action: verb and object, such as "end_idle_connections".
        target: what it touches, such as "database" or a deployment's id.
        cause: the finding's cause that it is meant for.
        summary: one sentence for a phone.
        preview: lines a person reads before saying yes: the rows, connections or commits it will touch.
        parameters: what the action needs to act; covered by the digest, never a secret.
        undo: how to take it back, in words; empty where it cannot be.
    """

    action: str
    target: str
    cause: str
    summary: str
    preview: list[str]
    parameters: dict[str, Any] = Field(default_factory=dict)
    undo: str = ""


class Remediation(Data):
    """One change to production, from plan to outcome. Unique by (incident, action, target, attempt, step).

    Attributes:
        round: the round that is judged by it; after a wait for a vendor that is a later one than the round it was made in.
        attempt: the round that it was planned in; of what takes a change back, that change's.
    """

    id: int
    incident_id: int
    round: int
    step: int
    attempt: int
    action: str
    target: str
    plan: Plan
    plan_digest: str
    gate: Gate
    gate_reason: str
    state: RemediationState
    expires_at: AwareDatetime | None = None
    approved_by: str | None = None
    approval_reason: str | None = None
    claimed_at: AwareDatetime | None = None
    claimed_by: str | None = None
    finished_at: AwareDatetime | None = None
    outcome: str | None = None


class DeadlineKind(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    CALL_AGAIN = "call_again"
    ESCALATE = "escalate"
    TRIAGE = "triage"
    UPDATE = "update"
    PAGE = "page"
    UPDATE_REMINDER = "update_reminder"
    APPROVAL = "approval"
    SILENCE = "silence"
    HOLD = "hold"
    NIGHT = "night"
    MAINTENANCE = "maintenance"
    WATCH = "watch"
    REVIEW_REMINDER = "review_reminder"
    REVIEW = "review"
    ACTION_ITEM = "action_item"


class DeadlineState(StrEnum):
    PENDING = "pending"
    MET = "met"
    MISSED = "missed"
    CANCELLED = "cancelled"


class Deadline(Data):
    """Something that must happen by a time. Unique by (incident, kind, number)."""

    incident_id: int
    kind: DeadlineKind
    number: int
    due_at: AwareDatetime
    state: DeadlineState
    met_at: AwareDatetime | None = None
    flow_run_id: str | None = None

    @property
    def was_missed(self) -> bool:
        """Whether it passed before what it waits for happened, be that later or never."""
        late = self.met_at is not None and self.met_at > self.due_at
        return late or self.state is DeadlineState.MISSED


class TimelineKind(StrEnum):
    ALERT = "alert"
    STATUS = "status"
    PAGE = "page"
    ACKNOWLEDGED = "acknowledged"
    COMMAND = "command"
    FINDING = "finding"
    PLAN = "plan"
    APPROVAL = "approval"
    ACTION = "action"
    READING = "reading"
    DECISION = "decision"
    NOTE = "note"


class TimelineEntry(Data):
    """One thing that happened. `actor` is a person's handle or "watchkeeper"."""

    id: int
    incident_id: int
    at: AwareDatetime
    kind: TimelineKind
    actor: str
    text: str
    detail: dict[str, Any] = Field(default_factory=dict)


class Decision(Data):
    """What was decided and the named reason, which goes on the timeline."""

    choice: str
    reason: str
