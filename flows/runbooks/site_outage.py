"""The site-outage runbook.

If a deployment broke the site, the guide rolls back to the one before it, once a person has said so. If the service
is killed for its memory again and again, or its processors are used up and nothing else is wrong, it raises them, once a
person has said so, and restarts. While Railway itself is down, it waits.
"""

from prefect import flow

from flows.actions.railway import plan_restart, plan_rollback
from flows.actions.resources import plan_raise_cpu, plan_raise_memory
from flows.actions.site import Site
from flows.rehearsal import rehearse
from flows.runbooks import Cure
from flows.runbooks.frontend import CURES as FRONTEND_CURES
from watchkeeper.diagnosis.processors import CPU_MAXED
from watchkeeper.diagnosis.site import BAD_DEPLOYMENT, OUT_OF_MEMORY, RAILWAY_OUTAGE
from watchkeeper.model import Kind, Plan

NEW_LIMIT = "bring the new limit into force"


async def roll_back_backend(site: Site) -> Plan | None:
    return await plan_rollback(site, "backend", cause=BAD_DEPLOYMENT)


async def raise_backends_memory(site: Site) -> Plan | None:
    return await plan_raise_memory(site, "backend", cause=OUT_OF_MEMORY)


async def raise_backends_processors(site: Site) -> Plan | None:
    return await plan_raise_cpu(site, "backend", cause=CPU_MAXED)


async def restart_backend(site: Site) -> Plan | None:
    return await plan_restart(site, "backend", cause=OUT_OF_MEMORY, why=NEW_LIMIT)


async def restart_busy_backend(site: Site) -> Plan | None:
    return await plan_restart(site, "backend", cause=CPU_MAXED, why=NEW_LIMIT)


CURES = (
    Cure(BAD_DEPLOYMENT, (roll_back_backend,), in_code="backend"),
    Cure(OUT_OF_MEMORY, (raise_backends_memory, restart_backend)),
    Cure(CPU_MAXED, (raise_backends_processors, restart_busy_backend)),
    Cure(RAILWAY_OUTAGE, waits_for="Railway"),
)


@flow(name="site-outage", flow_run_name="site-outage dry run")
async def site_outage() -> list[Plan]:
    """Look, diagnose and plan as in an incident, and change nothing: a dry run of this runbook."""
    return await rehearse(Kind.SITE_OUTAGE, (*CURES, *FRONTEND_CURES))
