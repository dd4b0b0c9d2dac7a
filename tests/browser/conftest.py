"""One running stand and one browser for every test of this folder."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.nights import Stand, running_stand

# What a headless Chromium needs as root in a container, and without which it looks up hosts of its own.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Debian's browser. Its absence is a failure: a test that is skipped proves nothing."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("no chromium on the PATH; install Debian's: apt-get install chromium", pytrace=False)
    return found


# Of this folder and not of the session: two cores have other tests to run. No browser, no company.
@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stand(chromium: str) -> AsyncIterator[Stand]:
    async with running_stand() as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of the pages go, for a person to look at."""
    folder = Path(__file__).parents[2] / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
