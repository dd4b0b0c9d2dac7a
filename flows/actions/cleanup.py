"""Deleting old rows from a database whose disk is full: exactly what was shown, and nothing younger."""

from datetime import datetime
from typing import Any

from flows.actions.site import Site
from tasks import cleanup
from watchkeeper.clock import utc_now
from watchkeeper.errors import NotPermitted, PreconditionChanged
from watchkeeper.model import Plan, Remediation
from watchkeeper.policy.rules import CleanupTable
from watchkeeper.rendering import duration


async def plan_delete_data(site: Site, *, cause: str) -> Plan | None:
    """What the policy's clean-up would delete now, table by table, with rows, bytes and dates; None for nothing."""
    rules, now = site.policy.cleanup, utc_now()
    left = site.policy.limits.delete_rows
    planned: list[dict[str, Any]] = []
    lines: list[str] = []
    total_bytes = 0
    for table in rules.tables if left > 0 else []:
        cutoff = now - max(table.older_than, rules.keep_younger_than)
        seen = await cleanup.measure_old_rows(site.postgres(), table, cutoff, at_most=left)
        lines.append(table_line(table, seen))
        if seen.get("rows"):
            left -= seen["rows"]
            total_bytes += seen["bytes"]
            planned.append(
                {
                    "table": table.model_dump(mode="json"),
                    "cutoff": seen["cutoff"].isoformat(),
                    "rows": seen["rows"],
                }
            )
    if not planned:
        return None
    rows = sum(each["rows"] for each in planned)
    tables = ", ".join(each["table"]["table"] for each in planned)
    return Plan(
        action="delete_data",
        target="database",
        cause=cause,
        summary=f"Delete {rows} old rows ({sized(total_bytes)}) from {tables}",
        preview=[
            *lines,
            f"in batches of {site.policy.limits.delete_batch_rows} rows, each a transaction of its own; "
            "then a plain VACUUM, which locks nobody out",
            "cannot be undone: afterwards only a backup has these rows",
        ],
        parameters={"planned": planned},
    )


def table_line(table: CleanupTable, seen: dict[str, Any]) -> str:
    """One table's line of the preview."""
    if "problem" in seen:
        return f"{table.table}: {seen['problem']}"
    which = f"older than {duration(table.older_than)}" + (
        f", {table.status_column} {' or '.join(table.status)}" if table.status else ""
    )
    if not seen["rows"]:
        return f"{table.table}: nothing {which}"
    dates = f"{seen['oldest']:%Y-%m-%d} to {seen['newest']:%Y-%m-%d}"
    stay = seen["all_rows"] - seen["rows"]
    return f"{table.table}: {seen['rows']} rows, {sized(seen['bytes'])}, from {dates} ({which}); {stay} rows stay"


def sized(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{count / 1000:.0f} kB"


class DeleteData:
    """Deletes the rows that were shown. The set can only shrink: the cut-off is the plan's, and what is written now is young."""

    limit = "`limits.delete_rows` rows of `cleanup.tables`, `limits.delete_batch_rows` at once, none younger than `cleanup.keep_younger_than`"
    undo = ""

    async def check(self, site: Site, plan: Plan) -> None:
        planned = plan.parameters["planned"]
        youngest_allowed = utc_now() - site.policy.cleanup.keep_younger_than
        if any(datetime.fromisoformat(each["cutoff"]) > youngest_allowed for each in planned):
            raise NotPermitted("the plan would delete rows that are younger than the policy keeps")
        there = await cleanup.count_old_rows(site.postgres(), planned)
        for each, rows in zip(planned, there, strict=True):
            if rows > each["rows"]:
                table = each["table"]["table"]
                raise PreconditionChanged(
                    f"{rows} rows of {table} would go now, and {each['rows']} were shown"
                )
        if not any(there):
            raise PreconditionChanged("the rows are gone already")

    async def act(self, site: Site, plan: Plan) -> str:
        limits = site.policy.limits
        done = await cleanup.delete_old_rows(
            site.postgres(),
            plan.parameters["planned"],
            batch_rows=limits.delete_batch_rows,
            at_most=limits.delete_rows,
        )
        return outcome_of(done)

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        """All gone, or not yet: what a run that died has left is deleted by the next."""
        return not any(await cleanup.count_old_rows(site.postgres(), remediation.plan.parameters["planned"]))


def outcome_of(done: dict[str, Any]) -> str:
    """What was deleted, and what that did to the files."""
    deleted = ", ".join(f"{rows} rows of {table}" for table, rows in done["deleted"].items())
    before, after = done["bytes_before"], done["bytes_after"]
    text = f"deleted {deleted}; the database's files went from {sized(before)} to {sized(after)}"
    if done["not_vacuumed"]:
        return f"{text}; not allowed to vacuum {', '.join(done['not_vacuumed'])}: autovacuum will, in some minutes"
    return f"{text}; what is free inside them is used again, and only VACUUM FULL, which locks the table, gives it back"
