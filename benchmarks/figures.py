"""A figure: what was measured, what it is compared to, and what it should be."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Target:
    """What a figure should be: at most `limit`, or at least it."""

    limit: float
    at_least: bool = False

    def is_met_by(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def in_words(self, unit: str) -> str:
        return f"{'≥' if self.at_least else '≤'} {quantity(self.limit, unit)}"


@dataclass(frozen=True)
class Beside:
    """What a figure is compared to, measured in the same run."""

    what: str
    value: float
    unit: str
    samples: int

    def in_words(self) -> str:
        return f"{quantity(self.value, self.unit)}: {self.what}{sample_size(self.samples)}"


@dataclass(frozen=True)
class Figure:
    """One row of the table. `more` is for the JSON alone: the spread behind the value."""

    benchmark: str
    what: str
    value: float
    unit: str
    samples: int
    target: Target | None = None
    beside: Sequence[Beside] = ()
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def is_met(self) -> bool | None:
        return self.target.is_met_by(self.value) if self.target else None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "is_met": self.is_met}

    def as_row(self) -> list[str]:
        """What, measured, target, met, beside."""
        return [
            f"{self.what}{sample_size(self.samples)}",
            quantity(self.value, self.unit),
            self.target.in_words(self.unit) if self.target else "",
            {True: "yes", False: "no", None: ""}[self.is_met],
            "; ".join(each.in_words() for each in self.beside),
        ]


def quantity(value: float, unit: str) -> str:
    """A number as a person reads it: three digits of it, seconds below one as milliseconds."""
    if unit == "s" and abs(value) < 1:
        value, unit = value * 1000, "ms"
    if float(value).is_integer() or abs(value) >= 100:
        number = f"{value:,.0f}"
    else:
        number = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return f"{number}{unit}" if unit in ("", "%") else f"{number} {unit}"


def sample_size(samples: int) -> str:
    return f" (n = {samples:,})" if samples > 1 else ""


def percentile(samples: Sequence[float], percent: float) -> float:
    """The smallest sample that so many percent of them do not exceed (nearest rank)."""
    ordered = sorted(samples)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def spread(samples: Sequence[float]) -> dict[str, float]:
    """Where the samples lie, for the JSON."""
    known = {f"p{percent}": percentile(samples, percent) for percent in (50, 90, 95, 99)}
    return {"least": min(samples), **known, "most": max(samples)}
