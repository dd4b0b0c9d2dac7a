"""Templates: text for messages and documents, escaped HTML for pages and email. What a stranger sent is data.

A team's own folder lies over the shipped templates, by name. Its templates run in a sandbox, and one that cannot be
rendered is told in the log and gives way to the shipped one: a page is never lost to a typing error.
"""

import logging
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import humanize
from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

log = logging.getLogger(__name__)

# What somebody's template can do wrong.
BROKEN = (
    TemplateError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    OSError,
)


@cache
def environment(*, plain: bool = False) -> Environment:
    """The shipped templates; `plain` ones are text, in which each value stays on its line."""
    return _equipped(Environment, PackageLoader("watchkeeper"), plain=plain)


@cache
def team_environment(folder: Path, *, plain: bool = False) -> Environment:
    """The team's templates over the shipped ones, in a sandbox: they read values and change nothing."""
    loader = ChoiceLoader([FileSystemLoader(folder), PackageLoader("watchkeeper")])
    return _equipped(ImmutableSandboxedEnvironment, loader, plain=plain)


class Lines(str):
    """Words of ours that may have several lines."""

    __slots__ = ()


def on_one_line(value: Any) -> Any:
    """In plain text a line break of a stranger's would begin a line of ours."""
    return one_line(value) if isinstance(value, str) and not isinstance(value, Lines) else value


def is_plain(template: str) -> bool:
    return template.startswith("messages/") and not template.endswith(".html.j2")


def _equipped(kind: type[Environment], loader: BaseLoader, *, plain: bool) -> Environment:
    """Templates that end in .html.j2 escape everything they are given."""
    # Text and Markdown are not HTML: they have their own filter, `markdown`.
    made = kind(
        loader=loader,
        autoescape=select_autoescape(["html.j2"], default=False),
        finalize=on_one_line if plain else None,
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
        "lines": Lines,
        "words": words,
    }
    return made


# Where this process finds the team's templates, once its settings were read: one folder, or none.
_folders: list[Path] = []


def use_templates(folder: Path | None) -> None:
    """From now on the templates in this folder lie over the shipped ones."""
    _folders[:] = [folder.expanduser()] if folder else []


def render(template: str, **values: Any) -> str:
    """The team's template where there is one that works, else the shipped one."""
    for folder in _folders:
        try:
            return team_environment(folder, plain=is_plain(template)).get_template(template).render(**values)
        except BROKEN as error:
            log.error("the team's %s: %s; the shipped one is used", template, describe(error))  # noqa: TRY400
    return environment(plain=is_plain(template)).get_template(template).render(**values)


def render_own(template: str, otherwise: str, **values: Any) -> str:
    """What the team's template of this name says; there is no shipped one, but these words."""
    for folder in _folders:
        try:
            return team_environment(folder, plain=is_plain(template)).get_template(template).render(**values)
        except TemplateNotFound:
            return otherwise
        except BROKEN as error:
            log.error("the team's %s: %s; the shipped words are used", template, describe(error))  # noqa: TRY400
    return otherwise


def describe(error: Exception) -> str:
    """What is wrong with a template, and on which line where that is known."""
    line = getattr(error, "lineno", None)
    return f"line {line}: {error}" if line else f"{type(error).__name__}: {error}"


def compile_messages() -> None:
    """Compile what pages consist of beforehand: the first one must not wait for it."""
    for name in environment().list_templates(filter_func=lambda name: name.startswith("messages/")):
        environment(plain=is_plain(name)).get_template(name)


def utc(moment: datetime) -> str:
    """2026-03-02 03:00 UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def clock_time(moment: datetime) -> str:
    """03:00."""
    return f"{moment.astimezone(UTC):%H:%M}"


def day_and_time(moment: datetime, now: datetime) -> str:
    """A moment as somebody says it now: "04:00", and on another day "Tue 04:00"."""
    moment = moment.astimezone(UTC)
    is_today = moment.date() == now.astimezone(UTC).date()
    return clock_time(moment) if is_today else f"{moment:%a} {clock_time(moment)}"


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


# Control characters, halves of letters, and those that turn the direction of what follows: they break a call's script,
# or make a message read otherwise than it is. What joins emoji and scripts stays.
UNSHOWN = re.compile("[\\x00-\\x08\\x0e-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


def one_line(text: str) -> str:
    """Line breaks and runs of blanks become one blank, and what no reader should meet is left out."""
    return " ".join(UNSHOWN.sub(" ", text).split())


def markdown(text: object) -> str:
    """Text that shows as itself in Markdown and in its tables."""
    flat = one_line(str(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|~#!])", r"\\\1", flat)


def quiet(text: object) -> str:
    """Markdown for a page that notifies: no @name in a stranger's text calls anybody."""
    return markdown(text).replace("@", "@&#8203;")
