"""Postgres: credentials, able to build a ready client."""

from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from prefect.blocks.core import Block
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from pydantic import Field, HttpUrl, SecretStr

from blocks.logos import logo_url

# A look must not hang on a database in trouble, nor add to its trouble.
CONNECT_SECONDS = 5
STATEMENT_LIMIT = timedelta(seconds=5)


Connecting = Coroutine[Any, Any, AsyncConnection[dict[str, Any]]]


class PostgresCredentials(Block):
    """The watched production database, Supabase or any other Postgres.

    Example:
        ```python
        from blocks.postgres import PostgresCredentials

        credentials = PostgresCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Postgres (Watchkeeper)"
    _block_type_slug = "watchkeeper-postgres"
    _description = "The watched production database, Supabase or any other Postgres."
    _documentation_url = HttpUrl("https://supabase.com/docs/guides/database/connecting-to-postgres")
    _logo_url = logo_url("postgres")

    url: SecretStr = Field(
        default=..., description="Connection string of a role in pg_monitor and pg_signal_backend."
    )
    application_user: str | None = Field(
        default=None,
        description="Role that the application connects as; all client backends are counted without it.",
    )

    def get_client(self) -> Connecting:
        """A connection to be awaited: of its own, named, bounded in time, and fit for a transaction pooler."""
        return AsyncConnection.connect(
            self.url.get_secret_value(),
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="watchkeeper",
            options=f"-c statement_timeout={STATEMENT_LIMIT // timedelta(milliseconds=1)}",
            prepare_threshold=None,
            row_factory=dict_row,
        )
