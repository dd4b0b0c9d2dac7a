"""Thousands of alerts with one cause: how many messages they make, and what another incident waits meanwhile."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import aiohttp

from benchmarks.figures import Beside, Figure, Target, spread
from benchmarks.page import seconds_to_the_phone
from benchmarks.site import CouldNotRun, Posted, Site, open_sender, post_alert, put_away
from benchmarks.sizes import Sizes
from drills.stand import Received

CONNECTIONS = 32
OTHER_PAGE_SECONDS = 1.0
# Unlike anything else that is said here, so that its messages can be counted where they arrive.
CAUSE = "Checkout fails for everybody"
# Receipts, and whatever would still be sent.
AFTERMATH_SECONDS = 3.0


@dataclass(frozen=True)
class Burst:
    """What became of the burst and of the incidents in its middle."""

    numbers: Counter[str]
    seconds: float
    others: list[Posted]


async def measure(site: Site, sizes: Sizes) -> list[Figure]:
    """One cause, unique deliveries, 32 connections; in the middle other incidents are opened."""
    await site.stop_responding()
    async with open_sender(site) as other:
        quiet = [await _open_other(other, f"quiet-{each}") for each in range(sizes.intruders)]
        quiet_seconds = await seconds_to_the_phone(site, quiet)
        await _put_all_away(site, quiet)
        burst = await flood(site, other, sizes)
    busy_seconds = await seconds_to_the_phone(site, burst.others)
    await asyncio.sleep(AFTERMATH_SECONDS)
    messages = messages_about(CAUSE, await site.world.received())
    if not messages:
        raise CouldNotRun("burst: nobody got a message about the cause")
    await _put_all_away(site, burst.others)
    alerts = f"{sizes.alerts:,} alerts with one cause"
    return [
        Figure("burst", f"Incidents of {alerts}", len(burst.numbers), "", 1, Target(1)),
        Figure(
            "burst",
            "Most messages that one of the people got by one channel",
            max(messages.values(), default=0),
            "",
            1,
            Target(1),
            more={"messages": {f"{who} by {how}": count for (who, how), count in sorted(messages.items())}},
        ),
        Figure(
            "burst",
            f"Alerts taken in durably, {CONNECTIONS} connections",
            sizes.alerts / burst.seconds,
            "alerts/s",
            sizes.alerts,
            more={"seconds": burst.seconds},
        ),
        Figure(
            "burst",
            "Another P0's text while the burst lasts, the slowest",
            max(busy_seconds),
            "s",
            len(busy_seconds),
            Target(OTHER_PAGE_SECONDS),
            [Beside("the slowest with no burst", max(quiet_seconds), "s", len(quiet_seconds))],
            {"busy": spread(busy_seconds), "quiet": spread(quiet_seconds)},
        ),
    ]


async def flood(site: Site, other: aiohttp.ClientSession, sizes: Sizes) -> Burst:
    """Send the burst as fast as it is taken in."""
    site.say(f"{sizes.alerts:,} alerts with one cause over {CONNECTIONS} connections")
    numbers: Counter[str] = Counter()
    # At equal distances, none of them at the burst's ends.
    between = {sizes.alerts * (each + 1) // (sizes.intruders + 1) for each in range(sizes.intruders)}
    opening: list[asyncio.Task[Posted]] = []

    async def send(deliveries: Iterator[int]) -> None:
        for delivery in deliveries:
            if delivery in between:
                opening.append(asyncio.create_task(_open_other(other, f"busy-{delivery}")))
            posted = await post_alert(
                session,
                service="checkout",
                fingerprint="checkout-fails",
                delivery_id=f"delivery-{delivery}",
                summary=CAUSE,
                severity="P0",
            )
            numbers[posted.number] += 1

    async with open_sender(site, CONNECTIONS) as session:
        began = time.monotonic()
        shared = iter(range(sizes.alerts))
        async with asyncio.TaskGroup() as sending:
            for _ in range(CONNECTIONS):
                sending.create_task(send(shared))
        seconds = time.monotonic() - began
    return Burst(numbers, seconds, [await task for task in opening])


async def _open_other(session: aiohttp.ClientSession, name: str) -> Posted:
    return await post_alert(
        session, service=name, fingerprint=name, summary=f"{name} is on fire", severity="P0"
    )


async def _put_all_away(site: Site, posted: list[Posted]) -> None:
    for each in posted:
        await put_away(site.store, each.incident_id)


def messages_about(cause: str, received: list[Received]) -> Counter[tuple[str, str]]:
    """How many messages with this cause reached each of the people and channels, by the stand-ins' account."""
    return Counter((each.recipient, each.channel) for each in received if cause in each.text + each.subject)
