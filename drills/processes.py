"""Programmes that run beside a night, each a process of its own."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

STOP_SECONDS = 10


@asynccontextmanager
async def running(
    *command: str, log_file: Path, env: Mapping[str, str], cwd: Path | None = None
) -> AsyncIterator[Process]:
    """A programme whose words go into this file, until the block ends."""
    with log_file.open("ab") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=cwd, env=env, stdout=log, stderr=log)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
