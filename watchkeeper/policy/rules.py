"""The figures that decisions are made by: the severity table, thresholds, limits."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from watchkeeper.model import Channel, Data
from watchkeeper.policy.durations import Duration

Pages = Literal["always", "business_hours", "ticket"]


class SeverityRule(Data):
    """One row of the guide's severity table.

    `pages` says when people may be interrupted: at any time, in business hours, or not at all (a ticket by email).
    `ask_again_every` is how soon whoever does not answer is asked again: called before the answer is overdue (again and
    again where the severity's pages ring, else once), and everyone afterwards. Left out: every `acknowledge_within`.
    `ask_again_at_least_every` is how long that wait becomes when it grows each time; left out: it does not grow.
    """

    name: str
    pages: Pages = "always"
    acknowledge_within: Duration
    ask_again_every: Duration | None = None
    ask_again_at_least_every: Duration | None = None
    escalate_after: Duration | None = None
    channels: list[Channel]
    update_every: Duration | None = None
    post_mortem_within: Duration | None = None


class Thresholds(Data):
    """`error_baseline`: how far back the usual number of errors is measured, up to `recent_deployment` ago."""

    disk_full_percent: float = Field(gt=0, le=100)
    leak_above_connections: int = Field(gt=0)
    idle_longer_than: Duration
    slow_query_ms: float = Field(gt=0)
    slow_queries_above: int = Field(ge=0)
    error_rate_p1_percent: float = Field(ge=0, le=100)
    error_rate_p2_percent: float = Field(ge=0, le=100)
    users_p0_percent: float = Field(ge=0, le=100)
    users_p1_percent: float = Field(ge=0, le=100)
    users_p2_percent: float = Field(ge=0, le=100)
    customer_email_above_percent: float = Field(ge=0, le=100)
    recent_deployment: Duration
    undelivered_after: Duration
    payments_window: Duration
    payments_swept: Duration
    slow_redis_ms: float = Field(gt=0)
    redis_quota_near_percent: float = Field(gt=0, le=100)
    error_window: Duration
    error_baseline: Duration
    errors_per_minute: float = Field(ge=0)
    job_stalled_after: Duration
    queue_backing_up: int = Field(gt=0)


class Verification(Data):
    stable_for: Duration
    check_every: Duration
    give_up_after: Duration


# No document of Vercel's says it; its own command line gives up after so long
# (vercel/vercel, packages/cli/src/commands/rollback/status.ts and promote/status.ts).
FRONTEND_MOVES_WITHIN = timedelta(minutes=3)


class Response(Data):
    """`wait_for_vendor`: how long a vendor's own outage is watched before people are asked what to do.
    `frontend_moves_within`: how long Vercel may take to serve what it was asked to."""

    rounds: int = Field(ge=1, le=10)
    wait_for_vendor: Duration
    frontend_moves_within: Duration = FRONTEND_MOVES_WITHIN
    approval_expires_after: Duration
    remind_author_before: Duration
    remind_author_every: Duration
    remind_maintenance_every: Duration


Autonomy = Literal["observe", "ask", "act"]


class AutonomyRules(Data):
    default: Autonomy = "act"
    actions: dict[str, Autonomy] = Field(default_factory=dict)


class Limits(Data):
    """`memory_factor`, `cpu_factor`: how often its old limit a service's memory or processors may become in one step; never
    over `memory_maximum_gb` and `cpu_maximum` (vCPU)."""

    end_connections: int = Field(ge=1)
    resend_events: int = Field(ge=1)
    resend_events_per_second: float = Field(gt=0, le=25)
    delete_rows: int = Field(ge=1)
    delete_batch_rows: int = Field(ge=1, le=10_000)
    memory_factor: float = Field(default=2, gt=1, le=8)
    memory_maximum_gb: float = Field(default=8, gt=0)
    cpu_factor: float = Field(default=2, gt=1, le=8)
    cpu_maximum: float = Field(default=8, gt=0)
    keep_applications: list[str] = Field(default_factory=list)


Name = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]


class CleanupTable(Data):
    """One table of which old rows may be deleted: `age_column` before the cut-off and, where `status` names any,
    `status_column` one of them."""

    table: Annotated[str, Field(pattern=r"^([a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,62}$")]
    older_than: Duration
    age_column: Name = "created_at"
    status_column: Name = "status"
    status: list[str] = Field(default_factory=list)


class Cleanup(Data):
    """What a full database may be cleared of, once a person has approved exactly that."""

    keep_younger_than: Duration
    tables: list[CleanupTable] = Field(default_factory=list)


class Proving(Data):
    """How often Watchkeeper proves that it can wake somebody, before it tells the heartbeat address so."""

    every: Duration


class Throttle(Data):
    """`repeats`: so many messages, of whatever sort, and nothing goes that only asks again who has not answered."""

    messages: int = Field(ge=1)
    repeats: int = Field(default=3, ge=1)
    per: Duration
