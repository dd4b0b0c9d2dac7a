"""A vendor that is away for a moment is asked again, within this run; after a minute a person has to know."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from watchkeeper.errors import VendorUnavailable

Answer = TypeVar("Answer")

# Each request was tried three times already by then.
AGAIN_AFTER_SECONDS = (5.0, 15.0, 40.0)


async def patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """What is asked for, once the vendor is there. Only for what changes nothing: it may be asked four times.

    Raises:
        VendorUnavailable: it stays away.
    """
    for seconds in AGAIN_AFTER_SECONDS:
        try:
            return await ask()
        except VendorUnavailable:
            await asyncio.sleep(seconds)
    return await ask()
