"""Sentry: resolving the issues that a deployment brought and that ended with it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from flows.actions.site import Site
from tasks import sentry
from watchkeeper.errors import PreconditionChanged, VendorError
from watchkeeper.model import Plan, Remediation

RESOLVE_ISSUES = "resolve_issues"


async def plan_resolve_issues(
    site: Site, *, issue_ids: Sequence[str], quiet_since: datetime, cause: str
) -> Plan | None:
    """Resolve those of these issues that are unresolved and were not seen since; Sentry opens one that comes back."""
    credentials = site.sentry()
    issues = await asyncio.gather(*(sentry.read_issue(credentials, issue_id) for issue_id in issue_ids))
    ended = [i for i in issues if i["status"] == "unresolved" and i["last_seen"] < quiet_since]
    if not ended:
        return None
    return Plan(
        action=RESOLVE_ISSUES,
        target="sentry",
        cause=cause,
        summary=f"Resolve in Sentry what ended with it: {', '.join(issue['title'] for issue in ended)}",
        preview=[
            f"issue {each['id']}: {each['title']}, last seen {each['last_seen']:%H:%M:%S} UTC"
            for each in ended
        ],
        parameters={"issue_ids": [issue["id"] for issue in ended], "quiet_since": quiet_since.isoformat()},
        undo="set them to unresolved in Sentry; an issue that is seen again is opened by Sentry itself",
    )


class ResolveIssues:
    """Resolves the issues that were shown, each by its number, if none of them was seen again."""

    limit = "the issues that were new with the deployment that was left, and silent since it was"
    undo = "set them to unresolved in Sentry"

    async def check(self, site: Site, plan: Plan) -> None:
        quiet_since = datetime.fromisoformat(plan.parameters["quiet_since"])
        try:
            issues = [
                await sentry.read_issue(site.sentry(), issue_id) for issue_id in plan.parameters["issue_ids"]
            ]
        except VendorError as error:
            # Tidying up must not keep an incident from its end.
            raise PreconditionChanged(f"whether they ended could not be seen: {error}") from error
        if any(issue["last_seen"] >= quiet_since for issue in issues):
            raise PreconditionChanged("one of them was seen again")

    async def act(self, site: Site, plan: Plan) -> str:
        for issue_id in plan.parameters["issue_ids"]:
            await sentry.resolve_issue(site.sentry(), issue_id)
        return "Sentry shows them as resolved"

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        """What Sentry says of each; where it says nothing, that cannot be told."""
        try:
            issues = [
                await sentry.read_issue(site.sentry(), issue_id)
                for issue_id in remediation.plan.parameters["issue_ids"]
            ]
        except VendorError:
            return None
        return all(issue["status"] == "resolved" for issue in issues)
