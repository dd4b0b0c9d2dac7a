"""The month's charts as SVG pictures: incidents by day, times against goals, downtime. Pure."""

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from watchkeeper.documents.chart import (
    BAD,
    GOOD,
    INK,
    LEFT,
    RIGHT,
    SOFT,
    WIDTH,
    draw_line,
    draw_text,
    new_picture,
    set_text,
)
from watchkeeper.figures.ledger import Account
from watchkeeper.figures.past import Month, Past
from watchkeeper.figures.times import Turn, in_words
from watchkeeper.model import Severity
from watchkeeper.policy.calendar import Calendar

TOP, ROW, FLOOR = 40, 26, 190
NAMES, VALUES = 150, 170
COLOURS = {Severity.P0: "#b3261e", Severity.P1: "#b26a00", Severity.P2: "#0b57d0", Severity.P3: "#9aa0a6"}
LEAST_SECONDS = 10.0


class Chart(NamedTuple):
    """One picture: its file's name without the ending, what it shows in words, and the SVG."""

    name: str
    title: str
    svg: str


def month_charts(
    month: Month,
    incidents: Sequence[Past],
    turns: Sequence[Turn],
    services: Sequence[Account],
    calendar: Calendar,
) -> list[Chart]:
    """The charts of a month; those that would be empty are left out."""
    charts = []
    if incidents:
        charts.append(days_chart(month, incidents, calendar))
    if any(turn.middle for turn in turns):
        charts.append(times_chart(turns))
    if any(account.outages for account in services):
        charts.append(downtime_chart(month, services, calendar))
    return charts


def days_chart(month: Month, incidents: Sequence[Past], calendar: Calendar) -> Chart:
    """How many incidents each day brought, by severity."""
    title = "Incidents by day and severity"
    svg = _begin(title, FLOOR + 44)
    days = _days(month, calendar)
    by_day: dict[date, list[Severity]] = {day: [] for day in days}
    for incident in incidents:
        by_day.setdefault(calendar.local(incident.detected_at).date(), []).append(incident.severity)
    most = max(len(of_day) for of_day in by_day.values())
    step = (WIDTH - LEFT - RIGHT) / len(days)
    for number, day in enumerate(days):
        _stack(svg, LEFT + number * step, step, sorted(by_day[day]), (FLOOR - TOP) / most)
        if day.day == 1 or day.day % 5 == 0:
            draw_text(svg, LEFT + (number + 0.5) * step, FLOOR + 16, str(day.day), SOFT, anchor="middle")
    draw_line(svg, LEFT, FLOOR, WIDTH - RIGHT, FLOOR, SOFT)
    draw_text(svg, LEFT - 6, TOP + 10, str(most), SOFT, anchor="end")
    for number, severity in enumerate(Severity):
        draw_text(svg, LEFT + 60 * number, FLOOR + 36, f"\u25a0 {severity}", COLOURS[severity], weight="600")
    return _finished("incidents", title, svg)


def _days(month: Month, calendar: Calendar) -> list[date]:
    first, ends = calendar.local(month.starts).date(), calendar.local(month.ends).date()
    return [first + timedelta(days=number) for number in range((ends - first).days)]


def _stack(svg: Element, x: float, step: float, severities: Sequence[Severity], height: float) -> None:
    for level, severity in enumerate(reversed(severities), start=1):
        place = (x + step * 0.15, FLOOR - level * height, step * 0.7, max(height - 1, 1))
        _box(svg, place, COLOURS[severity])


def times_chart(turns: Sequence[Turn]) -> Chart:
    """Each median with its interval on a logarithmic scale, and the goal beside it."""
    title = "Medians with their 95 % intervals, and the goals"
    shown = [turn for turn in turns if turn.middle]
    most = max(max(t.middle.high, t.goal.total_seconds() if t.goal else 0) for t in shown if t.middle)
    span = math.log(max(most, LEAST_SECONDS * 10) / LEAST_SECONDS)
    svg = _begin(title, TOP + ROW * (len(shown) + 1))

    def place(seconds: float) -> float:
        share = math.log(max(seconds, LEAST_SECONDS) / LEAST_SECONDS) / span
        return round(NAMES + share * (WIDTH - RIGHT - NAMES - VALUES), 1)

    for number, turn in enumerate(shown):
        _draw_turn(svg, turn, TOP + ROW * number + ROW / 2, place)
    draw_text(svg, NAMES, TOP + ROW * len(shown) + 16, "dot: median, line: interval, red bar: goal", SOFT)
    return _finished("times", title, svg)


def _draw_turn(svg: Element, turn: Turn, y: float, place: Callable[[float], float]) -> None:
    if turn.middle is None:
        return
    draw_text(svg, 12, y + 4, f"{turn.severity} {turn.turn}", INK)
    colour = BAD if turn.is_met is False else GOOD if turn.is_met else SOFT
    draw_line(svg, place(turn.middle.low), y, place(turn.middle.high), y, colour)
    dot = {"cx": str(place(turn.middle.median)), "cy": str(y), "r": "4", "fill": colour}
    SubElement(svg, "circle", dot)
    draw_text(svg, WIDTH - RIGHT, y + 4, in_words(turn.middle.median), colour, anchor="end")
    if turn.goal is not None:
        x = place(turn.goal.total_seconds())
        draw_line(svg, x, y - 9, x, y + 9, BAD)


def downtime_chart(month: Month, services: Sequence[Account], calendar: Calendar) -> Chart:
    """When each service was down, through the month."""
    title = "Downtime through the month"
    svg = _begin(title, TOP + ROW * (len(services) + 1))
    whole = month.ends - month.starts

    def place(at: datetime) -> float:
        return round(NAMES + (at - month.starts) / whole * (WIDTH - RIGHT - NAMES), 1)

    for number, account in enumerate(services):
        y = TOP + ROW * number
        draw_text(svg, 12, y + 14, account.name, INK)
        _box(svg, (NAMES, y + 3, WIDTH - RIGHT - NAMES, ROW - 10), "#e6f4ea")
        for outage in account.outages:
            x = place(outage.starts)
            _box(svg, (x, y + 3, max(place(outage.ends) - x, 1.5), ROW - 10), BAD)
    for day in _days(month, calendar)[::7]:
        x = place(calendar.at(day, datetime.min.time()))
        draw_text(svg, x, TOP + ROW * len(services) + 14, f"{day:%d %b}", SOFT)
    return _finished("downtime", title, svg)


def _begin(title: str, height: float) -> Element:
    svg = new_picture(round(height))
    set_text(SubElement(svg, "title"), title)
    draw_text(svg, 12, 20, title, INK, weight="600")
    return svg


def _box(svg: Element, place: tuple[float, float, float, float], colour: str) -> None:
    names = ("x", "y", "width", "height")
    sizes = {name: str(round(size, 1)) for name, size in zip(names, place, strict=True)}
    SubElement(svg, "rect", {**sizes, "fill": colour})


def _finished(name: str, title: str, svg: Element) -> Chart:
    return Chart(name, title, tostring(svg, encoding="unicode") + "\n")
