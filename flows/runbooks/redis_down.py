"""The runbook for Redis that is down.

An outage of Upstash's is waited for: jobs stay queued and the backend works without it. A plan that is used up costs
money to change, so a person does. A backend that lost its connection is restarted.
"""

from prefect import flow

from flows.actions.railway import plan_restart
from flows.actions.site import Site
from flows.rehearsal import rehearse
from flows.runbooks import Cure
from watchkeeper.diagnosis.redis import REDIS_CONNECTION, REDIS_QUOTA, REDIS_UNREACHABLE, UPSTASH_OUTAGE
from watchkeeper.model import Kind, Plan


async def restart_backend(site: Site) -> Plan | None:
    why = "give it a new connection to Redis, which is well"
    return await plan_restart(site, "backend", cause=REDIS_CONNECTION, why=why)


CURES = (
    Cure(UPSTASH_OUTAGE, waits_for="Upstash"),
    Cure(REDIS_QUOTA, person="more commands cost money, and fewer of them are a change to the code"),
    Cure(REDIS_CONNECTION, (restart_backend,)),
    Cure(REDIS_UNREACHABLE, person="whether Redis or its address is wrong is seen in Upstash's console"),
)


@flow(name="redis-down", flow_run_name="redis-down dry run")
async def redis_down() -> list[Plan]:
    """Look, diagnose and plan as in an incident, and change nothing: a dry run of this runbook."""
    return await rehearse(Kind.REDIS_DOWN, CURES)
