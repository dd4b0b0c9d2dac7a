"""Supabase: its management API, the pooler that everybody connects through, and the watch over the project's disk.

Source:
    https://supabase.com/docs/reference/api
"""

import asyncio
import hmac
import math
import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.vendors.config import Supabase
from drills.vendors.door import Door
from drills.vendors.status_pages import StatusPages
from drills.vendors.vendor import Handler, Vendor

SERVICES = ("auth", "db", "db_postgres_user", "pooler", "realtime", "rest", "storage", "pg_bouncer")
REACHED_THROUGH_THE_DOOR = ("db", "db_postgres_user", "pooler")

# 60 requests a minute; more, and everything is refused for the next minute.
REQUESTS_PER_MINUTE, MINUTE_SECONDS = 60, 60.0
# At so much of its disk a project's database only reads.
READ_ONLY_FROM = 0.95
LOOK_SECONDS = 0.3
# The page trails what it tells of.
PAGE_TRAILS_SECONDS = 2.0
MEGABYTE = 1_000_000
OLD = "created_at < now() - interval '1 day'"

SEEN = f"""
SELECT pg_database_size(current_database()) AS bytes,
       (SELECT count(*) FROM jobs WHERE {OLD}) + (SELECT count(*) FROM designs WHERE {OLD})
           + (SELECT count(*) FROM uploads WHERE {OLD}) AS old_rows,
       (SELECT count(*) FROM designs WHERE NOT {OLD})
           + (SELECT count(*) FROM uploads WHERE NOT {OLD}) AS young_rows,
       (SELECT sessions_killed FROM pg_stat_database WHERE datname = current_database()) AS sessions_killed
"""  # noqa: S608  # the condition is a literal of this module


END_OLDER = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = %s AND usename = 'app' AND state = 'idle' AND backend_start < %s::timestamptz
"""


class SupabaseApi(Vendor):
    """One project: its disk, whether it is read-only, and the door to its database."""

    def __init__(self, config: Supabase, pages: StatusPages) -> None:
        self._config = config
        self._pages = pages
        place = conninfo_to_dict(config.database_url)
        self._database = str(place["dbname"])
        self.door = Door(config.port, f"{place['host']}/.s.PGSQL.{place.get('port') or 5432}")
        self._asked: deque[float] = deque()
        self._blocked_until = 0.0
        self._recovers_at: float | None = None
        self._page_clears_at: float | None = None
        self._log_bytes = 0
        self._other_bytes = 0
        self._disk_bytes = config.disk_bytes
        self._read_only = False
        self._tidy = False
        self._switched_at: datetime | None = None
        self._seen = {"bytes": 0, "old_rows": 0, "young_rows": 0, "sessions_killed": 0}
        self._most_old_rows = 0
        self._times_read_only = 0
        self._writes = 0

    def routes(self) -> list[Route]:
        project = "/supabase/v1/projects/{ref}"
        looks: dict[str, Handler] = {
            project: self.project,
            f"{project}/health": self.health,
            f"{project}/config/disk/util": self.disk_util,
            f"{project}/readonly": self.readonly,
            f"{project}/config/database/pooler": self.pooler,
        }
        return [
            *(Route(path, self._guarded(handler), methods=["GET"]) for path, handler in looks.items()),
            Route(
                f"{project}/{{rest:path}}",
                self._guarded(self.write),
                methods=["POST", "PUT", "PATCH", "DELETE"],
            ),
        ]

    def controls(self) -> dict[str, Handler]:
        return {
            "outage": self.begin_outage,
            "recover": self.end_outage,
            "fill": self.fill,
            "enlarge": self.enlarge,
        }

    def state(self) -> dict[str, Any]:
        return {
            **self._seen,
            "most_old_rows": self._most_old_rows,
            "read_only": self._read_only,
            "times_read_only": self._times_read_only,
            "open": self.door.is_open,
            "turned_away": self.door.turned_away,
            "writes": self._writes,
        }

    def reset(self) -> None:
        self._recover()
        self._asked.clear()
        self._blocked_until = 0.0
        self._page_clears_at = None
        self._log_bytes = 0
        self._other_bytes = 0
        self._disk_bytes = self._config.disk_bytes
        self._tidy = True

    # The API.

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> JSONResponse:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given, f"Bearer {self._config.token}"):
                return JSONResponse({"message": "Unauthorized"}, 401)
            if wait := self._too_many():
                headers = {"Retry-After": str(math.ceil(wait))}
                return JSONResponse({"message": "ThrottlerException: Too Many Requests"}, 429, headers)
            if request.path_params["ref"] != self._config.project_ref:
                return JSONResponse({"message": "Project not found"}, 404)
            return await handler(request)

        return guarded

    def _too_many(self) -> float:
        """For how long nothing is answered, in seconds."""
        now = time.monotonic()
        if now < self._blocked_until:
            return self._blocked_until - now
        while self._asked and self._asked[0] < now - MINUTE_SECONDS:
            self._asked.popleft()
        self._asked.append(now)
        if len(self._asked) > REQUESTS_PER_MINUTE:
            self._blocked_until = now + MINUTE_SECONDS
            return MINUTE_SECONDS
        return 0

    async def project(self, request: Request) -> JSONResponse:
        ref = self._config.project_ref
        return JSONResponse(
            {
                "id": ref,
                "ref": ref,
                "name": "shop",
                "region": "eu-west-1",
                "status": "ACTIVE_HEALTHY" if self.door.is_open else "ACTIVE_UNHEALTHY",
                "database": {"host": f"db.{ref}.supabase.co", "version": "18.0"},
            }
        )

    async def health(self, request: Request) -> JSONResponse:
        wanted = [
            name for value in request.query_params.getlist("services") for name in value.split(",") if name
        ]
        if not wanted or any(name not in SERVICES for name in wanted):
            return JSONResponse({"message": "services: Invalid input"}, 400)
        return JSONResponse([self._health_of(name) for name in wanted])

    def _health_of(self, name: str) -> dict[str, Any]:
        well = self.door.is_open or name not in REACHED_THROUGH_THE_DOOR
        if well:
            return {"name": name, "healthy": True, "status": "ACTIVE_HEALTHY"}
        return {
            "name": name,
            "healthy": False,
            "status": "UNHEALTHY",
            "error": "Failed to connect to database",
        }

    async def disk_util(self, request: Request) -> JSONResponse:
        size, used = self._disk_bytes, min(self._used_bytes, self._disk_bytes)
        metrics = {"fs_size_bytes": size, "fs_used_bytes": used, "fs_avail_bytes": size - used}
        return JSONResponse({"timestamp": datetime.now(UTC).isoformat(), "metrics": metrics})

    async def readonly(self, request: Request) -> JSONResponse:
        return JSONResponse(
            {"enabled": self._read_only, "override_enabled": False, "override_active_until": ""}
        )

    async def pooler(self, request: Request) -> JSONResponse:
        return JSONResponse(
            [
                {
                    "identifier": self._config.project_ref,
                    "database_type": "PRIMARY",
                    "db_user": f"postgres.{self._config.project_ref}",
                    "db_host": "aws-0-eu-west-1.pooler.supabase.com",
                    "db_port": 5432,
                    "db_name": "postgres",
                    "connection_string": "",
                    "default_pool_size": 20,
                    "max_client_conn": 200,
                    "pool_mode": "session",
                }
            ]
        )

    async def write(self, request: Request) -> JSONResponse:
        """Nothing that a runbook needs; there is no address to restart a database."""
        self._writes += 1
        return JSONResponse({"message": f"Cannot {request.method} {request.url.path}"}, 404)

    # What a drill does to it.

    async def begin_outage(self, request: Request) -> JSONResponse:
        """Nobody reaches the database, and the page says so; for `seconds`, or until told otherwise.

        One that lasts already is not made shorter by another.
        """
        asked = await request.json()
        if not self.door.is_open:
            return JSONResponse({})
        seconds = asked.get("seconds")
        self._recovers_at = time.monotonic() + seconds if seconds else None
        self._page_clears_at = None
        self._pages.set("supabase", "major", asked.get("title", "Database connections are failing"))
        self.door.close()
        return JSONResponse({})

    async def end_outage(self, request: Request) -> JSONResponse:
        self._recover()
        self._page_clears_at = time.monotonic() + PAGE_TRAILS_SECONDS
        return JSONResponse({})

    def _recover(self) -> None:
        self.door.open()
        self._recovers_at = None

    async def fill(self, request: Request) -> JSONResponse:
        """As soon as much is written, or now with "at_once", so much of the disk is taken by what is in no table: a
        write-ahead log, kept for a reader that is away."""
        asked = await request.json()
        self._log_bytes = int(asked["megabytes"] * MEGABYTE)
        if asked.get("at_once"):
            self._other_bytes = self._log_bytes
        return JSONResponse({})

    async def enlarge(self, request: Request) -> JSONResponse:
        """Somebody buys a disk of so much, in the dashboard."""
        self._disk_bytes = int((await request.json())["megabytes"] * MEGABYTE)
        return JSONResponse({})

    # What it does by itself.

    async def live(self) -> None:
        async with asyncio.TaskGroup() as living:
            living.create_task(self.door.listen())
            living.create_task(self.watch())

    async def watch(self) -> None:
        """Recover when it is time, and turn a database whose disk is full read-only, as long as it is."""
        while True:
            # The company's Postgres may be going down; it is looked at again as long as this process lives.
            with suppress(psycopg.OperationalError):
                async with await self._connect() as connection:
                    await self._watch_with(connection)
            await asyncio.sleep(LOOK_SECONDS)

    def _connect(self) -> Any:
        options = "-c default_transaction_read_only=off"
        return AsyncConnection.connect(
            self._config.database_url, autocommit=True, options=options, application_name="supabase_admin"
        )

    async def _watch_with(self, connection: AsyncConnection[Any]) -> None:
        while True:
            self._keep_time()
            if self._tidy:
                await tidy_up(connection)
                self._tidy = False
            await self._look(connection)
            await self._set_read_only(connection, self._used_bytes >= READ_ONLY_FROM * self._disk_bytes)
            # A session keeps what it was opened with; one that is at work is let finish first.
            await connection.execute(END_OLDER, [self._database, self._switched_at])
            await asyncio.sleep(LOOK_SECONDS)

    def _keep_time(self) -> None:
        now = time.monotonic()
        if self._recovers_at is not None and now >= self._recovers_at:
            self._recover()
            self._page_clears_at = now + PAGE_TRAILS_SECONDS
        if self._page_clears_at is not None and now >= self._page_clears_at:
            self._pages.set("supabase", "none", "")
            self._page_clears_at = None

    @property
    def _used_bytes(self) -> int:
        return self._seen["bytes"] + self._other_bytes

    async def _look(self, connection: AsyncConnection[Any]) -> None:
        cursor = await connection.execute(SEEN)
        row = await cursor.fetchone()
        self._seen = dict(zip(self._seen, row or (), strict=True))
        if self._seen["old_rows"]:
            self._other_bytes = self._log_bytes
        self._most_old_rows = max(self._most_old_rows, self._seen["old_rows"])

    async def _set_read_only(self, connection: AsyncConnection[Any], wanted: bool) -> None:
        if wanted is self._read_only:
            return
        name = sql.Identifier(self._database)
        words = (
            "ALTER DATABASE {} SET default_transaction_read_only = on"
            if wanted
            else "ALTER DATABASE {} RESET default_transaction_read_only"
        )
        await connection.execute(sql.SQL(words).format(name))
        cursor = await connection.execute("SELECT clock_timestamp()")
        row = await cursor.fetchone()
        self._switched_at = row[0] if row else None
        self._read_only = wanted
        self._times_read_only += wanted


async def tidy_up(connection: AsyncConnection[Any]) -> None:
    """Yesterday's rows are gone before the next night."""
    for table in (sql.Identifier(name) for name in ("jobs", "designs", "uploads")):
        await connection.execute(sql.SQL(f"DELETE FROM {{}} WHERE {OLD}").format(table))  # noqa: S608
        await connection.execute(sql.SQL("VACUUM {}").format(table))
