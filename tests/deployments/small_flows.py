"""Flows small enough to be registered and run in a test of the registration, or of a worker."""

import asyncio
import json
import os
import time
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput


@flow
def greet(name: str = "world") -> str:
    """Greet somebody."""
    get_run_logger().info("hello %s", name)
    return f"hello {name}"


@flow
def part(name: str = "world") -> str:
    """Say goodbye."""
    return f"goodbye {name}"


@flow
async def stay(sign: Path) -> None:
    """Write our process's number on the sign, and stay until somebody takes the sign away."""
    sign.write_text(str(os.getpid()))  # noqa: ASYNC240
    while sign.exists():  # noqa: ASYNC240
        await asyncio.sleep(0.05)


@flow
def stay_without_async(sign: Path) -> None:
    """The same, without async."""
    sign.write_text(str(os.getpid()))
    while sign.exists():
        time.sleep(0.05)


@flow
def fail() -> None:
    """Raise an ordinary error."""
    raise ValueError("the tide is out")


@flow
def vanish(code: int) -> None:
    """End our process without a word."""
    os._exit(code)


class Answer(RunInput):
    """What somebody decides."""

    approved: bool


@flow
async def ask(sign: Path) -> None:
    """Ask somebody; our process ends meanwhile."""
    with sign.open("a") as written:
        written.write(f"{os.getpid()}\n")
    answer = await asuspend_flow_run(wait_for_input=Answer, key="answer", timeout=60)
    get_run_logger().info("approved: %s", answer.approved)


@flow
def show_environment(sign: Path) -> None:
    """Write our whole environment on the sign."""
    sign.write_text(json.dumps(dict(os.environ)))
