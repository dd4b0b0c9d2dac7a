"""GitHub: comparing commits, an incident's issue, and the branch to mend it on."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.github import GitHubCredentials
from tasks.github import (
    branch_url,
    compare_commits,
    create_branch,
    create_issue,
    find_branch,
    find_issue,
    migrations_among,
)
from tasks.vendor_http import READ_TRIES
from tests.tasks.conftest import SECRET, Answer, Manner, Wire, says
from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable

SINCE = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
MARKER = "watchkeeper:INC-0007"
ISSUE = {"number": 12, "html_url": "https://github.com/shop/shop/issues/12", "body": f"x\n<!-- {MARKER} -->"}


def github(wire: Wire) -> GitHubCredentials:
    return GitHubCredentials(token=SecretStr(SECRET), repository="shop/shop", base_url=f"{wire.url}/")


def commit(sha: str, message: str) -> dict[str, Any]:
    return {"sha": sha, "commit": {"message": message, "author": {"name": "Dev"}}}


async def test_tells_what_lies_between_two_commits_newest_first(wire: Wire) -> None:
    files = [{"filename": "backend/app.py"}, {"filename": "backend/migrations/0007_add.sql"}]
    told = {"ahead_by": 2, "behind_by": 0, "files": files}
    wire.answers(says(told | {"commits": [commit("a", "Add\n\nlong story"), commit("b", "Mend")]}))

    between = await compare_commits(github(wire), "base", "head")

    assert wire.asked[0].path == "/repos/shop/shop/compare/base...head"
    assert wire.asked[0].headers["authorization"] == f"Bearer {SECRET}"
    assert between == {
        "ahead_by": 2,
        "behind_by": 0,
        "commits": [
            {"sha": "b", "message": "Mend", "author": "Dev"},
            {"sha": "a", "message": "Add", "author": "Dev"},
        ],
        "files": ["backend/app.py", "backend/migrations/0007_add.sql"],
        "migrations": ["backend/migrations/0007_add.sql"],
    }


@pytest.mark.parametrize(
    ("file", "migrates"),
    [
        ("db/migrate/20240101_add.rb", True),
        ("migrations/0001.sql", True),
        ("src/prisma/migrations/1/migration.sql", True),
        ("docs/migrations.md", False),
        ("backend/migrate", False),
        ("backend/immigration/form.py", False),
    ],
)
def test_knows_a_migration_by_its_folder(file: str, migrates: bool) -> None:
    assert migrations_among([file]) == ([file] if migrates else [])


async def test_finds_the_issue_that_holds_the_marker_among_the_newest(wire: Wire) -> None:
    other = {"number": 13, "html_url": "https://github.com/shop/shop/issues/13", "body": None}
    wire.answers(says([other, ISSUE]))

    found = await find_issue(github(wire), MARKER, since=SINCE)

    assert found == {"number": 12, "url": ISSUE["html_url"]}
    assert wire.asked[0].path == "/repos/shop/shop/issues"
    assert wire.asked[0].query["state"] == ["all"]
    assert wire.asked[0].query["since"] == ["2026-03-02T03:00:00+00:00"]


async def test_finds_no_issue_where_none_holds_the_marker(wire: Wire) -> None:
    wire.answers(says([{"number": 1, "html_url": "x", "body": "INC-0007"}]))

    assert await find_issue(github(wire), MARKER, since=SINCE) is None


@pytest.mark.parametrize(
    ("marker", "body", "found"),
    [
        (f"{MARKER}:action-1", f"Do it\n\n<!-- {MARKER}:action-10 -->", False),
        (f"{MARKER}:action-1", f"Do it\n\n<!-- {MARKER}:action-1 -->\n", True),
        (f"{MARKER}:action-1", f"<!--{MARKER}:action-1--> a person tidied it up", True),
        (MARKER, f"<!-- {MARKER}:action-1 -->", False),
        (MARKER, f"<!-- {MARKER} -->\nfacts", True),
    ],
)
async def test_an_issue_is_known_by_its_whole_marker(wire: Wire, marker: str, body: str, found: bool) -> None:
    wire.answers(says([ISSUE | {"body": body}]))

    assert (await find_issue(github(wire), marker, since=SINCE) is not None) is found


async def test_opens_an_issue_with_what_it_is_given(wire: Wire) -> None:
    wire.answers(says(ISSUE, 201))

    opened = await create_issue.fn(github(wire), title="INC-0007", body="facts")

    assert opened == {"number": 12, "url": ISSUE["html_url"]}
    assert (wire.asked[0].method, wire.asked[0].path) == ("POST", "/repos/shop/shop/issues")
    assert wire.asked[0].json == {"title": "INC-0007", "body": "facts"}


async def test_makes_a_branch_at_a_commit(wire: Wire) -> None:
    wire.answers(says({"ref": "refs/heads/hotfix/inc-0007", "object": {"sha": "abc"}}, 201))

    await create_branch.fn(github(wire), "hotfix/inc-0007", "abc")

    assert (wire.asked[0].method, wire.asked[0].path) == ("POST", "/repos/shop/shop/git/refs")
    assert wire.asked[0].json == {"ref": "refs/heads/hotfix/inc-0007", "sha": "abc"}
    assert branch_url(github(wire), "hotfix/inc-0007").endswith("/shop/shop/tree/hotfix/inc-0007")


async def test_finds_a_branch_and_says_none_where_there_is_none(wire: Wire) -> None:
    wire.answers(says({"object": {"sha": "abc"}}), says({"message": "Not Found"}, 404))

    assert await find_branch(github(wire), "hotfix/x") == "abc"
    assert await find_branch(github(wire), "hotfix/x") is None
    assert wire.asked[0].path == "/repos/shop/shop/git/ref/heads/hotfix/x"


READS: dict[str, Callable[[GitHubCredentials], Awaitable[Any]]] = {
    "compare": lambda github: compare_commits(github, "a", "b"),
    "find issue": lambda github: find_issue(github, MARKER, since=SINCE),
    "find branch": lambda github: find_branch(github, "hotfix/x"),
}
WRITES: dict[str, Callable[[GitHubCredentials], Awaitable[Any]]] = {
    "create issue": lambda github: create_issue.fn(github, title="t", body="b"),
    "create branch": lambda github: create_branch.fn(github, "hotfix/x", "abc"),
}
ECHO = f'{{"message": "bad token {SECRET}"}}'.encode()


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("answer", [Answer(429, ECHO), Answer(503, ECHO), Answer(manner=Manner.CUT)])
@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_asks_again_for_what_it_reads_and_never_for_what_it_writes(
    wire: Wire, name: str, answer: Answer
) -> None:
    wire.answers(answer)

    with pytest.raises(VendorUnavailable) as caught:
        await (READS | WRITES)[name](github(wire))

    assert len(wire.asked) == (READ_TRIES if name in READS else 1)
    assert_keeps_the_secret(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 409, 410, 422])
@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_takes_a_refusal_for_one(wire: Wire, name: str, status: int) -> None:
    wire.answers(Answer(status, ECHO))

    with pytest.raises(VendorRejected) as caught:
        await (READS | WRITES)[name](github(wire))

    assert (caught.value.status, len(wire.asked)) == (status, 1)
    assert_keeps_the_secret(caught.value)


@pytest.mark.parametrize("odd", [None, 7, [7], {}, {"commits": 3, "files": [1]}, {"object": 1}, "ok"])
@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_rejects_json_of_another_shape(wire: Wire, name: str, odd: Any) -> None:
    wire.answers(says(odd))

    if (name, odd) == ("find issue", {}):
        assert await READS[name](github(wire)) is None  # nothing is in it, whatever it is
        return
    with pytest.raises(VendorRejected):
        await (READS | WRITES)[name](github(wire))


def assert_keeps_the_secret(error: VendorError) -> None:
    assert SECRET not in f"{error} {error!r} {vars(error)}"
