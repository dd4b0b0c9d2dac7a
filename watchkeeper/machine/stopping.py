"""Ending a command from outside: SIGTERM as Ctrl-C, with everything that the command started."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_until_stopped(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it in a loop of its own and give its result.

    Raises:
        KeyboardInterrupt: it was stopped, and has cleaned up.
    """

    async def watched() -> Result:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError as error:
        raise KeyboardInterrupt from error
