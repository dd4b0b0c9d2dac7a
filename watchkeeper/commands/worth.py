"""`watchkeeper worth`: which rules wake people, and whether that was worth it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter

from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption, in_store
from watchkeeper.home import read_settings
from watchkeeper.quiet.worth import WorthOfRule, read_worth
from watchkeeper.rendering import words

ROW = "{:<16} {:<12} {:<12} {:<32} {:>5} {:>5} {:>5} {:>8}"


def worth(
    *, days: Annotated[int, Parameter(help="How many days back.")] = 30, home: HomeOption = None
) -> None:
    """Say per rule how often it woke somebody, and how often that was worth it."""
    settings = read_settings(home, of_running=True)
    now = utc_now()
    rules = asyncio.run(
        in_store(settings, lambda db: read_worth(db, since=now - timedelta(days=days), until=now))
    )
    print("\n".join(worth_table(rules)))


def worth_table(rules: Sequence[WorthOfRule]) -> list[str]:
    """One line per rule, under a heading."""
    if not rules:
        return ["nobody was woken"]
    heading = ROW.format("kind", "source", "service", "because", "woken", "yes", "no", "no word")
    return [
        heading,
        *(
            ROW.format(
                words(rule.kind),
                rule.source,
                rule.service,
                words(rule.judged),
                rule.asked,
                rule.worth,
                rule.not_worth,
                rule.unanswered,
            )
            for rule in rules
        ),
    ]
