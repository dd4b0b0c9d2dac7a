"""The worker-stuck runbook.

If the worker crashed, the guide restarts it. If it is stuck on a job, BullMQ's own recovery is given its two tries;
then this one job is failed and the worker restarted; where they were enough, nothing is. If an API's rate limit is reached, it waits, and restarts nothing.
"""

from prefect import flow

from flows.actions.jobs import hangs, plan_fail_job
from flows.actions.railway import plan_restart
from flows.actions.site import Site
from flows.rehearsal import rehearse
from flows.runbooks import Cure
from watchkeeper.diagnosis.worker import (
    DAILY_QUOTA,
    OTHER_LIMITED,
    QUEUE_PAUSED,
    RATE_LIMITED,
    REMOVEBG_LIMITED,
    STUCK_JOB,
    WORKER_CRASHED,
)
from watchkeeper.model import Kind, Plan
from watchkeeper.policy.roles import worker_name

WHY = "have jobs worked on again"


async def restart_crashed(site: Site) -> Plan | None:
    return await plan_restart(site, worker_name(site.policy), cause=WORKER_CRASHED, why=WHY)


async def fail_stuck_job(site: Site) -> Plan | None:
    return await plan_fail_job(site, worker_name(site.policy), cause=STUCK_JOB)


async def restart_stuck(site: Site) -> Plan | None:
    """Unneeded where nothing was failed and nothing is stuck any more: BullMQ recovered it, and jobs are worked on."""
    worker = worker_name(site.policy)
    return await plan_restart(site, worker, cause=STUCK_JOB, why=WHY) if await hangs(site, worker) else None


CURES: tuple[Cure, ...] = (
    Cure(WORKER_CRASHED, (restart_crashed,)),
    Cure(STUCK_JOB, (fail_stuck_job, restart_stuck), may_be_over=True),
    Cure(RATE_LIMITED, waits_for="Gemini's rate limit"),
    Cure(REMOVEBG_LIMITED, waits_for="Remove.bg's rate limit"),
    Cure(OTHER_LIMITED, waits_for="an API's rate limit"),
    Cure(DAILY_QUOTA, person="the quota is used up for today"),
    Cure(QUEUE_PAUSED, person="somebody paused the queue"),
)


@flow(name="worker-stuck", flow_run_name="worker-stuck dry run")
async def worker_stuck() -> list[Plan]:
    """Look, diagnose and plan as in an incident, and change nothing: a dry run of this runbook."""
    return await rehearse(Kind.WORKER_STUCK, CURES)
