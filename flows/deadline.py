"""A deadline as a scheduled run, so that the Prefect UI shows what is due and when."""

import asyncio

from prefect import flow

from flows.bench import open_bench
from watchkeeper.dispatcher import fire_deadline
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
        early = (row["due_at"] - bench.now()).total_seconds()
        if early > EARLY_SECONDS:
            return "not due"
        await asyncio.sleep(max(early, 0))
        url = bench.settings.public_url
        done = await fire_deadline(bench.store, incident_id, kind, number, url, now=bench.now())
        return "dealt with here" if done else f"already {row['state']}"
