"""A chart of one probe's readings against its threshold, with pages and actions marked, as an SVG picture. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from watchkeeper.model import Reading
from watchkeeper.rendering import clock_time, one_line, utc

WIDTH, HEIGHT = 760, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 40, 28
LEGEND_LINE = 18
MOST_MARKS = 12
COLOURS = {"page": "#b26a00", "action": "#0b57d0"}
GOOD, BAD, INK, SOFT = "#146c2e", "#b3261e", "#1f2328", "#6b7280"


class Mark(NamedTuple):
    """Something that happened, beside the readings."""

    at: datetime
    kind: Literal["page", "action"]
    text: str


class Scale(NamedTuple):
    """From a time and a value to a place in the picture."""

    start: datetime
    seconds: float
    top: float

    def x(self, at: datetime) -> float:
        share = (at - self.start).total_seconds() / self.seconds
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - BOTTOM - min(max(value / self.top, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM), 1)


def draw_chart(readings: Sequence[Reading], marks: Sequence[Mark]) -> str:
    """The picture of one probe's readings, oldest first; a probe without figures shows whether it was well.

    Whatever stands in a text is text there: the document is built, not written.
    """
    shown = sorted(marks)[:MOST_MARKS]
    scale = _scale(readings, shown)
    height = HEIGHT + LEGEND_LINE * len(shown)
    svg = new_picture(height)
    name = f"{readings[0].service}: {readings[0].probe}"
    set_text(SubElement(svg, "title"), name)
    unit = f" ({readings[-1].unit})" if readings[-1].unit else ""
    draw_text(svg, LEFT, 18, f"{name}{unit}, {utc(scale.start)}", INK, weight="600")
    _draw_axes(svg, readings, scale)
    _draw_readings(svg, readings, scale)
    for number, mark in enumerate(shown, start=1):
        _draw_mark(svg, number, mark, scale)
    return tostring(svg, encoding="unicode") + "\n"


def new_picture(height: int) -> Element:
    """An empty picture of the charts' width, on white."""
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "font-family": "system-ui, sans-serif",
            "font-size": "12",
            "role": "img",
        },
    )
    SubElement(svg, "rect", {"width": str(WIDTH), "height": str(height), "fill": "#ffffff"})
    return svg


def value_of(reading: Reading) -> float:
    return reading.value if reading.value is not None else float(reading.ok)


def _scale(readings: Sequence[Reading], marks: Sequence[Mark]) -> Scale:
    times = [*(r.observed_at for r in readings), *(m.at for m in marks)]
    highest = max([*(value_of(r) for r in readings), *(r.threshold or 0.0 for r in readings)])
    return Scale(min(times), max((max(times) - min(times)).total_seconds(), 1.0), highest * 1.1 or 1.0)


def _draw_axes(svg: Element, readings: Sequence[Reading], scale: Scale) -> None:
    newest = readings[-1]
    left, right, floor = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM
    draw_line(svg, left, floor, right, floor, SOFT)
    draw_line(svg, left, TOP, left, floor, SOFT)
    draw_text(svg, left - 6, floor + 4, "0", SOFT, anchor="end")
    highest = scale.top / 1.1
    draw_text(svg, left - 6, scale.y(highest) + 4, f"{highest:.4g}", SOFT, anchor="end")
    draw_text(svg, left, floor + 18, clock_time(scale.start), SOFT)
    ends = max(readings[-1].observed_at, scale.start)
    draw_text(svg, right, floor + 18, f"{clock_time(ends)} UTC", SOFT, anchor="end")
    if newest.threshold is not None:
        y = scale.y(newest.threshold)
        draw_line(svg, left, y, right, y, BAD, dashes="6 4")
        draw_text(svg, right, y - 4, f"threshold {newest.threshold:g}", BAD, anchor="end")


def _draw_readings(svg: Element, readings: Sequence[Reading], scale: Scale) -> None:
    places = [(scale.x(r.observed_at), scale.y(value_of(r)), r.ok) for r in readings]
    points = " ".join(f"{x},{y}" for x, y, _ in places)
    SubElement(svg, "polyline", {"points": points, "fill": "none", "stroke": SOFT, "stroke-width": "1.5"})
    for x, y, ok in places:
        SubElement(svg, "circle", {"cx": str(x), "cy": str(y), "r": "2.5", "fill": GOOD if ok else BAD})


def _draw_mark(svg: Element, number: int, mark: Mark, scale: Scale) -> None:
    x, colour = scale.x(mark.at), COLOURS[mark.kind]
    draw_line(svg, x, TOP - 8, x, HEIGHT - BOTTOM, colour)
    # Marks may stand close: their numbers take turns at three heights.
    draw_text(svg, x + 3, TOP + 10 * (number % 3), str(number), colour, weight="600")
    legend = f"{number}  {clock_time(mark.at)}  {mark.text}"
    draw_text(svg, LEFT, HEIGHT + LEGEND_LINE * number - 8, legend, colour)


def draw_line(
    svg: Element, x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str = ""
) -> None:
    ends = {"x1": str(x1), "y1": str(y1), "x2": str(x2), "y2": str(y2), "stroke": colour}
    SubElement(svg, "line", ends | ({"stroke-dasharray": dashes} if dashes else {}))


def draw_text(
    svg: Element, x: float, y: float, text: str, colour: str, *, anchor: str = "start", weight: str = "400"
) -> None:
    place = {"x": str(x), "y": str(y), "fill": colour, "text-anchor": anchor, "font-weight": weight}
    set_text(SubElement(svg, "text", place), text)


def set_text(element: Element, text: str) -> None:
    """What XML has no place for, such as a bell, is left out."""
    flat = "".join(letter for letter in one_line(text) if letter.isprintable())
    element.text = flat if len(flat) <= 110 else f"{flat[:107]}..."
