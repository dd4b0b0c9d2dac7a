"""Vercel: going back to the frontend that was served before, and taking that back."""

import asyncio
from datetime import timedelta

from flows.actions.railway import commit_of, commits_between, deployment_line
from flows.actions.site import Site
from tasks import vercel
from tasks.vercel import Deployment
from watchkeeper.errors import (
    NothingToChange,
    PreconditionChanged,
    VendorError,
    VendorRejected,
    VendorUnavailable,
)
from watchkeeper.model import Plan, Remediation
from watchkeeper.rendering import duration

LOOK_SECONDS = 1.0

PUSHES_WAIT = "until somebody promotes a deployment, later pushes do not go live by themselves"
# What Vercel means by these, in the words of whoever is woken.
REFUSALS = {
    402: "the team's plan does not go back to that deployment; choose another in Vercel's dashboard",
    403: "the token may not do that for this team",
    409: "another rollback or promotion is running",
}


async def plan_rollback(site: Site, service: str, *, cause: str) -> Plan:
    """Go back to the newest earlier deployment that Vercel offers; where it offers none, promote the newest earlier
    one that is built.

    Raises:
        NothingToChange: there is neither, or nothing is served.
    """
    credentials, target = site.vercel(service)
    serving = await vercel.read_production(credentials, target)
    if serving is None:
        raise NothingToChange(f"Vercel serves no deployment of {service}")
    current = await vercel.read_deployment(credentials, target, serving)
    candidates = await vercel.list_deployments(credentials, target, only_candidates=True, before=current)
    previous = vercel.previous_of(candidates, current)
    if previous is None:
        return await plan_promotion(site, service, current, cause=cause)
    return Plan(
        action="roll_back_frontend",
        target=service,
        cause=cause,
        summary=f"Roll back {service} to {commit_of(previous)}",
        preview=[
            f"served now: {deployment_line(current)}",
            f"back to: {deployment_line(previous)}",
            *await commits_between(site, previous["commit_hash"], current["commit_hash"]),
            "the environment variables and cron jobs of the old build come back with it",
            f"afterwards: {PUSHES_WAIT}",
        ],
        parameters={"service": service, "from_id": current["id"], "to_id": previous["id"]},
        undo=f"promote {commit_of(current)} ({current['id']}) on Vercel; new pushes then go live again",
    )


async def plan_promotion(site: Site, service: str, current: Deployment, *, cause: str) -> Plan:
    """The guide's own way back: promote the newest earlier deployment of another commit that is built.

    Raises:
        NothingToChange: there is none.
    """
    deployments = await vercel.list_deployments(*site.vercel(service), only_built=True, before=current)
    earlier = next((each for each in deployments if is_earlier(each, current)), None)
    if earlier is None:
        raise NothingToChange(f"Vercel has no earlier deployment of {service} to roll back to or to promote")
    return Plan(
        action="promote_frontend",
        target=service,
        cause=cause,
        summary=f"Promote {service}'s earlier deployment {commit_of(earlier)}",
        preview=[
            f"served now: {deployment_line(current)}",
            f"promoted: {deployment_line(earlier)}",
            *await commits_between(site, earlier["commit_hash"], current["commit_hash"]),
            "Vercel offers nothing to roll back to: this one is built, and may never have served customers",
        ],
        parameters={"service": service, "from_id": current["id"], "to_id": earlier["id"]},
        undo=f"promote {commit_of(current)} ({current['id']}) on Vercel",
    )


def is_earlier(deployment: Deployment, current: Deployment) -> bool:
    """Whether it is a built one of another commit, from before the current one."""
    return bool(
        deployment["status"] == vercel.SERVING
        and deployment["created_at"] < current["created_at"]
        and deployment["commit_hash"] != current["commit_hash"]
    )


class MoveFrontend:
    """Has Vercel serve another deployment than the one that was shown, if that one is still served."""

    async def check(self, site: Site, plan: Plan) -> None:
        credentials, target = site.vercel(plan.parameters["service"])
        if await vercel.read_production(credentials, target) != plan.parameters["from_id"]:
            raise PreconditionChanged("another deployment is served now")

    def settles_within(self, site: Site) -> timedelta:
        return site.policy.response.frontend_moves_within

    async def see_it_moved(self, site: Site, plan: Plan) -> None:
        """Believe only the production address; while it cannot be read, nobody has said that it does not move.

        Raises:
            VendorUnavailable: it was accepted, and nothing moved within the time that Vercel may take.
        """
        credentials, target = site.vercel(plan.parameters["service"])
        within = self.settles_within(site)
        unread: VendorError | None = None
        try:
            async with asyncio.timeout(within.total_seconds()):
                while True:
                    try:
                        serving, unread = await vercel.read_production(credentials, target), None
                    except VendorError as refusal:
                        serving, unread = None, refusal
                    if serving == plan.parameters["to_id"]:
                        return
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError as error:
            raise VendorUnavailable(
                vendor="vercel",
                action=plan.action,
                reason=f"it was accepted, and within {duration(within)} the production address did not serve it"
                + (f", or could not be read: {unread}" if unread else ""),
            ) from error

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        """What is served says it; a third deployment leaves open what happened before it."""
        parameters = remediation.plan.parameters
        credentials, target = site.vercel(parameters["service"])
        serving = await vercel.read_production(credentials, target)
        return {parameters["to_id"]: True, parameters["from_id"]: False}.get(serving)

    async def plan_undo(self, site: Site, remediation: Remediation) -> Plan | None:
        """Promote what was left, if what was moved to is still served; it ends a rollback, so pushes go live again."""
        parameters = remediation.plan.parameters
        credentials, target = site.vercel(parameters["service"])
        if await vercel.read_production(credentials, target) != parameters["to_id"]:
            return None
        current = await vercel.read_deployment(credentials, target, parameters["to_id"])
        left = await vercel.read_deployment(credentials, target, parameters["from_id"])
        if left["status"] != vercel.SERVING:
            return None
        return Plan(
            action="promote_frontend",
            target=parameters["service"],
            cause=remediation.plan.cause,
            summary=f"Take it back: promote {commit_of(left)} again",
            preview=[f"served now: {deployment_line(current)}", f"promoted: {deployment_line(left)}"],
            parameters={"service": parameters["service"], "from_id": current["id"], "to_id": left["id"]},
        )


class RollBackFrontend(MoveFrontend):
    """Rolls back to the deployment that was shown, if what was shown is still served."""

    limit = "one project, to one earlier deployment"
    undo = "promote the deployment that was left"

    async def check(self, site: Site, plan: Plan) -> None:
        await super().check(site, plan)
        where = site.vercel(plan.parameters["service"])
        served = await vercel.read_deployment(*where, plan.parameters["from_id"])
        offered = await vercel.list_deployments(*where, only_candidates=True, before=served)
        if all(deployment["id"] != plan.parameters["to_id"] for deployment in offered):
            raise PreconditionChanged("Vercel no longer offers that deployment")

    async def act(self, site: Site, plan: Plan) -> str:
        credentials, target = site.vercel(plan.parameters["service"])
        try:
            await vercel.roll_back(
                credentials, target, plan.parameters["to_id"], description=f"Watchkeeper: {plan.cause}"
            )
        except VendorRejected as error:
            raise explained(error) from error
        await self.see_it_moved(site, plan)
        return f"Vercel serves it again; {PUSHES_WAIT}"


class PromoteFrontend(MoveFrontend):
    """Promotes the deployment that was shown, if what was shown is still served."""

    limit = "one project, to one deployment that is built"
    undo = "promote the deployment that was left"

    async def act(self, site: Site, plan: Plan) -> str:
        credentials, target = site.vercel(plan.parameters["service"])
        try:
            await vercel.promote(credentials, target, plan.parameters["to_id"])
        except VendorRejected as error:
            raise explained(error) from error
        await self.see_it_moved(site, plan)
        return "Vercel serves it; later pushes go live by themselves"


def explained(error: VendorRejected) -> VendorRejected:
    """The same refusal, with what its status means to a person."""
    return VendorRejected(
        vendor=error.vendor,
        action=error.action,
        status=error.status,
        reason=REFUSALS.get(error.status or 0, error.reason),
    )
