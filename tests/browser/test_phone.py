"""The phone's pages, as somebody who was woken sees them: a small screen, a thumb, and no scripts."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from drills.scenarios.scenario import GOOD_RELEASE
from tests.browser.nights import Night, Stand

WIDTH, HEIGHT = 390, 844
THUMB_PIXELS = 44
READABLE_PIXELS = 16
USER_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)

# How wide the page is, how high what a thumb presses is, and how large each piece of text is.
MEASURE = """() => {
  const name = (element) => (element.innerText || element.name || element.tagName).trim().slice(0, 40)
  const hasText = (element) => [...element.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim())
  return {
    width: document.documentElement.scrollWidth,
    heights: [...document.querySelectorAll('button, input, a')]
      .map((e) => [name(e), e.getBoundingClientRect().height]),
    fonts: [...document.body.querySelectorAll('*')].filter(hasText)
      .map((e) => [name(e), parseFloat(getComputedStyle(e).fontSize)]),
  }
}"""


@dataclass(frozen=True)
class Phone:
    """A page at a phone's size, and where its pictures go."""

    page: Page
    screenshots: Path

    async def open(self, address: str) -> int:
        """The status that it was answered with."""
        answer = await self.page.goto(address)
        assert answer is not None
        return answer.status

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name).tap()
        await self.page.wait_for_load_state()

    async def photograph(self, name: str) -> None:
        """As it is first seen, and all of it as it is at night."""
        await self.page.emulate_media(color_scheme="light")
        await self.page.screenshot(path=self.screenshots / f"phone-{name}.png")
        await self.page.emulate_media(color_scheme="dark")
        await self.page.screenshot(path=self.screenshots / f"phone-{name}-night.png", full_page=True)

    async def measure(self) -> None:
        """Fail unless all of it fits, can be read, and can be pressed."""
        seen: dict[str, Any] = await self.page.evaluate(MEASURE)
        assert seen["width"] <= WIDTH, f"it scrolls sideways: {seen['width']} pixels wide"
        assert [each for each in seen["heights"] if each[1] < THUMB_PIXELS] == []
        assert [each for each in seen["fonts"] if each[1] < READABLE_PIXELS] == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def night(stand: Stand) -> AsyncIterator[Night]:
    yield await stand.break_the_company()


@pytest_asyncio.fixture
async def phone(browser: Browser, screenshots: Path) -> AsyncIterator[Phone]:
    context = await browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        user_agent=USER_AGENT,
        java_script_enabled=False,
    )
    try:
        yield Phone(await context.new_page(), screenshots)
    finally:
        await context.close()


async def test_page_is_acknowledged_with_one_press_and_says_who_has_it(night: Night, phone: Phone) -> None:
    incident = await night.incident()
    link = await night.texted_link("a")

    assert await phone.open(link) == 200
    await expect(phone.page.get_by_role("heading", level=1)).to_have_text(incident.summary)
    for word in (incident.number, incident.severity):
        await expect(phone.page.get_by_text(word, exact=True)).to_be_visible()
    for name in ("Acknowledge", "working on it", "next person", "Hold"):
        await expect(phone.page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    await phone.photograph("acknowledge")
    await phone.measure()

    await phone.press("Acknowledge")
    await expect(phone.page.get_by_text("Acknowledged by ana", exact=False)).to_be_visible()
    await phone.photograph("acknowledged")
    await phone.measure()
    assert (await night.incident()).acknowledged_by == "ana"

    await phone.open(link)
    await expect(phone.page.get_by_text("Already acknowledged by ana")).to_be_visible()
    await expect(phone.page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    await phone.photograph("acknowledged-already")


async def test_incident_page_can_be_read_on_a_phone(night: Night, phone: Phone) -> None:
    assert await phone.open(await night.channel_link()) == 200
    await expect(phone.page.get_by_role("heading", level=1)).to_have_text((await night.incident()).summary)
    await expect(phone.page.get_by_text(night.plan.plan.summary).first).to_be_visible()
    await phone.photograph("incident")
    await phone.measure()


async def test_front_page_counts_what_is_open_and_tells_no_more(night: Night, phone: Phone) -> None:
    assert await phone.open(night.stand.stack.intake_url) == 200
    incident = await night.incident()
    await expect(phone.page.get_by_text(incident.number)).to_be_visible()
    await expect(phone.page.get_by_text(incident.summary)).to_have_count(0)
    await phone.photograph("front")
    await phone.measure()


async def test_plan_is_shown_before_it_is_approved_and_carried_out_once(night: Night, phone: Phone) -> None:
    plan = night.plan.plan
    link = await night.texted_link("p")

    assert await phone.open(link) == 200
    await expect(phone.page.get_by_role("heading", level=1)).to_contain_text(plan.summary)
    assert plan.preview
    for line in plan.preview:
        await expect(phone.page.get_by_role("listitem").filter(has_text=line)).to_be_in_viewport()
    for name in ("Approve", "Deny"):
        await expect(phone.page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    await phone.photograph("approve")
    await phone.measure()
    assert await night.rollbacks() == 0

    await phone.page.get_by_label("Why").fill("the deploy broke checkout")
    await phone.press("Approve")
    await expect(phone.page.get_by_text("Approved by ana")).to_be_visible()
    await phone.photograph("approved")
    await phone.measure()

    assert await phone.open(link) == 410
    await expect(phone.page.get_by_role("heading", name="Already used")).to_be_visible()
    await expect(phone.page.get_by_role("button")).to_have_count(0)
    await phone.photograph("used")
    await phone.measure()

    await night.stand.wait_until_resolved(night.incident_id)
    assert await night.rollbacks() == 1
    assert await night.running_release() == GOOD_RELEASE
    decided = await night.decided_plan()
    assert (decided.approved_by, decided.approval_reason) == ("ana", "the deploy broke checkout")


async def test_forged_link_is_refused_and_shows_nothing(night: Night, phone: Phone) -> None:
    for path in ("a", "p"):
        link = await night.texted_link(path)
        address, _, signature = link.rpartition(".")
        # The first character: the last one's lowest bits belong to no byte.
        forged = ("B" if signature.startswith("A") else "A") + signature[1:]
        assert await phone.open(f"{address}.{forged}") == 403
        await expect(phone.page.get_by_role("heading", name="Not a link of ours")).to_be_visible()
        await expect(phone.page.get_by_text((await night.incident()).summary)).to_have_count(0)
        await expect(phone.page.get_by_role("button")).to_have_count(0)
    await phone.photograph("forged")
    await phone.measure()
