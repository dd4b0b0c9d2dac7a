"""Vercel: going back to the frontend that was served before."""

import asyncio

from flows.actions.railway import commit_of, deployment_line
from flows.actions.site import Site
from tasks import vercel
from watchkeeper.errors import PreconditionChanged, VendorRejected, VendorUnavailable
from watchkeeper.model import Plan, Remediation

# No document says how long Vercel takes to move an address; its own command line waits three minutes.
MOVES_WITHIN_SECONDS = 15.0
LOOK_SECONDS = 0.5

PUSHES_WAIT = "until somebody promotes a deployment, later pushes do not go live by themselves"
# What Vercel means by these, in the words of whoever is woken.
REFUSALS = {
    402: "the team's plan does not go back to that deployment; choose another in Vercel's dashboard",
    403: "the token may not do that for this team",
    409: "another rollback or promotion is running",
}


async def plan_rollback(site: Site, service: str, *, cause: str) -> Plan | None:
    """Go back to the newest earlier deployment that Vercel offers."""
    credentials, target = site.vercel(service)
    serving = await vercel.read_production(credentials, target)
    if serving is None:
        return None
    current = await vercel.read_deployment(credentials, target, serving)
    candidates = await vercel.list_deployments(credentials, target, only_candidates=True)
    previous = vercel.previous_of(candidates, current)
    if previous is None:
        return None
    return Plan(
        action="roll_back_frontend",
        target=service,
        cause=cause,
        summary=f"Roll back {service} to {commit_of(previous)}",
        preview=[
            f"served now: {deployment_line(current)}",
            f"back to: {deployment_line(previous)}",
            "the environment variables and cron jobs of the old build come back with it",
            f"afterwards: {PUSHES_WAIT}",
        ],
        parameters={"service": service, "from_id": current["id"], "to_id": previous["id"]},
        undo=f"promote {commit_of(current)} ({current['id']}) on Vercel; new pushes then go live again",
    )


class RollBackFrontend:
    """Rolls back to the deployment that was shown, if what was shown is still served."""

    limit = "one project, to one earlier deployment"
    undo = "promote the deployment that was left"

    async def check(self, site: Site, plan: Plan) -> None:
        credentials, target = site.vercel(plan.parameters["service"])
        if await vercel.read_production(credentials, target) != plan.parameters["from_id"]:
            raise PreconditionChanged("another deployment is served now")
        offered = await vercel.list_deployments(credentials, target, only_candidates=True)
        if all(deployment["id"] != plan.parameters["to_id"] for deployment in offered):
            raise PreconditionChanged("Vercel no longer offers that deployment")

    async def act(self, site: Site, plan: Plan) -> str:
        """Ask once, and believe only the production address."""
        credentials, target = site.vercel(plan.parameters["service"])
        try:
            await vercel.roll_back(
                credentials, target, plan.parameters["to_id"], description=f"Watchkeeper: {plan.cause}"
            )
        except VendorRejected as error:
            raise explained(error) from error
        await self._see_it_moved(site, plan)
        return f"Vercel serves it again; {PUSHES_WAIT}"

    async def _see_it_moved(self, site: Site, plan: Plan) -> None:
        credentials, target = site.vercel(plan.parameters["service"])
        try:
            async with asyncio.timeout(MOVES_WITHIN_SECONDS):
                while True:
                    if await vercel.read_production(credentials, target) == plan.parameters["to_id"]:
                        return
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError as error:
            raise VendorUnavailable(
                vendor="vercel",
                action="roll_back",
                reason="it was accepted, and the production address still serves the old deployment",
            ) from error

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        """What is served says it; a third deployment leaves open what happened before it."""
        parameters = remediation.plan.parameters
        credentials, target = site.vercel(parameters["service"])
        serving = await vercel.read_production(credentials, target)
        return {parameters["to_id"]: True, parameters["from_id"]: False}.get(serving)


def explained(error: VendorRejected) -> VendorRejected:
    """The same refusal, with what its status means to a person."""
    return VendorRejected(
        vendor=error.vendor,
        action=error.action,
        status=error.status,
        reason=REFUSALS.get(error.status or 0, error.reason),
    )
