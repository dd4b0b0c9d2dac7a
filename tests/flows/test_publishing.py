"""Publishing: into the team's folder or as a pull request, once, and refused in words that say what to mend."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from starlette.applications import Starlette

from drills.moved.serving import serve
from drills.vendors import config
from drills.vendors.github import GitHubApi
from flows import publishing
from flows.shelf import shelf_of
from tests.flows.conftest import MovedBench
from tests.watchkeeper.documents.night import reading
from watchkeeper.closing import close_by_hand
from watchkeeper.deadlines import read_deadlines
from watchkeeper.errors import BadInput, WatchkeeperError
from watchkeeper.findings import save_reading
from watchkeeper.incidents import read_incident
from watchkeeper.model import Channel, DeadlineKind, DeadlineState, Incident, Status
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.policy import Policy
from watchkeeper.reviews.drafting import write_draft
from watchkeeper.reviews.items import read_items
from watchkeeper.reviews.publishing import FolderShelf, Shelf, document_to_publish, publish
from watchkeeper.settings import GitHub

ITEM = "1. **Alert on the pool** - Assigned: Ben - Due: 2026-03-09 - Priority: High"
NAME = "2026-03-02-database-is-down"
TOKEN = "a-token-that-nobody-may-read"


@dataclass
class Desk:
    """A resolved incident with its draft, as its author works on it."""

    bench: MovedBench
    incident: Incident
    draft: Path
    team: Path

    def write(self, text: str) -> None:
        self.draft.write_text(text)

    def read(self) -> str:
        return self.draft.read_text()

    def fill(self) -> None:
        """As an author would: everything said, one thing promised."""
        text = re.sub(r"\[TO FILL: [^\]]*\]", "said", self.read())
        self.write(re.sub(r"1\. \*\*said\*\*.*", ITEM, text))

    async def publish(self, shelf: Shelf | None = None) -> str:
        bench, incident = self.bench, self.incident
        text = await document_to_publish(bench.store, incident, None)
        shelf = shelf or FolderShelf(self.team)
        return await publish(
            bench.store, bench.desk(incident), shelf, incident, text, person="Ana", now=bench.now()
        )

    async def review_is(self, state: DeadlineState) -> bool:
        deadlines = await read_deadlines(self.bench.store, self.incident.id)
        return [d.state for d in deadlines if d.kind is DeadlineKind.REVIEW] == [state]

    def published(self) -> list[str]:
        return sorted(each.name for each in (self.team / "post-mortems").iterdir())


@pytest_asyncio.fixture
async def desk(bench: MovedBench, policy: Policy, tmp_path: Path) -> Desk:
    incident = await bench.incident_under(policy)
    async with bench.store.transaction() as db:
        await close_by_hand(
            db, bench.desk(incident), incident, person="ana", reason="mended", now=bench.now()
        )
    incident = await read_incident(bench.store, incident.id)
    review = await write_draft(bench.store, incident, tmp_path / "drafts", now=bench.now())
    assert review is not None
    return Desk(bench, incident, Path(review["draft_path"]), tmp_path / "team")


async def test_what_is_filled_is_written_to_the_teams_folder_told_and_settled(desk: Desk) -> None:
    desk.fill()
    where = await desk.publish()
    assert where == str(desk.team / "post-mortems" / f"{NAME}.md")
    assert desk.published() == [f"{NAME}.md"]
    assert (desk.team / "post-mortems" / f"{NAME}.md").read_text() == desk.read()
    assert await desk.review_is(DeadlineState.MET)
    assert (await read_incident(desk.bench.store, 1)).status is Status.REVIEWED
    told = [n for n in await read_notifications(desk.bench.store, 1) if "is published" in n.message.subject]
    assert [(n.channel, n.recipient) for n in told] == [(Channel.SLACK, "#incidents")]
    assert "- Alert on the pool (Ben, 2026-03-09, high)" in told[0].message.text
    assert [(i.owner, i.priority) for i in await read_items(desk.bench.store, 1)] == [("Ben", "high")]
    with pytest.raises(BadInput, match="is published already"):
        await desk.publish()


async def test_a_draft_with_marks_left_is_refused_and_says_which_and_where(desk: Desk) -> None:
    with pytest.raises(BadInput) as refused:
        await desk.publish()
    said = str(refused.value)
    assert said.startswith("the post-mortem of INC-0001 is not ready:")
    assert re.search(r"line \d+: \[TO FILL: why this could happen\] \(Root Cause\)", said)
    assert await desk.review_is(DeadlineState.PENDING)
    assert not desk.team.exists()


async def test_a_hand_edited_draft_that_lost_its_headings_is_refused_and_kept(desk: Desk) -> None:
    desk.fill()
    mine = desk.read().replace("## Root Cause", "Root Cause").replace("## Impact\n", "")
    desk.write(mine)
    with pytest.raises(BadInput, match=r'"## Root Cause" is missing[^"]*"## Impact" is missing'):
        await desk.publish()
    assert desk.read() == mine
    assert await desk.review_is(DeadlineState.PENDING)


async def test_an_action_item_without_an_owner_is_refused_and_promises_nothing(desk: Desk) -> None:
    desk.fill()
    desk.write(desk.read().replace("Assigned: Ben - ", "") + "\n")
    with pytest.raises(BadInput, match=r"line \d+: action item 1 has no owner"):
        await desk.publish()
    assert await read_items(desk.bench.store, 1) == []


async def test_a_folder_that_cannot_be_written_loses_nothing_and_the_deadline_goes_on(desk: Desk) -> None:
    desk.fill()
    mine = desk.read()
    desk.team.write_text("a file, not a folder")
    with pytest.raises(WatchkeeperError, match=r"is not published: .*team.*the deadline stands"):
        await desk.publish()
    assert desk.read() == mine
    assert await desk.review_is(DeadlineState.PENDING)
    desk.team.unlink()
    assert (await desk.publish()).endswith(f"{NAME}.md")


async def test_our_pictures_go_with_the_document_whatever_it_is_called_and_nowhere_else(desk: Desk) -> None:
    for minutes in (1, 2):
        await save_reading(desk.bench.store, 1, reading(minutes, 33))
    desk.fill()
    shown = "![a](mine-database-connections.svg) ![b](../../out-database-connections.svg) ![c](own-shot.png)"
    desk.write(desk.read().replace("## Impact", f"{shown}\n\n## Impact"))
    await desk.publish()
    assert desk.published() == [f"{NAME}.md", "mine-database-connections.svg"]
    assert "<svg" in (desk.team / "post-mortems" / "mine-database-connections.svg").read_text()


async def test_another_documents_name_is_not_taken(desk: Desk) -> None:
    desk.fill()
    other = desk.team / "post-mortems" / f"{NAME}.md"
    other.parent.mkdir(parents=True)
    other.write_text("somebody's")
    assert (await desk.publish()).endswith(f"{NAME}-inc-0001.md")
    assert other.read_text() == "somebody's"


async def test_a_process_that_died_before_saying_so_publishes_over_its_own_file_only(desk: Desk) -> None:
    desk.fill()
    await desk.bench.store.one("reviews/claim_name", incident_id=1, name=f"{NAME}.md")
    await FolderShelf(desk.team).put(f"{NAME}.md", {f"{NAME}.md": "half of it"}, desk.incident)
    await desk.publish()
    assert desk.published() == [f"{NAME}.md"]
    assert (desk.team / "post-mortems" / f"{NAME}.md").read_text() == desk.read()


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read"), (b"\xff\xfe", "not text in UTF-8"), (b"x" * 1_000_001, "larger than 1 MB")],
)
async def test_a_file_that_is_no_document_says_so(desk: Desk, content: bytes | None, problem: str) -> None:
    desk.draft.unlink()
    if content is not None:
        desk.draft.write_bytes(content)
    with pytest.raises(BadInput, match=problem):
        await desk.publish()


async def test_nobody_publishes_without_a_name(desk: Desk) -> None:
    bench = desk.bench
    with pytest.raises(BadInput, match="say who publishes it"):
        await publish(
            bench.store,
            bench.desk(desk.incident),
            FolderShelf(desk.team),
            desk.incident,
            "x",
            person=" ",
            now=bench.now(),
        )


@pytest_asyncio.fixture
async def github(desk: Desk) -> AsyncIterator[GitHubApi]:
    """GitHub is configured; its stand-in answers over HTTP."""
    api = GitHubApi(config.GitHub(token=TOKEN, repository="shop/shop"))
    async with serve(Starlette(routes=api.routes())) as served:
        desk.bench.settings.github = GitHub(
            token=SecretStr(TOKEN), repository="shop/shop", base_url=f"{served.url}/github"
        )
        yield api


async def test_with_github_it_is_a_pull_request_with_the_document_on_a_branch(
    desk: Desk, github: GitHubApi
) -> None:
    desk.fill()
    where = await desk.publish(shelf_of(desk.bench.settings))
    assert where == "https://github.com/shop/shop/pull/1"
    branch = f"post-mortem/{NAME}"
    assert github.documents.files == {(branch, f"docs/post-mortems/{NAME}.md"): desk.read()}
    (pull,) = github.documents.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"]) == (branch, "main")
    assert pull["title"] == "Post-mortem of INC-0001 P0: Database is down"
    assert await desk.review_is(DeadlineState.MET)


@pytest.mark.parametrize("steps_done", [1, 2, 3])
async def test_a_publisher_that_died_in_between_goes_on_from_what_is_there(
    desk: Desk, github: GitHubApi, steps_done: int
) -> None:
    desk.fill()
    shelf = shelf_of(desk.bench.settings)
    branch, path = f"post-mortem/{NAME}", f"docs/post-mortems/{NAME}.md"
    await shelf.put(f"{NAME}.md", {f"{NAME}.md": "an earlier wording"}, desk.incident)
    if steps_done < 3:
        github.documents.pulls.clear()
    if steps_done < 2:
        github.documents.files.clear()
    await desk.publish(shelf)
    assert github.documents.files == {(branch, path): desk.read()}
    assert (list(github.branches), len(github.documents.pulls)) == ([branch], 1)


async def test_a_github_that_refuses_loses_nothing_and_says_so_without_the_token(
    desk: Desk, github: GitHubApi
) -> None:
    desk.fill()
    github.refuse(403, "Resource not accessible by personal access token")
    with pytest.raises(WatchkeeperError) as refused:
        await desk.publish(shelf_of(desk.bench.settings))
    assert "is not published: github answered 403 to create_branch" in str(refused.value)
    assert TOKEN not in str(refused.value)
    assert await desk.review_is(DeadlineState.PENDING)
    github.refuse(None)
    assert await desk.publish(shelf_of(desk.bench.settings)) == "https://github.com/shop/shop/pull/1"


async def test_a_document_of_that_name_on_the_main_branch_is_another_ones(
    desk: Desk, github: GitHubApi
) -> None:
    desk.fill()
    github.documents.files["main", f"docs/post-mortems/{NAME}.md"] = "somebody's"
    await desk.publish(shelf_of(desk.bench.settings))
    assert f"post-mortem/{NAME}-inc-0001" in github.branches


async def test_the_form_in_the_ui_publishes_what_was_pasted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.fill()
    pasted = desk.read().replace("## Root Cause\n", "## Root Cause\n\nIt was human error.\n")
    desk.draft.unlink()
    monkeypatch.setattr(publishing, "open_bench", desk.bench.opened)
    desk.bench.settings.documents_folder = desk.team
    said = await publishing.publish_post_mortem.fn("inc-0001", "Ana", pasted)
    where, advice = said.split("\n")
    assert re.match(r'line \d+: "human error" blames: say what made', advice)
    assert (where, desk.published()) == (str(desk.team / "post-mortems" / f"{NAME}.md"), [f"{NAME}.md"])
