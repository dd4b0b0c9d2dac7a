"""What a night with the clock moved is: how it is told, and what must have been seen of it from outside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from drills.moved.clock import BEGINNING
from drills.moved.grading import Expectation
from drills.moved.house import HouseNight

PEOPLE = {
    "ana": {"name": "Ana", "email": "ana@example.com", "phone": "+14155550101", "slack": "U0ANA"},
    "ben": {"name": "Ben", "email": "ben@example.com", "phone": "+14155550102", "slack": "U0BEN"},
    "cleo": {"name": "Cleo", "email": "cleo@example.com", "phone": "+14155550103", "slack": "U0CLEO"},
    "kim": {"name": "Kim", "phone": "+14155550109"},
}


def nothing_more(folder: Path) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class MovedDrill:
    """One night.

    Attributes:
        tell: what happens and what people do, in order; the clock is moved by it alone. Where it asks for no Prefect, a
            test tells it as a story, too.
        expected: what must be so afterwards, each judged by what was seen from outside.
        begins: what time it is at first.
        policy: what the night changes in the policy.
        needs_prefect: whether the real server runs; without it Prefect is away all night.
        prepare: what it needs in its folder beforehand; the part of the policy that names it.
    """

    name: str
    title: str
    tell: Callable[[HouseNight], Awaitable[None]]
    expected: tuple[Expectation, ...]
    begins: datetime = BEGINNING
    policy: dict[str, Any] = field(default_factory=dict)
    needs_prefect: bool = False
    prepare: Callable[[Path], dict[str, Any]] = nothing_more
