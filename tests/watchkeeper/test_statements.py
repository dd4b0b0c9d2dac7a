"""Every named statement is prepared against the real schema."""

import re
from importlib.resources import files

import psycopg
import pytest

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
