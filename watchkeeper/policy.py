"""The policy as data: `watchkeeper.yaml`, validated, with errors that name the key and say what to write.

The shipped default, `policy.default.yaml`, is the incident guide. A team's own file holds only what differs:
mappings are merged key by key, everything else replaces the default.
"""

import re
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError, model_validator

from watchkeeper.errors import BadInput
from watchkeeper.model import Channel, Data, Kind, Severity

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION_PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def parse_duration(value: object) -> object:
    """Turn "15m" into a timedelta; leave what already is one alone.

    Raises:
        ValueError: it is neither; the text says how to write a duration.
    """
    if isinstance(value, timedelta):
        return value
    match = DURATION_PATTERN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a number and a unit: 90s, 15m, 2h or 1d")
    return timedelta(seconds=float(match[1]) * UNIT_SECONDS[match[2]])


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(lambda value: f"{value.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"),
]


class SeverityRule(Data):
    """One row of the guide's severity table."""

    name: str
    acknowledge_within: Duration
    escalate_after: Duration | None = None
    channels: list[Channel]
    update_every: Duration | None = None
    post_mortem_within: Duration | None = None


class Person(Data):
    """Somebody who can be paged. `phone` in E.164: +14155550100."""

    name: str
    email: str | None = None
    phone: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")] | None = None
    slack: str | None = None

    def address(self, channel: Channel) -> str | None:
        """Where this person is reached on a channel, or None."""
        return {
            Channel.EMAIL: self.email,
            Channel.SMS: self.phone,
            Channel.VOICE: self.phone,
            Channel.SLACK: self.slack,
        }.get(channel)


class Roster(Data):
    """Who is on call: handles out of `people`."""

    primary: str
    secondary: str | None = None


class RailwayTarget(Data):
    project_id: str
    environment_id: str
    service_id: str


class SupabaseTarget(Data):
    project_ref: Annotated[str, Field(pattern=r"^[a-z]{20}$")]


# Names of a table or a column: they go into a statement, where no parameter can stand.
SqlName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$")]


class OrdersTable(Data):
    """Where the company writes down paid orders, for comparing them with what Stripe was paid.

    `holds` says what stands in `column`: the event's id, the payment intent's, or the order's own reference
    (`client_reference_id` of a checkout, `metadata.order` of a payment).
    """

    table: SqlName
    column: SqlName
    holds: Literal["event", "payment_intent", "reference"] = "event"


class StripeTarget(Data):
    """Where Stripe tells the company of payments.

    Attributes:
        endpoint_url: the webhook endpoint's address, as it stands in Stripe. Its id changes with its secret.
        event_types: the events that make an order.
        handled_by: the service that takes the webhooks.
        secret_variable: the variable of that service that holds the signing secret.
    """

    endpoint_url: str
    event_types: list[str] = Field(min_length=1)
    handled_by: str = "backend"
    secret_variable: str = "STRIPE_WEBHOOK_SECRET"  # noqa: S105  # its name, not its value
    orders: OrdersTable | None = None


class UpstashTarget(Data):
    database_id: str


class QueueTarget(Data):
    """A BullMQ queue, by its name and the prefix of its keys."""

    name: str
    prefix: str = "bull"


class VercelTarget(Data):
    """Both ids: without its team, a project is looked for in the token's own default scope."""

    project_id: str
    team_id: str


class Service(Data):
    """Something that can be down. `depends_on` names services that it cannot work without.

    Attributes:
        kind: which kind of incident it is when this service is down.
        monitors: names of UptimeRobot monitors that watch it.
        health_url: answers 200 when the process serves.
        detailed_health_url: a JSON body with one entry per dependency under "checks".
        domain: the name that customers type.
        records: what the domain must say, by type: A, AAAA or CNAME; what is not named is not compared.
        vercel: where this service is a frontend that Vercel serves.
    """

    title: str
    kind: Kind
    depends_on: list[str] = Field(default_factory=list)
    monitors: list[str] = Field(default_factory=list)
    domain: str | None = None
    health_url: str | None = None
    detailed_health_url: str | None = None
    railway: RailwayTarget | None = None
    supabase: SupabaseTarget | None = None
    stripe: StripeTarget | None = None
    upstash: UpstashTarget | None = None
    queue: QueueTarget | None = None
    records: dict[Literal["A", "AAAA", "CNAME"], list[str]] = Field(default_factory=dict)
    vercel: VercelTarget | None = None


class Thresholds(Data):
    """`error_baseline`: how far back the usual number of errors is measured, up to `recent_deployment` ago."""

    disk_full_percent: float = Field(gt=0, le=100)
    leak_above_connections: int = Field(gt=0)
    idle_longer_than: Duration
    slow_query: Duration
    error_rate_p1_percent: float = Field(ge=0, le=100)
    error_rate_p2_percent: float = Field(ge=0, le=100)
    users_p0_percent: float = Field(ge=0, le=100)
    users_p1_percent: float = Field(ge=0, le=100)
    users_p2_percent: float = Field(ge=0, le=100)
    customer_email_above_percent: float = Field(ge=0, le=100)
    recent_deployment: Duration
    undelivered_after: Duration
    payments_window: Duration
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


class Response(Data):
    """`wait_for_vendor`: how long a vendor's own outage is watched before people are asked what to do."""

    rounds: int = Field(ge=1, le=10)
    wait_for_vendor: Duration
    approval_expires_after: Duration
    remind_author_before: Duration
    remind_author_every: Duration
    remind_maintenance_every: Duration


Autonomy = Literal["observe", "ask", "act"]


class AutonomyRules(Data):
    default: Autonomy = "act"
    actions: dict[str, Autonomy] = Field(default_factory=dict)


class Limits(Data):
    """`memory_factor`: how often its old limit a service's memory may become in one step; never over `memory_maximum_gb`."""

    end_connections: int = Field(ge=1)
    resend_events: int = Field(ge=1)
    resend_events_per_second: float = Field(gt=0, le=25)
    delete_rows: int = Field(ge=1)
    delete_batch_rows: int = Field(ge=1, le=10_000)
    memory_factor: float = Field(default=2, gt=1, le=8)
    memory_maximum_gb: float = Field(default=8, gt=0)
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


class Throttle(Data):
    messages: int = Field(ge=1)
    per: Duration


class Policy(Data):
    """Everything that a team may decide. Pure data: functions in `decisions.py` read it."""

    severities: dict[Severity, SeverityRule]
    kinds: dict[Kind, Severity]
    people: dict[str, Person]
    roster: Roster
    chat_channel: str = "#incidents"
    services: dict[str, Service]
    thresholds: Thresholds
    verification: Verification
    response: Response
    autonomy: AutonomyRules
    limits: Limits
    cleanup: Cleanup
    throttle: Throttle
    correlate_within: Duration

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        for role in ("primary", "secondary"):
            handle = getattr(self.roster, role)
            if handle is not None and handle not in self.people:
                known = ", ".join(sorted(self.people)) or "nobody yet"
                raise ValueError(
                    f"roster.{role}: there is no person {handle!r} under people ({known}); "
                    f"add people.{handle} with a name and an address, or name one of those"
                )
        for name, service in self.services.items():
            for other in service.depends_on:
                if other not in self.services:
                    known = ", ".join(sorted(self.services))
                    raise ValueError(
                        f"services.{name}.depends_on: there is no service {other!r}; name one of {known}"
                    )
        if circle := find_circle({name: s.depends_on for name, s in self.services.items()}):
            raise ValueError(
                f"services.{circle[0]}.depends_on: goes in a circle ({' -> '.join(circle)}); "
                "remove one of these dependencies"
            )
        for severity in Severity:
            if severity not in self.severities:
                raise ValueError(
                    f"severities.{severity}: is missing; give it at least name, "
                    "acknowledge_within and channels"
                )
        return self

    def rule(self, severity: Severity) -> SeverityRule:
        return self.severities[severity]

    def depends_on(self, service: str) -> set[str]:
        """Every service that this one cannot work without, directly or through another."""
        found: set[str] = set()
        todo = [service]
        while todo:
            known = self.services.get(todo.pop())
            for other in known.depends_on if known else []:
                if other not in found:
                    found.add(other)
                    todo.append(other)
        return found

    def needed_by_both(self, one: str, other: str) -> set[str]:
        """The services that neither of the two can work without."""
        return self.depends_on(one) & self.depends_on(other)

    def seen_through_one(self, one: str, other: str) -> bool:
        """Whether the health addresses of some service tell of both."""
        return any(
            service.detailed_health_url and {one, other} <= self.depends_on(name)
            for name, service in self.services.items()
        )

    def scaled(self, speed: float) -> "Policy":
        """The same policy with every duration divided by `speed`, and nothing else changed."""
        return self if speed == 1 else Policy.model_validate(_divide_durations(self, speed))


def _divide_durations(value: Any, speed: float) -> Any:
    if isinstance(value, timedelta):
        return value / speed
    if isinstance(value, Data):
        return {name: _divide_durations(getattr(value, name), speed) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {key: _divide_durations(item, speed) for key, item in value.items()}
    if isinstance(value, list):
        return [_divide_durations(item, speed) for item in value]
    return value


def find_circle(edges: dict[str, list[str]]) -> list[str]:
    """The first circle among the edges, as a path that ends where it starts; else empty."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def load_policy(path: Path | None = None) -> Policy:
    """Read the shipped default and, over it, a team's own file.

    Raises:
        BadInput: the file cannot be read, is not YAML, or says something impossible; one line per mistake,
            each with the key's path and what to write instead.
    """
    default = yaml.safe_load(files("watchkeeper").joinpath("policy.default.yaml").read_text())
    if path is None:
        return validate_policy(default, source="policy.default.yaml")
    try:
        own = yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: is not YAML: {error}") from error
    if not isinstance(own, dict):
        raise BadInput(f"{path}: must be a mapping of keys to values, not a {type(own).__name__}")
    return validate_policy(merge(default, own), source=str(path))


# What a team lists in full: people and services of the guide's own company make no sense in another.
REPLACED_WHOLE = ("people", "services")


def merge(default: dict[str, Any], own: dict[str, Any], *, top: bool = True) -> dict[str, Any]:
    """Lay a team's own mapping over the default, key by key; `people` and `services` are replaced whole."""
    merged = dict(default)
    for key, value in own.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and not (top and key in REPLACED_WHOLE):
            merged[key] = merge(below, value, top=False)
        else:
            merged[key] = value
    return merged


def validate_policy(data: dict[str, Any], *, source: str) -> Policy:
    """Turn plain data into a Policy.

    Raises:
        BadInput: with one line per mistake.
    """
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        raise BadInput("\n".join([f"{source}:", *map(_sentence, error.errors())])) from error


def _sentence(mistake: Any) -> str:
    path = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "extra_forbidden":
        parent = path.rpartition(".")[0] or "the top level"
        return f"  {path}: unknown key; remove it or correct its name (see {parent} in policy.default.yaml)"
    if mistake["type"] == "missing":
        return f"  {path}: is missing; add it"
    text = mistake["msg"].removeprefix("Value error, ")
    return f"  {path}: {text}" if path else f"  {text}"
