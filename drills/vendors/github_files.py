"""GitHub's contents and pull requests, as far as documents go: files on branches, and what offers a branch.

What it refuses, and in which words: https://docs.github.com/en/rest/repos/contents, .../pulls/pulls.
"""

import base64
import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

DEFAULT_BRANCH = "main"


class Files:
    """The files of one repository by branch and path, and its pull requests."""

    def __init__(self, repository: str, branches: dict[str, str]) -> None:
        self._repository = repository
        self._branches = branches
        self.files: dict[tuple[str, str], str] = {}
        self.pulls: list[dict[str, Any]] = []

    def has_branch(self, name: str) -> bool:
        return name == DEFAULT_BRANCH or name in self._branches

    async def read(self, request: Request) -> JSONResponse:
        key = (request.query_params.get("ref", DEFAULT_BRANCH), request.path_params["path"])
        return JSONResponse(told(key[1], self.files[key])) if key in self.files else refused(404, "Not Found")

    async def put(self, request: Request) -> JSONResponse:
        asked, path = await request.json(), request.path_params["path"]
        branch = asked.get("branch", DEFAULT_BRANCH)
        if not self.has_branch(branch):
            return refused(404, f"Branch {branch} not found")
        if not asked.get("message") or "content" not in asked:
            return refused(422, 'Invalid request.\n\n"message" or "content" wasn\'t supplied.')
        known = self.files.get((branch, path))
        if known is not None and "sha" not in asked:
            return refused(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
        if known is not None and asked["sha"] != sha_of(known):
            return refused(409, f"{path} does not match {asked['sha']}")
        text = base64.b64decode(asked["content"]).decode()
        self.files[branch, path] = text
        return JSONResponse(
            {"content": told(path, text), "commit": {"sha": sha_of(text)}}, 200 if known else 201
        )

    async def list_pulls(self, request: Request) -> JSONResponse:
        asked = request.query_params
        wanted = [
            pull
            for pull in self.pulls
            if asked.get("state", "open") in ("all", pull["state"])
            and asked.get("head", pull["head"]["label"]) == pull["head"]["label"]
        ]
        return JSONResponse(wanted[::-1])

    async def open_pull(self, request: Request) -> JSONResponse:
        asked = await request.json()
        head, base = str(asked.get("head", "")), str(asked.get("base", ""))
        label = f"{self._repository.partition('/')[0]}:{head}"
        if not self.has_branch(head) or not self.has_branch(base):
            return refused(422, "Validation Failed")
        if not any(branch == head for branch, _ in self.files):
            return refused(422, f"No commits between {base} and {head}")
        if any(pull["head"]["label"] == label and pull["state"] == "open" for pull in self.pulls):
            return refused(422, f"A pull request already exists for {label}.")
        number = len(self.pulls) + 1
        pull = {
            "number": number,
            "state": "open",
            "merged_at": None,
            "title": asked.get("title"),
            "body": asked.get("body"),
            "head": {"ref": head, "label": label},
            "base": {"ref": base},
            "html_url": f"https://github.com/{self._repository}/pull/{number}",
        }
        self.pulls.append(pull)
        return JSONResponse(pull, 201)


def told(path: str, text: str) -> dict[str, Any]:
    """The content comes in lines of sixty characters, as there."""
    content = base64.b64encode(text.encode()).decode()
    lines = "".join(f"{content[start : start + 60]}\n" for start in range(0, len(content), 60))
    return {"type": "file", "encoding": "base64", "path": path, "sha": sha_of(text), "content": lines}


def sha_of(text: str) -> str:
    """As git names a blob."""
    data = text.encode()
    return hashlib.sha1(b"blob %d\0%s" % (len(data), data), usedforsecurity=False).hexdigest()


def refused(status: int, message: str) -> JSONResponse:
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return JSONResponse(body, status)
