"""The database-down runbook.

If the connection pool is exhausted, the guide ends idle connections and restarts the backend to reset its pool.
If Supabase is down, it waits. If the disk is full, it deletes old rows, once a person has said so.
"""

from prefect import flow

from flows.actions.cleanup import plan_delete_data
from flows.actions.connections import plan_end_idle_connections
from flows.actions.railway import plan_restart
from flows.actions.site import Site
from flows.rehearsal import rehearse
from flows.runbooks import Cure
from watchkeeper.diagnosis.database import CONNECTION_LEAK, DISK_FULL, SLOW_QUERIES, SUPABASE_OUTAGE
from watchkeeper.model import Kind, Plan


async def end_idle_connections(site: Site) -> Plan | None:
    return await plan_end_idle_connections(site, cause=CONNECTION_LEAK)


async def restart_backend(site: Site) -> Plan | None:
    return await plan_restart(site, "backend", cause=CONNECTION_LEAK)


async def delete_old_rows(site: Site) -> Plan | None:
    return await plan_delete_data(site, cause=DISK_FULL)


CURES = (
    Cure(CONNECTION_LEAK, (end_idle_connections, restart_backend), in_code="backend"),
    Cure(SUPABASE_OUTAGE, waits_for="Supabase"),
    Cure(DISK_FULL, (delete_old_rows,)),
    Cure(
        SLOW_QUERIES,
        person="which query may end, and what makes it slow, is seen in the queries that are shown",
    ),
)


@flow(name="database-down", flow_run_name="database-down dry run")
async def database_down() -> list[Plan]:
    """Look, diagnose and plan as in an incident, and change nothing: a dry run of this runbook."""
    return await rehearse(Kind.DATABASE_DOWN, CURES)
