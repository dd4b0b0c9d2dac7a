"""With Prefect's server stopped: from a webhook to the text on the phone, and whether the responses start afterwards."""

import asyncio
import time

from benchmarks.figures import Figure, Target, percentile, spread
from benchmarks.page import seconds_to_the_phone, steadily
from benchmarks.response import until_over
from benchmarks.site import CouldNotRun, Posted, Site, find_incident, open_sender, post_alert, put_away, until
from benchmarks.sizes import Sizes

P99_SECONDS = 1.0
# Prefect's server takes a while to start; then two cores are there for all responses, and each waits for the others.
PATIENCE_SECONDS = 90.0


async def measure(site: Site, sizes: Sizes) -> list[Figure]:
    """New incidents at a steady rate while Prefect is away, each paged; then Prefect comes back."""
    site.say("Prefect's server is stopped")
    await site.stack.stop("prefect")
    try:
        async with open_sender(site, connections=8) as session:

            async def alert(each: int) -> Posted:
                name = f"unorchestrated-{each}"
                summary = f"Something is wrong with part {each}"
                return await post_alert(
                    session, service=name, fingerprint=name, summary=summary, severity="P1"
                )

            site.say(f"{sizes.away_pages} incidents, one each {sizes.page_every_seconds:g} s")
            posted = await steadily(sizes.away_pages, sizes.page_every_seconds, alert)
        seconds = await seconds_to_the_phone(site, posted)
        if early := [each.number for each in posted if await has_response(site, each)]:
            raise CouldNotRun(f"{early[0]} was responded to with Prefect away")
    finally:
        await site.stack.start("prefect")
    back_at = time.monotonic()
    site.say("Prefect's server is started again; every response must start by itself")
    responded = await count_responses(site, posted)
    took = time.monotonic() - back_at
    await asyncio.gather(*(until_over(site, each.incident_id) for each in posted))
    for each in posted:
        await put_away(site.store, each.incident_id)
    what = "With Prefect stopped: webhook to the text on the phone"
    return [
        Figure("away", f"{what}, p50", percentile(seconds, 50), "s", len(seconds), more=spread(seconds)),
        Figure("away", f"{what}, p99", percentile(seconds, 99), "s", len(seconds), Target(P99_SECONDS)),
        Figure(
            "away",
            "Their responses that started by themselves once Prefect was back",
            100 * responded / len(posted),
            "%",
            len(posted),
            Target(100, at_least=True),
            more={"seconds_until_the_last": took},
        ),
    ]


async def has_response(site: Site, posted: Posted) -> bool:
    """Whether a response has ever taken the incident: its first line does."""
    incident = await find_incident(site.store, posted.incident_id)
    return incident is not None and incident.flow_run_id is not None


async def count_responses(site: Site, posted: list[Posted]) -> int:
    """How many have one, when all have or patience ends: none has started for so long."""
    waiting, is_time_left = list(posted), until(PATIENCE_SECONDS)
    while waiting and is_time_left():
        left = [each for each in waiting if not await has_response(site, each)]
        if len(left) < len(waiting):
            waiting, is_time_left = left, until(PATIENCE_SECONDS)
        await asyncio.sleep(0.5)
    return len(posted) - len(waiting)
