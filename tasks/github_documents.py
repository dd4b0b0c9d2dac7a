"""GitHub as the place of the team's documents: a branch, its files, and the pull request that offers them.

Each step looks before it makes: a branch is known by its name, a file by its text, a pull request by its branch.

Source:
    https://docs.github.com/en/rest/repos/contents#create-or-update-file-contents
    https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request
"""

import base64
import binascii
from typing import Any, NamedTuple
from urllib.parse import quote

from blocks.github import GitHubCredentials
from tasks.github import NOT_FOUND, WRITE_LIMIT_SECONDS, find_branch, make_branch, repository_url
from tasks.vendor_http import Ask, read_json, rejected, send_json
from watchkeeper.errors import VendorRejected

UNKNOWN_SHAPE = "an answer of an unknown shape"


class File(NamedTuple):
    """A file in a repository; `sha` is what a change of it must name."""

    sha: str
    text: str


async def default_branch(credentials: GitHubCredentials) -> str:
    """What pull requests are merged into.

    Raises:
        VendorRejected, VendorUnavailable: as in `tasks.vendor_http`.
    """
    ask = Ask("github", "read_repository")
    async with credentials.get_client() as client:
        told = await read_json(client, ask, "GET", repository_url(credentials))
    if not isinstance(told, dict) or not isinstance(told.get("default_branch"), str):
        raise rejected(ask, UNKNOWN_SHAPE)
    return str(told["default_branch"])


async def read_file(credentials: GitHubCredentials, path: str, branch: str) -> File | None:
    """A file as it is on a branch; None where there is none."""
    ask = Ask("github", "read_file", largest_bytes=4_000_000)
    url = f"{repository_url(credentials)}/contents/{quote(path)}"
    try:
        async with credentials.get_client() as client:
            told = await read_json(client, ask, "GET", url, params={"ref": branch})
        return File(str(told["sha"]), base64.b64decode(told["content"]).decode())
    except VendorRejected as error:
        if error.status == NOT_FOUND:
            return None
        raise
    except (KeyError, TypeError, binascii.Error, UnicodeDecodeError):
        raise rejected(ask, UNKNOWN_SHAPE) from None


async def put_file(
    credentials: GitHubCredentials, path: str, text: str, *, branch: str, message: str
) -> None:
    """Have a file say this on a branch; one that does already stays as it is.

    Raises:
        VendorRejected: GitHub refused: 403, 404, 409 where somebody changed it meanwhile, 422.
        VendorUnavailable: it may have happened; this may be asked for again.
    """
    known = await read_file(credentials, path, branch)
    if known is not None and known.text == text:
        return
    ask = Ask("github", "put_file", WRITE_LIMIT_SECONDS)
    body = {"message": message, "content": base64.b64encode(text.encode()).decode(), "branch": branch}
    url = f"{repository_url(credentials)}/contents/{quote(path)}"
    async with credentials.get_client() as client:
        await send_json(client, ask, "PUT", url, json=body | ({"sha": known.sha} if known else {}))


async def find_pull(credentials: GitHubCredentials, branch: str) -> str | None:
    """The address of the pull request that offers this branch and is open or merged; None where there is none."""
    ask = Ask("github", "list_pull_requests")
    owner = credentials.repository.partition("/")[0]
    parameters = {"head": f"{owner}:{branch}", "state": "all"}
    async with credentials.get_client() as client:
        told = await read_json(client, ask, "GET", f"{repository_url(credentials)}/pulls", params=parameters)
    try:
        live = (each for each in told if each["state"] == "open" or each.get("merged_at"))
        return next((str(each["html_url"]) for each in live), None)
    except (KeyError, TypeError, AttributeError):
        raise rejected(ask, UNKNOWN_SHAPE) from None


async def open_pull(credentials: GitHubCredentials, *, branch: str, base: str, title: str, body: str) -> str:
    """Offer a branch for merging; the pull request's address.

    Raises:
        VendorRejected: GitHub refused: 403, 404, 422 where there is one already or nothing to merge.
        VendorUnavailable: it may have happened; look for it before asking again.
    """
    ask = Ask("github", "open_pull_request", WRITE_LIMIT_SECONDS)
    wanted = {"title": title, "body": body, "head": branch, "base": base}
    async with credentials.get_client() as client:
        told = await send_json(client, ask, "POST", f"{repository_url(credentials)}/pulls", json=wanted)
    if not isinstance(told, dict) or "html_url" not in told:
        raise rejected(ask, UNKNOWN_SHAPE)
    return str(told["html_url"])


async def offer_files(
    credentials: GitHubCredentials, files: dict[str, str], *, branch: str, title: str, body: str
) -> str:
    """A pull request with these files, by path; asked for again it is the same one.

    Returns:
        The pull request's address.

    Raises:
        VendorRejected, VendorUnavailable: what is there already stays, and is found the next time.
    """
    base = await default_branch(credentials)
    if await find_branch(credentials, branch) is None:
        start = await find_branch(credentials, base)
        if start is None:
            raise VendorRejected(vendor="github", action="read_branch", status=NOT_FOUND, reason=f"no {base}")
        await make_branch(credentials, branch, start)
    for path, text in files.items():
        await put_file(credentials, path, text, branch=branch, message=title)
    known = await find_pull(credentials, branch)
    return known or await open_pull(credentials, branch=branch, base=base, title=title, body=body)


class IssueSeen(NamedTuple):
    """An issue: `state` "open" or "closed", GitHub's `reason` "completed", "not_planned" or nothing, and its text."""

    state: str
    reason: str
    body: str


async def see_issue(credentials: GitHubCredentials, number: int) -> IssueSeen:
    """An issue as it is now.

    Raises:
        VendorRejected, VendorUnavailable: as in `tasks.vendor_http`.
    """
    ask = Ask("github", "read_issue")
    async with credentials.get_client() as client:
        told = await read_json(client, ask, "GET", f"{repository_url(credentials)}/issues/{number}")
    if not isinstance(told, dict) or told.get("state") not in ("open", "closed"):
        raise rejected(ask, UNKNOWN_SHAPE)
    return IssueSeen(told["state"], str(told.get("state_reason") or ""), str(told.get("body") or ""))


async def write_issue(credentials: GitHubCredentials, number: int, body: str) -> None:
    """Have an issue's text say this."""
    ask = Ask("github", "write_issue", WRITE_LIMIT_SECONDS)
    async with credentials.get_client() as client:
        url = f"{repository_url(credentials)}/issues/{number}"
        await send_json(client, ask, "PATCH", url, json={"body": body})


async def close_issue(credentials: GitHubCredentials, number: int, reason: str) -> None:
    """Close an issue; one that is closed stays so.

    Args:
        reason: "completed" or "not_planned".
    """
    ask = Ask("github", "close_issue", WRITE_LIMIT_SECONDS)
    body: dict[str, Any] = {"state": "closed", "state_reason": reason}
    async with credentials.get_client() as client:
        await send_json(client, ask, "PATCH", f"{repository_url(credentials)}/issues/{number}", json=body)
