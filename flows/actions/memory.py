"""Railway: more memory for a service that is killed for it, and taking that back."""

from flows.actions.site import Site
from tasks import railway_usage
from watchkeeper.clock import utc_now
from watchkeeper.errors import NotPermitted, PreconditionChanged, VendorRejected
from watchkeeper.model import Plan, Remediation
from watchkeeper.policy import Policy


async def plan_raise_memory(site: Site, service: str, *, cause: str) -> Plan:
    """More memory: as many times the old limit as the policy lets one step take, up to its maximum.

    Raises:
        NotPermitted: the limit is the policy's maximum already.
        VendorRejected: Railway names no limit.
    """
    credentials, target = site.railway(service)
    limits = await railway_usage.read_limits(credentials, target)
    used = await railway_usage.read_usage(
        credentials, target, since=utc_now() - site.policy.thresholds.recent_deployment
    )
    old = limits["memory_gb"] or used["memory_limit_gb"]
    if old is None:
        raise VendorRejected(vendor="railway", action="read_limits", status=200, reason="it names no memory")
    new = raised(old, site.policy)
    peak = used["memory_peak_gb"]
    return Plan(
        action="raise_resources",
        target=service,
        cause=cause,
        summary=f"Raise {service}'s memory from {old:g} to {new:g} GB",
        preview=[
            f"limit now: {old:g} GB",
            f"most that was used lately: {'unknown' if peak is None else f'{peak:.2f} GB'}",
            f"new limit: {new:g} GB",
            "in force with the next start, which is a step of its own",
            "what it costs: Railway bills the memory that is used, so whatever is used above the old limit",
        ],
        parameters={"service": service, "from_gb": old, "to_gb": new, "cpu": limits["cpu"]},
        undo=f"set the limit back to {old:g} GB on Railway",
    )


def raised(old_gb: float, policy: Policy) -> float:
    """The next limit.

    Raises:
        NotPermitted: there is none.
    """
    limits = policy.limits
    new = round(min(old_gb * limits.memory_factor, limits.memory_maximum_gb), 3)
    if new <= old_gb:
        raise NotPermitted(f"{old_gb:g} GB is the most memory that the policy allows")
    return new


class LowerMemory:
    """Sets the memory limit back to what it was, if it still is what it was raised to."""

    limit = "one service, to the limit that a raise of this round left"
    undo = ""

    async def check(self, site: Site, plan: Plan) -> None:
        parameters = plan.parameters
        if not same(await limit_now(site, parameters["service"]), parameters["from_gb"]):
            raise PreconditionChanged("the limit is no longer what it was")

    async def act(self, site: Site, plan: Plan) -> str:
        parameters = plan.parameters
        credentials, target = site.railway(parameters["service"])
        await railway_usage.update_limits(
            credentials, target, memory_gb=parameters["to_gb"], cpu=parameters["cpu"]
        )
        return f"Railway took the limit of {parameters['to_gb']:g} GB"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        now, parameters = (
            await limit_now(site, remediation.plan.parameters["service"]),
            remediation.plan.parameters,
        )
        if same(now, parameters["to_gb"]):
            return True
        return False if same(now, parameters["from_gb"]) else None


class RaiseMemory(LowerMemory):
    """Raises the memory limit as was shown, if it still is what it was and the policy allows it."""

    limit = "one service, `limits.memory_factor` times what it had, up to `limits.memory_maximum_gb`"
    undo = "set the old limit again"

    async def check(self, site: Site, plan: Plan) -> None:
        parameters, limits = plan.parameters, site.policy.limits
        allowed = min(parameters["from_gb"] * limits.memory_factor, limits.memory_maximum_gb)
        if parameters["to_gb"] > allowed + TOLERANCE_GB:
            raise NotPermitted(f"{parameters['to_gb']:g} GB is over the policy's {allowed:g} GB")
        await super().check(site, plan)

    async def plan_undo(self, site: Site, remediation: Remediation) -> Plan | None:
        """The old limit again, if the raised one is still set."""
        parameters = remediation.plan.parameters
        service, old, new = parameters["service"], parameters["from_gb"], parameters["to_gb"]
        if not same(await limit_now(site, service), new):
            return None
        return Plan(
            action="lower_resources",
            target=service,
            cause=remediation.plan.cause,
            summary=f"Take the raise back: {service}'s memory from {new:g} to {old:g} GB",
            preview=[f"limit now: {new:g} GB", f"back to: {old:g} GB", "in force with the next start"],
            parameters={"service": service, "from_gb": new, "to_gb": old, "cpu": parameters["cpu"]},
        )


# Limits come back in bytes, or as decimals.
TOLERANCE_GB = 0.001


def same(one_gb: float | None, other_gb: float) -> bool:
    return one_gb is not None and abs(one_gb - other_gb) <= TOLERANCE_GB


async def limit_now(site: Site, service: str) -> float | None:
    """The memory limit that is set, in GB."""
    limit = (await railway_usage.read_limits(*site.railway(service)))["memory_gb"]
    return limit
