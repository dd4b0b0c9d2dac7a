"""What an investigation looked at and what it concluded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from watchkeeper.model import Check, Finding, Reading
from watchkeeper.store import Db

# The step whose result is what a comparison of payments and orders found wrong.
PAYMENTS_MISSED = "payments_missed"


async def save_findings(db: Db, incident_id: int, round: int, findings: Sequence[Finding]) -> None:
    for rank, finding in enumerate(findings, start=1):
        await db.run(
            "findings/save",
            incident_id=incident_id,
            round=round,
            cause=finding.cause,
            rank=rank,
            finding=finding.model_dump(mode="json"),
        )


async def read_findings(db: Db, incident_id: int, round: int | None = None) -> list[Finding]:
    """The causes found, best first; of every round unless one is named."""
    rows = await db.all("findings/read", incident_id=incident_id, round=round)
    return [Finding.model_validate(row["finding"]) for row in rows]


async def finish_step(
    db: Db, incident_id: int, round: int, name: str, *, now: datetime, result: dict[str, Any] | None = None
) -> None:
    """Remember that a step is done, with what it gave; the first result stays."""
    await db.run(
        "steps/finish", incident_id=incident_id, round=round, name=name, now=now, result=result or {}
    )


async def step_result(db: Db, incident_id: int, round: int, name: str) -> dict[str, Any] | None:
    """What a finished step gave, or None when it is not finished."""
    row = await db.one("steps/read", incident_id=incident_id, round=round, name=name)
    return row["result"] if row else None


async def save_checks(
    db: Db, incident_id: int, round: int, checks: Sequence[Check], *, now: datetime
) -> None:
    result = {"checks": [check.model_dump(mode="json") for check in checks]}
    await finish_step(db, incident_id, round, "checks", now=now, result=result)


async def read_checks(db: Db, incident_id: int, round: int) -> list[Check] | None:
    """The checks of one round, or None when they were not finished."""
    result = await step_result(db, incident_id, round, "checks")
    return None if result is None else [Check.model_validate(check) for check in result["checks"]]


async def save_missed_payments(db: Db, incident_id: int, round: int, check: Check, *, now: datetime) -> None:
    """What was paid while an incident lasted and has no order, or several, as it was found at its end."""
    result = check.model_dump(mode="json")
    await finish_step(db, incident_id, round, PAYMENTS_MISSED, now=now, result=result)


async def read_missed_payments(db: Db, incident_id: int, round: int) -> Check | None:
    """The same, as `payment_orders` tells it; None where nothing was missed, or nobody could look."""
    result = await step_result(db, incident_id, round, PAYMENTS_MISSED)
    return None if result is None else Check.model_validate(result)


async def save_reading(db: Db, incident_id: int | None, reading: Reading) -> None:
    await db.run("readings/insert", incident_id=incident_id, **reading.model_dump())


async def forget_readings(db: Db, *, before: datetime) -> None:
    """Forget what sweeps measured before this time; an incident's readings are kept with it."""
    await db.run("readings/prune", before=before)


async def read_readings(db: Db, incident_id: int) -> list[Reading]:
    rows = await db.all("readings/read", incident_id=incident_id)
    return [Reading.model_validate(row) for row in rows]
