"""Charts: readings against their threshold, with pages and actions marked, and every text as text."""

from xml.etree.ElementTree import Element, fromstring

from tests.watchkeeper.documents.night import HOSTILE, after, night, reading
from watchkeeper.documents.chart import MOST_MARKS, Mark, draw_chart
from watchkeeper.documents.post_mortem import marks_of

SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture: str) -> Element:
    return fromstring(picture)  # noqa: S314  # of our own making


def texts(picture: str) -> list[str]:
    return [each.text or "" for each in parsed(picture).iter(f"{SVG}text")]


def test_a_chart_shows_each_reading_on_its_side_of_the_threshold() -> None:
    picture = parsed(draw_chart([reading(1, 33), reading(2, 16), reading(3, 9)], []))
    high, over, low = picture.iter(f"{SVG}circle")
    (threshold,) = [each for each in picture.iter(f"{SVG}line") if each.get("stroke-dasharray")]
    y = float(threshold.attrib["y1"])
    assert float(high.attrib["cy"]) < float(over.attrib["cy"]) < y < float(low.attrib["cy"])
    assert high.get("fill") == over.get("fill") != low.get("fill")
    assert float(high.attrib["cx"]) < float(over.attrib["cx"]) < float(low.attrib["cx"])


def test_pages_and_actions_are_marked_where_they_happened() -> None:
    known = night()
    told = texts(draw_chart(known.readings, marks_of(known)))
    assert "1 23:52 paged by sms" in told
    assert "2 00:01 End 18 idle connections: done" in told
    assert "threshold 15" in told


def test_a_probe_without_figures_shows_whether_it_was_well() -> None:
    picture = parsed(draw_chart([reading(1, None, ok=False, threshold=None, unit="")], []))
    (circle,) = picture.iter(f"{SVG}circle")
    assert circle.get("fill") == "#b3261e"


def test_whatever_a_text_holds_the_picture_is_a_picture() -> None:
    hostile = f"{HOSTILE}\x07\x00</text><script>alert(1)</script>"
    picture = draw_chart(
        [reading(1, 3, probe=hostile, unit=hostile)], [Mark(after(minutes=1), "page", hostile)]
    )
    tags = {each.tag.removeprefix(SVG) for each in parsed(picture).iter()}
    assert tags <= {"svg", "title", "rect", "text", "line", "polyline", "circle"}


def test_a_storm_of_marks_stays_readable() -> None:
    marks = [Mark(after(minutes=n), "page", "paged") for n in range(40)]
    told = texts(draw_chart([reading(1, 3)], marks))
    assert sum("paged" in each for each in told) == MOST_MARKS
