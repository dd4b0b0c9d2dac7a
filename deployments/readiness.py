"""Questions to the parts of a stack: do you answer, are you registered, are you at work."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from deployments.definition import WORK_POOL
from deployments.environment import LOOPBACK
from deployments.parts import last_lines
from watchkeeper.errors import BadInput, WatchkeeperError
from watchkeeper.settings import Settings

START_SECONDS = 120.0
WORST_RESTARTS = 3


def prefect_port(settings: Settings) -> int:
    """The port for Prefect's server.

    Raises:
        BadInput: the setting names a server elsewhere; this one would not be the one that it means.
    """
    address = urlsplit(settings.prefect_api_url)
    if address.hostname not in (LOOPBACK, "localhost") or address.port is None:
        raise BadInput(
            f"WATCHKEEPER_PREFECT_API_URL is {settings.prefect_api_url}, but `up` runs a Prefect server of its own: "
            f"leave it out, or write http://{LOOPBACK}:PORT/api"
        )
    return address.port


def refuse_taken_port(port: int, *, option: str) -> None:
    """Raises BadInput if something listens there already, naming it where the system tells."""
    with closing(socket.socket()) as probe:
        # As servers do: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise BadInput(
                f"port {port} is already in use{_by_whom(port)}; stop that, or choose another with {option}"
            ) from error


def _by_whom(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.pid and connection.laddr and connection.laddr.port == port:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return ""  # macOS tells only root
    return ""


async def wait_until(
    holds: Callable[[], Awaitable[bool]], *, name: str, restarts: Callable[[], int], log_file: Path
) -> None:
    """Wait until a part is ready; one that does not answer yet is not ready.

    Raises:
        WatchkeeperError: it did not get ready in time, or keeps ending; the text ends with its log's last lines.
    """
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            if await holds():
                return
        except httpx.HTTPError:
            pass  # not listening yet
        if time.monotonic() > give_up_at or restarts() >= WORST_RESTARTS:
            raise WatchkeeperError(f"{name} did not start; {log_file} ends:\n{last_lines(log_file)}")
        await asyncio.sleep(0.1)


async def is_ok(client: httpx.AsyncClient, url: str) -> bool:
    return (await client.get(url)).status_code == httpx.codes.OK


async def is_worker_online(prefect: httpx.AsyncClient, *, name: str, since: datetime) -> bool:
    """Whether the worker of this name has told the server, after `since`, that it is alive."""
    answer = await prefect.post(f"/work_pools/{WORK_POOL}/workers/filter", json={})
    if answer.status_code != httpx.codes.OK:
        return False
    return any(
        worker["name"] == name
        and worker["last_heartbeat_time"] is not None
        and datetime.fromisoformat(worker["last_heartbeat_time"]) > since
        for worker in answer.json()
    )
