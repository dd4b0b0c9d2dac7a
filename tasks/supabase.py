"""Supabase's management API, read only: how the project is, how full its disk is, how its pooler is set.

A user has 60 requests a minute over all tokens, and none for the next minute after more. An investigation makes
five; the sweep, which looks each minute, makes none. There is no address that restarts a database.

Source:
    https://supabase.com/docs/reference/api
"""

from typing import Any

from blocks.supabase import SupabaseCredentials
from tasks.looking import Seen, look
from tasks.shapes import look_task
from tasks.vendor_http import Ask, read_json
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check
from watchkeeper.policy.services import SupabaseTarget

SETTING = "WATCHKEEPER_SUPABASE__TOKEN and services.database.supabase"
# What the company's connections go through; the parameter is required.
HEALTH_OF = "db,pooler"
HEALTHY = "ACTIVE_HEALTHY"


async def _get(
    credentials: SupabaseCredentials | None, target: SupabaseTarget | None, action: str, path: str = ""
) -> Any:
    if credentials is None or target is None:
        raise NotConfigured("Supabase's management API", setting=SETTING)
    url = f"{credentials.base_url.rstrip('/')}/v1/projects/{target.project_ref}{path}"
    async with credentials.get_client() as client:
        return await read_json(client, Ask("supabase", action), "GET", url)


async def supabase_project(credentials: SupabaseCredentials | None, target: SupabaseTarget | None) -> Check:
    """Whether the project is up; a free one is paused when nobody used it for a week."""

    async def read() -> Seen:
        told = await _get(credentials, target, "read_project")
        status = told["status"]
        if not isinstance(status, str):
            raise TypeError("status")
        return Seen(status == HEALTHY, f"the project is {status}", {"status": status})

    return await look("supabase_project", "supabase", "Supabase: project status", read)


async def supabase_health(credentials: SupabaseCredentials | None, target: SupabaseTarget | None) -> Check:
    """What Supabase measures of the project's database and pooler."""

    async def read() -> Seen:
        told = await _get(credentials, target, "read_health", f"/health?services={HEALTH_OF}")
        states = {str(each["name"]): str(each["status"]) for each in told}
        if not states:
            raise ValueError("no service")
        sick = [f"{name} {state}" for name, state in states.items() if state != HEALTHY]
        errors = [f"{each['name']}: {str(each['error'])[:200]}" for each in told if each.get("error")]
        words = "; ".join([*sick, *errors]) if sick else f"{', '.join(states)} healthy"
        unhealthy = [name for name, state in states.items() if state == "UNHEALTHY"]
        return Seen(not sick, words, {"services": states, "unhealthy": unhealthy})

    return await look("supabase_health", "supabase", "Supabase: project health", read)


async def supabase_disk(
    credentials: SupabaseCredentials | None, target: SupabaseTarget | None, *, full_from_percent: float
) -> Check:
    """How full the disk is, and whether Supabase made the database read-only for it."""

    async def read() -> Seen:
        util = await _get(credentials, target, "read_disk_util", "/config/disk/util")
        metrics = util["metrics"]
        size, used = int(metrics["fs_size_bytes"]), int(metrics["fs_used_bytes"])
        told = await _get(credentials, target, "read_readonly", "/readonly")
        percent = round(100 * used / size, 1) if size > 0 else 0.0
        read_only = told["enabled"] is True
        words = f"{used / 1e6:.0f} of {size / 1e6:.0f} MB used ({percent:.0f} %)"
        facts = {"size_bytes": size, "used_bytes": used, "percent": percent, "read_only": read_only}
        well = percent < full_from_percent and not read_only
        return Seen(well, words + ("; Supabase made it read-only" if read_only else ""), facts)

    return await look("supabase_disk", "supabase", "Supabase: Database, Usage", read)


async def supabase_pooler(credentials: SupabaseCredentials | None, target: SupabaseTarget | None) -> Check:
    """How many connections the pooler hands out, which is what a leak runs into."""

    async def read() -> Seen:
        told = await _get(credentials, target, "read_pooler", "/config/database/pooler")
        # Read replicas have a pooler each.
        [main] = [each for each in told if each["database_type"] == "PRIMARY"]
        facts = {key: main[key] for key in ("pool_mode", "default_pool_size", "max_client_conn")}
        words = f"{facts['pool_mode']} mode, {facts['default_pool_size']} connections for each user"
        return Seen(True, f"{words}, at most {facts['max_client_conn']} clients", facts)

    return await look("supabase_pooler", "supabase", "Supabase: Database, Connection pooling", read)


check_supabase_project = look_task("check_supabase_project", "supabase")(supabase_project)
check_supabase_health = look_task("check_supabase_health", "supabase")(supabase_health)
check_supabase_disk = look_task("check_supabase_disk", "supabase")(supabase_disk)
check_supabase_pooler = look_task("check_supabase_pooler", "supabase")(supabase_pooler)
