"""The warm worker in a process of its own, on a real Prefect server: each run ends as it should, whatever ends it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
import pytest
from prefect.exceptions import InfrastructureNotAvailable, InfrastructureNotFound
from prefect.settings import get_current_settings
from prefect.workers.base import BaseJobConfiguration

from deployments.environment import worker_environment
from deployments.warm_worker import WarmWorker, end_process, has_own_settings
from tests.deployments.running import PrefectServer, answers, wait_until
from watchkeeper.home import Home
from watchkeeper.machine.lifeline import is_running
from watchkeeper.settings import Settings

PROJECT = Path(__file__).parents[2]
FLOWS = "tests.deployments.small_flows"
SLOW_MODULE = """
import os, time
from pathlib import Path
from prefect import flow

Path(os.environ["SIGN"]).write_text(str(os.getpid()))
time.sleep(60)

@flow
def slow() -> None: ...
"""
_numbers = count(1)


class Worker:
    """A worker on a pool of its own, and what a test asks the server about its runs. Its `with` stops it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.pool = f"warm-{next(_numbers)}"
        self.log = folder / f"{self.pool}.log"
        self._api = httpx.Client(base_url=settings.prefect_api_url, timeout=10)
        options = ["--pool", self.pool, "--type", "warm", "--name", self.pool, "--install-policy", "never"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "prefect", "worker", "start", *options],
                env=worker_environment(settings, Home(settings.home)) | {"PYTHONPATH": str(folder)},
                cwd=PROJECT,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_at_work)

    def _is_at_work(self) -> bool:
        answer = self._api.post(f"/work_pools/{self.pool}/workers/filter", json={})
        return answer.status_code == 200 and len(answer.json()) == 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._api.close()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    @property
    def forkserver(self) -> psutil.Process:
        children = psutil.Process(self.process.pid).children()
        (found,) = [each for each in children if "forkserver" in " ".join(each.cmdline())]
        return found

    def start(self, entrypoint: str, *, env: dict[str, str] | None = None, **parameters: Any) -> str:
        """The id of a new run of this flow."""
        name = entrypoint.rpartition(".")[2]
        flow = self._post("/flows/", name=name)
        deployment = self._post(
            "/deployments/",
            name=f"small-{next(_numbers)}",
            flow_id=flow["id"],
            entrypoint=entrypoint,
            work_pool_name=self.pool,
            job_variables={"env": env or {}},
        )
        run = self._post(
            f"/deployments/{deployment['id']}/create_flow_run",
            parameters={name: str(value) for name, value in parameters.items()},
            state={"type": "SCHEDULED"},
        )
        return str(run["id"])

    def cancel(self, run: str) -> None:
        self._post(f"/flow_runs/{run}/set_state", state={"type": "CANCELLING", "name": "Cancelling"})

    def resume(self, run: str, **answer: Any) -> None:
        self._post(f"/flow_runs/{run}/resume", run_input=answer)

    def run(self, run: str) -> dict[str, Any]:
        return dict(self._api.get(f"/flow_runs/{run}").raise_for_status().json())

    def state(self, run: str) -> str:
        return str(self.run(run)["state"]["name"])

    def message(self, run: str) -> str:
        return str(self.run(run)["state"]["message"])

    def wait_for(self, state: str, *runs: str) -> None:
        def reached() -> bool:
            return all(self.state(run) == state for run in runs)

        try:
            wait_until(reached, seconds=30)
        except AssertionError:
            raise AssertionError(
                [(self.state(run), self.message(run), self.said_by(run)) for run in runs]
            ) from None

    def said_by(self, run: str) -> str:
        """What the API has of a run's log."""
        wanted = {"flow_run_id": {"any_": [run]}}
        lines = self._api.post("/logs/filter", json={"logs": wanted}).raise_for_status().json()
        return "\n".join(line["message"] for line in lines)

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self._api.post(path, json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for modules that the worker can import."""
    return tmp_path_factory.mktemp("warm")


@pytest.fixture(scope="module")
def worker(api: str, settings: Settings, folder: Path) -> Iterator[Worker]:
    with Worker(settings, folder) as running:
        yield running


@pytest.fixture
def sign(tmp_path: Path) -> Path:
    """A file on which a run writes its process's number."""
    return tmp_path / "sign"


def pid_on(sign: Path) -> int:
    wait_until(lambda: sign.exists() and sign.read_text() != "", seconds=30)
    return int(sign.read_text().split()[-1])


def test_a_run_completes_and_its_log_reaches_the_server(worker: Worker) -> None:
    run = worker.start(f"{FLOWS}.greet", name="ana")
    worker.wait_for("Completed", run)
    wait_until(lambda: "hello ana" in worker.said_by(run), seconds=10)


def test_eight_runs_at_once_all_complete(worker: Worker) -> None:
    runs = [worker.start(f"{FLOWS}.greet", name=str(number)) for number in range(8)]
    worker.wait_for("Completed", *runs)


def test_a_flow_that_raises_has_failed_and_says_why(worker: Worker) -> None:
    run = worker.start(f"{FLOWS}.fail")
    worker.wait_for("Failed", run)
    assert "the tide is out" in worker.message(run)


def test_a_process_that_exits_without_a_word_has_crashed_with_its_exit_code(worker: Worker) -> None:
    run = worker.start(f"{FLOWS}.vanish", code=3)
    worker.wait_for("Crashed", run)
    assert "status code 3" in worker.message(run)


def test_a_killed_process_has_crashed_with_the_signal(worker: Worker, sign: Path) -> None:
    run = worker.start(f"{FLOWS}.stay", sign=sign)
    os.kill(pid_on(sign), signal.SIGKILL)
    worker.wait_for("Crashed", run)
    assert "status code -9" in worker.message(run)


@pytest.mark.parametrize("flow", ["stay", "stay_without_async"])
def test_cancelling_a_run_ends_its_process(worker: Worker, sign: Path, flow: str) -> None:
    run = worker.start(f"{FLOWS}.{flow}", sign=sign)
    pid = pid_on(sign)
    worker.wait_for("Running", run)
    worker.cancel(run)
    worker.wait_for("Cancelled", run)
    assert not is_running(pid)


def test_cancelling_a_run_that_is_still_being_loaded_ends_its_process(
    worker: Worker, folder: Path, sign: Path
) -> None:
    (folder / "slow_to_import.py").write_text(SLOW_MODULE)
    run = worker.start("slow_to_import.slow", env={"SIGN": str(sign)})
    pid = pid_on(sign)
    assert worker.state(run) in ("Pending", "Submitting")
    worker.cancel(run)
    worker.wait_for("Cancelled", run)
    assert not is_running(pid)


def test_a_suspended_run_has_no_process_and_goes_on_with_the_answer(worker: Worker, sign: Path) -> None:
    run = worker.start(f"{FLOWS}.ask", sign=sign)
    worker.wait_for("Suspended", run)
    first = pid_on(sign)
    wait_until(lambda: not is_running(first), seconds=10)
    assert worker.state(run) == "Suspended"
    worker.resume(run, approved=True)
    worker.wait_for("Completed", run)
    wait_until(lambda: "approved: True" in worker.said_by(run), seconds=10)
    assert pid_on(sign) != first


def test_a_run_has_its_deployments_environment_and_nothing_of_anothers(
    worker: Worker, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    runs = [
        worker.start(f"{FLOWS}.show_environment", sign=one, env={"ONE": "1", "MALLOC_ARENA_MAX": "1"}),
        worker.start(f"{FLOWS}.show_environment", sign=other, env={"OTHER": "2"}),
    ]
    worker.wait_for("Completed", *runs)
    first, second = json.loads(one.read_text()), json.loads(other.read_text())
    assert (first["ONE"], first["MALLOC_ARENA_MAX"], second["OTHER"]) == ("1", "1", "2")
    assert "OTHER" not in first and "ONE" not in second and "MALLOC_ARENA_MAX" not in second
    assert first["PREFECT_API_URL"] == second["PREFECT_API_URL"]


@pytest.mark.parametrize(
    ("body", "reason"), [("raise ImportError('no such tide')", "no such tide"), ("def (", "invalid syntax")]
)
def test_a_module_that_cannot_be_imported_fails_its_run_with_the_reason_in_its_log(
    worker: Worker, folder: Path, body: str, reason: str
) -> None:
    name = f"broken_{next(_numbers)}"
    (folder / f"{name}.py").write_text(body)
    run = worker.start(f"{name}.anything")
    worker.wait_for("Crashed", run)
    wait_until(lambda: reason in worker.said_by(run), seconds=10)


def test_a_run_outlives_the_process_that_it_was_forked_from(worker: Worker, tmp_path: Path) -> None:
    ending, dying = tmp_path / "ending", tmp_path / "dying"
    runs = [worker.start(f"{FLOWS}.stay", sign=sign) for sign in (ending, dying)]
    pids = [pid_on(ending), pid_on(dying)]
    before = worker.forkserver
    before.kill()
    wait_until(lambda: not is_running(before.pid))

    # The next run finds it started again.
    worker.wait_for("Completed", worker.start(f"{FLOWS}.greet"))
    assert worker.forkserver.pid != before.pid
    assert [worker.state(run) for run in runs] == ["Running", "Running"]
    ending.unlink()
    os.kill(pids[1], signal.SIGKILL)
    worker.wait_for("Completed", runs[0])
    worker.wait_for("Crashed", runs[1])


def test_a_run_goes_on_while_the_server_is_away(
    worker: Worker, prefect_server: PrefectServer, sign: Path
) -> None:
    run = worker.start(f"{FLOWS}.stay", sign=sign)
    pid = pid_on(sign)
    prefect_server.stop()
    try:
        wait_until(lambda: not answers(f"{prefect_server.api_url}/health"))
        assert is_running(pid)
    finally:
        prefect_server.start()
    assert is_running(pid) and worker.process.poll() is None
    worker.cancel(run)
    worker.wait_for("Cancelled", run)
    worker.wait_for("Completed", worker.start(f"{FLOWS}.greet"))


def test_a_worker_that_is_stopped_ends_its_runs_and_one_that_is_killed_leaves_them(
    api: str, settings: Settings, folder: Path, tmp_path: Path
) -> None:
    kept, ended = tmp_path / "kept", tmp_path / "ended"
    with Worker(settings, folder) as worker:
        left = worker.start(f"{FLOWS}.stay", sign=kept)
        pid, forkserver = pid_on(kept), worker.forkserver.pid
        worker.wait_for("Running", left)
        worker.process.kill()
        worker.process.wait(10)
        assert is_running(pid)
        kept.unlink()
        worker.wait_for("Completed", left)
        wait_until(lambda: not is_running(pid) and not is_running(forkserver), seconds=10)
    with Worker(settings, folder) as worker:
        run = worker.start(f"{FLOWS}.stay", sign=ended)
        pid, forkserver = pid_on(ended), worker.forkserver.pid
        worker.wait_for("Running", run)
        worker.stop()
        wait_until(lambda: not is_running(pid) and not is_running(forkserver), seconds=10)
        worker.wait_for("Crashed", run)


def python(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code])


async def test_a_process_that_has_ended_and_that_nobody_reaps_is_not_waited_for() -> None:
    process = python("")
    wait_until(lambda: not is_running(process.pid))
    async with asyncio.timeout(10):
        await end_process(process.pid, grace_seconds=60)
    assert process.wait() == 0


async def test_a_process_is_ended_only_where_it_runs() -> None:
    worker, configuration = WarmWorker(work_pool_name="warm"), BaseJobConfiguration()
    process = python("import time; time.sleep(60)")
    try:
        with pytest.raises(InfrastructureNotAvailable, match="the run is on elsewhere"):
            await worker.kill_infrastructure(f"elsewhere:{process.pid}", configuration)
        assert is_running(process.pid)
        here = f"{socket.gethostname()}:{process.pid}"
        await worker.kill_infrastructure(here, configuration)
        assert process.wait(10) == -signal.SIGTERM
        with pytest.raises(InfrastructureNotFound, match="there is no process"):
            await worker.kill_infrastructure(here, configuration)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("more", "has_own"),
    [
        ({}, False),
        ({"PREFECT__FLOW_RUN_ID": "1", "MALLOC_ARENA_MAX": "1"}, False),
        ({"PREFECT_LOGGING_LEVEL": "DEBUG"}, True),
        ({"PREFECT_API_URL": "http://elsewhere.example/api"}, True),
    ],
)
def test_a_run_reads_prefects_settings_again_only_where_they_are_not_its_workers(
    more: dict[str, str], *, has_own: bool
) -> None:
    own = get_current_settings().to_environment_variables(exclude_unset=True)
    assert has_own_settings({**own, **more}) is has_own
