"""Railway: more memory or more processors for a service that uses up what it has, and taking that back."""

from typing import NamedTuple

from flows.actions.site import Site
from tasks import railway_usage
from watchkeeper.clock import utc_now
from watchkeeper.errors import NotPermitted, PreconditionChanged, VendorRejected
from watchkeeper.model import Plan, Remediation
from watchkeeper.policy import Policy
from watchkeeper.policy.rules import Limits


class Resource(NamedTuple):
    """Something that a service has a limit of: as a limit that is set, as it is measured, and in the policy's limits."""

    name: str
    title: str
    unit: str
    limit: str
    peak: str
    factor: str
    maximum: str

    def raised(self, old: float, policy: Policy) -> float:
        """The next limit.

        Raises:
            NotPermitted: there is none.
        """
        new = round(self.allowed(old, policy.limits), 3)
        if new <= old:
            raise NotPermitted(f"{old:g} {self.unit} is the most {self.title} that the policy allows")
        return new

    def allowed(self, old: float, limits: Limits) -> float:
        factor, maximum = getattr(limits, self.factor), getattr(limits, self.maximum)
        return float(min(old * factor, maximum))


MEMORY = Resource(
    "memory_gb", "memory", "GB", "memory_limit_gb", "memory_peak_gb", "memory_factor", "memory_maximum_gb"
)
CPU = Resource("cpu", "processors", "vCPU", "cpu_limit", "cpu_peak", "cpu_factor", "cpu_maximum")
RESOURCES = (MEMORY, CPU)

# By the resource's name; None where Railway names none.
Limited = dict[str, float | None]


async def plan_raise_memory(site: Site, service: str, *, cause: str) -> Plan:
    """More memory: as in `plan_raise`."""
    return await plan_raise(site, service, MEMORY, cause=cause)


async def plan_raise_cpu(site: Site, service: str, *, cause: str) -> Plan:
    """More processors: as in `plan_raise`."""
    return await plan_raise(site, service, CPU, cause=cause)


async def plan_raise(site: Site, service: str, resource: Resource, *, cause: str) -> Plan:
    """More of it: as many times the old limit as the policy lets one step take, up to its maximum.

    Raises:
        NotPermitted: the limit is the policy's maximum already.
        VendorRejected: Railway names no limit.
    """
    was = await limits_now(site, service, resource)
    old, unit = was[resource.name], resource.unit
    if old is None:
        reason = f"it names no {resource.title}"
        raise VendorRejected(vendor="railway", action="read_limits", status=200, reason=reason)
    new = resource.raised(old, site.policy)
    peak = (await usage(site, service))[resource.peak]
    return Plan(
        action="raise_resources",
        target=service,
        cause=cause,
        summary=f"Raise {service}'s {resource.title} from {old:g} to {new:g} {unit}",
        preview=[
            f"limit now: {old:g} {unit}",
            f"most that was used lately: {'unknown' if peak is None else f'{peak:.2f} {unit}'}",
            f"new limit: {new:g} {unit}",
            "in force with the next start, which is a step of its own",
            "what it costs: Railway bills what is used, so whatever is used above the old limit",
        ],
        parameters={
            "service": service,
            "resource": resource.name,
            "was": was,
            "becomes": was | {resource.name: new},
        },
        undo=f"set the limit back to {old:g} {unit} on Railway",
    )


class LowerResources:
    """Sets a limit back to what it was, if it still is what it was raised to."""

    limit = "one service, to the limit that a raise of this round left"
    undo = ""

    async def check(self, site: Site, plan: Plan) -> None:
        if not same(await limits_of(site, plan), plan.parameters["was"], raised_by(plan)):
            raise PreconditionChanged("the limit is no longer what it was")

    async def act(self, site: Site, plan: Plan) -> str:
        credentials, target = site.railway(plan.parameters["service"])
        becomes: Limited = plan.parameters["becomes"]
        await railway_usage.update_limits(
            credentials, target, memory_gb=becomes[MEMORY.name], cpu=becomes[CPU.name]
        )
        resource = raised_by(plan)
        return f"Railway took the limit of {becomes[resource.name]:g} {resource.unit}"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        plan = remediation.plan
        now, resource = await limits_of(site, plan), raised_by(plan)
        if same(now, plan.parameters["becomes"], resource):
            return True
        return False if same(now, plan.parameters["was"], resource) else None


class RaiseResources(LowerResources):
    """Raises a limit as was shown, if the limits still are what they were and the policy allows it."""

    limit = (
        "one service, `limits.memory_factor` times its memory, up to `limits.memory_maximum_gb`, or "
        "`limits.cpu_factor` times its processors, up to `limits.cpu_maximum`"
    )
    undo = "set the old limit again"

    async def check(self, site: Site, plan: Plan) -> None:
        resource = raised_by(plan)
        old, new = (plan.parameters[when][resource.name] for when in ("was", "becomes"))
        allowed, unit = resource.allowed(old, site.policy.limits), resource.unit
        if new > allowed + TOLERANCE:
            raise NotPermitted(f"{new:g} {unit} is over the policy's {allowed:g} {unit}")
        await super().check(site, plan)

    async def plan_undo(self, site: Site, remediation: Remediation) -> Plan | None:
        """The old limit again, if the raised one is still set."""
        done = remediation.plan
        was, becomes, resource = done.parameters["was"], done.parameters["becomes"], raised_by(done)
        if not same(await limits_of(site, done), becomes, resource):
            return None
        old, new, unit = was[resource.name], becomes[resource.name], resource.unit
        return Plan(
            action="lower_resources",
            target=done.target,
            cause=done.cause,
            summary=f"Take the raise back: {done.target}'s {resource.title} from {new:g} to {old:g} {unit}",
            preview=[
                f"limit now: {new:g} {unit}",
                f"back to: {old:g} {unit}",
                "in force with the next start",
            ],
            parameters=done.parameters | {"was": becomes, "becomes": was},
        )


# Limits come back in bytes, or as decimals.
TOLERANCE = 0.001


def same(now: Limited, then: Limited, resource: Resource) -> bool:
    """Whether the limits are what they were: the one that is raised surely, the other unless it is named and differs."""
    return all(
        abs(one - other) <= TOLERANCE if one is not None and other is not None else name != resource.name
        for name, one, other in ((r.name, now[r.name], then[r.name]) for r in RESOURCES)
    )


def raised_by(plan: Plan) -> Resource:
    return next(resource for resource in RESOURCES if resource.name == plan.parameters["resource"])


async def limits_of(site: Site, plan: Plan) -> Limited:
    return await limits_now(site, plan.parameters["service"], raised_by(plan))


async def limits_now(site: Site, service: str, resource: Resource) -> Limited:
    """The limits that are set; of the one that is raised, where nobody set any, the one that is measured."""
    limits: Limited = await railway_usage.read_limits(*site.railway(service))
    if limits[resource.name] is None:
        limits |= {resource.name: (await usage(site, service))[resource.limit]}
    return limits


async def usage(site: Site, service: str) -> Limited:
    since = utc_now() - site.policy.thresholds.recent_deployment
    used: Limited = await railway_usage.read_usage(*site.railway(service), since=since)
    return used
