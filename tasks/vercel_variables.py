"""Vercel: which of the frontend's variables were changed lately. Their names and times; a value is never kept.

The list comes with values, encrypted or plain, whether they are wanted or not: they end here, before anything is
shown or stored. A variable that was deleted is no longer in the list, so that is not seen.

Source:
    https://vercel.com/docs/rest-api/projects/retrieve-the-environment-variables-of-a-project-by-id-or-name
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from blocks.vercel import VercelCredentials
from tasks.looking import Seen, look
from tasks.shapes import look_task
from tasks.vendor_http import Ask, read_json, rejected
from tasks.vercel import configured
from watchkeeper.model import Check
from watchkeeper.policy.services import VercelTarget

PRODUCTION = "production"
LONGEST_NAME, SHOWN = 100, 20


class Variable(NamedTuple):
    """One variable that production gets."""

    name: str
    changed_at: datetime
    is_new: bool


async def list_variables(credentials: VercelCredentials, target: VercelTarget) -> list[Variable]:
    """The project's variables for production, the last changed first.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`; 403 for a token without the right to read them.
    """
    ask = Ask("vercel", "list_variables")
    query = {"teamId": target.team_id, "decrypt": "false"}
    async with credentials.get_client() as client:
        told = await read_json(client, ask, "GET", f"/v10/projects/{target.project_id}/env", params=query)
    try:
        variables = [_variable(each) for each in told["envs"] if PRODUCTION in each["target"]]
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        raise rejected(ask, "an answer of an unknown shape") from None
    return sorted(variables, key=lambda variable: variable.changed_at, reverse=True)


def _variable(told: dict[str, Any]) -> Variable:
    created, changed = told["createdAt"], told.get("updatedAt") or told["createdAt"]
    return Variable(
        str(told["key"])[:LONGEST_NAME], datetime.fromtimestamp(changed / 1000, UTC), changed == created
    )


async def vercel_variables(
    credentials: VercelCredentials | None,
    target: VercelTarget | None,
    *,
    now: datetime,
    recent: timedelta,
    service: str = "frontend",
) -> Check:
    """Which variables of production were set or changed within the recent time."""

    async def read() -> Seen:
        known = await list_variables(*configured(credentials, target))
        lately = [variable for variable in known if now - variable.changed_at <= recent][:SHOWN]
        names = ", ".join(variable.name for variable in lately)
        words = f"changed lately: {names}" if lately else f"none of {len(known)} variables was changed lately"
        facts = {
            "changed": [variable.name for variable in lately],
            "changes": changes_of(service, lately),
        }
        lines = [f"{variable.changed_at.isoformat()} {variable.name}" for variable in lately]
        return Seen(True, words, facts, output="\n".join(lines))

    return await look("vercel_variables", "vercel", "Vercel: Settings, Environment Variables", read)


def changes_of(service: str, variables: Sequence[Variable]) -> list[dict[str, Any]]:
    """As the changes of `tasks.vercel`: at, platform, service, status and what."""
    return [
        {
            "at": variable.changed_at.isoformat(),
            "platform": "Vercel",
            "service": service,
            "status": "set" if variable.is_new else "changed",
            "what": f"variable {variable.name}; in force with the deployment after that",
        }
        for variable in variables
    ]


check_vercel_variables = look_task("check_vercel_variables", "vercel")(vercel_variables)
