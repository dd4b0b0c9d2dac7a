"""The running stack of one machine: what `watchkeeper up` keeps running, and what a drill breaks.

    postgres    the embedded PostgreSQL, with the incident store and Prefect's database
    prefect     Prefect's server and its UI
    intake      takes alerts in, pages people, keeps the clocks
    worker      runs the flows

The intake starts as soon as the store is there: a page waits for no orchestrator. All of it is held by one
lifeline (`watchkeeper.machine.lifeline`): when this process is killed, the guard stops the parts, newest first, and
Postgres last, so that it can write its checkpoint.
"""

import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from pydantic import SecretStr

from deployments.definition import WORK_POOL, definition_file, fingerprint, is_registered
from deployments.environment import (
    program_environment,
    server_environment,
    worker_environment,
)
from deployments.parts import Echo, Keeper, Part, Postgres, Program, last_lines
from deployments.readiness import (
    is_ok,
    is_worker_online,
    prefect_port,
    refuse_taken_port,
    wait_until,
)
from watchkeeper.clock import utc_now
from watchkeeper.errors import WatchkeeperError
from watchkeeper.home import ENV_PREFIX, Home, open_home, with_keys, write_private
from watchkeeper.machine.lifeline import Lifeline
from watchkeeper.machine.locks import hold_lock
from watchkeeper.settings import Settings
from watchkeeper.tls import tls_context

WORKER_NAME = "watchkeeper"


class Stack:
    """A stack that runs. Made by `running_stack`."""

    def __init__(self, settings: Settings, home: Home, lifeline: Lifeline, echo: Echo) -> None:
        self.settings = settings
        self.home = home
        self.api_url = settings.prefect_api_url
        self.ui_url = settings.prefect_api_url.removesuffix("/api")
        self.intake_url = f"http://{settings.host}:{settings.port}"
        self.echo = echo
        self.lifeline = lifeline
        self._keepers: dict[str, Keeper] = {}

    @property
    def pids(self) -> dict[str, int]:
        """The process of each part that runs, by its name, in the order of their start."""
        found = {name: keeper.part.pid for name, keeper in self._keepers.items()}
        return {name: pid for name, pid in found.items() if pid is not None}

    @property
    def restarts(self) -> dict[str, int]:
        """How often each part was started again after it ended by itself."""
        return {name: keeper.restarts for name, keeper in self._keepers.items()}

    def kill(self, name: str) -> None:
        """Kill a part's process with SIGKILL; the supervisor starts it again. Its descendants live on."""
        os.kill(self.pids[name], signal.SIGKILL)

    async def start(self, name: str) -> None:
        """Start a part that was stopped."""
        await self._keepers[name].start()

    async def stop(self, name: str) -> None:
        """Stop a part politely; it stays stopped."""
        await self._keepers[name].stop()

    async def restart(self, name: str) -> None:
        """Stop a part and start it; returns when its process is there, not when it answers."""
        await self.stop(name)
        await self.start(name)

    async def add(self, part: Part) -> None:
        """Start a part and keep it running from here on."""
        keeper = self._keepers[part.name] = Keeper(part, self.echo)
        await keeper.start()

    async def close(self) -> None:
        """Stop everything, in reverse order."""
        for keeper in reversed(self._keepers.values()):
            await keeper.stop()


@asynccontextmanager
async def running_stack(
    settings: Settings, *, echo: Echo = print, worker_type: str = "warm"
) -> AsyncIterator[Stack]:
    """Start everything, wait until all of it answers, and stop it on leaving.

    Args:
        settings: `home`, `host`, `port` and `prefect_api_url` say where. With a `database_url` the incident
            store is there; else it is embedded, as Prefect's database always is.
        echo: told in one line what is ready, what ended and what is started again.
        worker_type: of the work pool and its worker.

    Raises:
        BadInput: the home folder or a port is in use, or a setting or the policy is wrong.
        WatchkeeperError: a part did not come up; the text ends with its log's last lines.
    """
    settings.policy()  # one that is wrong is said now, and not by each part in its log
    refuse_taken_port(settings.port, option="--port")
    refuse_taken_port(prefect_port(settings), option="--prefect-port")
    home = open_home(settings.home)
    async with AsyncExitStack() as resources:
        lock = resources.enter_context(hold_lock(home.lock, what=f"the home folder {home.path}"))
        lifeline = Lifeline(lock=lock)
        resources.callback(lifeline.close)
        resources.callback(home.running.unlink, missing_ok=True)
        stack = Stack(at_home(settings, home), home, lifeline, echo)
        resources.push_async_callback(stack.close)
        await _bring_up(stack, worker_type)
        yield stack


def at_home(settings: Settings, home: Home) -> Settings:
    """Settings with their keys, and with addresses that agree with the ports."""
    known: dict[str, object] = {"home": home.path}
    if "public_url" not in settings.model_fields_set:
        known["public_url"] = f"http://{settings.host}:{settings.port}"
    return with_keys(settings, home).model_copy(update=known)


async def _bring_up(stack: Stack, worker_type: str) -> None:
    """Start the parts in their order, each as soon as what it needs is there."""
    embedded = ("watchkeeper", "prefect") if stack.settings.database_url is None else ("prefect",)
    postgres = Postgres(stack.home.postgres, embedded, stack.home.log("postgres"), stack.lifeline)
    await stack.add(postgres)
    if stack.settings.database_url is None:
        url = SecretStr(postgres.server.url_for("watchkeeper"))
        stack.settings = stack.settings.model_copy(update={"database_url": url})
    await stack.add(_prefect(stack, postgres.server.asyncpg_url_for("prefect")))
    await _run_once(stack, "migrate", ["-m", "watchkeeper.cli", "migrate"])
    await stack.add(_intake(stack))
    write_private(stack.home.running, _addresses(stack.settings))
    async with httpx.AsyncClient(timeout=5, verify=tls_context()) as client:
        await _ready(stack, "intake", lambda: is_ok(client, f"{stack.intake_url}/ready"))
        stack.echo("paging: on")
        await _ready(stack, "prefect", lambda: is_ok(client, f"{stack.api_url}/health"))
    async with _prefect_client(stack.settings) as prefect:
        await _register(stack, prefect, worker_type)
        started_at = utc_now()
        await stack.add(_worker(stack, worker_type))
        await _ready(stack, "worker", lambda: is_worker_online(prefect, name=WORKER_NAME, since=started_at))


async def _ready(stack: Stack, name: str, holds: Callable[[], Awaitable[bool]]) -> None:
    await wait_until(holds, name=name, restarts=lambda: stack.restarts[name], log_file=stack.home.log(name))


def _prefect_client(settings: Settings) -> httpx.AsyncClient:
    auth = None
    if settings.prefect_auth is not None:
        user, _, password = settings.prefect_auth.get_secret_value().partition(":")
        auth = httpx.BasicAuth(user, password)
    return httpx.AsyncClient(base_url=settings.prefect_api_url, auth=auth, timeout=10, verify=tls_context())


def _addresses(settings: Settings) -> dict[str, str]:
    """What another command needs to reach this stack."""
    return {
        f"{ENV_PREFIX}DATABASE_URL": settings.store_url(),
        f"{ENV_PREFIX}PREFECT_API_URL": settings.prefect_api_url,
        f"{ENV_PREFIX}PUBLIC_URL": settings.public_url,
        f"{ENV_PREFIX}PORT": str(settings.port),
    }


def _program(stack: Stack, name: str, arguments: list[str], environment: dict[str, str]) -> Program:
    return Program(
        name=name,
        command=[sys.executable, *arguments],
        environment=environment,
        # No .env there: a part finds the settings that it is given, and no others.
        directory=stack.home.path,
        log_file=stack.home.log(name),
        lifeline=stack.lifeline,
    )


def _prefect(stack: Stack, database_url: str) -> Program:
    port = prefect_port(stack.settings)
    environment = server_environment(stack.settings, stack.home, port=port, database_url=database_url)
    return _program(stack, "prefect", ["-m", "prefect", "server", "start"], environment)


def _intake(stack: Stack) -> Program:
    environment = program_environment(stack.settings, stack.home)
    return _program(stack, "intake", ["-m", "watchkeeper.intake"], environment)


def _worker(stack: Stack, worker_type: str) -> Program:
    options = ["--pool", WORK_POOL, "--type", worker_type, "--name", WORKER_NAME, "--install-policy", "never"]
    environment = worker_environment(stack.settings, stack.home)
    return _program(stack, "worker", ["-m", "prefect", "worker", "start", *options], environment)


async def _register(stack: Stack, prefect: httpx.AsyncClient, worker_type: str) -> None:
    """Register the work pool, the blocks and the deployments; nothing is done if nothing changed."""
    file = definition_file()
    wanted = fingerprint(stack.settings, file=file, worker_type=worker_type)
    if not await is_registered(prefect, file=file, wanted=wanted):
        stack.echo("registering the deployments")
        await _run_once(stack, "register", ["-m", "deployments.register", "--pool-type", worker_type])


async def _run_once(stack: Stack, name: str, arguments: list[str]) -> None:
    """Run a step in a process of its own, which takes the memory of its libraries with it when it is done.

    Raises:
        WatchkeeperError: it failed; the text ends with its log's last lines.
    """
    step = _program(stack, name, arguments, program_environment(stack.settings, stack.home))
    try:
        await step.start()
        code = await step.wait()
    finally:
        await step.stop()
    if code != 0:
        raise WatchkeeperError(f"{name} failed; {step.log_file} ends:\n{last_lines(step.log_file)}")
