"""GitHub: comparing commits, opening an incident's issue, and a branch to mend it on.

Nothing there is idempotent: a branch is known by its name, an issue by a marker in its body. Both are looked up
before they are made; the list of issues shows what was just created, while the search trails by a while.

Source:
    https://docs.github.com/en/rest/commits/commits#compare-two-commits
    https://docs.github.com/en/rest/issues/issues#create-an-issue
    https://docs.github.com/en/rest/git/refs#create-a-reference
"""

import re
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from blocks.github import GitHubCredentials
from tasks.shapes import action_task
from tasks.vendor_http import Ask, read_json, rejected, send_json
from watchkeeper.errors import VendorRejected

WRITE_LIMIT_SECONDS = 10.0
ISSUES_LOOKED_THROUGH = 50
SHOWN_COMMITS = 20
MIGRATION_FOLDERS = frozenset({"migrations", "migrate", "migration"})
NOT_FOUND = 404

Comparison = dict[str, Any]
Issue = dict[str, Any]


async def compare_commits(credentials: GitHubCredentials, base: str, head: str) -> Comparison:
    """What `head` has that `base` has not.

    Returns:
        ahead_by and behind_by (commits), commits (newest first, at most twenty, each with sha, message (its first
        line), and author), files (their paths; GitHub tells at most 300) and migrations (those among the files).

    Raises:
        VendorRejected: GitHub does not know one of them, among others.
        VendorUnavailable: as in `tasks.vendor_http`.
    """
    ask = Ask("github", "compare_commits")
    url = f"{repository_url(credentials)}/compare/{base}...{head}"
    async with credentials.get_client() as client:
        told = await read_json(client, ask, "GET", url)
    try:
        files = [str(file["filename"]) for file in told["files"]]
        newest = list(reversed(told["commits"]))[:SHOWN_COMMITS]
        return {
            "ahead_by": int(told["ahead_by"]),
            "behind_by": int(told["behind_by"]),
            "commits": [_commit(each) for each in newest],
            "files": files,
            "migrations": migrations_among(files),
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        raise rejected(ask, "an answer of an unknown shape") from None


def _commit(told: dict[str, Any]) -> dict[str, str]:
    message = str(told["commit"]["message"]).splitlines() or [""]
    author = (told["commit"].get("author") or {}).get("name") or "unknown"
    return {"sha": str(told["sha"]), "message": message[0][:200], "author": str(author)}


def migrations_among(files: list[str]) -> list[str]:
    """The files that change a database's schema, by the folder they lie in."""
    return [file for file in files if MIGRATION_FOLDERS & set(PurePosixPath(file).parts[:-1])]


async def find_issue(credentials: GitHubCredentials, marker: str, *, since: datetime) -> Issue | None:
    """The issue whose body holds this marker, whole, among those that changed since then; number and url."""
    ask = Ask("github", "list_issues")
    # Not the search, whose index trails what was written.
    parameters = {
        "state": "all",
        "since": since.isoformat(),
        "sort": "created",
        "direction": "desc",
        "per_page": str(ISSUES_LOOKED_THROUGH),
    }
    async with credentials.get_client() as client:
        told = await read_json(client, ask, "GET", f"{repository_url(credentials)}/issues", params=parameters)
    # One marker begins as another does: "…:action-1" as "…:action-10", and the incident's own as those of its actions.
    whole = re.compile(rf"(?<![\w:]){re.escape(marker)}(?![\w:])")
    try:
        ours = (issue for issue in told if whole.search(str(issue.get("body") or "")))
        return next(map(_issue, ours), None)
    except (KeyError, TypeError, AttributeError):
        raise rejected(ask, "an answer of an unknown shape") from None


def _issue(told: dict[str, Any]) -> Issue:
    return {"number": int(told["number"]), "url": str(told["html_url"])}


async def find_branch(credentials: GitHubCredentials, name: str) -> str | None:
    """The commit that this branch is at, or None when there is no such branch."""
    ask = Ask("github", "read_branch")
    url = f"{repository_url(credentials)}/git/ref/heads/{name}"
    try:
        async with credentials.get_client() as client:
            told = await read_json(client, ask, "GET", url)
        return str(told["object"]["sha"])
    except VendorRejected as error:
        if error.status == NOT_FOUND:
            return None
        raise
    except (KeyError, TypeError):
        raise rejected(ask, "an answer of an unknown shape") from None


async def make_issue(credentials: GitHubCredentials, *, title: str, body: str) -> Issue:
    """Open an issue; its number and url.

    Raises:
        VendorRejected: GitHub refused: 403, 404, 410 where issues are switched off, 422.
        VendorUnavailable: it may have happened; look for its marker before asking again.
    """
    ask = Ask("github", "create_issue", WRITE_LIMIT_SECONDS)
    async with credentials.get_client() as client:
        told = await send_json(
            client, ask, "POST", f"{repository_url(credentials)}/issues", json={"title": title, "body": body}
        )
    try:
        return _issue(told)
    except (KeyError, TypeError, ValueError):
        raise rejected(ask, "an answer of an unknown shape") from None


async def make_branch(credentials: GitHubCredentials, name: str, sha: str) -> None:
    """Make a branch at this commit; `sha` has all of its forty digits.

    Raises:
        VendorRejected: GitHub refused: 404, or 422 where the branch exists or the commit does not.
        VendorUnavailable: it may have happened; look for the branch before asking again.
    """
    ask = Ask("github", "create_branch", WRITE_LIMIT_SECONDS)
    body = {"ref": f"refs/heads/{name}", "sha": sha}
    async with credentials.get_client() as client:
        told = await send_json(client, ask, "POST", f"{repository_url(credentials)}/git/refs", json=body)
    if not isinstance(told, dict) or told.get("ref") != body["ref"]:
        raise rejected(ask, "an answer of an unknown shape")


create_issue = action_task("create_issue", "github", limit_seconds=WRITE_LIMIT_SECONDS + 5)(make_issue)
create_branch = action_task("create_branch", "github", limit_seconds=WRITE_LIMIT_SECONDS + 5)(make_branch)


def branch_url(credentials: GitHubCredentials, name: str) -> str:
    """Where a person finds the branch."""
    return f"https://github.com/{credentials.repository}/tree/{name}"


def repository_url(credentials: GitHubCredentials) -> str:
    return f"{credentials.base_url.rstrip('/')}/repos/{credentials.repository}"
