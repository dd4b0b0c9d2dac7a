"""The month's report as a flow: an artifact that needs no files beside it, and files in the team's folder."""

from pathlib import Path
from typing import Any

import pytest

from flows import month_report
from tests.flows.conftest import MovedBench
from watchkeeper.settings import Settings
from watchkeeper.store import Store


async def test_last_month_is_shown_in_the_ui_with_its_pictures_inside(
    bench: MovedBench, store: Store, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[dict[str, Any]] = []

    async def keep(**artifact: Any) -> None:
        shown.append(artifact)

    settings = Settings(_env_file=None, database_url=store_url, documents_folder=tmp_path)
    bench = MovedBench(store, settings, bench.clock)
    monkeypatch.setattr(month_report, "open_bench", bench.opened)
    monkeypatch.setattr(month_report, "acreate_markdown_artifact", keep)
    await bench.hear(settings.policy())
    bench.clock.advance(days=30)

    assert await month_report.report_month.fn() == str(tmp_path / "reports" / "2026-03.md")
    (artifact,) = shown
    assert artifact["key"] == "month-report-2026-03"
    assert "](data:image/svg+xml;base64," in artifact["markdown"]
    assert (tmp_path / "reports" / "2026-03-incidents.svg").exists()
    assert await month_report.report_month.fn("2026-02") == str(tmp_path / "reports" / "2026-02.md")
