"""Action items at GitHub: one issue each, closed there is closed here and the other way round, asked of GitHub itself."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
import pytest_asyncio
from pydantic import SecretStr
from starlette.applications import Starlette

from drills.moved.serving import serve
from drills.vendors import config
from drills.vendors.github import GitHubApi
from flows import action_items
from tests.flows.conftest import MovedBench
from watchkeeper.closing import close_by_hand
from watchkeeper.documents.action_items import Promise
from watchkeeper.incidents import read_incident
from watchkeeper.model import Incident
from watchkeeper.policy import Policy
from watchkeeper.reviews.items import close_item, move_item, read_items, save_promises
from watchkeeper.settings import GitHub

PROMISES = [
    Promise(1, "Alert on the <b>pool</b>, @everyone", "Ben", date(2026, 3, 9), "high"),
    Promise(2, "Halve the pool", "Ana", date(2026, 3, 9), "low"),
]


@pytest_asyncio.fixture
async def github(bench: MovedBench, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GitHubApi]:
    api = GitHubApi(config.GitHub(token="t", repository="shop/shop"))
    monkeypatch.setattr(action_items, "open_bench", bench.opened)
    # The stand-in's clock is the world's, and what is looked for began after the item did.
    bench.clock.now = datetime.now(UTC).replace(microsecond=0)
    async with serve(Starlette(routes=api.routes())) as served:
        bench.settings.github = GitHub(
            token=SecretStr("t"), repository="shop/shop", base_url=f"{served.url}/github"
        )
        yield api


@pytest_asyncio.fixture
async def promised(bench: MovedBench, policy: Policy, github: GitHubApi) -> Incident:
    incident = await bench.incident_under(policy)
    async with bench.store.transaction() as db:
        await close_by_hand(
            db, bench.desk(incident), incident, person="ana", reason="mended", now=bench.now()
        )
        await save_promises(db, bench.desk(incident), incident, PROMISES, now=bench.now())
    return await read_incident(bench.store, incident.id)


async def states(bench: MovedBench) -> list[tuple[int | None, str, str | None]]:
    return [(each.issue, each.state, each.closed_by) for each in await read_items(bench.store, 1)]


async def test_each_item_has_one_issue_however_often_it_is_looked_at(
    bench: MovedBench, github: GitHubApi, promised: Incident
) -> None:
    for _ in range(2):
        await action_items.action_items.fn()
    assert [issue["title"] for issue in github.issues] == [
        "INC-0001, action 1: Alert on the <b>pool</b>, @everyone",
        "INC-0001, action 2: Halve the pool",
    ]
    body = github.issues[0]["body"]
    assert "- Owner: Ben" in body and "- Due: 2026-03-09" in body
    assert "<b>" not in body and "@everyone" not in body
    assert await states(bench) == [(1, "open", None), (2, "open", None)]


async def test_a_run_that_died_after_making_an_issue_finds_it(
    bench: MovedBench, github: GitHubApi, promised: Incident
) -> None:
    await action_items.action_items.fn()
    async with bench.store._pool.connection() as connection:
        await connection.execute("UPDATE action_items SET issue = NULL, issue_lease = %s", [bench.now()])
    assert await action_items.action_items.fn() == []  # whoever holds the lease is making it
    bench.clock.advance(minutes=5)
    await action_items.action_items.fn()
    assert len(github.issues) == 2
    assert [issue for issue, *_ in await states(bench)] == [1, 2]


async def test_what_is_closed_there_is_closed_here(
    bench: MovedBench, github: GitHubApi, promised: Incident
) -> None:
    await action_items.action_items.fn()
    github.issues[0].update(state="closed", state_reason="completed")
    github.issues[1].update(state="closed", state_reason="not_planned")
    said = await action_items.action_items.fn()
    assert said == [
        "INC-0001, action 1: was closed there, done",
        "INC-0001, action 2: was closed there, dropped",
    ]
    assert await states(bench) == [(1, "done", "issue 1"), (2, "dropped", "issue 2")]
    assert await action_items.action_items.fn() == []


async def test_what_is_closed_here_is_closed_there(
    bench: MovedBench, github: GitHubApi, promised: Incident
) -> None:
    await action_items.action_items.fn()
    async with bench.store.transaction() as db:
        await close_item(db, promised, 2, person="Ana", state="dropped", now=bench.now())
    for _ in range(2):
        await action_items.action_items.fn()
    ended = [(issue["state"], issue["state_reason"]) for issue in github.issues]
    assert ended == [("open", None), ("closed", "not_planned")]


async def test_an_item_that_is_moved_or_more_urgent_is_so_in_its_issue_and_peoples_words_stay(
    bench: MovedBench, github: GitHubApi, promised: Incident
) -> None:
    await action_items.action_items.fn()
    github.issues[1]["body"] += "\n\nAsked the vendor.\n- Due: 2026-03-09\r\n"
    async with bench.store.transaction() as db:
        later = bench.now().date() + timedelta(days=20)
        desk = bench.desk(promised)
        await move_item(db, desk, promised, 2, later, person="Ana", reason="the vendor", now=bench.now())
    assert await action_items.action_items.fn() == [
        f"INC-0001, action 2: its issue 2 says {later}, priority low"
    ]
    assert await action_items.action_items.fn() == []
    body = github.issues[1]["body"]
    assert f"- Due: {later}\n" in body and "Asked the vendor.\n- Due: 2026-03-09" in body
    assert "- Due: 2026-03-09" in github.issues[0]["body"]
    async with bench.store.transaction() as db:
        await db.run("action_items/raise_priority", incident_id=promised.id, number=2)
    await action_items.action_items.fn()
    assert "- Priority: High" in github.issues[1]["body"]


async def test_a_github_that_refuses_is_said_and_asked_again_later(
    bench: MovedBench, github: GitHubApi, promised: Incident
) -> None:
    github.refuse(403)
    said = await action_items.action_items.fn()
    assert said == [f"INC-0001, action {n}: github answered 403 to create_issue" for n in (1, 2)]
    github.refuse(None)
    bench.clock.advance(minutes=6)
    await action_items.action_items.fn()
    assert [issue for issue, *_ in await states(bench)] == [1, 2]


async def test_without_github_nothing_is_mirrored(
    bench: MovedBench, github: GitHubApi, promised: Incident
) -> None:
    bench.settings.github = None
    assert await action_items.action_items.fn() == ["GitHub is not configured"]
    assert github.issues == []
