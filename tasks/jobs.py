"""The application's `jobs` table: what waits, what has been in processing for too long, and failing one job.

Columns: id, kind, status (pending, processing, completed, failed), error, created_at, updated_at. Statements stand
in `tasks/sql/`.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from blocks.postgres import PostgresCredentials
from tasks.looking import Seen, look
from tasks.masking import masked
from tasks.postgres import ACTION_LIMIT_SECONDS, Row, connected, sql
from tasks.shapes import action_task, look_task
from watchkeeper.errors import NotConfigured, PreconditionChanged
from watchkeeper.model import Check
from watchkeeper.policy.services import QueueTarget
from watchkeeper.rendering import duration

SHOWN = 10


async def jobs_table(
    credentials: PostgresCredentials | None, target: QueueTarget | None, *, stalled_after: timedelta
) -> Check:
    """How many jobs wait and are worked on, and which have been worked on for longer than `stalled_after`."""

    async def read() -> Seen:
        if target is None:
            raise NotConfigured("the worker's queue", setting="services.worker.queue")
        async with connected(credentials, "read_jobs") as connection:
            counts = await (await connection.execute(sql("open_jobs"))).fetchall()
            values = {"stalled_after": stalled_after, "at_most": SHOWN}
            stalled = await (await connection.execute(sql("stalled_jobs"), values)).fetchall()
            told = await (await connection.execute(sql("job_errors"))).fetchall()
        errors: Counter[str] = Counter()
        for row in told:
            errors[masked(row["error"])] += row["count"]
        facts = {
            "counts": {row["status"]: row["count"] for row in counts},
            "oldest_seconds": {row["status"]: row["oldest_seconds"] for row in counts},
            "stalled": [plain(row) for row in stalled],
            "errors": dict(errors),
        }
        return Seen(not stalled, _words(facts, stalled_after), facts, output=_output(facts))

    command = "SELECT status, count(*) FROM jobs GROUP BY status"
    return await look("jobs_table", "postgres", command, read)


def plain(row: Row) -> Row:
    """The same with times as ISO 8601, so that it can be kept as JSON."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


def _words(facts: dict[str, Any], stalled_after: timedelta) -> str:
    counts = facts["counts"]
    words = f"{counts.get('pending', 0)} jobs pending, {counts.get('processing', 0)} processing"
    stalled = len(facts["stalled"])
    return words + (f"; {stalled} of them for longer than {duration(stalled_after)}" if stalled else "")


def _output(facts: dict[str, Any]) -> str:
    lines = [f"{count:>6} {status}" for status, count in facts["counts"].items()]
    lines += [
        f"{row['id']} ({row['kind']}) in processing for {row['seconds']:.0f} s" for row in facts["stalled"]
    ]
    lines += [f"{count} wait after: {error}" for error, count in facts["errors"].items()]
    return "\n".join(lines) or "no jobs"


async def stalled_jobs(credentials: PostgresCredentials, *, stalled_after: timedelta) -> list[Row]:
    """The jobs that the guard would let us fail, the oldest first.

    Returns:
        Rows of id, kind, created_at, updated_at (ISO 8601) and seconds in processing.
    """
    async with connected(credentials, "list_stalled_jobs") as connection:
        values = {"stalled_after": stalled_after, "at_most": SHOWN}
        rows = await (await connection.execute(sql("stalled_jobs"), values)).fetchall()
    return [plain(row) for row in rows]


async def jobs_in_processing(credentials: PostgresCredentials, ids: Sequence[str]) -> list[Row]:
    """Those of these jobs that are still in processing, the oldest first; rows as of `stalled_jobs`."""
    async with connected(credentials, "list_jobs_in_processing") as connection:
        rows = await (await connection.execute(sql("jobs_in_processing"), {"ids": list(ids)})).fetchall()
    return [plain(row) for row in rows]


@action_task("fail_job", "postgres", limit_seconds=ACTION_LIMIT_SECONDS)  # type: ignore[untyped-decorator]
async def fail_job(
    credentials: PostgresCredentials, job_id: str, *, updated_at: str, stalled_after: timedelta
) -> None:
    """Fail this one job with the guide's statement: exactly one row, or none.

    Raises:
        PreconditionChanged: the job got on, or is not stalled for long enough; nothing was changed.
        VendorUnavailable: Postgres went away; it may have happened.
    """
    values = {
        "id": job_id,
        "updated_at": datetime.fromisoformat(updated_at),
        "stalled_after": stalled_after,
    }
    async with connected(credentials, "fail_job") as connection, connection.transaction():
        changed = (await connection.execute(sql("fail_job"), values)).rowcount
        if changed != 1:
            raise PreconditionChanged(f"job {job_id} is not what it was: {changed} rows would change")


async def job_is_failed(credentials: PostgresCredentials, job_id: str) -> bool | None:
    """Whether the guide's statement failed this job; None when there is no such job any more."""
    async with connected(credentials, "look_up_job") as connection:
        row = await (await connection.execute(sql("job_is_failed"), {"id": job_id})).fetchone()
    return None if row is None else bool(row["failed"])


check_jobs_table = look_task("check_jobs_table", "postgres")(jobs_table)
