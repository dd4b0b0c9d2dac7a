"""Draw docs/screenshots/phone-*.png: the phone's pages by day and by night. `python -m tools.show_phone`, with Debian's
chromium.

They are the pages of one night told on the vendors' stand-ins, at the size of a phone and with scripts off.
"""

import asyncio
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.conftest import MovedClock
from tests.stories.night import Night, a_night
from watchkeeper.embedded import start_postgres
from watchkeeper.findings import save_findings, save_reading
from watchkeeper.incidents import set_cause
from watchkeeper.model import Finding, Reading
from watchkeeper.store import open_store
from watchkeeper.store.migrating import migrate

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
WIDTH, HEIGHT = 390, 844

# Connections of a backend whose newest release leaks them, and after it was rolled back.
CONNECTIONS = (6, 7, 6, 9, 12, 14, 17, 21, 24, 27, 29, 28, 19, 11, 7, 6)
LEAK = Finding(
    cause="bad_deployment",
    confidence=0.9,
    fault="deployment",
    evidence=[
        "deployed 12 minutes before the first error: a1b2c3 “Reuse the pool”",
        "29 connections, 22 of them idle for over 5 minutes, all of the backend",
        "error rate 38 %, 0.2 % before that deployment",
    ],
    against=["Railway's own status page is green"],
)


async def tell_the_night(night: Night) -> dict[str, str]:
    """One night, up to its approval; the address of each page that it leads to."""
    await night.hear(summary="Checkout answers 500", users_affected_percent=38)
    addresses = {"acknowledge": night.phone("ana").link("a")}
    await night.pass_time(minutes=3)
    await night.ben.replies("ESC")
    for minute, value in enumerate(CONNECTIONS):
        reading = Reading(
            probe="connections",
            service="database",
            value=value,
            unit="connections",
            threshold=15,
            ok=value <= 15,
            observed_at=night.clock() - timedelta(minutes=len(CONNECTIONS) - minute),
        )
        await save_reading(night.store, 1, reading)
    await save_findings(night.store, 1, 1, [LEAK])
    await set_cause(night.store, 1, "bad_deployment", 0.9)
    await night.plan(undo="roll forward to a1b2c3")
    addresses["approve"] = night.phone("ana").link("p")
    incident = await night.incident()
    addresses["incident"] = night.house.signer.address(night.desk.incident_url(incident))
    return addresses


async def draw(browser: Browser, name: str, address: str, *, press: str | None = None) -> None:
    """As it is first seen by day and by night; after pressing a button, where one is named."""
    page = await browser.new_page(
        viewport={"width": WIDTH, "height": HEIGHT}, is_mobile=True, has_touch=True, java_script_enabled=False
    )
    await page.goto(address)
    if press is not None:
        await page.get_by_role("button", name=press).first.tap()
        await page.wait_for_load_state()
    for scheme, suffix in (("light", ""), ("dark", "-night")):
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await page.screenshot(path=FOLDER / f"phone-{name}{suffix}.png", full_page=name == "incident")
    await page.close()


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        postgres = start_postgres(folder / "postgres", databases=("night",))
        try:
            url = postgres.url_for("night")
            migrate(url)
            async with (
                open_store(url) as store,
                a_night(folder, store, url, MovedClock(), {}) as night,
                async_playwright() as playwright,
            ):
                chromium = shutil.which("chromium")
                browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                addresses = await tell_the_night(night)
                for page, address in addresses.items():
                    await draw(browser, page, address)
                await draw(browser, "acknowledged", addresses["acknowledge"], press="Acknowledge")
                await draw(browser, "approved", addresses["approve"], press="Approve")
                await browser.close()
        finally:
            postgres.stop()


if __name__ == "__main__":
    asyncio.run(main())
