"""What can be down, what it depends on, and where each vendor keeps it."""

from typing import Annotated, Literal

from pydantic import Field

from watchkeeper.model import Data, Kind
from watchkeeper.policy.costs import PerHour


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
        revenue_per_hour: what is lost in an hour in which it is down, in the currency of `costs`.
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
    revenue_per_hour: PerHour | None = None
