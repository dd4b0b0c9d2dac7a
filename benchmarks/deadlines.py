"""How late what is due is dealt with while many incidents are open.

Each of them has the clocks of a P0 that nobody answers: asked again each quarter of an hour, told each half hour.
"""

import asyncio
from datetime import datetime, timedelta

from benchmarks.figures import Figure, Target, spread
from benchmarks.site import CouldNotRun, Site, open_unpaged, put_away
from benchmarks.sizes import Sizes
from watchkeeper.clock import utc_now
from watchkeeper.model import DeadlineKind, Severity

SERVICE = "due"
LATER = timedelta(hours=2)
BATCH = 100
LOOK_SECONDS = 0.1
GIVE_UP_AFTER = timedelta(seconds=60)
LATE_SECONDS = 1.0

DEALT_WITH = """
SELECT coalesce(json_agg(json_build_array(d.incident_id, d.kind)), '[]') AS deadlines
  FROM deadlines d JOIN incidents i ON i.id = d.incident_id
 WHERE i.service = %s AND d.number = 1 AND d.state <> 'pending'
"""

Due = dict[tuple[int, str], datetime]


async def measure(site: Site, sizes: Sizes) -> list[Figure]:
    """Open incidents whose deadlines are spread over a time, and see when each was dealt with."""
    await site.stop_responding()
    incidents = await open_incidents(site, sizes.due_incidents)
    due = await spread_deadlines(site, incidents, timedelta(seconds=sizes.due_seconds))
    late = await watch(site, due)
    for incident_id in incidents:
        await put_away(site.store, incident_id)
    return [
        Figure(
            "deadlines",
            f"Deadlines with {len(incidents):,} incidents open that nobody answers: how late, p99",
            sorted(late)[int(len(late) * 0.99)],
            "s",
            len(late),
            Target(LATE_SECONDS),
            more=spread(late),
        )
    ]


async def open_incidents(site: Site, count: int) -> list[int]:
    """Incidents that nobody has acknowledged, without their pages."""
    site.say(f"opening {count:,} incidents")
    policy = site.stack.settings.policy().model_dump(mode="json")
    opened: list[int] = []
    while len(opened) < count:
        async with site.store.transaction() as db:
            for each in range(len(opened), min(len(opened) + BATCH, count)):
                opened.append(
                    await open_unpaged(
                        db,
                        each,
                        service=SERVICE,
                        severity=Severity.P0,
                        policy=policy,
                        leased_until=utc_now() + LATER,
                    )
                )
    return opened


async def spread_deadlines(site: Site, incidents: list[int], window: timedelta) -> Due:
    """Give each incident the clocks of a P0, which began at one time or another; what falls due in the window."""
    rule = site.stack.settings.policy().rule(Severity.P0)
    clocks = {DeadlineKind.ACKNOWLEDGE: rule.acknowledge_within, DeadlineKind.UPDATE: rule.update_every}
    begins = utc_now() + timedelta(seconds=5 + len(incidents) / 100)
    due: Due = {}
    async with site.store.transaction() as db:
        for kind, every in clocks.items():
            for place, incident_id in enumerate(incidents):
                due_at = begins + (every or window) * place / len(incidents)
                await db.one("deadlines/set", incident_id=incident_id, kind=kind, number=1, due_at=due_at)
                due[incident_id, kind.value] = due_at
    if utc_now() > begins:
        raise CouldNotRun("the deadlines were due before they were written")
    soon = {which: due_at for which, due_at in due.items() if due_at < begins + window}
    site.say(f"{len(soon):,} of {len(due):,} deadlines fall due within {window.total_seconds():.0f} s")
    return soon


async def watch(site: Site, due: Due) -> list[float]:
    """How many seconds late each was seen to be dealt with; what sees it looks ten times a second."""
    waiting = dict(due)
    late: list[float] = []
    give_up_at = max(due.values()) + GIVE_UP_AFTER
    while waiting:
        seen = await site.query(DEALT_WITH, SERVICE)
        now = utc_now()
        for incident_id, kind in seen["deadlines"]:
            if (due_at := waiting.pop((incident_id, kind), None)) is not None:
                late.append((now - due_at).total_seconds())
        if now > give_up_at:
            raise CouldNotRun(f"{len(waiting)} of {len(due)} deadlines were never dealt with")
        await asyncio.sleep(LOOK_SECONDS)
    return late
