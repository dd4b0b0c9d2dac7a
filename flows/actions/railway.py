"""Railway: restarting what serves, going back to what served before, and taking that back."""

import asyncio
from datetime import datetime
from typing import Any

from flows.actions.site import Site
from tasks import github, railway
from tasks.railway import CRASHED, SERVES, UNDER_WAY, current_of, made_since, previous_of
from watchkeeper.errors import NotConfigured, NothingToChange, PreconditionChanged, VendorError
from watchkeeper.model import Plan, Remediation
from watchkeeper.rendering import utc

# A restart whose answer was lost may show as still starting.
LOOK_AGAIN_SECONDS = 2.0
LOOKS_WHILE_STARTING = 10


async def plan_restart(
    site: Site, service: str, *, cause: str, why: str = "reset its connection pool"
) -> Plan:
    """Restart the deployment that serves now, or that crashed; `why` goes on from "to".

    Raises:
        NothingToChange: there is none, such as where the last one was removed.
    """
    credentials, target = site.railway(service)
    current = current_of(await railway.list_deployments(credentials, target))
    if current is None:
        raise NothingToChange(f"Railway has no deployment of {service} that could be restarted")
    return Plan(
        action="restart_service",
        target=service,
        cause=cause,
        summary=f"Restart {service} to {why}",
        preview=[f"restarts {deployment_line(current)}", "requests in flight are cut off"],
        parameters={
            "service": service,
            "deployment_id": current["id"],
            "status": current["status"],
            "status_updated_at": current["status_updated_at"],
        },
    )


async def still_serving(
    site: Site, service: str, shown_id: str, *, newest_id: str | None = None
) -> list[dict[str, Any]]:
    """The last look before a deployment is changed: the service's deployments, newest first.

    Args:
        newest_id: what was newest when the plan was made, where a change may replace what was on its way by then.

    Raises:
        PreconditionChanged: the one that was shown no longer serves, or is about to be replaced.
    """
    deployments = await railway.list_deployments(*site.railway(service))
    current = current_of(deployments)
    if current is None or current["id"] != shown_id:
        raise PreconditionChanged("another deployment serves now")
    newer = deployments[: deployments.index(current)]
    since = None if newest_id is None else made_since(deployments, newest_id)
    if any(d["status"] in UNDER_WAY for d in newer if since is None or d in since):
        raise PreconditionChanged("another deployment is on its way")
    return deployments


class RestartService:
    """Restarts the deployment that was shown, if it still is the one that serves."""

    limit = "one deployment, the one that serves"
    undo = ""

    async def check(self, site: Site, plan: Plan) -> None:
        await still_serving(site, plan.parameters["service"], plan.parameters["deployment_id"])

    async def act(self, site: Site, plan: Plan) -> str:
        credentials, _ = site.railway(plan.parameters["service"])
        await railway.restart_deployment(credentials, plan.parameters["deployment_id"])
        return "Railway took the restart"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        """A restart shows in the time of the deployment's last change: the vendor's clock against itself.

        So does a crash, or going to sleep and waking up: only one that ran or had crashed, and runs again, was restarted.
        Railway's own restarts after a crash change no status until it gives up.
        """
        parameters = remediation.plan.parameters
        for _ in range(LOOKS_WHILE_STARTING):
            deployment = await self._shown(site, parameters)
            if deployment is None:
                return None
            if deployment["status_updated_at"] == parameters["status_updated_at"]:
                return False
            if deployment["status"] == SERVES:
                return True if parameters.get("status") in (SERVES, CRASHED) else None
            await asyncio.sleep(LOOK_AGAIN_SECONDS)  # it may be starting
        return None

    async def _shown(self, site: Site, parameters: dict[str, Any]) -> dict[str, Any] | None:
        deployments = await railway.list_deployments(*site.railway(parameters["service"]))
        return next((d for d in deployments if d["id"] == parameters["deployment_id"]), None)


async def plan_rollback(site: Site, service: str, *, cause: str) -> Plan:
    """Go back to the newest earlier deployment that Railway offers and that has another commit.

    Raises:
        NothingToChange: there is none.
    """
    credentials, target = site.railway(service)
    deployments = await railway.list_deployments(credentials, target)
    current, previous = current_of(deployments), previous_of(deployments)
    if current is None or previous is None:
        raise NothingToChange(f"Railway offers no earlier deployment of {service} to go back to")
    return Plan(
        action="roll_back_deployment",
        target=service,
        cause=cause,
        summary=f"Roll back {service} to {commit_of(previous)}",
        preview=[
            f"running now: {deployment_line(current)}",
            f"back to: {deployment_line(previous)}",
            *await commits_between(site, previous["commit_hash"], current["commit_hash"]),
            "the old release's variables come back with it",
        ],
        parameters={
            "service": service,
            "from_id": current["id"],
            "to_id": previous["id"],
            "to_commit": previous["commit_hash"],
            "newest_id": deployments[0]["id"],
        },
        # Without its commit nobody could tell later whether what serves is what was gone back to.
        undo=f"redeploy {commit_of(current)} on Railway" if previous["commit_hash"] else "",
    )


async def commit_that_will_run(site: Site, deployments: list[dict[str, Any]]) -> list[str]:
    """Which commit a changed variable brings into force, and what it brings with it where another one runs now.

    Railway then deploys the latest commit, which after a rollback is the one that was left. Its deployments are all
    that is known of the branch: what was pushed since is not among them.
    """
    current, latest = current_of(deployments), latest_commit(deployments)
    if current is None or latest is None or current["commit_hash"] is None:
        return ["Railway names no commits: whether another one than now will run could not be told"]
    if latest["commit_hash"] == current["commit_hash"]:
        return [f"the commit that will run is the one that runs now: {commit_of(current)}"]
    between = await commits_between(site, current["commit_hash"], latest["commit_hash"], forward=True)
    return [
        f"ANOTHER COMMIT WILL RUN: {commit_of(latest)}",
        f"running now: {deployment_line(current)}",
        *between,
    ]


def latest_commit(deployments: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The newest deployment of the commit that came last; one that was gone back to came when it first ran."""
    first_ran = {each["commit_hash"]: n for n, each in enumerate(deployments) if each["commit_hash"]}
    return deployments[min(first_ran.values())] if first_ran else None


async def commits_between(
    site: Site, older: str | None, newer: str | None, *, forward: bool = False
) -> list[str]:
    """What going back from one commit to another gives up, and whether it leaves the database's schema behind.

    `forward`: the newer one is gone to instead, so these are what it brings.

    A platform knows a deployment's own commit and no other, so it is GitHub that is asked; a preview never fails for it.
    """
    if older is None or newer is None:
        return [UNKNOWN_MIGRATIONS.format(why="the platform names no commits")]
    try:
        told = await github.compare_commits(site.github(), older, newer)
    except (NotConfigured, VendorError) as error:
        return [UNKNOWN_MIGRATIONS.format(why=error)]
    listed = told["commits"][:SHOWN_COMMITS]
    does = "brings" if forward else "gives up"
    commits = [f"{does} {each['sha'][:8]} “{each['message']}” ({each['author']})" for each in listed]
    if (more := told["ahead_by"] - len(listed)) > 0:
        commits.append(f"and {more} more commits")
    return [*migration_lines(told, forward=forward), *commits]


UNKNOWN_MIGRATIONS = "whether migrations lie between could not be told ({why}): look before you approve"
SHOWN_COMMITS = 8
SHOWN_MIGRATIONS = 5
# GitHub names so many files of a comparison and no more.
FILES_TOLD = 300


def migration_lines(told: dict[str, Any], *, forward: bool = False) -> list[str]:
    """Whether the release would run on a schema that it does not know: a newer one, or `forward`, perhaps an older."""
    found = told["migrations"]
    if found:
        named = ", ".join(found[:SHOWN_MIGRATIONS])
        more = f" and {len(found) - SHOWN_MIGRATIONS} more" if len(found) > SHOWN_MIGRATIONS else ""
        means = (
            "the newer release needs them to have run"
            if forward
            else "the older release runs on the newer schema"
        )
        return [f"migrations lie between: {named}{more}; {means}"]
    if len(told["files"]) >= FILES_TOLD:
        return [UNKNOWN_MIGRATIONS.format(why=f"GitHub names only the first {FILES_TOLD} files")]
    if told["behind_by"]:
        return [UNKNOWN_MIGRATIONS.format(why="the two commits are not in one line")]
    return ["no migrations lie between"]


class RollBackDeployment:
    """Rolls back to the deployment that was shown, if what was shown still serves."""

    limit = "one service, to one earlier deployment"
    undo = "redeploy the release that was left"

    async def check(self, site: Site, plan: Plan) -> None:
        deployments = await still_serving(site, plan.parameters["service"], plan.parameters["from_id"])
        if not any(d["id"] == plan.parameters["to_id"] and d["can_rollback"] for d in deployments):
            raise PreconditionChanged("Railway no longer offers that deployment")

    async def act(self, site: Site, plan: Plan) -> str:
        credentials, _ = site.railway(plan.parameters["service"])
        await railway.roll_back(credentials, plan.parameters["to_id"])
        return "Railway took the rollback"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        return await was_deployed(site, remediation.plan)

    async def plan_undo(self, site: Site, remediation: Remediation) -> Plan | None:
        """Deploy again what was left; None where what was gone back to serves no longer.

        Raises:
            PreconditionChanged: it still serves and cannot be taken back: somebody deployed after it, even in vain, and is
                not to be overwritten, or Railway no longer has what was left.
        """
        parameters = remediation.plan.parameters
        credentials, target = site.railway(parameters["service"])
        deployments = await railway.list_deployments(credentials, target)
        current = still_in_force(deployments, remediation.plan)
        if current is None:
            return None
        left = next((d for d in deployments if d["id"] == parameters["from_id"]), None)
        if left is None:
            raise PreconditionChanged("Railway no longer lists what was left")
        if made_since(deployments, parameters["newest_id"]) != [current]:
            raise PreconditionChanged("somebody has deployed since, so it is left to them")
        return Plan(
            action="redeploy_deployment",
            target=parameters["service"],
            cause=remediation.plan.cause,
            summary=f"Take the rollback back: redeploy {commit_of(left)}",
            preview=[f"running now: {deployment_line(current)}", f"deployed again: {deployment_line(left)}"],
            parameters={
                "service": parameters["service"],
                "from_id": current["id"],
                "to_id": left["id"],
                "to_commit": left["commit_hash"],
                "newest_id": deployments[0]["id"],
            },
        )


def still_in_force(deployments: list[dict[str, Any]], plan: Plan) -> dict[str, Any] | None:
    """The deployment that a rollback made, if it serves.

    A rollback is answered without an id: it is known by the commit that was gone back to.
    """
    current, commit = current_of(deployments), plan.parameters.get("to_commit")
    if current is None or commit is None or current["commit_hash"] != commit:
        return None
    return current


class RedeployDeployment:
    """Deploys again what was left by a rollback, if what was shown still serves."""

    limit = "one service, to the deployment that a rollback of this round left"
    undo = ""

    async def check(self, site: Site, plan: Plan) -> None:
        await still_serving(site, plan.parameters["service"], plan.parameters["from_id"])

    async def act(self, site: Site, plan: Plan) -> str:
        credentials, _ = site.railway(plan.parameters["service"])
        made = await railway.redeploy(credentials, plan.parameters["to_id"])
        return f"Railway made deployment {made}"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        return await was_deployed(site, remediation.plan)


async def was_deployed(site: Site, plan: Plan) -> bool | None:
    """Whether the commit that was asked for was deployed since; nothing since is no, and anybody else's proves nothing."""
    parameters = plan.parameters
    deployments = await railway.list_deployments(*site.railway(parameters["service"]))
    since, commit = made_since(deployments, parameters.get("newest_id")), parameters.get("to_commit")
    if since == []:
        return False
    asked_for = any(commit is not None and d["commit_hash"] == commit for d in since or [])
    return True if asked_for else None


def commit_of(deployment: dict[str, Any]) -> str:
    return f"{(deployment['commit_hash'] or 'unknown')[:8]} “{deployment['commit_message'] or 'no message'}”"


def deployment_line(deployment: dict[str, Any]) -> str:
    return f"{commit_of(deployment)}, deployed {utc(datetime.fromisoformat(deployment['created_at']))}"
