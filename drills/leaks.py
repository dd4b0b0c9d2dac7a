"""After each night: does any secret stand where none may, in the databases, in the logs or in the report?

What is looked for is what the stand-ins name: every credential that they accept, and every secret that they gave out
during the night, such as a new signing secret. Prefect's artifacts, parameters and logs are rows of its database.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

CHUNK_BYTES = 1_000_000
# The server's own; "postgres" is everybody's first address and empty, and is looked at all the same.
DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY datname"
TABLES = """
SELECT schemaname, tablename FROM pg_tables
 WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""


def leaks(secrets: Mapping[str, str], *, server_url: str, folders: Sequence[Path]) -> list[str]:
    """A sentence for each place in which a secret stands, by the secret's name, without it.

    Args:
        server_url: of any database on the server; all of its databases are read, whole.
        folders: every file below them.
    """
    if not secrets:
        return ["no secret was named, so none could be looked for"]
    return [*in_databases(secrets, server_url), *in_folders(secrets, folders)]


def in_databases(secrets: Mapping[str, str], server_url: str) -> list[str]:
    found: list[str] = []
    with psycopg.connect(server_url) as connection:
        databases = [row[0] for row in connection.execute(DATABASES).fetchall()]
    for database in databases:
        with psycopg.connect(make_conninfo(server_url, dbname=database)) as connection:
            for schema, table in connection.execute(TABLES).fetchall():
                names = names_in(rows_of(connection, schema, table), secrets)
                found += [f"{name} stands in {database}'s table {table}" for name in names]
    return found


def rows_of(connection: psycopg.Connection, schema: str, table: str) -> Iterator[bytes]:
    """A whole table as text, as `pg_dump` writes it."""
    dump = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(schema, table))
    with connection.cursor() as cursor, cursor.copy(dump) as copy:
        yield from map(bytes, copy)


def in_folders(secrets: Mapping[str, str], folders: Iterable[Path]) -> list[str]:
    return [
        f"{name} stands in {folder.name}/{file.relative_to(folder)}"
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for name in names_in(pieces_of(file), secrets)
    ]


def pieces_of(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(CHUNK_BYTES):
            yield piece


def names_in(pieces: Iterable[bytes], secrets: Mapping[str, str]) -> list[str]:
    """The names of the secrets that a text holds which comes in pieces."""
    wanted = {name: secret.encode() for name, secret in secrets.items()}
    # What may be the beginning of a secret that goes on in the next piece.
    overlap = max(map(len, wanted.values()), default=1) - 1
    found: set[str] = set()
    rest = b""
    for chunk in in_chunks(pieces):
        text = rest + chunk
        found |= {name for name, secret in wanted.items() if secret in text}
        rest = text[-overlap:] if overlap else b""
    return sorted(found)


def in_chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Rows are short, and each chunk is looked through once for every secret."""
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= CHUNK_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join(gathered)
