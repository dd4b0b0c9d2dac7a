"""A deadline as a scheduled run, so that the Prefect UI shows what is due and when."""

import asyncio
from datetime import datetime

from prefect import flow

from flows.bench import Bench, open_bench
from watchkeeper.deadlines.dispatcher import fire_deadline
from watchkeeper.model import DeadlineKind

# Prefect fetches scheduled runs ahead and was seen to start one a third of a second early.
EARLY_SECONDS = 1.0


@flow(name="deadline")
async def deadline(incident_id: int, kind: DeadlineKind, number: int) -> str:
    """Deal with a deadline that passed unmet, unless the dispatcher or a person was faster."""
    async with open_bench() as bench:
        row = await bench.store.one("deadlines/one", incident_id=incident_id, kind=kind, number=number)
        if row is None:
            return "unknown"
        if not await is_time(bench, row["due_at"]):
            return "not due"
        url = bench.settings.public_url
        done = await fire_deadline(bench.store, incident_id, kind, number, url, now=bench.now())
        return "dealt with here" if done else f"already {row['state']}"


async def is_time(bench: Bench, due_at: datetime) -> bool:
    """Whether it is due, after the moment that Prefect was early."""
    early = (due_at - bench.now()).total_seconds()
    if early > EARLY_SECONDS:
        return False
    await asyncio.sleep(max(early, 0))
    return True
