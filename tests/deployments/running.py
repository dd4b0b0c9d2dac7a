"""Real processes that a test starts and asks: a `watchkeeper up`, as a terminal runs it, and a Prefect server."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Self

import httpx
import psutil

from deployments.environment import server_environment
from watchkeeper.home import Home
from watchkeeper.machine.lifeline import MARKER, is_running
from watchkeeper.settings import Settings


def wait_until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


class PrefectServer:
    """A Prefect server that can go away and come back. Leaving its `with` stops it."""

    def __init__(self, settings: Settings, home: Home, database_url: str) -> None:
        self.api_url = settings.prefect_api_url
        self._environment = server_environment(
            settings, home, port=httpx.URL(self.api_url).port or 0, database_url=database_url
        )
        self._log = home.log("prefect")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "prefect", "server", "start"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        wait_until(lambda: answers(f"{self.api_url}/health"))

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Up:
    """Starts on construction, and again when told to. `said` is what it has printed since its last start."""

    def __init__(self, home: Path, port: int, prefect_port: int) -> None:
        self.intake_url = f"http://127.0.0.1:{port}"
        self.ui_url = f"http://127.0.0.1:{prefect_port}"
        self._command = [sys.executable, "-m", "watchkeeper.cli", "up"]
        self._command += [f"--home={home}", f"--port={port}", f"--prefect-port={prefect_port}"]
        self._folder = home.parent  # where no .env is
        self.start()

    def start(self) -> None:
        self.said = ""
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self._folder, text=True
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line

    def wait_until_ready(self) -> float:
        """How many seconds it says that it took."""
        wait_until(lambda: "ready in" in self.said or self.process.poll() is not None, seconds=150)
        took = re.search(r"ready in ([\d.]+) s", self.said)
        assert took is not None, self.said
        return float(took[1])

    def processes(self) -> list[psutil.Process]:
        """Everything that it has started, and it."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def runs(self, name: str) -> bool:
        """Whether one of them is a program of this name."""
        return any(name in _name(each) for each in self.processes())

    def pid_of(self, command: str) -> int:
        """The process of the part whose command line holds these words."""
        found = [each.pid for each in psutil.Process(self.process.pid).children() if command in _line(each)]
        assert len(found) == 1, (command, found)
        return found[0]

    def marker(self) -> str:
        worker = psutil.Process(self.pid_of("worker start"))
        return worker.environ()[MARKER]

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        code = self.process.wait(60)
        self._reader.join(10)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def make_sure_it_ends(self) -> None:
        if self.process.poll() is None:
            self.interrupt()


def _line(process: psutil.Process) -> str:
    return " ".join(process.cmdline())


def left_running(started: list[psutil.Process], marker: str) -> list[str]:
    """What still runs of these, and of what carries the marker."""
    left = [each.pid for each in started if is_running(each.pid)]
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == marker:
                left.append(process.pid)
        except psutil.Error:
            continue
    return [f"{pid}: {_line(psutil.Process(pid))}" for pid in left if is_running(pid)]


def _name(process: psutil.Process) -> str:
    """What it is called; nothing where it has ended since it was listed."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""
