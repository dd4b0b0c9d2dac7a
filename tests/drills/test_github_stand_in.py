"""GitHub's stand-in, in this process: what it takes, and what it refuses in GitHub's own words."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from drills.vendors import github
from drills.vendors.config import GitHub
from drills.vendors.github import GitHubApi
from drills.vendors.releases import COMMITS

REPOSITORY = "/github/repos/shop/shop"
GOOD, BROKEN, ERRORS = (COMMITS[release][0] for release in ("2024.1", "2024.2-broken", "2024.3-errors"))


@pytest_asyncio.fixture
async def api() -> AsyncIterator[httpx.AsyncClient]:
    vendor = GitHubApi(GitHub(token="t", repository="shop/shop"))
    app = Starlette(routes=vendor.routes())
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://github", headers={"Authorization": "Bearer t"}
    ) as client:
        yield client


async def test_refuses_a_wrong_token_and_hides_other_repositories(api: httpx.AsyncClient) -> None:
    wrong = await api.get(f"{REPOSITORY}/issues", headers={"Authorization": "Bearer wrong"})
    other = await api.get("/github/repos/shop/secret/issues")

    assert (wrong.status_code, wrong.json()["message"]) == (401, "Bad credentials")
    assert (other.status_code, other.json()["message"]) == (404, "Not Found")


async def test_lists_a_new_issue_at_once_and_searches_it_later(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = datetime.now(UTC).isoformat()
    opened = await api.post(f"{REPOSITORY}/issues", json={"title": "INC-0001", "body": "marker-1"})
    assert (opened.status_code, opened.json()["number"]) == (201, 1)
    search = {"q": 'repo:shop/shop "marker-1"'}

    listed = await api.get(f"{REPOSITORY}/issues", params={"state": "all", "since": began})
    early = await api.get("/github/search/issues", params=search)
    monkeypatch.setattr(github, "SEARCH_TRAILS_BY", github.SEARCH_TRAILS_BY * -1)
    late = await api.get("/github/search/issues", params=search)

    assert [issue["body"] for issue in listed.json()] == ["marker-1"]
    assert (early.json()["total_count"], late.json()["total_count"]) == (0, 1)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"ref": "refs/heads/hotfix/a", "sha": GOOD}, 201, None),
        ({"ref": "refs/heads/main", "sha": GOOD}, 422, "Reference already exists"),
        ({"ref": "refs/heads/hotfix/a", "sha": GOOD[:7]}, 422, "Object does not exist"),
        ({"ref": "hotfix/a", "sha": GOOD}, 422, "Reference name must start with 'refs/'"),
    ],
)
async def test_makes_a_branch_once_and_only_at_a_commit(
    api: httpx.AsyncClient, body: dict[str, Any], status: int, message: str | None
) -> None:
    await api.post(f"{REPOSITORY}/git/refs", json={"ref": "refs/heads/main", "sha": GOOD})

    made = await api.post(f"{REPOSITORY}/git/refs", json=body)

    assert made.status_code == status
    assert message is None or made.json()["message"].startswith(message)
    found = await api.get(f"{REPOSITORY}/git/ref/heads/hotfix/a")
    assert found.status_code == (200 if status == 201 else 404)


async def test_refuses_an_issue_without_a_title(api: httpx.AsyncClient) -> None:
    refused = await api.post(f"{REPOSITORY}/issues", json={"body": "no title"})

    assert refused.status_code == 422
    assert refused.json()["errors"] == [{"resource": "Issue", "code": "missing_field", "field": "title"}]


async def test_compares_the_companys_releases(api: httpx.AsyncClient) -> None:
    ahead = (await api.get(f"{REPOSITORY}/compare/{GOOD}...{ERRORS}")).json()
    behind = (await api.get(f"{REPOSITORY}/compare/{BROKEN}...{GOOD}")).json()
    unknown = await api.get(f"{REPOSITORY}/compare/{GOOD}...feedbeef")

    assert (ahead["status"], ahead["ahead_by"], ahead["behind_by"]) == ("ahead", 2, 0)
    assert [commit["sha"] for commit in ahead["commits"]] == [BROKEN, ERRORS]
    assert "backend/migrations/0007_add_discount.sql" in [file["filename"] for file in ahead["files"]]
    assert (behind["status"], behind["behind_by"], behind["files"]) == ("behind", 1, [])
    assert unknown.status_code == 404


async def test_a_file_is_made_on_a_branch_and_changed_only_by_whoever_knows_it(
    api: httpx.AsyncClient,
) -> None:
    url = f"{REPOSITORY}/contents/docs/a.md"
    await api.post(f"{REPOSITORY}/git/refs", json={"ref": "refs/heads/x", "sha": GOOD})
    new = {"message": "m", "branch": "x", "content": "b25l"}
    assert (await api.put(url, json=new | {"branch": "nowhere"})).status_code == 404
    assert (await api.put(url, json=new)).status_code == 201
    assert (await api.put(url, json=new)).status_code == 422
    assert (await api.put(url, json=new | {"sha": "wrong"})).status_code == 409
    known = (await api.get(url, params={"ref": "x"})).json()
    assert known["content"] == "b25l\n"
    assert (await api.put(url, json=new | {"sha": known["sha"], "content": "dHdv"})).status_code == 200
    assert (await api.get(url)).status_code == 404


async def test_a_branch_is_offered_once_and_only_with_something_on_it(api: httpx.AsyncClient) -> None:
    await api.post(f"{REPOSITORY}/git/refs", json={"ref": "refs/heads/x", "sha": GOOD})
    pull = {"title": "t", "head": "x", "base": "main"}
    empty = await api.post(f"{REPOSITORY}/pulls", json=pull)
    assert (empty.status_code, empty.json()["message"]) == (422, "No commits between main and x")
    await api.put(f"{REPOSITORY}/contents/a.md", json={"message": "m", "branch": "x", "content": "b25l"})
    assert (await api.post(f"{REPOSITORY}/pulls", json=pull)).status_code == 201
    assert (await api.post(f"{REPOSITORY}/pulls", json=pull)).status_code == 422
    found = (await api.get(f"{REPOSITORY}/pulls", params={"head": "shop:x", "state": "all"})).json()
    assert [each["number"] for each in found] == [1]
    assert (await api.get(f"{REPOSITORY}/pulls", params={"head": "shop:y"})).json() == []


async def test_an_issue_is_closed_and_says_so(api: httpx.AsyncClient) -> None:
    await api.post(f"{REPOSITORY}/issues", json={"title": "t"})
    done = await api.patch(f"{REPOSITORY}/issues/1", json={"state": "closed", "state_reason": "completed"})
    assert (done.json()["state"], done.json()["state_reason"]) == ("closed", "completed")
    assert (await api.get(f"{REPOSITORY}/issues/1")).json()["state"] == "closed"
    assert (await api.get(f"{REPOSITORY}/issues/2")).status_code == 404
