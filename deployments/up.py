"""`watchkeeper up`: the whole of Watchkeeper on one machine, until Ctrl-C."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from deployments.environment import LOOPBACK
from deployments.parts import Echo
from deployments.stack import Stack, running_stack
from watchkeeper.clock import utc_now
from watchkeeper.home import read_settings
from watchkeeper.settings import Settings


def up(
    *,
    home: Annotated[Path | None, Parameter(help="Folder for data, logs and keys [~/.watchkeeper].")] = None,
    port: Annotated[int | None, Parameter(help="Of webhooks and the incident page [8787].")] = None,
    prefect_port: Annotated[int | None, Parameter(help="Of Prefect's server and UI [4200].")] = None,
) -> None:
    """Run everything on this machine: Postgres, Prefect with its UI, intake and pager, and a worker.

    What is not given here comes from the settings (WATCHKEEPER_*, or a .env file). Ctrl-C stops all of it;
    the data stay in the home folder.
    """
    chosen: dict[str, object] = {}
    if port is not None:
        chosen["port"] = port
    if prefect_port is not None:
        chosen["prefect_api_url"] = f"http://{LOOPBACK}:{prefect_port}/api"
    settings = read_settings(home).model_copy(update=chosen)
    asyncio.run(_run_until_stopped(settings, say))


def say(line: str) -> None:
    """Print a line with the time of day: it may be read in the morning."""
    print(f"{utc_now().astimezone():%H:%M:%S}  {line}", flush=True)


async def _run_until_stopped(settings: Settings, echo: Echo) -> None:
    running = asyncio.create_task(_run(settings, echo))
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            echo("already stopping")
            return
        stopping.set()
        echo("stopping")
        running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await running
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise
        echo("stopped; nothing of it is running")


async def _run(settings: Settings, echo: Echo) -> None:
    started_at = time.monotonic()
    async with running_stack(settings, echo=echo) as stack:
        for line in addresses(stack):
            echo(line)
        echo(f"ready in {time.monotonic() - started_at:.1f} s")
        await asyncio.Event().wait()


def addresses(stack: Stack) -> list[str]:
    """What a person opens or copies, one line each."""
    public, secret = stack.settings.public_url, stack.home.keys
    return [
        f"Prefect UI       {stack.ui_url}",
        f"incident page    {public}/",
        f"webhooks         {public}/webhooks/SOURCE (generic, railway, sentry, uptimerobot, vercel)",
        f"webhook secret   WATCHKEEPER_WEBHOOK_SECRET in {secret}",
        f"data and logs    {stack.home.path}",
    ]
