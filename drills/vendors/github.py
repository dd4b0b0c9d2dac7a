"""GitHub's REST API, as far as issues, branches and comparisons go.

What it refuses, and in which words: https://docs.github.com/en/rest. Its search trails its writes.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drills.vendors.config import GitHub
from drills.vendors.github_files import DEFAULT_BRANCH, Files
from drills.vendors.releases import COMMITS, SITE_COMMITS, commit_of
from drills.vendors.vendor import Handler, Vendor

# How long a new issue is in no search: eventually consistent, as there.
SEARCH_TRAILS_BY = timedelta(seconds=3)
QUOTED = re.compile(r'"([^"]+)"')

# What each release's commit touched.
FILES: dict[str, list[str]] = {
    "2024.2-broken": ["backend/checkout.py"],
    "2024.3-errors": ["backend/orders.py", "backend/migrations/0007_add_discount.sql"],
}


class GitHubApi(Vendor):
    """One repository: its commits in their order, branches, and issues."""

    def __init__(self, config: GitHub) -> None:
        self._config = config
        self.issues: list[dict[str, Any]] = []
        self.branches: dict[str, str] = {}
        self._issues_enabled = True
        self.documents = Files(config.repository, self.branches)
        self._refusal: tuple[int, str] | None = None

    def routes(self) -> list[Route]:
        repository = f"/github/repos/{self._config.repository}"
        return [
            Route(f"{repository}/issues", self._authorised(self.create_issue), methods=["POST"]),
            Route(f"{repository}/issues", self._authorised(self.list_issues)),
            Route(f"{repository}/issues/{{number:int}}", self._authorised(self.read_issue)),
            Route(
                f"{repository}/issues/{{number:int}}", self._authorised(self.edit_issue), methods=["PATCH"]
            ),
            Route(repository, self._authorised(self.read_repository)),
            Route(f"{repository}/contents/{{path:path}}", self._authorised(self.documents.read)),
            Route(
                f"{repository}/contents/{{path:path}}", self._authorised(self.documents.put), methods=["PUT"]
            ),
            Route(f"{repository}/pulls", self._authorised(self.documents.list_pulls)),
            Route(f"{repository}/pulls", self._authorised(self.documents.open_pull), methods=["POST"]),
            Route(f"{repository}/git/refs", self._authorised(self.create_ref), methods=["POST"]),
            Route(f"{repository}/git/ref/heads/{{name:path}}", self._authorised(self.read_branch)),
            Route(f"{repository}/compare/{{range}}", self._authorised(self.compare)),
            Route("/github/search/issues", self._authorised(self.search)),
            # A repository that the token may not see is not found, as there.
            Route("/github/{path:path}", self._authorised(nowhere), methods=["GET", "POST"]),
        ]

    def controls(self) -> dict[str, Handler]:
        return {"issues": self.enable_issues, "refuse": self.refuse_writes}

    def state(self) -> dict[str, Any]:
        issues = [{key: issue[key] for key in ("number", "title", "body")} for issue in self.issues]
        return {"issues": issues, "branches": self.branches}

    def reset(self) -> None:
        self._issues_enabled = True
        self._refusal = None

    async def refuse_writes(self, request: Request) -> JSONResponse:
        """Answer every write with this status and message from now on; without a status, no more."""
        asked = await request.json()
        self.refuse(
            asked.get("status"), asked.get("message", "Resource not accessible by personal access token")
        )
        return JSONResponse({})

    def refuse(self, status: int | None, message: str = "Forbidden") -> None:
        self._refusal = (status, message) if status else None

    async def enable_issues(self, request: Request) -> JSONResponse:
        self._issues_enabled = bool((await request.json())["enabled"])
        return JSONResponse({})

    def _authorised(self, handler: Handler) -> Handler:
        async def checked(request: Request) -> JSONResponse:
            if request.headers.get("Authorization") != f"Bearer {self._config.token}":
                return refused(401, "Bad credentials")
            if self._refusal and request.method not in ("GET", "HEAD"):
                return refused(*self._refusal)
            return await handler(request)

        return checked

    async def create_issue(self, request: Request) -> JSONResponse:
        if not self._issues_enabled:
            return refused(410, "Issues has been disabled in this repository.")
        asked = await request.json()
        if not isinstance(asked.get("title"), str) or not asked["title"]:
            return invalid("Issue", "missing_field", "title")
        number = len(self.issues) + 1
        at = datetime.now(UTC)
        issue = {
            "number": number,
            "title": asked["title"],
            "body": asked.get("body"),
            "state": "open",
            "state_reason": None,
            # Labels need push access; without it they are dropped without a word.
            "labels": [],
            "html_url": f"https://github.com/{self._config.repository}/issues/{number}",
            "created_at": at.isoformat(timespec="seconds"),
            "updated_at": at.isoformat(timespec="seconds"),
        }
        self.issues.append(issue)
        return JSONResponse(issue, 201)

    async def list_issues(self, request: Request) -> JSONResponse:
        """Newest first, unless asked otherwise; what was just created is in it."""
        if not self._issues_enabled:
            return refused(410, "Issues has been disabled in this repository.")
        asked = request.query_params
        wanted = [issue for issue in self.issues if asked.get("state", "open") in ("all", issue["state"])]
        if since := asked.get("since"):
            wanted = [i for i in wanted if moment(i["updated_at"]) >= moment(since).replace(microsecond=0)]
        wanted.sort(key=lambda issue: issue["number"], reverse=asked.get("direction", "desc") == "desc")
        return JSONResponse(wanted[: int(asked.get("per_page", "30"))])

    async def read_issue(self, request: Request) -> JSONResponse:
        issue = self._issue(request)
        return JSONResponse(issue) if issue else refused(404, "Not Found")

    async def edit_issue(self, request: Request) -> JSONResponse:
        issue, asked = self._issue(request), await request.json()
        if issue is None:
            return refused(404, "Not Found")
        known = {key: asked[key] for key in ("title", "body", "state", "state_reason") if key in asked}
        issue.update(known, updated_at=datetime.now(UTC).isoformat(timespec="seconds"))
        return JSONResponse(issue)

    def _issue(self, request: Request) -> dict[str, Any] | None:
        number = request.path_params["number"]
        return next((issue for issue in self.issues if issue["number"] == number), None)

    async def read_repository(self, request: Request) -> JSONResponse:
        return JSONResponse({"full_name": self._config.repository, "default_branch": DEFAULT_BRANCH})

    async def search(self, request: Request) -> JSONResponse:
        """Issues whose title or body hold every quoted phrase, once the index knows them."""
        phrases = QUOTED.findall(request.query_params.get("q", ""))
        if not phrases:
            return invalid("Search", "missing", "q")
        indexed = [i for i in self.issues if datetime.now(UTC) - moment(i["created_at"]) > SEARCH_TRAILS_BY]
        found = [i for i in indexed if all(p in f"{i['title']} {i['body']}" for p in phrases)]
        return JSONResponse({"total_count": len(found), "incomplete_results": False, "items": found})

    async def create_ref(self, request: Request) -> JSONResponse:
        asked = await request.json()
        ref, sha = str(asked.get("ref", "")), str(asked.get("sha", ""))
        if not ref.startswith("refs/heads/"):
            return refused(422, "Reference name must start with 'refs/' and contain at least two slashes.")
        name = ref.removeprefix("refs/heads/")
        if name in self.branches:
            return refused(422, "Reference already exists")
        if sha not in commits():
            return refused(422, "Object does not exist")
        self.branches[name] = sha
        return JSONResponse(self._ref(name), 201)

    async def read_branch(self, request: Request) -> JSONResponse:
        name = request.path_params["name"]
        return JSONResponse(self._ref(name)) if self.documents.has_branch(name) else refused(404, "Not Found")

    def _ref(self, name: str) -> dict[str, Any]:
        newest = next(reversed(commits()))
        sha = self.branches.get(name, newest)
        return {"ref": f"refs/heads/{name}", "object": {"type": "commit", "sha": sha}}

    async def compare(self, request: Request) -> JSONResponse:
        """What `head` has that `base` has not. The releases' commits stand in one line, in their order."""
        base, dots, head = request.path_params["range"].partition("...")
        known = commits()
        if not dots or base not in known or head not in known:
            return refused(404, "Not Found")
        line = list(known)
        start, end = line.index(base), line.index(head)
        ahead, behind = line[start + 1 : end + 1], line[end + 1 : start + 1]
        files = {name for sha in ahead for name in FILES.get(known[sha], ["backend/app.py"])}
        return JSONResponse(
            {
                "status": "ahead" if ahead else "behind" if behind else "identical",
                "ahead_by": len(ahead),
                "behind_by": len(behind),
                "total_commits": len(ahead),
                "commits": [commit_told(sha, known[sha]) for sha in ahead],
                "files": [{"filename": name, "status": "modified", "changes": 3} for name in sorted(files)],
            }
        )


def commits() -> dict[str, str]:
    """Each commit's release, oldest first; the website's after the backend's."""
    return {sha: release for release, (sha, _) in (COMMITS | SITE_COMMITS).items()}


def commit_told(sha: str, release: str) -> dict[str, Any]:
    author = {"name": "Dev", "email": "dev@example.com", "date": "2026-11-20T10:00:00Z"}
    return {"sha": sha, "commit": {"message": commit_of(release)[1], "author": author}, "parents": []}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def refused(status: int, message: str, errors: list[dict[str, str]] | None = None) -> JSONResponse:
    told: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return JSONResponse(told | ({"errors": errors} if errors else {}) | {"status": str(status)}, status)


def invalid(resource: str, code: str, name: str) -> JSONResponse:
    return refused(422, "Validation Failed", [{"resource": resource, "code": code, "field": name}])


async def nowhere(request: Request) -> JSONResponse:
    return refused(404, "Not Found")
