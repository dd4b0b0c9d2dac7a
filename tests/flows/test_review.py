"""The review's run drafts the post-mortem once, shows it in the UI, and offers what its runbook does not say."""

import asyncio
from pathlib import Path

import pytest

from flows import review
from tests.flows.conftest import MovedBench
from tests.watchkeeper.documents.night import reading
from watchkeeper.closing import close_by_hand
from watchkeeper.commands.reviews import draft_review
from watchkeeper.findings import save_reading
from watchkeeper.incidents import set_cause
from watchkeeper.model import Incident, Plan, RemediationState
from watchkeeper.policy import Policy
from watchkeeper.remediations import claim, finish


async def test_the_run_drafts_shows_and_offers_and_does_so_once_as_the_command_line_does(
    bench: MovedBench,
    policy: Policy,
    incident: Incident,
    tmp_path: Path,
    store_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[tuple[str, str]] = []

    async def publish(incident: Incident, name: str, markdown: str, description: str) -> None:
        shown.append((name, markdown))

    monkeypatch.setattr(review, "publish", publish)
    monkeypatch.setattr(review, "open_bench", bench.opened)
    bench.settings.home = tmp_path
    plan = Plan(
        action="raise_resources",
        target="database",
        cause="connection_leak",
        summary="Raise memory",
        preview=["x"],
    )
    planned = await bench.planned(incident, plan)
    await save_reading(bench.store, incident.id, reading(1, 33, observed_at=bench.now()))
    async with bench.store.transaction() as db:
        claimed = await claim(db, planned, holder="run", now=bench.now())
        await finish(db, claimed, RemediationState.DONE, "8 GB", now=bench.now())
        await set_cause(db, incident.id, "connection_leak", 0.9)
        assert await review.review.fn(incident.id) is None  # it is not over yet
        known = await bench.incident(incident.id)
        await close_by_hand(db, bench.desk(known), known, person="ana", reason="mended", now=bench.now())

    where = await review.review.fn(incident.id)
    assert where == str(tmp_path / "drafts" / "2026-03-02-database-is-down.md")
    ((name, text),) = shown
    assert name == "post-mortem"
    assert "+3. `raise_resources`: Raise memory (worked in INC-0001: 8 GB)." in text
    assert "](data:image/svg+xml;base64," in text  # an artifact has no files beside it, the draft's file has
    assert "](2026-03-02-database-is-down-database-connections.svg)" in await asyncio.to_thread(
        Path(where).read_text
    )
    assert await review.review.fn(incident.id) == where
    assert shown[1] == shown[0]

    monkeypatch.setenv("WATCHKEEPER_DATABASE_URL", store_url)
    mine = tmp_path / "mine.md"
    await asyncio.to_thread(draft_review, incident.number, mine, home=tmp_path)
    assert "+3. `raise_resources`: Raise memory (worked in INC-0001: 8 GB)." in mine.read_text()
