"""Drills from the Prefect UI: a form, the night's lines as the run's logs, and the table as an artifact."""

import asyncio
import os
import sys
from enum import StrEnum
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact

from drills.person import Behaviour
from drills.scenarios import SCENARIOS
from watchkeeper.clock import utc_now
from watchkeeper.home import read_settings

ALL = "all of them"
# The form's list; a StrEnum of names that are known only at run time.
Choice = StrEnum("Choice", {name: name for name in (*SCENARIOS, ALL)})  # type: ignore[misc]
FIRST = Choice("connection-leak")


class DrillFailed(Exception):
    """At least one night was not a pass; the artifact says why."""


@flow(name="drill", flow_run_name="drill {scenario}")
async def drill(scenario: Choice = FIRST, person: Behaviour = "prompt", speed: float = 60) -> str:
    """Break a stand-in company beside this installation and watch the repair. Nothing of yours is touched.

    Raises:
        DrillFailed: the grade is not a pass.
    """
    folder = read_settings().home.expanduser() / "drills" / f"{utc_now():%Y-%m-%d-%H%M%S}"
    chosen = ["--all"] if scenario == ALL else [str(scenario)]
    options = ["--person", person, "--speed", str(speed), "--report", str(folder)]
    code = await show_command([sys.executable, "-m", "watchkeeper.cli", "drill", *chosen, *options])
    table = await asyncio.to_thread(table_of, folder)
    await acreate_markdown_artifact(markdown=table, key="drills", description=f"Drill: {scenario}")
    if code != 0:
        raise DrillFailed(f'{scenario}: not a pass; the artifact "drills" says why')
    return "pass"


async def show_command(command: list[str]) -> int:
    """Run a command with its lines as this run's logs; its exit code. It ends when this run does."""
    log = get_run_logger()
    # The drill brings a whole Watchkeeper of its own, which must not take this one's addresses for its.
    own = {n: v for n, v in os.environ.items() if not n.startswith(("WATCHKEEPER_", "PREFECT_"))}
    process = await asyncio.create_subprocess_exec(
        *command, env=own, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async for line in present_stream(process.stdout):
            log.info("%s", line.decode(errors="replace").rstrip())
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def present_stream(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    """The stream of a process that was started with a pipe."""
    if stream is None:
        raise LookupError("the command was started without a pipe")
    return stream


def table_of(folder: Path) -> str:
    file = folder / "drills.md"
    return file.read_text() if file.exists() else "The drill ended before there was a table; see the logs."
