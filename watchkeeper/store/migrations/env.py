"""Alembic's entry: migrate the store under a lock, so that two processes starting at once do it once."""

import psycopg
from alembic import context
from sqlalchemy import create_engine, pool

LOCK = 0x57A7C4  # any number that nobody else in this database uses


def run() -> None:
    url = context.config.attributes["url"]
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        context.configure(connection=connection, transaction_per_migration=False)
        with context.begin_transaction():
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
            context.run_migrations()


run()
