"""`python -m benchmarks [NAME ...] [--quick]`: measure, show, and write build/bench.json and build/bench.md.

A run of only some, or a quick one, is written to build/bench-part.json and build/bench-part.md.

    idle          what `watchkeeper up` costs when nothing happens
    sweep         a whole sweep beside its slowest probe
    away          from a webhook to the text on the phone with Prefect stopped
    response      from an alert to the first line of its response
    approval      from "approve" on the phone to the change's first request at the vendor
    page          from a webhook to the text on the phone
    burst         thousands of alerts with one cause
    acknowledge   durable acknowledgements per second
    deadlines     how late what is due is dealt with while a thousand incidents are open
    history       what a hundred thousand incidents of the past cost an incident of today
    commands      what `watchkeeper up` and a single drill take, in seconds and memory
    drills        every drill's night, from the fault to the end

The exit code says whether everything could be measured, not whether the figures are good.
"""

import argparse
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import httpx
import psycopg

from benchmarks import (
    acknowledge,
    approval,
    away,
    burst,
    commands,
    deadlines,
    history,
    idle,
    machine,
    nights,
    page,
    response,
    sweep,
)
from benchmarks.figures import Figure
from benchmarks.report import Report, show, write
from benchmarks.site import Site, open_site
from benchmarks.sizes import FULL, QUICK, Sizes
from drills.screen import Screen
from watchkeeper.clock import utc_now
from watchkeeper.errors import WatchkeeperError
from watchkeeper.machine.stopping import run_until_stopped

FOLDER = Path("build")
Measure = Callable[[Site, Sizes], Awaitable[list[Figure]]]

# In this order: what wants a fresh stack first; the last five do without the worker. What is in neither is measured in
# between, and held beside the same on a stack with Prefect's process worker.
RESPONSE, APPROVAL = "response", "approval"
BEFORE: dict[str, Measure] = {"sweep": sweep.measure, "away": away.measure}
AFTER: dict[str, Measure] = {
    "page": page.measure,
    "burst": burst.measure,
    "acknowledge": acknowledge.measure,
    "deadlines": deadlines.measure,
    "history": history.measure,
}
IDLE, COMMANDS, DRILLS = "idle", "commands", "drills"
NAMES = (IDLE, *BEFORE, RESPONSE, APPROVAL, *AFTER, COMMANDS, DRILLS)

# What may go wrong on the way; anything else is a mistake here, and ends everything.
TROUBLE = (
    WatchkeeperError,
    ExceptionGroup,
    OSError,
    TimeoutError,
    aiohttp.ClientError,
    httpx.HTTPError,
    psycopg.Error,
)


async def run(names: list[str], sizes: Sizes, report: Report, screen: Screen) -> None:
    """Measure into the report; what cannot be measured is written down there and the others go on."""
    warm: list[float] = []
    phone: list[approval.Approved] = []
    form: list[approval.Approved] = []
    if IDLE in names:
        with noting_trouble(report, IDLE):
            report.figures += await idle.measure(screen, sizes)
    with noting_trouble(report, "warm stack"):
        async with open_site(screen, worker_type="warm") as site:
            report.machine = await machine.describe(site)
            await run_some(BEFORE, names, site, sizes, report)
            if RESPONSE in names:
                with noting_trouble(report, RESPONSE):
                    warm = await response.measure(site, sizes.warm_responses)
            if APPROVAL in names:
                with noting_trouble(report, APPROVAL):
                    phone = await approval.measure(site, sizes.warm_approvals)
                    form = await approval.measure(site, sizes.form_approvals, approval.by_form)
            await run_some(AFTER, names, site, sizes, report)
    if warm or phone:
        with noting_trouble(report, "process worker"):
            async with open_site(screen, worker_type="process") as site:
                await hold_beside(site, sizes, report, warm, phone, form)
    await run_apart(names, sizes, report, screen)


async def hold_beside(
    site: Site,
    sizes: Sizes,
    report: Report,
    warm: list[float],
    phone: list[approval.Approved],
    form: list[approval.Approved],
) -> None:
    """What the warm worker did, beside the same on a stack with Prefect's process worker."""
    if warm:
        with noting_trouble(report, RESPONSE):
            cold = await response.measure(site, sizes.cold_responses)
            report.figures += response.figures(warm, cold)
    if phone:
        with noting_trouble(report, APPROVAL):
            process = await approval.measure(site, sizes.cold_approvals)
            report.figures += approval.figures(phone, form, process)


async def run_apart(names: list[str], sizes: Sizes, report: Report, screen: Screen) -> None:
    """What starts stacks of its own; the nights, since they break what the others measure."""
    if COMMANDS in names:
        with noting_trouble(report, COMMANDS):
            report.figures += await commands.measure(screen, starts=sizes.starts)
    if DRILLS in names:
        with noting_trouble(report, DRILLS):
            report.figures += await nights.measure(screen, quick=report.quick)


async def run_some(
    measures: dict[str, Measure], names: list[str], site: Site, sizes: Sizes, report: Report
) -> None:
    for name, measure in measures.items():
        if name in names:
            with noting_trouble(report, name):
                report.figures += await measure(site, sizes)


@contextmanager
def noting_trouble(report: Report, name: str) -> Iterator[None]:
    try:
        yield
    except TROUBLE as error:
        report.failures[name] = f"{type(error).__name__}: {error}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure; without a name, everything.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="small samples, to see that it runs")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in NAMES]:
        parser.error(f"there is no {unknown[0]!r}; there are {', '.join(NAMES)}")
    screen, began = Screen(), time.monotonic()
    report = Report(started_at=utc_now(), load=os.getloadavg(), quick=arguments.quick)
    sizes = QUICK if arguments.quick else FULL
    try:
        run_until_stopped(run(arguments.names or list(NAMES), sizes, report, screen))
    except KeyboardInterrupt:
        print("stopped; nothing of it is running", file=sys.stderr)
        return 1
    report.seconds = time.monotonic() - began
    # A run of a part must not take the place of a whole one.
    is_whole = not arguments.quick and set(arguments.names or NAMES) == set(NAMES)
    write(report, FOLDER, "bench" if is_whole else "bench-part")
    show(report, screen.console)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
