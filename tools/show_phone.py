"""Draw docs/screenshots/phone-*.png: the phone's pages by day and by night. `python -m tools.show_phone`, with Debian's
chromium.

They are the pages of one night told on the vendors' stand-ins, at the size of a phone and with scripts off.
"""

import asyncio
import re
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from drills.moved.clock import MovedClock
from tests.stories.night import Night, a_night
from tests.stories.test_vendor_support import SERVICES
from watchkeeper.closing import close_by_hand
from watchkeeper.deadlines.telling import tell_customers
from watchkeeper.documents.action_items import Promise
from watchkeeper.findings import save_findings, save_reading
from watchkeeper.incidents import set_cause
from watchkeeper.links import create_link
from watchkeeper.machine.embedded import start_postgres
from watchkeeper.model import Finding, Incident, Reading
from watchkeeper.night.signatures import ask_for_signature
from watchkeeper.reviews.items import save_promises
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


CUSTOMERS = "email\n" + "\n".join(f"c{each}@shop.example" for each in range(1200))


async def tell_the_night(night: Night) -> dict[str, str]:
    """One night, up to its approval; the address of each page that it leads to."""
    addresses = {"night": await asked_to_sign(night)}
    await night.hear(summary="Checkout answers 500", users_affected_percent=38)
    addresses |= {"acknowledge": night.phone("ana").link("a"), "front": f"{night.desk.public_url}/"}
    addresses["mail"] = await customers_asked_about(night)
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
    addresses["support"] = f"{addresses['incident']}/support"
    addresses["refused"] = addresses["approve"][:-4] + "AAAA"
    addresses["action-item"] = await promised(night, incident)
    return addresses


async def asked_to_sign(night: Night) -> str:
    """The page at which Ana signs for the night."""
    async with night.store.transaction() as db:
        await ask_for_signature(
            db, night.desk, "worker_crashed", "ana", asked_by="ben", ends_at=None, now=night.clock()
        )
    await night.settle()
    return night.phone("ana").link("n")


async def customers_asked_about(night: Night) -> str:
    """The page at which mail to customers is approved."""
    async with night.store.transaction() as db:
        await tell_customers(db, night.desk, await night.incident(), now=night.clock())
    await night.settle()
    return night.phone("ana").link("m")


async def a_while_later(night: Night, mail: str) -> dict[str, str]:
    """Ana has it and has approved the mail, of which one batch was lost on its way; an update is due soon."""
    night.vendors.sendgrid.weather.append("lost")
    await night.ana.sends(mail, decision="approve")
    await night.pass_time(minutes=26)
    return {"update": night.phone("ana").link("u"), "batch": night.phone("ana").link("b")}


async def when_it_is_over(night: Night) -> dict[str, str]:
    """The question that whoever was woken is asked afterwards."""
    async with night.store.transaction() as db:
        incident = await night.incident()
        await close_by_hand(db, night.desk, incident, person="ben", reason="seen well", now=night.clock())
    await night.settle()
    (question,) = re.findall(r"http\S+/w/\S+", "".join(mail["text"] for mail in night.mails("ben")))
    return {"worth": question}


async def promised(night: Night, incident: Incident) -> str:
    """The page at which Ana says what became of a promise."""
    day = (night.clock() + timedelta(days=7)).date()
    promise = Promise(1, "Alert when 10 connections are idle for 5 minutes", "Ana", day, "high")
    async with night.store.transaction() as db:
        await save_promises(db, night.desk, incident, [promise], now=night.clock())
        blank = await create_link(
            db,
            public_url=night.desk.public_url,
            purpose="action_item",
            incident_id=incident.id,
            person="ana",
            about=1,
            expires_at=night.clock() + timedelta(days=14),
        )
    return night.house.signer.address(blank)


async def draw(browser: Browser, name: str, address: str, *, press: str | None = None) -> None:
    """As it is first seen by day and by night; after pressing a button, where one is named."""
    page = await browser.new_page(
        viewport={"width": WIDTH, "height": HEIGHT}, is_mobile=True, has_touch=True, java_script_enabled=False
    )
    await page.goto(address)
    if press is not None:
        async with page.expect_navigation():
            await page.get_by_role("button", name=press).first.tap()
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
            (folder / "customers.csv").write_text(CUSTOMERS)
            policy = {"services": SERVICES, "customers": {"file": str(folder / "customers.csv")}}
            async with (
                open_store(url) as store,
                a_night(folder, store, url, MovedClock(), policy) as night,
                async_playwright() as playwright,
            ):
                chromium = shutil.which("chromium")
                browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                addresses = await tell_the_night(night)
                for page, address in addresses.items():
                    await draw(browser, page, address)
                await draw(browser, "acknowledged", addresses["acknowledge"], press="Acknowledge")
                await draw(browser, "approved", addresses["approve"], press="Approve")
                await draw(browser, "night-signed", addresses["night"], press="Sign")
                for page, address in (await a_while_later(night, addresses["mail"])).items():
                    await draw(browser, page, address)
                for page, address in (await when_it_is_over(night)).items():
                    await draw(browser, page, address)
                await browser.close()
        finally:
            postgres.stop()


if __name__ == "__main__":
    asyncio.run(main())
