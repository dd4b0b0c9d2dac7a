"""The one place that reads the clock. Everything else is handed the time it should believe in."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present moment, aware and in UTC."""
    return datetime.now(UTC)
