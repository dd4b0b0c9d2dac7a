"""Readings as charts: the line, its limit, and where it was broken."""

from datetime import UTC, datetime, timedelta

from watchkeeper.intake.charts import HEIGHT, MARGIN, WIDTH, charts
from watchkeeper.model import Reading

BEGAN = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def readings(values: list[float | None], threshold: float | None) -> list[Reading]:
    return [
        Reading(
            probe="connections",
            service="database",
            value=value,
            unit="connections",
            threshold=threshold,
            ok=value is not None and (threshold is None or value <= threshold),
            observed_at=BEGAN + timedelta(minutes=minute),
        )
        for minute, value in enumerate(values)
    ]


def test_the_line_and_its_limit_share_one_scale() -> None:
    (chart,) = charts(readings([10, 30, 20], threshold=15))
    top, bottom = MARGIN, HEIGHT - MARGIN
    assert chart.points == f"0.0,{bottom:.1f} {WIDTH / 2:.1f},{top:.1f} {WIDTH:.1f},{(top + bottom) / 2:.1f}"
    assert chart.threshold_y == bottom - (bottom - top) / 4
    assert [x for x, _ in chart.bad] == [WIDTH / 2, WIDTH]


def test_a_limit_that_was_never_reached_is_in_the_box() -> None:
    (chart,) = charts(readings([1, 2], threshold=50))
    assert chart.threshold_y == MARGIN
    assert (chart.low, chart.high) == (1, 2)


def test_one_reading_without_a_value_or_a_limit_is_a_chart() -> None:
    (chart,) = charts(readings([None], threshold=None))
    assert chart.threshold_y is None
    assert chart.points == f"0.0,{HEIGHT - MARGIN:.1f}"
