"""What every test may ask for: a real Postgres, a fresh migrated store in it, and a clock to move."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from drills.moved.clock import MovedClock as MovedClock
from watchkeeper.machine.embedded import EmbeddedPostgres, start_postgres
from watchkeeper.store import Store, open_store
from watchkeeper.store.migrating import migrate

HERE = Path(__file__).parent
_numbers = itertools.count(1)


# Whose tests start servers that take seconds to come up.
SERVERS = (Path("browser"), Path("deployments"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make test` runs two processes. All nights on the running stack go to one of them, one after the other, so that
    none takes the machine from another; the rest goes to whichever is free."""
    for item in items:
        if "running_stand" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("nights"))
        elif any((HERE / folder) in item.path.parents for folder in SERVERS):
            item.add_marker(pytest.mark.xdist_group("servers"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Two processes that share nights disturb each other's: a group that is not kept is an error, and not seen otherwise."""
    if hasattr(session.config, "workerinput"):
        lost = [
            i.nodeid for i in session.items if i.get_closest_marker("xdist_group") and "@" not in i.nodeid
        ]
        if lost:
            raise pytest.UsageError(f"pytest-xdist keeps no groups with this pytest: {lost[0]}")


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = start_postgres(tmp_path_factory.mktemp("postgres"), databases=("template_store",))
    try:
        migrate(server.url_for("template_store"))
        yield server
    finally:
        server.stop()


# Databases that an earlier test left, emptied: that takes four milliseconds, a new one takes hundreds.
_emptied: list[str] = []

EMPTY = """
DO $$
DECLARE each record;
BEGIN
    SET LOCAL session_replication_role = replica;  -- in any order, whatever refers to whatever
    FOR each IN SELECT oid::regclass AS name FROM pg_class
                 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
    LOOP
        EXECUTE format('DELETE FROM %s', each.name);
    END LOOP;
    FOR each IN SELECT oid::regclass AS name FROM pg_class
                 WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
    LOOP
        PERFORM setval(each.name, 1, false);
    END LOOP;
END $$
"""


@pytest.fixture
def store_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database of this test's own, with the schema and nothing else."""
    with new_store(postgres) as url:
        yield url


@contextmanager
def new_store(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database with the schema and nothing else, until the block ends."""
    name = _emptied.pop() if _emptied else _new_database(postgres)
    yield postgres.url_for(name)
    with psycopg.connect(postgres.url_for(name), autocommit=True) as connection:
        connection.execute("SET lock_timeout = '30s'")
        connection.execute(EMPTY)
    _emptied.append(name)


def _new_database(postgres: EmbeddedPostgres) -> str:
    name = f"store_{next(_numbers)}"
    with psycopg.connect(postgres.url_for("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template_store")
    return name


@pytest_asyncio.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    async with open_store(store_url, max_connections=16) as opened:
        yield opened
