"""A command that is ended from outside takes what it started with it."""

import signal
import subprocess
import sys

import pytest

from watchkeeper.machine.stopping import run_until_stopped

COMMAND = """
import asyncio
import signal
from watchkeeper.machine.stopping import run_until_stopped

# As in a terminal; what is started in the background by a shell ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)

async def work():
    try:
        print("began", flush=True)
        await asyncio.sleep(60)
    finally:
        print("cleaned up", flush=True)

try:
    run_until_stopped(work())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_cleans_up_before_it_ends(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == "began\n"
        command.send_signal(number)
        assert command.communicate(timeout=20)[0] == "cleaned up\ninterrupted\n"
    assert command.returncode == 0


async def answer() -> int:
    return 42


def test_it_gives_what_the_work_gives() -> None:
    assert run_until_stopped(answer()) == 42
