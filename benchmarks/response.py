"""From an alert to the first line of its response: forked from a warm process, beside Prefect's process worker."""

import asyncio
from datetime import datetime, timedelta

import aiohttp

from benchmarks.figures import Beside, Figure, Target, percentile, spread
from benchmarks.site import CouldNotRun, Site, find_incident, open_sender, post_alert, put_away, until

P95_SECONDS = 1.0
LOOK_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
# The run's own end, and its process's.
BREATH_SECONDS = 1.0


async def measure(site: Site, count: int) -> list[float]:
    """Seconds from the alert to the taking of the incident's lease, one response after another."""
    site.say(f"{count} responses, one after another")
    async with open_sender(site) as session:
        return [await _respond_once(site, session, each) for each in range(count)]


async def _respond_once(site: Site, session: aiohttp.ClientSession, each: int) -> float:
    posted = await post_alert(
        session,
        service=f"answered-{each}",
        fingerprint=f"answered-{each}",
        summary=f"Something is wrong with part {each}",
        severity="P1",
    )
    taken_at = await lease_taken_at(site, posted.incident_id)
    await until_over(site, posted.incident_id)
    await put_away(site.store, posted.incident_id)
    await asyncio.sleep(BREATH_SECONDS)
    return (taken_at - posted.at).total_seconds()


async def lease_taken_at(site: Site, incident_id: int) -> datetime:
    """When the response's first line ran: it takes the lease for a time that is known.

    Raises:
        CouldNotRun: no response came.
    """
    lease = timedelta(seconds=site.stack.settings.lease_seconds)
    is_time_left = until(PATIENCE_SECONDS)
    while is_time_left():
        incident = await find_incident(site.store, incident_id)
        if incident is not None and incident.lease_holder is not None and incident.lease_until is not None:
            return incident.lease_until - lease
        await asyncio.sleep(LOOK_SECONDS)
    raise CouldNotRun(f"no response to incident {incident_id} started")


async def until_over(site: Site, incident_id: int) -> None:
    """Wait until the response has handed the incident to a person: nothing is really wrong with anything."""
    is_time_left = until(PATIENCE_SECONDS)
    while is_time_left():
        incident = await find_incident(site.store, incident_id)
        if incident is None or incident.waiting_for == "person" or not incident.is_open:
            return
        await asyncio.sleep(0.2)


def figures(warm: list[float], cold: list[float]) -> list[Figure]:
    """The warm worker's times beside the process worker's, which polls as often."""
    beside = Beside("Prefect's process worker, p50", percentile(cold, 50), "s", len(cold))
    what = "Alert to the first line of the response"
    more = {"warm": spread(warm), "process": spread(cold)}
    return [
        Figure("response", f"{what}, p50", percentile(warm, 50), "s", len(warm), beside=[beside], more=more),
        Figure("response", f"{what}, p95", percentile(warm, 95), "s", len(warm), Target(P95_SECONDS)),
    ]
