"""A hotfix, as far as it can be begun without a person: the incident's issue, and a branch from what runs in production.

The issue is opened first and the branch made last, so that the branch is there only when all of it was done.
"""

from datetime import datetime
from functools import partial
from typing import Any, Literal

from flows.actions.site import Site
from tasks import github, railway, vercel
from tasks.railway import current_of
from watchkeeper.documents.hotfix import hotfix_branch, hotfix_issue, hotfix_marker, hotfix_title
from watchkeeper.errors import PreconditionChanged, VendorRejected
from watchkeeper.model import Finding, Incident, Plan, Remediation

OPEN_HOTFIX = "open_hotfix"
# The two parts of a site that are built from code of ours: the one on Railway, the other on Vercel.
Code = Literal["backend", "frontend"]


async def plan_open_hotfix(
    site: Site,
    *,
    incident: Incident,
    finding: Finding,
    code: Code,
    tried: list[Remediation],
    incident_link: str,
) -> Plan | None:
    """An issue with the incident's facts, and a branch from the commit that runs; None where none is known.

    Args:
        code: whose code has to be changed.
    """
    service = site.frontend() if code == "frontend" else backend_of(site, incident)
    repository = site.github().repository
    current = await deployment_that_runs(site, service)
    if current is None or not current["commit_hash"]:
        return None
    branch, commit = hotfix_branch(incident, finding), str(current["commit_hash"])
    write = partial(hotfix_issue, incident, finding, tried, branch=branch, commit=commit)
    return Plan(
        action=OPEN_HOTFIX,
        target=service,
        cause=finding.cause,
        summary=f"Open an issue and the branch {branch} in {repository}",
        preview=[
            f"issue: {hotfix_title(incident)}",
            f"branch: {branch}, from {commit[:8]} “{current['commit_message'] or 'no message'}”, which runs now",
            "nothing of production is touched",
        ],
        parameters={
            "service": service,
            "branch": branch,
            "commit": commit,
            "marker": hotfix_marker(incident),
            "title": hotfix_title(incident),
            "body": write(incident_link=incident_link),
            "since": incident.detected_at.isoformat(),
        },
        undo="close the issue and delete the branch",
    )


def backend_of(site: Site, incident: Incident) -> str:
    """The incident's own service, where Railway runs it."""
    known = site.policy.services.get(incident.service)
    return incident.service if known is not None and known.railway is not None else "backend"


async def deployment_that_runs(site: Site, service: str) -> dict[str, Any] | None:
    """What serves now: by Vercel's production address, or the newest on Railway that went live."""
    known = site.policy.services.get(service)
    if known is None or known.vercel is None:
        return current_of(await railway.list_deployments(*site.railway(service)))
    credentials, target = site.vercel(service)
    serving = await vercel.read_production(credentials, target)
    return await vercel.read_deployment(credentials, target, serving) if serving is not None else None


class OpenHotfix:
    """Opens the issue and makes the branch that were shown, each once: what is there already is taken as it is."""

    limit = "one issue and one branch for each incident"
    undo = "close the issue and delete the branch"

    async def check(self, site: Site, plan: Plan) -> None:
        current = await deployment_that_runs(site, plan.parameters["service"])
        if current is None or current["commit_hash"] != plan.parameters["commit"]:
            raise PreconditionChanged("another commit runs in production now")

    async def act(self, site: Site, plan: Plan) -> str:
        issue = await self._issue(site, plan)
        credentials, name = site.github(), plan.parameters["branch"]
        at = await github.find_branch(credentials, name)
        if at is None:
            await github.create_branch(credentials, name, plan.parameters["commit"])
        elif at != plan.parameters["commit"]:
            raise PreconditionChanged(f"{issue}; the branch {name} is there already, at another commit")
        return f"{issue}; branch {github.branch_url(credentials, name)}"

    async def _issue(self, site: Site, plan: Plan) -> str:
        """Without an issue a branch is still worth having: some repositories have issues switched off."""
        given, credentials = plan.parameters, site.github()
        since = datetime.fromisoformat(given["since"])
        try:
            issue = await github.find_issue(credentials, given["marker"], since=since)
            if issue is None:
                issue = await github.create_issue(credentials, title=given["title"], body=given["body"])
        except VendorRejected as error:
            return f"no issue ({error})"
        return f"issue {issue['url']}"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        given = remediation.plan.parameters
        return bool(await github.find_branch(site.github(), given["branch"]) == given["commit"])
