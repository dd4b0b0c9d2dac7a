"""The shop's database: its tables, and the roles that the application and its watchers connect as."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

# What a small plan of a hosted Postgres leaves to an application.
APPLICATION_CONNECTIONS = 20

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item       text NOT NULL,
    placed_at  timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT ON orders TO app;

CREATE TABLE IF NOT EXISTS jobs (
    id         text PRIMARY KEY,
    kind       text NOT NULL,
    status     text NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
    error      text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS designs (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS uploads (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    content    bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- Photographs are packed already.
ALTER TABLE uploads ALTER COLUMN content SET STORAGE EXTERNAL;
GRANT SELECT, INSERT, UPDATE ON jobs, designs, uploads TO app;
CREATE TABLE IF NOT EXISTS deliveries (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id       text NOT NULL,
    -- "cut out", or "original" where Remove.bg did not help.
    picture      text NOT NULL,
    delivered_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT ON deliveries TO app;
-- What failing a stalled job needs: docs/connecting.md says so too.
GRANT UPDATE (status, error) ON jobs TO watchkeeper_monitor;
-- What a clean-up needs: docs/connecting.md says so.
GRANT SELECT, DELETE, MAINTAIN ON jobs, designs, uploads TO watchkeeper_monitor;

CREATE TABLE IF NOT EXISTS paid_orders (
    event_id   text PRIMARY KEY,
    reference  text NOT NULL,
    amount     bigint NOT NULL,
    currency   text NOT NULL,
    paid_at    timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT ON paid_orders TO app;
GRANT SELECT ON paid_orders TO watchkeeper_monitor;
"""

# What customers are working with: the last hour's.
YOUNG_ROWS = """
INSERT INTO designs (title, created_at)
SELECT 'young ' || n, now() - n * interval '1 minute' FROM generate_series(1, 40) AS n
 WHERE NOT EXISTS (SELECT 1 FROM designs);
INSERT INTO uploads (name, content, created_at)
SELECT 'young ' || n, decode(repeat('f0', 2000), 'hex'), now() - n * interval '1 minute'
  FROM generate_series(1, 40) AS n
 WHERE NOT EXISTS (SELECT 1 FROM uploads);
"""


@dataclass(frozen=True)
class CompanyDatabase:
    """How the application and how a watcher reach the database."""

    app_url: str
    monitor_url: str


def prepare_database(superuser_url: str, port: int) -> CompanyDatabase:
    """Create roles and tables, if they are not there, and give the addresses of both roles.

    Args:
        port: where the vendor's pooler answers; everybody but the vendor itself comes in there.
    """
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        ensure_role(connection, "app", f"LOGIN CONNECTION LIMIT {APPLICATION_CONNECTIONS}")
        ensure_role(connection, "watchkeeper_monitor", "LOGIN IN ROLE pg_monitor, pg_signal_backend")
        connection.execute(SCHEMA)
        connection.execute(YOUNG_ROWS)
    door: dict[str, Any] = {"host": "127.0.0.1", "port": port, "sslmode": "disable", "gssencmode": "disable"}
    return CompanyDatabase(
        app_url=make_conninfo(superuser_url, user="app", **door),
        monitor_url=make_conninfo(superuser_url, user="watchkeeper_monitor", **door),
    )


def ensure_role(connection: psycopg.Connection, name: str, options: str) -> None:
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
    if known is None:
        # Both are literals of this module; role options cannot be parameters.
        connection.execute(f"CREATE ROLE {name} {options}".encode())
