"""What every vendor's stand-in has in common. Its base address is its name below the stand-ins' port."""

import math
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Handler = Callable[[Request], Awaitable[JSONResponse]]
Clock = Callable[[], datetime]


def real_time() -> datetime:
    return datetime.now(UTC)


class Vendor:
    """One vendor; a subclass says what it answers.

    Attributes:
        clock: what time it is there; where a night's clock is moved, that one.
    """

    clock: Clock = staticmethod(real_time)

    def routes(self) -> list[Route]:
        """The vendor's own addresses, in its own wire format."""
        return []

    def controls(self) -> dict[str, Handler]:
        """What a drill may do to it, by name: POST /control/VENDOR/NAME."""
        return {}

    def state(self) -> dict[str, Any]:
        """What the vendor saw, for grading: a part of GET /control/state."""
        return {}

    def issued(self) -> list[str]:
        """Every secret that it has given out by itself, oldest first."""
        return []

    def reset(self) -> None:
        """Well again, before the next night; what it saw is kept."""

    async def live(self) -> None:
        """What it does by itself, for ever; most only answer."""


class Spell:
    """A time during which something is not as it should be; it passes by itself."""

    def __init__(self) -> None:
        self._until = 0.0

    def begin(self, seconds: float | None) -> None:
        """For so many seconds from now; None is until it is ended. One that would last longer goes on."""
        self._until = max(self._until, math.inf if seconds is None else time.monotonic() + seconds)

    def end(self) -> None:
        self._until = 0.0

    @property
    def is_on(self) -> bool:
        return time.monotonic() < self._until

    @property
    def seconds_left(self) -> float:
        """Zero when it is over; an hour when nobody knows."""
        return max(0.0, min(self._until - time.monotonic(), 3600.0))
