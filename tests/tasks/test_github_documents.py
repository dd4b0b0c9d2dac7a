"""GitHub as the place of documents: each step looks before it makes, and refusals are told from silence."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.github import GitHubCredentials
from tasks.github_documents import (
    close_issue,
    default_branch,
    find_pull,
    open_pull,
    put_file,
    read_file,
    see_issue,
    write_issue,
)
from tasks.vendor_http import READ_TRIES
from tests.tasks.conftest import SECRET, Answer, Manner, Wire, says
from watchkeeper.errors import VendorRejected, VendorUnavailable

PULL = {"state": "open", "merged_at": None, "html_url": "https://github.com/shop/shop/pull/1"}


def github(wire: Wire) -> GitHubCredentials:
    return GitHubCredentials(token=SecretStr(SECRET), repository="shop/shop", base_url=wire.url)


def content(text: str) -> dict[str, Any]:
    return {"sha": "abc", "content": base64.encodebytes(text.encode()).decode()}


async def test_a_file_that_says_so_already_is_not_written_again(wire: Wire) -> None:
    wire.answers(says(content("the same")))
    await put_file(github(wire), "docs/a b.md", "the same", branch="x", message="m")
    assert [(each.method, each.path) for each in wire.asked] == [
        ("GET", "/repos/shop/shop/contents/docs/a b.md")
    ]


async def test_a_file_that_says_otherwise_is_changed_by_its_sha(wire: Wire) -> None:
    wire.answers(says(content("old")), says({"content": {}}))
    await put_file(github(wire), "docs/a.md", "new", branch="x", message="m")
    told = wire.asked[1].json
    assert (wire.asked[1].method, told["sha"], told["branch"]) == ("PUT", "abc", "x")
    assert base64.b64decode(told["content"]) == b"new"


async def test_a_pull_request_that_was_closed_unmerged_offers_nothing(wire: Wire) -> None:
    closed = PULL | {"state": "closed"}
    wire.answers(
        says([closed]), says([closed, closed | {"merged_at": "2026-03-02T03:00:00Z", "html_url": "merged"}])
    )
    assert await find_pull(github(wire), "x") is None
    assert await find_pull(github(wire), "x") == "merged"
    assert wire.asked[0].query["head"] == ["shop:x"]


async def test_an_issue_is_closed_with_its_reason(wire: Wire) -> None:
    wire.answers(says({"state": "closed", "state_reason": "not_planned"}), says({"state": "closed"}))
    assert await see_issue(github(wire), 7) == ("closed", "not_planned", "")
    await close_issue(github(wire), 7, "completed")
    assert wire.asked[1].json == {"state": "closed", "state_reason": "completed"}


READS: dict[str, Callable[[GitHubCredentials], Awaitable[Any]]] = {
    "default branch": default_branch,
    "read file": lambda github: read_file(github, "a.md", "main"),
    "find pull": lambda github: find_pull(github, "x"),
    "issue state": lambda github: see_issue(github, 7),
}
WRITES: dict[str, Callable[[GitHubCredentials], Awaitable[Any]]] = {
    "open pull": lambda github: open_pull(github, branch="x", base="main", title="t", body="b"),
    "issue text": lambda github: write_issue(github, 7, "moved"),
    "close issue": lambda github: close_issue(github, 7, "completed"),
}
ECHO = f'{{"message": "bad token {SECRET}"}}'.encode()


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("answer", [Answer(429, ECHO), Answer(503, ECHO), Answer(manner=Manner.CUT)])
@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_reads_are_asked_again_and_writes_never(wire: Wire, name: str, answer: Answer) -> None:
    wire.answers(answer)
    with pytest.raises(VendorUnavailable) as caught:
        await (READS | WRITES)[name](github(wire))
    assert len(wire.asked) == (READ_TRIES if name in READS else 1)
    assert SECRET not in f"{caught.value} {vars(caught.value)}"


@pytest.mark.parametrize("status", [401, 403, 409, 422])
@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_a_refusal_is_taken_for_one(wire: Wire, name: str, status: int) -> None:
    wire.answers(Answer(status, ECHO))
    with pytest.raises(VendorRejected) as caught:
        await (READS | WRITES)[name](github(wire))
    assert (caught.value.status, len(wire.asked)) == (status, 1)
    assert SECRET not in f"{caught.value} {vars(caught.value)}"


@pytest.mark.parametrize("odd", [7, [7], {"content": 1, "sha": 2}, "ok"])
@pytest.mark.parametrize("name", [*READS, "open pull"])
async def test_json_of_another_shape_is_rejected(wire: Wire, name: str, odd: Any) -> None:
    wire.answers(says(odd))
    with pytest.raises(VendorRejected):
        await (READS | WRITES)[name](github(wire))
