"""Templates: text for messages and documents, escaped HTML for pages and email. What a stranger sent is data."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import humanize
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


@cache
def environment() -> Environment:
    """One environment: templates that end in .html.j2 escape everything they are given."""
    # Text and Markdown are not HTML: they have their own filter, `markdown`.
    made = Environment(
        loader=PackageLoader("watchkeeper"),
        autoescape=select_autoescape(["html.j2"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "utc": utc,
        "clock": clock_time,
        "duration": duration,
        "percent": percent,
        "markdown": markdown,
        "quiet": quiet,
        "one_line": one_line,
        "words": words,
    }
    return made


def render(template: str, **values: Any) -> str:
    return environment().get_template(template).render(**values)


def compile_messages() -> None:
    """Compile what pages consist of beforehand: the first one must not wait for it."""
    for name in environment().list_templates(filter_func=lambda name: name.startswith("messages/")):
        environment().get_template(name)


def utc(moment: datetime) -> str:
    """2026-03-02 03:00 UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def clock_time(moment: datetime) -> str:
    """03:00."""
    return f"{moment.astimezone(UTC):%H:%M}"


def duration(length: timedelta) -> str:
    """The two largest units in words: "1 hour and 5 minutes"."""
    if timedelta(0) < length < timedelta(seconds=1):
        return str(humanize.precisedelta(length, minimum_unit="milliseconds", format="%d"))
    whole = timedelta(seconds=max(0, round(length.total_seconds())))
    if whole < timedelta(minutes=1):
        return str(humanize.precisedelta(whole, format="%d"))
    rounded = timedelta(minutes=round(whole.total_seconds() / 60))
    return str(humanize.precisedelta(rounded, minimum_unit="minutes", format="%d"))


def percent(value: float) -> str:
    return f"{value:g} %"


def words(name: str) -> str:
    """A name of ours as people say it: "bad deployment"."""
    return name.replace("_", " ")


def one_line(text: str) -> str:
    """Line breaks and runs of blanks become one blank."""
    return " ".join(text.split())


def markdown(text: object) -> str:
    """Text that shows as itself in Markdown and in its tables."""
    flat = one_line(str(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|~#!])", r"\\\1", flat)


def quiet(text: object) -> str:
    """Markdown for a page that notifies: no @name in a stranger's text calls anybody."""
    return markdown(text).replace("@", "@&#8203;")
