"""How much of everything is measured: in full, or quickly to see that it runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Counts of samples, and the time for what is measured by time.

    Attributes:
        settle_seconds: what a stack that has just started is given before its idling is measured.
        intruders: how many other incidents are opened in the middle of the burst.
    """

    settle_seconds: float = 20
    idle_seconds: float = 125
    sweeps: int = 20
    warm_responses: int = 20
    cold_responses: int = 5
    warm_approvals: int = 12
    form_approvals: int = 5
    cold_approvals: int = 3
    pages: int = 240
    page_every_seconds: float = 0.25
    away_pages: int = 24
    plain_pages: int = 5
    alerts: int = 10_000
    intruders: int = 5
    durable_alerts: int = 10_000
    acknowledgements: int = 3_000
    pgbench_seconds: int = 10
    due_incidents: int = 1_000
    due_seconds: float = 180
    past_incidents: int = 100_000
    openings: int = 200
    starts: int = 3


FULL = Sizes()
QUICK = Sizes(
    settle_seconds=5,
    idle_seconds=15,
    sweeps=3,
    warm_responses=3,
    cold_responses=2,
    warm_approvals=2,
    form_approvals=1,
    cold_approvals=1,
    pages=40,
    away_pages=5,
    plain_pages=2,
    alerts=1_000,
    intruders=2,
    durable_alerts=1_000,
    acknowledgements=500,
    pgbench_seconds=3,
    due_incidents=100,
    due_seconds=60,
    past_incidents=5_000,
    openings=40,
    starts=1,
)
