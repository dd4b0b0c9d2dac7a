"""From a monitor's webhook to the text on the phone, beside the same text sent by a plain Prefect deployment."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp

from benchmarks.figures import Beside, Figure, Target, percentile, spread
from benchmarks.plain_worker import DEFAULT_POLL_SECONDS, plain_deployment
from benchmarks.site import (
    CouldNotRun,
    Posted,
    Site,
    find_incident,
    first_texts,
    missing,
    number_in,
    open_sender,
    post_alert,
    put_away,
    until,
)
from benchmarks.sizes import Sizes

P50_SECONDS, P99_SECONDS = 0.05, 0.5
# By then its page is out and its receipts are in.
PUT_AWAY_AFTER_SECONDS = 3.0
PATIENCE_SECONDS = 30.0
FREQUENT_POLL_SECONDS = 0.5

Done = TypeVar("Done")


@dataclass(frozen=True)
class Sample:
    posted: Posted
    was_durable: bool


async def measure(site: Site, sizes: Sizes) -> list[Figure]:
    """New incidents at a steady rate, each with a service and a fingerprint of its own, so that each pages."""
    await site.stop_responding()
    async with open_sender(site, connections=8) as session:
        samples = await page_steadily(site, session, sizes)
    seconds = await seconds_to_the_phone(site, [sample.posted for sample in samples])
    frequent = await plain_seconds(site, sizes.plain_pages, poll_seconds=FREQUENT_POLL_SECONDS)
    usual = await plain_seconds(site, sizes.plain_pages, poll_seconds=DEFAULT_POLL_SECONDS)
    durable = [sample for sample in samples if sample.was_durable]
    what = f"Webhook to the text on the phone, {1 / sizes.page_every_seconds:g} incidents/s"
    return [
        Figure(
            "page",
            f"{what}, p50",
            percentile(seconds, 50),
            "s",
            len(seconds),
            Target(P50_SECONDS),
            [beside("its worker polling each 10 s (the default)", usual), beside("each 0.5 s", frequent)],
            {"seconds": spread(seconds), "plain_default": spread(usual), "plain_frequent": spread(frequent)},
        ),
        Figure("page", f"{what}, p99", percentile(seconds, 99), "s", len(seconds), Target(P99_SECONDS)),
        Figure(
            "page",
            "Incidents in the store when their 202 came",
            100 * len(durable) / len(samples),
            "%",
            len(samples),
            Target(100, at_least=True),
        ),
    ]


def beside(how: str, seconds: list[float]) -> Beside:
    return Beside(f"a plain Prefect deployment, {how}, p50", percentile(seconds, 50), "s", len(seconds))


async def page_steadily(site: Site, session: aiohttp.ClientSession, sizes: Sizes) -> list[Sample]:
    site.say(f"{sizes.pages} incidents, one each {sizes.page_every_seconds:g} s")

    async def open_one(each: int) -> Sample:
        return await _open_one(site, session, each)

    return await steadily(sizes.pages, sizes.page_every_seconds, open_one)


async def steadily(
    count: int, every_seconds: float, do: Callable[[int], Coroutine[Any, Any, Done]]
) -> list[Done]:
    """Do something so often at the same pace, whether or not the last one is done."""
    began = time.monotonic()
    tasks: list[asyncio.Task[Done]] = []
    async with asyncio.TaskGroup() as doing:
        for each in range(count):
            await asyncio.sleep(began + each * every_seconds - time.monotonic())
            tasks.append(doing.create_task(do(each)))
    return [task.result() for task in tasks]


async def _open_one(site: Site, session: aiohttp.ClientSession, each: int) -> Sample:
    posted = await post_alert(
        session,
        service=f"paged-{each}",
        fingerprint=f"paged-{each}",
        summary=f"Something is wrong with part {each}",
        severity="P1",
    )
    was_durable = await find_incident(site.store, posted.incident_id) is not None
    await asyncio.sleep(PUT_AWAY_AFTER_SECONDS)
    await put_away(site.store, posted.incident_id)
    return Sample(posted, was_durable)


async def seconds_to_the_phone(site: Site, posted: list[Posted]) -> list[float]:
    """From each alert's leaving to its text's arrival.

    Raises:
        CouldNotRun: a text never came.
    """
    numbers = [each.number for each in posted]
    is_time_left = until(PATIENCE_SECONDS)
    while lost := missing(numbers, texts := await first_texts(site.world, "ana", number_in)):
        if not is_time_left():
            raise CouldNotRun(f"{len(lost)} of {len(posted)} incidents paged nobody, such as {lost[0]}")
        await asyncio.sleep(0.5)
    return [(texts[each.number] - each.at).total_seconds() for each in posted]


async def plain_seconds(site: Site, count: int, *, poll_seconds: float) -> list[float]:
    """How long the plain deployment takes, asked at moments spread over its worker's pause."""
    site.say(f"{count} texts by a plain Prefect deployment, its worker polling each {poll_seconds:g} s")
    async with plain_deployment(site, poll_seconds=poll_seconds) as plain:
        await plain.page(f"warm-up {poll_seconds:g}")
        seconds = []
        for each in range(count):
            await asyncio.sleep(poll_seconds * each / count)
            seconds.append(await plain.page(f"text {each} of {count}, {poll_seconds:g}"))
        return seconds
