"""Failing one job that hangs, in the application's table and in BullMQ's queue."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from flows.actions.site import Site
from flows.patience import patiently
from tasks import bullmq, jobs
from watchkeeper.clock import utc_now
from watchkeeper.diagnosis.case import Looks
from watchkeeper.diagnosis.worker import stuck_in_queue, stuck_jobs
from watchkeeper.errors import PreconditionChanged, VendorError, VendorUnavailable
from watchkeeper.findings import read_checks
from watchkeeper.incidents import read_incident
from watchkeeper.model import Plan, Remediation, RemediationState
from watchkeeper.remediations import read_remediations

REASON = "Manual intervention - stalled job"
LOOK_AGAIN_SECONDS = 0.5
# A job that a worker took right before the first look is over the limit only right after it.
BESIDES_SECONDS = 2.0


async def plan_fail_job(site: Site, service: str, *, cause: str) -> Plan | None:
    """Fail the job that has been in processing for longest, once BullMQ had the time to recover it by itself.

    None when every job gets on.
    """
    site.queue(service)  # Half of it is BullMQ's: without the queue's address there is no plan.
    rows = await over_the_limit(site) or await over_in_time(site, await blamed_jobs(site))
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


async def over_the_limit(site: Site) -> list[dict[str, Any]]:
    """The jobs that are over the limit now, the oldest first."""
    stalled_after = site.policy.thresholds.job_stalled_after
    rows: list[dict[str, Any]] = await jobs.stalled_jobs(site.postgres(), stalled_after=stalled_after)
    return rows


async def blamed_jobs(site: Site) -> list[str]:
    """The jobs that this round's investigation found stuck. A dry run blames none, and waits for none."""
    if site.parts is None:
        return []
    store, incident_id = site.parts.store, site.parts.incident_id
    incident = await read_incident(store, incident_id)
    return stuck_jobs(Looks(await read_checks(store, incident_id, incident.round) or []))


async def over_in_time(site: Site, job_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Those of these jobs that come over the limit: BullMQ's own recovery is given its time, and no more.

    One that is still in processing and not over the limit after all that time was given to a worker anew meanwhile.
    """
    limit_seconds = site.policy.thresholds.job_stalled_after.total_seconds()
    clock = asyncio.get_running_loop().time
    give_up_at = clock() + limit_seconds + BESIDES_SECONDS
    while job_ids and clock() < give_up_at:
        left = await jobs.jobs_in_processing(site.postgres(), job_ids)
        over = [job for job in left if job["seconds"] > limit_seconds]
        if over or not left:
            return over
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return []


async def hangs(site: Site, service: str) -> bool:
    """Whether the worker has to be restarted: this round failed a job under its hands, or one is stuck right now."""
    return (
        await has_failed_one(site) or bool(await over_the_limit(site)) or await queue_is_stuck(site, service)
    )


async def has_failed_one(site: Site) -> bool:
    """Whether a job was failed in this round of the incident."""
    if site.parts is None:
        return False
    store, incident_id = site.parts.store, site.parts.incident_id
    incident = await read_incident(store, incident_id)
    known = await read_remediations(store, incident_id)
    failed = [r for r in known if r.action == "fail_job" and r.state is RemediationState.DONE]
    return any(r.round == incident.round for r in failed)


async def queue_is_stuck(site: Site, service: str) -> bool:
    """Whether BullMQ has a job that it does not bring to an end by itself."""
    credentials, target = site.queue(service)
    async with bullmq.connected(credentials, "read_queue") as client:
        return bool(stuck_in_queue(await bullmq.read_queue(client, target, utc_now())))


def preview_of(job: dict[str, Any], *, others: int) -> list[str]:
    lines = [
        f"UPDATE jobs SET status = 'failed', error = '{REASON}' WHERE id = '{job['id']}'",  # noqa: S608  # shown, never run
        f"one row: {job['kind']}, asked for {job['created_at']}, in processing since {job['updated_at']}",
        "BullMQ gives it to no worker again",
    ]
    return lines + ([f"{others} more are over the limit and stay as they are"] if others else [])


class FailJob:
    """Fails exactly the job that was shown, if it has not moved since; the guard stands in the statement.

    It has two halves: the row, then BullMQ's queue. Begun by a run that died between them, the second is still to be
    done, and it alone is.
    """

    limit = "one job, in processing for longer than `thresholds.job_stalled_after`"
    undo = "set the job to pending and add it to the queue again"

    async def check(self, site: Site, plan: Plan) -> None:
        if await is_half_done(site, plan):
            return
        stalled = await over_the_limit(site)
        shown = (plan.parameters["job_id"], plan.parameters["updated_at"])
        if shown not in [(job["id"], job["updated_at"]) for job in stalled]:
            raise PreconditionChanged(f"job {shown[0]} is no longer stalled")

    async def act(self, site: Site, plan: Plan) -> str:
        """The row first: a worker that gets the job all the same finds it settled."""
        job_id = plan.parameters["job_id"]
        credentials, target = site.queue(plan.parameters["service"])
        if not await is_half_done(site, plan):
            await fail_row(site, plan)
        try:
            became = await bullmq.give_up_job(credentials, target, job_id, reason=REASON)
        except VendorError as error:
            return f"one row failed; BullMQ could not be told ({error}), so the worker has to skip the job"
        return f"one row failed; the job {became}"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        """Both halves: a row that is failed while BullMQ still holds its job is a change that is not made yet."""
        failed: bool | None = await jobs.job_is_failed(site.postgres(), remediation.plan.parameters["job_id"])
        return failed and not await is_held(site, remediation.plan)


async def fail_row(site: Site, plan: Plan) -> None:
    """The first half. One whose answer was lost on the way is looked up: the second half would else never be done."""
    job_id = plan.parameters["job_id"]
    try:
        await jobs.fail_job(
            site.postgres(),
            job_id,
            updated_at=plan.parameters["updated_at"],
            stalled_after=site.policy.thresholds.job_stalled_after,
        )
    except VendorUnavailable:
        if not await patiently(partial(jobs.job_is_failed, site.postgres(), job_id)):
            raise


async def is_half_done(site: Site, plan: Plan) -> bool:
    """Whether the row is failed and BullMQ was not told of it."""
    failed = await jobs.job_is_failed(site.postgres(), plan.parameters["job_id"])
    return bool(failed) and await is_held(site, plan)


async def is_held(site: Site, plan: Plan) -> bool:
    held: bool = await bullmq.job_is_held(*site.queue(plan.parameters["service"]), plan.parameters["job_id"])
    return held
