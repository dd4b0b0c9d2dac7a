"""One service of the company as its platform runs it: a release at a time, weighed, killed and started again."""

import asyncio
import os
import signal
import sys
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psutil

from drills.company.loopback import http_client
from drills.company.parent import die_at_once_with_parent
from drills.vendors.config import Company, CompanyService
from drills.vendors.throttle import Throttle

READY_SECONDS = 15
STOP_SECONDS = 5
# A process that listens nowhere counts as serving when it lives for so long.
SETTLE_SECONDS = 0.5
# How often a container is weighed, and started again after it was killed for its weight, before it stays down.
WEIGH_SECONDS = 0.2
# How many weighings one measurement of its processors is the mean of: a kernel counts them in steps too large for one.
CPU_OVER = 5
RESTARTS = 2
SAMPLES_KEPT = 1500
LINES_KEPT = 500
LONGEST_LINE_BYTES = 1_000_000
GB = 1_000_000_000


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Deployment:
    """One row of the platform's list. A removed one may be gone back to while its image is kept.

    `variables` are the service's as they were when it was made: what its process gets, also after a restart.
    """

    release: str
    created_at: datetime
    variables: dict[str, str] = field(repr=False)
    status: str = "DEPLOYING"
    can_rollback: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    updated_at: datetime = field(default_factory=now)

    def set_status(self, status: str) -> None:
        self.status = status
        self.updated_at = now()


@dataclass(frozen=True)
class Sample:
    """What a container used at one time, and what it might use: as its platform measures it."""

    at: float
    memory_gb: float
    memory_limit_gb: float
    cpu: float
    cpu_limit: float


@dataclass(frozen=True)
class LogLine:
    """What a container said, and on which of its two streams."""

    at: datetime
    deployment_id: str
    message: str
    severity: str


# What the platform tells the world about a deployment: the name of the event, and whose it is.
Tell = Callable[[str, "Service", Deployment], Awaitable[None]]


async def tell_nobody(event: str, service: "Service", deployment: Deployment) -> None:
    """Until somebody listens."""


def history(release: str, variables: dict[str, str]) -> list[Deployment]:
    """A service that has served this release for days: the deployment that serves, and the one before it."""
    older = Deployment(release, now() - timedelta(days=9), variables, "REMOVED", can_rollback=True)
    return [Deployment(release, now() - timedelta(days=2), variables), older]


def mean_cpu(spent: Sequence[tuple[float, float]]) -> float:
    """How many processors were used between the first and the last of these (when, seconds used until then)."""
    (since, before), (at, after) = spent[0], spent[-1]
    return round((after - before) / (at - since), 3) if at > since else 0.0


class Service:
    """One service of the company: its deployments, newest first, its variables, and the process that serves."""

    def __init__(self, config: CompanyService, company: Company, control_secret: str) -> None:
        self.config = config
        self._first_variables = {**company.variables, **config.variables, "CONTROL_SECRET": control_secret}
        # As they are set now; a deployment gets a copy when it is made.
        self.variables = dict(self._first_variables)
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self.deployments = history(config.release, self._first_variables)
        # Whether a drill switched a bug on in the process that serves now.
        self.is_faulty = False
        self.tell: Tell = tell_nobody
        # The limit that is set, and the one that the running container was started under.
        self.memory_gb = self.memory_gb_in_force = config.memory_gb
        self.cpu = self.cpu_in_force = config.cpu
        self._throttle = Throttle()
        self.samples: deque[Sample] = deque(maxlen=SAMPLES_KEPT)
        self.lines: deque[LogLine] = deque(maxlen=LINES_KEPT)
        self._cpu_seconds: deque[tuple[float, float]] = deque(maxlen=CPU_OVER + 1)
        self.out_of_memory = 0
        self._is_started = False
        self._restarts_left = RESTARTS
        self._readers: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def current(self) -> Deployment:
        return next(d for d in self.deployments if d.status not in ("REMOVED", "REMOVING"))

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def url(self) -> str | None:
        return f"http://127.0.0.1:{self.config.port}" if self.config.port else None

    async def start(self) -> None:
        await self._run(self.current)

    async def stop(self) -> None:
        async with self._lock:
            await self._end()

    async def deploy(self, release: str, variables: dict[str, str] | None = None) -> Deployment:
        """Replace what serves by another release, as a new deployment; with the variables of now, or with these."""
        async with self._lock:
            self.current.can_rollback = True
            self.current.set_status("REMOVED")
            deployment = Deployment(release, now(), dict(self.variables if variables is None else variables))
            self.deployments.insert(0, deployment)
            await self._end()
            await self._run_anew(deployment)
        await self.tell("deployed" if deployment.status == "SUCCESS" else "crashed", self, deployment)
        return deployment

    async def roll_back(self, deployment_id: str) -> bool:
        """Go back to an older deployment's image and variables; False when the platform does not offer it."""
        wanted = self.find(deployment_id)
        if wanted is None or not wanted.can_rollback or wanted is self.current:
            return False
        self.variables = dict(wanted.variables)
        await self.deploy(wanted.release)
        return True

    async def redeploy(self, deployment_id: str | None = None) -> Deployment | None:
        """The current release anew with the variables of now; or an older deployment with its own."""
        if deployment_id is None:
            return await self.deploy(self.current.release)
        wanted = self.find(deployment_id)
        return await self.deploy(wanted.release, wanted.variables) if wanted else None

    async def restart(self, deployment_id: str) -> bool:
        async with self._lock:
            if self.current.id != deployment_id:
                return False
            await self._end()
            await self._run_anew(self.current)
            return True

    def find(self, deployment_id: str) -> Deployment | None:
        return next((d for d in self.deployments if d.id == deployment_id), None)

    def kill(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            self.current.set_status("CRASHED")

    async def reset(self, *, anew: bool = False) -> None:
        """As at the beginning: the next night is another week's. What serves well goes on serving, unless `anew`."""
        async with self._lock:
            is_well = (
                not anew
                and self.pid is not None
                and not self.is_faulty
                and self.current.release == self.config.release
                and self.current.variables == self._first_variables
                and self.memory_gb_in_force == self.config.memory_gb
                and self.cpu_in_force == self.config.cpu
            )
            self.memory_gb, self.cpu = self.config.memory_gb, self.config.cpu
            self.samples.clear()
            self.variables = dict(self._first_variables)
            self.deployments = history(self.config.release, self._first_variables)
            if is_well:
                self.current.set_status("SUCCESS")
            else:
                await self._end()
                await self._run_anew(self.current)

    def confine(self, cpu: float) -> None:
        """It has had no more than these processors for as long as anything was measured."""
        self.cpu = self.cpu_in_force = cpu
        self._throttle.take_up(self.pid)
        self.samples.clear()

    async def throttle_for_ever(self) -> None:
        """Give the container no more of the processors than its limit, once it serves."""
        while True:
            await asyncio.sleep(Throttle.PERIOD_SECONDS)
            # One thread takes no more than one processor: looking at it twenty times a second would be for nothing.
            if self.cpu_in_force < 1:
                self._throttle.look(self.pid if self._is_started else None, self.cpu_in_force)

    async def weigh_for_ever(self) -> None:
        """Measure the container, and kill it when it outgrows its limit: really, as a kernel would."""
        while True:
            await asyncio.sleep(WEIGH_SECONDS)
            weight = self._weigh()
            if weight is not None and weight > self.memory_gb_in_force:
                await self._kill_for_its_weight()

    def _weigh(self) -> float | None:
        """What the container holds, in GB; kept as a sample. None when there is none."""
        if self.pid is None:
            return None
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            held, times, at = process.memory_info().rss / GB, process.cpu_times(), time.time()
            self._cpu_seconds.append((at, times.user + times.system))
            # More than the limit is never measured: at that point there is no container any more.
            limit = self.memory_gb_in_force
            cpu = mean_cpu(self._cpu_seconds)
            self.samples.append(Sample(at, round(min(held, limit), 4), limit, cpu, self.cpu_in_force))
            return float(held)
        return None

    async def _kill_for_its_weight(self) -> None:
        async with self._lock:
            deployment, process = self.current, self._process
            if (
                process is None
                or process.returncode is not None
                or (self._weigh() or 0) <= self.memory_gb_in_force
            ):
                return
            process.kill()
            await process.wait()
            self.out_of_memory += 1
            restart = self._restarts_left > 0
            if restart:
                self._restarts_left -= 1
                await self._run(deployment)
            else:
                deployment.set_status("CRASHED")
        await self.tell("oomKilled" if restart else "crashed", self, deployment)

    async def _run_anew(self, deployment: Deployment) -> None:
        """Started by somebody, and not by the platform after a crash: all of its tries are before it."""
        self._restarts_left = RESTARTS
        await self._run(deployment)

    async def _run(self, deployment: Deployment) -> None:
        self.memory_gb_in_force, self.cpu_in_force = self.memory_gb, self.cpu
        self._is_started = False
        self._cpu_seconds.clear()
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WATCHKEEPER_", "PREFECT_"))
        }
        self.is_faulty = False
        arguments = ["--release", deployment.release]
        if self.config.port:
            arguments += ["--port", str(self.config.port)]
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self.config.module, *arguments),
            env=environment | deployment.variables,
            preexec_fn=die_at_once_with_parent,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE_BYTES,
        )
        for stream, severity in ((self._process.stdout, "info"), (self._process.stderr, "error")):
            if stream is not None:
                reader = asyncio.create_task(self._read_lines(stream, deployment.id, severity))
                self._readers.add(reader)
                reader.add_done_callback(self._readers.discard)
        deployment.set_status("SUCCESS" if await self._serves() else "CRASHED")
        self._is_started = True

    async def _read_lines(self, stream: asyncio.StreamReader, deployment_id: str, severity: str) -> None:
        async for raw in stream:
            line = raw.decode(errors="replace").rstrip()
            self.lines.append(LogLine(now(), deployment_id, line, severity))
            print(f"{self.name}: {line}", flush=True)

    async def _serves(self) -> bool:
        if self.url is None:
            await asyncio.sleep(SETTLE_SECONDS)
            return self.pid is not None
        async with http_client() as client:
            give_up_at = now() + timedelta(seconds=READY_SECONDS)
            while now() < give_up_at and self.pid:
                try:
                    await client.get(self.url)
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                else:
                    return True
        return False

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        self._throttle.let_go()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()

    def state(self) -> dict[str, Any]:
        """What the drill may know of it."""
        rows = [
            {"id": d.id, "release": d.release, "status": d.status, "created_at": d.created_at.isoformat()}
            for d in self.deployments
        ]
        return {
            "release": self.current.release,
            "pid": self.pid,
            "deployments": rows,
            "memory_limit_gb": self.memory_gb_in_force,
            "out_of_memory": self.out_of_memory,
            "cpu_limit": self.cpu_in_force,
            "throttled_seconds": round(self._throttle.held_back_seconds, 2),
        }
