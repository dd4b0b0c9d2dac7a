"""Draw docs/screenshots/: documents as a reader sees them. `python -m tools.show_documents`, with Debian's chromium.

The post-mortem is the draft of the night that its tests are made of, the month's report that of a synthetic year.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

from benchmarks.year import fill, make_year
from flows.runbooks.document import runbook_document
from tests.watchkeeper.documents.night import entry, incident, night
from watchkeeper.documents.post_mortem import charts, draft, file_name
from watchkeeper.figures.estimates import estimate_resolution
from watchkeeper.figures.past import month_of
from watchkeeper.figures.repeats import link_by_cause
from watchkeeper.figures.reporting import write_report
from watchkeeper.incidents import list_recent
from watchkeeper.machine.embedded import start_postgres
from watchkeeper.model import Kind, TimelineKind
from watchkeeper.policy import load_policy, merge, validate_policy
from watchkeeper.store import open_store
from watchkeeper.store.migrating import migrate

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
COSTS = {"costs": {"currency": "USD", "revenue_per_hour": 120}}
STYLE = """
body { max-width: 50rem; margin: 2rem auto; padding: 0 1.5rem; font: 16px/1.5 system-ui, sans-serif; color: #1f2328 }
h1, h2 { line-height: 1.25; border-bottom: 1px solid #d1d9e0; padding-bottom: .3em }
img { max-width: 100%; border: 1px solid #d1d9e0; border-radius: 6px }
table { border-collapse: collapse }
th, td { border: 1px solid #d1d9e0; padding: .3em .8em; text-align: left }
pre { background: #f6f8fa; padding: 1rem; white-space: pre-wrap; border-radius: 6px; font-size: 13px }
"""


def show(document: Path, picture: Path) -> None:
    """Draw a Markdown document, with what stands beside it, as one picture."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(document.read_text())
    page_file = document.with_suffix(".html")
    page_file.write_text(f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style>{body}')
    picture.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 900, "height": 800})
        page.goto(page_file.as_uri())
        page.screenshot(path=picture, full_page=True)
        browser.close()


async def report_on_october(url: str, folder: Path) -> Path:
    policy = validate_policy(merge(load_policy().model_dump(mode="json"), COSTS), source="costs")
    month = month_of("2025-10", policy.calendar)
    async with open_store(url) as store:
        for incident in reversed(await list_recent(store, 1000)):
            await link_by_cause(store, incident, policy, now=month.ends)
            await estimate_resolution(store, incident, "triage", now=month.ends)
        return await write_report(store, policy, month, folder, now=month.ends)


def show_report() -> None:
    """A month of a year that never was."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_postgres(Path(folder) / "postgres", databases=("year",))
        try:
            migrate(server.url_for("year"))
            fill(server.url_for("year"), make_year(seed=2025))
            report = asyncio.run(report_on_october(server.url_for("year"), Path(folder)))
            show(report, FOLDER / "month-report.png")
        finally:
            server.stop()


def main() -> None:
    end = entry(30, TimelineKind.STATUS, "Status: resolved")
    runbook = runbook_document(Kind.DATABASE_DOWN)
    told = [*night().timeline[:-1], end]
    known = night(incident=incident(policy=COSTS), timeline=told, runbook=runbook)
    name = file_name(known.incident)
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / name
        document.write_text(draft(known, stem=document.stem, now=end.at))
        for picture, _, svg in charts(known, document.stem):
            (Path(folder) / picture).write_text(svg)
        show(document, FOLDER / "post-mortem.png")
    show_report()


if __name__ == "__main__":
    main()
