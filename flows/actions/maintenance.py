"""Maintenance mode: the guide's last resort. The backend answers 503 with a message until it is switched off."""

from pydantic import SecretStr

from blocks.railway import RailwayCredentials
from flows.actions.railway import commit_that_will_run, still_serving
from flows.actions.site import Site
from tasks import railway
from tasks.railway import current_of, made_since
from watchkeeper.deadlines.maintenance import SET_MAINTENANCE_MODE
from watchkeeper.errors import VendorRejected
from watchkeeper.model import Plan, Remediation
from watchkeeper.policy.services import RailwayTarget

VARIABLE, MESSAGE_VARIABLE = "MAINTENANCE_MODE", "MAINTENANCE_MESSAGE"


async def plan_maintenance(
    site: Site, service: str, *, on: bool, message: str, cause: str, number: int
) -> Plan | None:
    """Switch it on or off by the service's variable; `number` tells this switch from the incident's other ones."""
    deployments = await railway.list_deployments(*site.railway(service))
    current = current_of(deployments)
    if current is None:
        return None
    switch = "on" if on else "off"
    does = [
        f"{VARIABLE}={value_of(on)}, and a new deployment of the latest commit brings it into force",
        *await commit_that_will_run(site, deployments),
        f"customers then read: {message}" if on else "customers are served again",
        "a rollback brings the old variables back, and with them the old mode" if on else "",
    ]
    return Plan(
        action=SET_MAINTENANCE_MODE,
        target=f"{service} {switch} #{number}",
        cause=cause,
        summary=f"Switch maintenance mode of {service} {switch}",
        preview=[line for line in does if line],
        parameters={
            "service": service,
            "on": on,
            "message": message,
            "deployment_id": current["id"],
            "newest_id": deployments[0]["id"],
        },
        undo=f"switch maintenance mode {'off' if on else 'on'} again",
    )


class SetMaintenanceMode:
    """Sets the message, then the switch, whose change Railway deploys; one that says so already is deployed anew."""

    limit = "one service, its two variables"
    undo = "switch it back"

    async def check(self, site: Site, plan: Plan) -> None:
        """What was on its way when this was planned is named there, and replaced: customers do not wait for it."""
        given = plan.parameters
        await still_serving(site, given["service"], given["deployment_id"], newest_id=given.get("newest_id"))

    async def act(self, site: Site, plan: Plan) -> str:
        given = plan.parameters
        target = site.railway(given["service"])
        if given["on"]:
            await railway.set_variable(*target, MESSAGE_VARIABLE, SecretStr(given["message"]), deploy=False)
        try:
            already = await is_set(target, on=given["on"])
        except VendorRejected:
            # Most often nobody ever set it. Where Railway refuses everything, it refuses the write too, and says why.
            already = False
        if already:
            # Setting it again is no change, for which Railway deploys nothing.
            await railway.redeploy_service(*target)
            return "the variable said so already, and Railway deploys it"
        await railway.set_variable(*target, VARIABLE, SecretStr(value_of(given["on"])))
        return "Railway took the variable and deploys it"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        """The change makes a new deployment: as long as there is none, it did not happen.

        Anybody else's deployment looks the same, so what the variable says now decides.
        """
        given = remediation.plan.parameters
        target = site.railway(given["service"])
        deployments = await railway.list_deployments(*target)
        if current_of(deployments) is None:
            return None
        if made_since(deployments, given.get("newest_id")) == []:
            return False
        return await is_set(target, on=given["on"])


async def is_set(target: tuple[RailwayCredentials, RailwayTarget], *, on: bool) -> bool:
    """Whether the variable says so, which is not yet what the process that runs got.

    Raises:
        VendorRejected, VendorUnavailable: as in `read_variable`.
    """
    value = await railway.read_variable(*target, VARIABLE)
    return value.get_secret_value() == value_of(on)


def value_of(on: bool) -> str:
    return "true" if on else "false"
