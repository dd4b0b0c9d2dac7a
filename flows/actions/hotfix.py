"""A hotfix, as far as it can be begun without a person: the incident's issue, and a branch from what runs in production.

The issue is opened first and the branch made last, so that the branch is there only when all of it was done.
"""

from datetime import datetime
from functools import partial

from flows.actions.site import Site
from tasks import github, railway
from tasks.railway import current_of
from watchkeeper.documents.hotfix import hotfix_branch, hotfix_issue, hotfix_marker, hotfix_title
from watchkeeper.errors import PreconditionChanged, VendorRejected
from watchkeeper.model import Finding, Incident, Plan, Remediation

OPEN_HOTFIX = "open_hotfix"


async def plan_open_hotfix(
    site: Site, *, incident: Incident, finding: Finding, tried: list[Remediation], incident_link: str
) -> Plan | None:
    """An issue with the incident's facts, and a branch from the commit that runs; None where none is known."""
    service = incident.service if has_platform(site, incident.service) else "backend"
    repository = site.github().repository
    current = current_of(await railway.list_deployments(*site.railway(service)))
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


def has_platform(site: Site, service: str) -> bool:
    return service in site.policy.services and site.policy.services[service].railway is not None


class OpenHotfix:
    """Opens the issue and makes the branch that were shown, each once: what is there already is taken as it is."""

    limit = "one issue and one branch for each incident"
    undo = "close the issue and delete the branch"

    async def check(self, site: Site, plan: Plan) -> None:
        current = current_of(await railway.list_deployments(*site.railway(plan.parameters["service"])))
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
