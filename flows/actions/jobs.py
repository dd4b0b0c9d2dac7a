"""Failing one job that hangs, in the application's table and in BullMQ's queue."""

import asyncio
from datetime import timedelta
from typing import Any

from flows.actions.site import Site
from tasks import bullmq, jobs
from watchkeeper.errors import PreconditionChanged, VendorError
from watchkeeper.model import Plan, Remediation

REASON = "Manual intervention - stalled job"
LOOK_AGAIN_SECONDS = 0.5
# A job that has been in processing for this share of the limit is not one that is done in a moment.
SLOW_SHARE = 0.2


async def plan_fail_job(site: Site, service: str, *, cause: str) -> Plan | None:
    """Fail the job that has been in processing for longest, once BullMQ had the time to recover it by itself.

    None when every job gets on.
    """
    stalled_after = site.policy.thresholds.job_stalled_after
    rows = await stalled_in_time(site, stalled_after)
    if not rows:
        return None
    oldest = rows[0]
    return Plan(
        action="fail_job",
        target=oldest["id"],
        cause=cause,
        summary=f"Fail job {oldest['id']}, stalled for {oldest['seconds']:.0f} s",
        preview=preview_of(oldest, others=len(rows) - 1),
        parameters={"service": service, "job_id": oldest["id"], "updated_at": oldest["updated_at"]},
        undo=f"set job {oldest['id']} to pending and add it to the queue again",
    )


async def stalled_in_time(site: Site, stalled_after: timedelta) -> list[dict[str, Any]]:
    """The jobs over the limit. One that may well be over it soon is waited for: BullMQ's own recovery is given its time."""
    while True:
        slow = await jobs.stalled_jobs(site.postgres(), stalled_after=SLOW_SHARE * stalled_after)
        over = [job for job in slow if job["seconds"] > stalled_after.total_seconds()]
        if over or not slow:
            return over
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


def preview_of(job: dict[str, Any], *, others: int) -> list[str]:
    lines = [
        f"UPDATE jobs SET status = 'failed', error = '{REASON}' WHERE id = '{job['id']}'",  # noqa: S608  # shown, never run
        f"one row: {job['kind']}, asked for {job['created_at']}, in processing since {job['updated_at']}",
        "BullMQ gives it to no worker again",
    ]
    return lines + ([f"{others} more are over the limit and stay as they are"] if others else [])


class FailJob:
    """Fails exactly the job that was shown, if it has not moved since; the guard stands in the statement."""

    limit = "one job, in processing for longer than `thresholds.job_stalled_after`"
    undo = "set the job to pending and add it to the queue again"

    async def check(self, site: Site, plan: Plan) -> None:
        stalled = await jobs.stalled_jobs(
            site.postgres(), stalled_after=site.policy.thresholds.job_stalled_after
        )
        shown = (plan.parameters["job_id"], plan.parameters["updated_at"])
        if shown not in [(job["id"], job["updated_at"]) for job in stalled]:
            raise PreconditionChanged(f"job {shown[0]} is no longer stalled")

    async def act(self, site: Site, plan: Plan) -> str:
        """The row first: a worker that gets the job all the same finds it settled."""
        job_id = plan.parameters["job_id"]
        await jobs.fail_job(
            site.postgres(),
            job_id,
            updated_at=plan.parameters["updated_at"],
            stalled_after=site.policy.thresholds.job_stalled_after,
        )
        try:
            credentials, target = site.queue(plan.parameters["service"])
            became = await bullmq.give_up_job(credentials, target, job_id, reason=REASON)
        except VendorError as error:
            return f"one row failed; BullMQ could not be told ({error}), so the worker has to skip the job"
        return f"one row failed; the job {became}"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        return await jobs.job_is_failed(site.postgres(), remediation.plan.parameters["job_id"])
