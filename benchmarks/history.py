"""A long past: what it costs to open an incident after 100,000 others, to report on a month, and to replay a year.

On a Postgres of its own: the past of one benchmark is not in the way of another.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from benchmarks.figures import Beside, Figure, Target, percentile, spread
from benchmarks.site import Site, put_away
from benchmarks.sizes import Sizes
from benchmarks.year import STARTS, fill, make_year
from watchkeeper.admission import admit
from watchkeeper.commands.figures import replay_both
from watchkeeper.figures.estimates import estimate_resolution
from watchkeeper.figures.month import month_report, read_month
from watchkeeper.figures.past import month_of
from watchkeeper.figures.recorded import read_recorded
from watchkeeper.incidents import read_incident
from watchkeeper.machine.embedded import EmbeddedPostgres, start_postgres
from watchkeeper.model import Alert, Kind, Severity
from watchkeeper.paging.desk import Desk
from watchkeeper.policy import Policy, load_policy
from watchkeeper.store import Store, open_store
from watchkeeper.store.migrating import migrate

PUBLIC_URL = "http://watch.example"
TIMES_AS_LONG, REPORT_SECONDS, REPLAY_SECONDS = 1.2, 5.0, 60.0
YEAR = timedelta(days=365)
SEED = 2025
NONE, MANY, ONE_YEAR = "none", "many", "one_year"


async def measure(site: Site, sizes: Sizes) -> list[Figure]:
    """Open incidents by turns in an empty store and in a full one, so that both meet the same machine."""
    site.say(f"{sizes.past_incidents:,} incidents of the past are written")
    with tempfile.TemporaryDirectory(prefix="wk-past-") as folder:
        server = await asyncio.to_thread(start_postgres, Path(folder), (NONE, MANY, ONE_YEAR))
        try:
            await asyncio.to_thread(prepare, server, sizes)
            site.say("incidents are opened by turns, after none and after all of them")
            return [*await opening(server, sizes), await report(server, sizes), await replay(server)]
        finally:
            await asyncio.to_thread(server.stop)


def prepare(server: EmbeddedPostgres, sizes: Sizes) -> None:
    for name in (NONE, MANY, ONE_YEAR):
        migrate(server.url_for(name))
    fill(server.url_for(MANY), make_year(SEED, incidents=sizes.past_incidents, days=10 * 365))
    fill(server.url_for(ONE_YEAR), make_year(SEED))


async def opening(server: EmbeddedPostgres, sizes: Sizes) -> list[Figure]:
    policy = load_policy()
    took: dict[str, list[float]] = {NONE: [], MANY: []}
    async with open_store(server.url_for(NONE)) as none, open_store(server.url_for(MANY)) as many:
        for number in range(sizes.openings + WARM_UP):
            for name, store in ((NONE, none), (MANY, many)):
                began = time.perf_counter()
                incident_id = await open_one(store, policy, number)
                seconds = time.perf_counter() - began
                await put_away(store, incident_id)
                if number >= WARM_UP:
                    took[name].append(seconds)
    after_none, after_many = (percentile(took[name], 50) for name in (NONE, MANY))
    return [
        Figure(
            "history",
            f"Opening an incident and finding similar ones after {sizes.past_incidents:,} others, over after none",
            after_many / after_none,
            "",
            sizes.openings,
            Target(TIMES_AS_LONG),
            [
                Beside("p50 after none", after_none, "s", sizes.openings),
                Beside("p50 after all of them", after_many, "s", sizes.openings),
            ],
            {name: spread(samples) for name, samples in took.items()},
        )
    ]


# Each connection plans its statements anew at first.
WARM_UP = 10


async def open_one(store: Store, policy: Policy, number: int) -> int:
    """All that past incidents are asked for: the alert, its first page, what it repeats, how long it may take. Its id."""
    now = STARTS + 10 * YEAR + timedelta(hours=number)
    alert = Alert(
        source="generic",
        fingerprint="backend:site_outage",
        service="backend",
        kind=Kind.SITE_OUTAGE,
        summary="Backend is down",
        started_at=now,
    )
    async with store.transaction() as db:
        admission = await admit(db, Desk(policy, PUBLIC_URL), alert, now=now)
        incident = await read_incident(db, admission.incident_id or 0)
        await estimate_resolution(db, incident, "triage", now=now)
    return incident.id


async def timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def report(server: EmbeddedPostgres, sizes: Sizes) -> Figure:
    """The month in the middle of the past."""
    policy = load_policy()
    month = month_of("2029-10", policy.calendar)

    async def make() -> None:
        async with open_store(server.url_for(MANY)) as store:
            figures = await read_month(store, policy, month, now=month.ends)
            month_report(figures)

    what = f"A month's report among {sizes.past_incidents:,} incidents"
    return Figure("history", what, await timed(make), "s", 1, Target(REPORT_SECONDS))


async def replay(server: EmbeddedPostgres) -> Figure:
    """A year under two policies, with the stores that it takes."""
    in_force = load_policy()
    changed = in_force.model_copy(update={"kinds": {**in_force.kinds, Kind.WORKER_STUCK: Severity.P3}})
    async with open_store(server.url_for(ONE_YEAR)) as store:
        recorded = await read_recorded(store, STARTS)

    async def both() -> None:
        await asyncio.to_thread(replay_both, in_force, changed, recorded, until=STARTS + YEAR)

    what = f"A year's {len(recorded.heard):,} alerts under two policies"
    return Figure("history", what, await timed(both), "s", 1, Target(REPLAY_SECONDS))
