"""Readings as lines that a server draws: no script, no picture to load. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from watchkeeper.model import Reading

WIDTH, HEIGHT, MARGIN = 300, 60, 4


@dataclass(frozen=True)
class Chart:
    """One probe's readings in a box of WIDTH by HEIGHT.

    `points` are "x,y x,y ..."; `threshold_y` is where the limit lies, None where the probe has none.
    """

    name: str
    newest: Reading
    points: str
    low: float
    high: float
    threshold_y: float | None
    bad: list[tuple[float, float]]


def charts(readings: Sequence[Reading]) -> list[Chart]:
    """One chart per probe, by name."""
    by_probe: dict[tuple[str, str], list[Reading]] = {}
    for reading in readings:
        by_probe.setdefault((reading.service, reading.probe), []).append(reading)
    return [_chart(f"{service}: {probe}", series) for (service, probe), series in sorted(by_probe.items())]


def _chart(name: str, series: Sequence[Reading]) -> Chart:
    values = [r.value if r.value is not None else float(r.ok) for r in series]
    limit = series[-1].threshold
    shown = [*values, *([limit] if limit is not None else [])]
    low, high = min(shown), max(shown)
    places = [(_x(index, len(values)), _y(value, low, high)) for index, value in enumerate(values)]
    return Chart(
        name=name,
        newest=series[-1],
        points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places),
        low=min(values),
        high=max(values),
        threshold_y=None if limit is None else round(_y(limit, low, high), 1),
        bad=[(round(x, 1), round(y, 1)) for (x, y), r in zip(places, series, strict=True) if not r.ok],
    )


def _x(index: int, count: int) -> float:
    return index * WIDTH / max(count - 1, 1)


def _y(value: float, low: float, high: float) -> float:
    """The largest at the top; a line that never moves, in the middle of nothing, at the bottom."""
    return HEIGHT - MARGIN - (value - low) / ((high - low) or 1.0) * (HEIGHT - 2 * MARGIN)
