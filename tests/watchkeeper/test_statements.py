"""Every named statement is prepared against the real schema."""

import re
from importlib.resources import files

import psycopg
import pytest

from watchkeeper.machine.embedded import EmbeddedPostgres
from watchkeeper.store import sql

FOLDER = files("watchkeeper.store").joinpath("sql")
NAMES = sorted(f"{folder.name}/{file.name[:-4]}" for folder in FOLDER.iterdir() for file in folder.iterdir())
VALUE = re.compile(r"%\((\w+)\)s")


def test_every_statement_fits_the_schema(store_url: str) -> None:
    with psycopg.connect(store_url, autocommit=True, prepare_threshold=None) as connection:
        for name in NAMES:
            connection.execute(prepared(name).encode())
            connection.execute("DEALLOCATE ALL")


def prepared(name: str) -> str:
    numbers: dict[str, int] = {}
    text = VALUE.sub(lambda match: f"${numbers.setdefault(match[1], len(numbers) + 1)}", sql(name))
    return f"PREPARE {name.replace('/', '_')} AS {text}"


@pytest.mark.parametrize("name", NAMES)
def test_statement_starts_with_a_sentence(name: str) -> None:
    first, *_ = sql(name).splitlines()
    assert re.fullmatch(r"-- [A-Z].*[.;,?:a-z]", first)


# What runs by a clock or while somebody waits, and must not read years of rows for it.
INDEXES = {
    "action_items/to_end": "action_items_issues",
    "deadlines/take_due": "deadlines_due",
    "figures/past": "incidents_ended",
    "links/of_person": "links_person",
    "links/of_plan": "links_person",
    "motor/claim": "motor_jobs_due",
    "outbox/claim": "notifications_due",
    "outbox/sent_lately": "notifications_recent",
    "reviews/ask_again": "reviews_undrafted",
    "status_page/posts": "incidents_ended",
}
ALL_OF = {
    "figures/kept": ("deadlines_acknowledge", "reviews_due"),
    "proofs/prune": ("alerts_proofs", "notifications_proofs"),
}


@pytest.mark.parametrize(("name", "indexes"), [*((n, (i,)) for n, i in INDEXES.items()), *ALL_OF.items()])
def test_statement_that_somebody_waits_for_has_its_index(
    postgres: EmbeddedPostgres, name: str, indexes: tuple[str, ...]
) -> None:
    # In a store that never held a row: what Postgres remembers of an emptied one may make it choose another index.
    with psycopg.connect(postgres.url_for("template_store"), autocommit=True) as connection:
        # A table that is nearly empty is read whole, whatever indexes it has.
        connection.execute("SET enable_seqscan = off")
        statement = prepared(name).partition(" AS ")[2]
        lines = connection.execute(f"EXPLAIN (GENERIC_PLAN) {statement}".encode()).fetchall()
    plan = "\n".join(line for (line,) in lines)
    assert [each for each in indexes if each not in plan] == [], plan
