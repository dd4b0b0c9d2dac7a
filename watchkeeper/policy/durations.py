"""Durations as people write them: a number and a unit, such as 15m."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION_PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def parse_duration(value: object) -> object:
    """Turn "15m" into a timedelta; leave what already is one alone.

    Raises:
        ValueError: it is neither; the text says how to write a duration.
    """
    if isinstance(value, timedelta):
        return value
    match = DURATION_PATTERN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a number and a unit: 90s, 15m, 2h or 1d")
    return timedelta(seconds=float(match[1]) * UNIT_SECONDS[match[2]])


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(lambda value: f"{value.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"),
]
