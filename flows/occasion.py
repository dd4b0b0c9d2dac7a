"""What the calendar brings as a scheduled run, so that the Prefect UI shows the next handoff and the next report."""

from datetime import datetime

from prefect import flow

from flows.bench import open_bench
from flows.deadline import is_time
from watchkeeper.occasions import OCCASIONS, hold
from watchkeeper.paging.desk import Desk


@flow(name="occasion")
async def occasion(kind: str, due_at: datetime) -> str:
    """Do what the calendar brings, unless the kernel was faster.

    Args:
        kind: handoff, night_report or month_report.
        due_at: When its row says that it is due.
    """
    if kind not in OCCASIONS:
        return "unknown"
    async with open_bench() as bench:
        if not await is_time(bench, due_at):
            return "not due"
        desk = Desk(bench.settings.policy(), bench.settings.public_url)
        done = await hold(bench.store, desk, kind, due_at, OCCASIONS[kind], now=bench.now())
        return "done here" if done else "done already, or at another time by now"
