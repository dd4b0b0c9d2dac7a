"""A Prefect worker that forks each flow run from a process in which everything is imported already.

    prefect worker start --pool watchkeeper --type warm

Prefect's process worker starts a new Python for each run, which imports Prefect and the flows: seconds of waiting
and of CPU. Here `multiprocessing`'s forkserver has imported them once, and a run is a fork of it. Each run still has
a process of its own: one that crashes harms nobody else, and one that is cancelled is ended.

Only Prefect's public extension point is used (`prefect.workers.base.BaseWorker`). A run that goes on after its
worker was killed is left alone, as the process worker leaves it.
"""

import asyncio
import multiprocessing
import os
import signal
import socket
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from typing import Any

import anyio
import anyio.abc
import httpx
import psycopg
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import InfrastructureNotAvailable, InfrastructureNotFound, ObjectNotFound
from prefect.settings import get_current_settings
from prefect.states import Cancelled
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from deployments.warm_process import run_in_this_process
from watchkeeper.machine.lifeline import is_running

POLL_SECONDS = 1.0
GRACE_SECONDS = 10.0
# What multiprocessing gives as exit code when the forkserver died and took the real one with it.
EXIT_CODE_LOST = 255
STORE_URL = "WATCHKEEPER_DATABASE_URL"


class WarmWorkerResult(BaseWorkerResult):
    """The exit code of a run's process; minus the signal's number if one ended it."""


class WarmWorker(BaseWorker[BaseJobConfiguration, BaseVariables, WarmWorkerResult]):
    """Forks each flow run from a warm process."""

    type = "warm"
    _waking: asyncio.Task[None] | None = None
    job_configuration = BaseJobConfiguration
    job_configuration_variables = BaseVariables
    _display_name = "Warm process"
    _description = (
        "Forks each flow run from a process that has Prefect and the flows imported. Needs Linux or macOS."
    )

    async def setup(self) -> None:
        await super().setup()
        # It imports in the background, so that the first run finds it warm.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["deployments.warm_preload"])
        await anyio.to_thread.run_sync(forkserver.ensure_running)
        if url := os.environ.get(STORE_URL):
            self._waking = asyncio.create_task(self._wake(url))
            self._waking.add_done_callback(self._say_why)

    async def teardown(self, *exc_info: Any) -> None:
        if self._waking is not None:
            self._waking.cancel()
            await asyncio.gather(self._waking, return_exceptions=True)
        await super().teardown(*exc_info)

    def _say_why(self, waking: asyncio.Task[None]) -> None:
        """Polling goes on without it, but a bug in it must not be silent."""
        if not waking.cancelled() and (error := waking.exception()) is not None:
            self._logger.error("no longer woken by the store, only polling", exc_info=error)

    async def _wake(self, store_url: str) -> None:
        """Look for runs as soon as the store says that the dispatcher has started one, and not only in a while."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(store_url, autocommit=True) as connection:
                    await connection.execute("LISTEN runs")
                    async for _ in connection.notifies():
                        await self.get_and_submit_flow_runs()
            except (psycopg.OperationalError, httpx.HTTPError) as error:
                self._logger.warning("not woken by the store: %s; polling", type(error).__name__)
                await anyio.sleep(POLL_SECONDS)

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,
        task_status: anyio.abc.TaskStatus[Any] | None = None,
    ) -> WarmWorkerResult:
        """Run a flow run in a fork, and wait until it has ended.

        Returns:
            Its exit code. Prefect reports the run as crashed when it is not 0 and the run has not ended otherwise.
        """
        environment = {**os.environ, **{k: v for k, v in configuration.env.items() if v is not None}}
        process = multiprocessing.get_context("forkserver").Process(
            target=run_in_this_process,
            args=(flow_run.id, environment),
            kwargs={"has_own_settings": has_own_settings(configuration.env)},
            daemon=True,
        )
        # In a thread: it waits while the forkserver is still importing.
        await anyio.to_thread.run_sync(process.start)
        identifier = f"{socket.gethostname()}:{process.pid}"
        if task_status is not None:
            task_status.started(identifier)
        asked_to_end = anyio.Event()
        async with anyio.create_task_group() as watching:
            watching.start_soon(self._end_when_cancelled, flow_run, process, asked_to_end)
            code = await self._wait(flow_run, process)
            watching.cancel_scope.cancel()
        # A flow that is asked to end takes it for a crash, and says so to the server before it goes.
        crashed = [StateType.CRASHED] if asked_to_end.is_set() else []
        if await self._is(flow_run, StateType.CANCELLING, *crashed):
            ended: State[Any] = Cancelled(message="Cancelled; its process has ended.")
            await self.client.set_flow_run_state(flow_run.id, ended, force=True)
            code = 0
        return WarmWorkerResult(status_code=code, identifier=identifier)

    async def _wait(self, flow_run: FlowRun, process: ForkServerProcess) -> int:
        await anyio.wait_readable(process.sentinel)
        await anyio.to_thread.run_sync(process.join)
        code, pid = process.exitcode or 0, process.pid or 0
        if code != EXIT_CODE_LOST:
            return code
        # It is nobody's child any more: there is nothing to wait on but its going.
        while is_running(pid):  # noqa: ASYNC110
            await anyio.sleep(POLL_SECONDS)
        return EXIT_CODE_LOST if await self._is(flow_run, StateType.RUNNING) else 0

    async def _end_when_cancelled(
        self, flow_run: FlowRun, process: ForkServerProcess, asked_to_end: anyio.Event
    ) -> None:
        while not await self._is(flow_run, StateType.CANCELLING):  # noqa: ASYNC110 - the server is asked
            await anyio.sleep(POLL_SECONDS)
        asked_to_end.set()
        self.get_flow_run_logger(flow_run).info("Cancelling: its process %s is asked to end", process.pid)
        await end_process(process.pid or 0, GRACE_SECONDS)

    async def _is(self, flow_run: FlowRun, *state_types: StateType) -> bool:
        """Whether the run is in one of these states, as far as the server can be asked."""
        try:
            state = (await self.client.read_flow_run(flow_run.id)).state
        except (httpx.HTTPError, ObjectNotFound):
            return False
        return state is not None and state.type in state_types

    async def kill_infrastructure(
        self, infrastructure_pid: str, configuration: BaseJobConfiguration, grace_seconds: int = 30
    ) -> None:
        """End a run's process: asked first, killed after the grace.

        Raises:
            InfrastructureNotAvailable: it runs on another machine.
            InfrastructureNotFound: there is no such process.
        """
        host, _, pid = infrastructure_pid.rpartition(":")
        if host != socket.gethostname():
            raise InfrastructureNotAvailable(f"the run is on {host}, this worker on {socket.gethostname()}")
        if not is_running(int(pid)):
            raise InfrastructureNotFound(f"there is no process {pid}")
        await end_process(int(pid), grace_seconds)


def has_own_settings(environment: Mapping[str, str | None]) -> bool:
    """Whether a run's environment sets anything of Prefect's otherwise than this worker's own, which its forkserver
    shares. Prefect gives each run the settings of its worker, and its pool and its deployment may add to them."""
    own = get_current_settings().to_environment_variables(exclude_unset=True)
    return any(
        name.startswith("PREFECT_") and not name.startswith("PREFECT__") and value != own.get(name)
        for name, value in environment.items()
    )


async def end_process(pid: int, grace_seconds: float) -> None:
    """Ask a process to end, and kill it when it has not after the grace. Nothing happens if it is gone."""
    for number, seconds in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, GRACE_SECONDS)):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        with anyio.move_on_after(seconds):
            while is_running(pid):  # noqa: ASYNC110 - it is the forkserver's child, not ours
                await anyio.sleep(0.1)
