"""Ending database connections that do nothing and hold what others wait for."""

from typing import Any

from flows.actions.site import Site
from tasks import postgres
from watchkeeper.errors import PreconditionChanged
from watchkeeper.model import Plan, Remediation


async def plan_end_idle_connections(site: Site, *, cause: str) -> Plan | None:
    """Which connections would end: idle for longer than the policy says, and allowed by the guard."""
    rules = site.policy
    rows = await postgres.idle_connections(
        site.postgres(),
        idle_longer_than=rules.thresholds.idle_longer_than,
        keep_applications=rules.limits.keep_applications,
        at_most=rules.limits.end_connections,
    )
    if not rows:
        return None
    return Plan(
        action="end_idle_connections",
        target="database",
        cause=cause,
        summary=f"End {len(rows)} idle database connections",
        preview=[connection_line(row) for row in rows],
        parameters={"connections": [{key: row[key] for key in ("pid", "backend_start")} for row in rows]},
    )


def connection_line(row: dict[str, Any]) -> str:
    return (
        f"pid {row['pid']} ({row['application'] or 'no name'}, {row['user']}), "
        f"idle {row['idle_seconds']:.0f} s, last: {row['query'] or 'nothing'}"
    )


class EndIdleConnections:
    """Ends exactly the connections that were shown, each under the guard in the statement that ends it."""

    limit = "`limits.end_connections` connections, none of `limits.keep_applications`"
    undo = ""

    async def check(self, site: Site, plan: Plan) -> None:
        """The guard stands in the statement itself; here only that there is something to end."""
        if not plan.parameters["connections"]:
            raise PreconditionChanged("no connection is idle any more")

    async def act(self, site: Site, plan: Plan) -> str:
        rules = site.policy
        result = await postgres.end_idle_connections(
            site.postgres(),
            plan.parameters["connections"],
            idle_longer_than=rules.thresholds.idle_longer_than,
            keep_applications=rules.limits.keep_applications,
            at_most=rules.limits.end_connections,
        )
        return f"{result['ended']} connections ended, {result['gone']} were gone or in use again"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        left = await postgres.connections_still_there(
            site.postgres(), remediation.plan.parameters["connections"]
        )
        return left == 0
