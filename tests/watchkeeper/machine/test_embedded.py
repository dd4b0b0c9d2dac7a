"""The embedded Postgres: a real one, killed in the ways that machines kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from watchkeeper.errors import BadInput, StoreUnavailable
from watchkeeper.machine.embedded import LONGEST_SOCKET_PATH, EmbeddedPostgres, start_postgres
from watchkeeper.machine.lifeline import is_running

HOLDER = """
import sys, time
from pathlib import Path
from watchkeeper.machine.embedded import start_postgres
postgres = start_postgres(Path(sys.argv[1]), ("watchkeeper",))
print(postgres.pid, postgres.url_for("watchkeeper"), flush=True)
time.sleep(600)
"""

NEWCOMER = """
import sys, time
from watchkeeper.machine import embedded
embedded.SYSTEM_USER = sys.argv[1]
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
print(embedded._system_user().pw_uid)
"""


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.05)


def write_note(postgres: EmbeddedPostgres, text: str) -> None:
    with psycopg.connect(postgres.url_for("watchkeeper")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS notes (text text)")
        connection.execute("INSERT INTO notes VALUES (%s)", [text])


def read_notes(postgres: EmbeddedPostgres) -> list[str]:
    with psycopg.connect(postgres.url_for("watchkeeper")) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY 1")]


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs a server on tmp_path/postgres."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "postgres")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def first_line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def test_data_survive_a_restart_and_nothing_runs_after_stop(tmp_path: Path) -> None:
    postgres = start_postgres(tmp_path / "postgres")
    write_note(postgres, "before")
    started = [postgres.pid, *[child.pid for child in psutil.Process(postgres.pid).children()]]
    postgres.stop()
    postgres.stop()
    assert not any(pid is not None and is_running(pid) for pid in started)

    again = start_postgres(tmp_path / "postgres")
    try:
        assert read_notes(again) == ["before"]
    finally:
        again.stop()
    assert not (tmp_path / "postgres" / "data" / "postmaster.pid").exists()


def test_it_makes_its_databases_and_keeps_durable_settings(tmp_path: Path) -> None:
    postgres = start_postgres(tmp_path / "postgres", ("watchkeeper", "prefect"))
    try:
        for database in ("watchkeeper", "prefect"):
            with psycopg.connect(postgres.url_for(database)) as connection:
                for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                    assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)
                row = connection.execute("SHOW max_connections").fetchone()
                assert row is not None and int(row[0]) >= 60
        assert postgres.asyncpg_url_for("prefect").startswith(
            "postgresql+asyncpg://postgres:@/prefect?host=/"
        )
    finally:
        postgres.stop()


def test_a_long_path_gets_a_socket_elsewhere(tmp_path: Path) -> None:
    directory = tmp_path / ("long" * 30)
    postgres = start_postgres(directory, ("watchkeeper",))
    try:
        assert len(str(postgres.socket_directory)) < LONGEST_SOCKET_PATH
        assert postgres.socket_directory.stat().st_mode & 0o777 == 0o700
        write_note(postgres, "over the short socket")
        assert read_notes(postgres) == ["over the short socket"]
    finally:
        postgres.stop()
    postgres.socket_directory.rmdir()


def test_a_second_server_on_the_same_directory_is_refused(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    first_line(holder)
    with pytest.raises(BadInput, match=f"in use by process {holder.pid}"):
        start_postgres(tmp_path / "postgres")


def test_killing_the_holder_stops_the_server(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    pid = int(first_line(holder)[0])
    holder.kill()
    holder.wait()
    wait_until(lambda: not is_running(pid))


def test_it_starts_again_right_after_its_holder_was_killed(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    first_line(holder)
    holder.kill()
    holder.wait()
    postgres = start_postgres(tmp_path / "postgres")
    try:
        write_note(postgres, "after the kill")
    finally:
        postgres.stop()


def test_it_recovers_from_a_killed_postmaster(tmp_path: Path) -> None:
    postgres = start_postgres(tmp_path / "postgres", ("watchkeeper",))
    try:
        write_note(postgres, "committed")
        assert postgres.pid is not None
        os.kill(postgres.pid, signal.SIGKILL)
        wait_until(lambda: not postgres.is_running)
        assert postgres.pid is None
        postgres.start()
        assert read_notes(postgres) == ["committed"]
    finally:
        postgres.stop()


def test_a_pid_file_that_names_another_process_is_cleared(tmp_path: Path) -> None:
    start_postgres(tmp_path / "postgres", ("watchkeeper",)).stop()
    pid_file = tmp_path / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n")
    postgres = start_postgres(tmp_path / "postgres", ("watchkeeper",))
    try:
        assert postgres.is_running
    finally:
        postgres.stop()


def test_a_server_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_postgres(tmp_path / "postgres", ("watchkeeper",)).stop()
    monkeypatch.setattr("watchkeeper.machine.embedded.START_ATTEMPTS", 2)
    (tmp_path / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(StoreUnavailable, match="not compatible"):
        start_postgres(tmp_path / "postgres", ("watchkeeper",))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root adds users, and only root's server needs one")
def test_two_that_start_at_once_on_a_new_machine_run_as_the_same_user() -> None:
    user, at = "watchkeeper_newcomer", str(time.time() + 1.5)
    command = [sys.executable, "-c", NEWCOMER, user, at]
    try:
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        told = [process.communicate(timeout=30)[0].strip() for process in both]
    finally:
        subprocess.run(["userdel", user], check=False)

    assert told[0] == told[1] != ""
