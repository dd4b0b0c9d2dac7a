"""`watchkeeper up` as a person runs it: on real parts, in a process of its own."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from os import kill
from pathlib import Path

import httpx
import pytest

from deployments.definition import defined_deployments, definition_file
from drills.ports import free_port
from tests.deployments.running import Up, answers, left_running, wait_until
from watchkeeper.home import Home
from watchkeeper.machine.lifeline import is_running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up") / "home"


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture(scope="module")
def up(home: Path, ports: tuple[int, int]) -> Iterator[Up]:
    """The first start on a fresh home folder."""
    running = Up(home, *ports)
    running.wait_until_ready()
    yield running
    running.make_sure_it_ends()


def registered(up: Up) -> dict[str, str]:
    """The id of each deployment on the server, by its entry point."""
    answer = httpx.post(f"{up.ui_url}/api/deployments/filter", json={}).raise_for_status()
    return {each["entrypoint"]: each["id"] for each in answer.json()}


def watchkeeper(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "watchkeeper.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=home.parent, timeout=60, check=False)


def test_everything_answers_at_the_addresses_that_it_prints(up: Up) -> None:
    for address in (up.ui_url, f"{up.intake_url}/"):
        assert address in up.said
        assert answers(address)
    assert answers(f"{up.intake_url}/ready")


def test_it_registers_what_the_file_defines(up: Up) -> None:
    assert set(registered(up)) == {each["entrypoint"] for each in defined_deployments(definition_file())}


def test_the_folder_and_its_secrets_are_private(up: Up, home: Path) -> None:
    # Others may pass through when PostgreSQL had to step down from root, and see nothing.
    assert home.stat().st_mode & 0o066 == 0
    for file in (Home(home).keys, Home(home).running):
        assert file.stat().st_mode & 0o777 == 0o600
    for secret in Home(home).keys.read_text().split():
        assert secret.partition("=")[2] not in up.said


def test_the_doctor_finds_it(up: Up, home: Path) -> None:
    examined = watchkeeper(home, "doctor", "--home", str(home))
    assert examined.returncode == 0, examined.stdout + examined.stderr
    assert f"ok              prefect              {up.ui_url}/api" in examined.stdout
    assert "ok              incident store" in examined.stdout


def test_a_second_one_on_the_same_home_is_refused(up: Up, home: Path) -> None:
    refused = watchkeeper(
        home, "up", f"--home={home}", f"--port={free_port()}", f"--prefect-port={free_port()}"
    )
    assert refused.returncode == 2
    assert f"already in use by process {up.process.pid}" in refused.stderr


@pytest.mark.parametrize(("taken", "option"), [(0, "--port"), (1, "--prefect-port")])
def test_a_taken_port_is_named(up: Up, home: Path, ports: tuple[int, int], taken: int, option: str) -> None:
    chosen = [free_port(), free_port()]
    chosen[taken] = ports[taken]
    elsewhere = home.with_name("elsewhere")
    refused = watchkeeper(
        home, "up", f"--home={elsewhere}", f"--port={chosen[0]}", f"--prefect-port={chosen[1]}"
    )
    assert refused.returncode == 2
    assert f"port {ports[taken]} is already in use" in refused.stderr and option in refused.stderr


@pytest.mark.parametrize(
    ("name", "command", "path"),
    [
        ("intake", "watchkeeper.intake", "{0.intake_url}/ready"),
        ("prefect", "server start", "{0.ui_url}/api/health"),
        ("postgres", "bin/postgres", "{0.ui_url}/api/ready"),
        ("worker", "worker start", "{0.ui_url}/api/ready"),
    ],
)
def test_a_killed_part_is_started_again_and_said_so(up: Up, name: str, command: str, path: str) -> None:
    before = up.pid_of(command)
    kill(before, signal.SIGKILL)
    wait_until(lambda: f"{name} ended (killed by SIGKILL)" in up.said)
    wait_until(lambda: answers(path.format(up)))
    assert up.pid_of(command) != before


def test_killing_the_supervisor_leaves_nothing_running_and_it_starts_again_at_once(up: Up) -> None:
    started, marker = up.processes(), up.marker()
    up.kill()
    up.start()
    wait_until(lambda: left_running(started, marker) == [], seconds=30)
    up.wait_until_ready()
    assert answers(f"{up.intake_url}/ready")


def test_ctrl_c_leaves_nothing_running_and_a_second_start_finds_the_data(up: Up, home: Path) -> None:
    deployments, keys = registered(up), Home(home).keys.read_text()
    started, marker = up.processes(), up.marker()
    assert up.interrupt() == 0
    assert "stopped" in up.said
    assert left_running(started, marker) == []
    assert not Home(home).running.exists()

    up.start()
    print(f"second start: ready in {up.wait_until_ready()} s")
    assert registered(up) == deployments
    assert Home(home).keys.read_text() == keys
    assert "registering" not in up.said


def test_it_stops_cleanly_while_it_is_still_starting(tmp_path: Path) -> None:
    starting = Up(tmp_path / "home", free_port(), free_port())
    wait_until(lambda: starting.runs("postgres"))
    started = starting.processes()
    assert starting.interrupt() == 0
    assert "ready in" not in starting.said
    assert not any(is_running(each.pid) for each in started)
