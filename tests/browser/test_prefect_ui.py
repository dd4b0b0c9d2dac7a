"""What is done by hand in the Prefect UI: deciding on a plan, and opening an incident."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from drills.scenarios.scenario import GOOD_RELEASE
from tests.browser.nights import Night, Stand
from watchkeeper.model import RemediationState, Severity

PATIENCE_MILLISECONDS = 20_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def night(stand: Stand) -> AsyncIterator[Night]:
    yield await stand.break_the_company()


@pytest_asyncio.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    try:
        yield await context.new_page()
    finally:
        await context.close()


def form_field(page: Page, label: str) -> Locator:
    """A field of a form that Prefect made out of a schema, by what stands above it."""
    title = page.locator(".schema-form-property__label", has_text=label)
    return page.locator(".schema-form-property").filter(has=title)


async def choose(page: Page, field: Locator, option: str) -> None:
    """Open a field's list of choices and take one."""
    # Prefect 3.8's list opens and closes at once when its text is clicked; its arrows and the keyboard open it.
    await field.locator(".p-select-button__icon").click()
    await page.locator(".p-select-option").get_by_text(option, exact=True).click()


async def test_plan_approved_in_the_ui_is_carried_out_once_and_says_who_approved(
    night: Night, page: Page, screenshots: Path
) -> None:
    await page.goto(f"{night.stand.stack.ui_url}/runs/flow-run/{night.flow_run_id}")
    resume = page.get_by_role("button", name="Resume")
    await expect(resume).to_be_visible(timeout=PATIENCE_MILLISECONDS)
    await page.screenshot(path=screenshots / "prefect-suspended.png")

    await resume.click()
    form = page.get_by_role("dialog")
    await expect(form.get_by_text(night.plan.plan.summary)).to_be_visible()
    for line in night.plan.plan.preview:
        await expect(form.get_by_role("listitem").filter(has_text=line)).to_be_attached()
    await page.screenshot(path=screenshots / "prefect-decision-form.png")
    await choose(page, form_field(page, "Decision"), "approve")
    await form_field(page, "Name").get_by_role("textbox").fill("Ana")
    await form_field(page, "Reason").get_by_role("textbox").fill("the deploy broke checkout")
    await page.screenshot(path=screenshots / "prefect-decision-filled.png")
    assert await night.rollbacks() == 0
    await form.get_by_role("button", name="Submit").click()
    await expect(form).to_be_hidden()

    await night.stand.wait_until_resolved(night.incident_id)
    assert await night.rollbacks() == 1
    assert await night.running_release() == GOOD_RELEASE
    decided = await night.decided_plan()
    assert decided.state is RemediationState.DONE
    assert decided.approved_by == "Ana (Prefect UI)"
    assert decided.approval_reason == "the deploy broke checkout"

    assert await night.wait_until_its_run_ends() == "COMPLETED"
    await page.reload()
    await expect(page.locator(".state-badge", has_text="Completed").first).to_be_visible(
        timeout=PATIENCE_MILLISECONDS
    )
    await page.screenshot(path=screenshots / "prefect-completed.png")


async def test_incident_opened_by_hand_in_the_ui_pages_whoever_is_on_call(
    stand: Stand, page: Page, screenshots: Path
) -> None:
    last = await stand.newest_incident()
    deployment = await stand.deployment_of("flows.open_incident.open_incident")
    await page.goto(f"{stand.stack.ui_url}/deployments/deployment/{deployment}/run")
    for label in ("summary", "kind", "severity", "users_affected_percent"):
        await expect(form_field(page, label)).to_be_visible(timeout=PATIENCE_MILLISECONDS)

    await form_field(page, "summary").get_by_role("textbox").fill("Parcels are labelled twice")
    severity = form_field(page, "severity")
    await severity.get_by_role("button", name="Severity", exact=True).click()
    await choose(page, severity, "P1")
    share = form_field(page, "users_affected_percent")
    await share.get_by_role("button", name="float", exact=True).click()
    await share.get_by_role("spinbutton").fill("12")
    await page.screenshot(path=screenshots / "prefect-open-incident.png", full_page=True)
    await page.get_by_role("button", name="Submit").click()

    incident = await stand.wait_for_incident_after(last.id if last else 0)
    assert incident.summary == "Parcels are labelled twice"
    assert incident.severity is Severity.P1
    assert incident.users_affected_percent == 12
    await stand.wait_for_text(incident.number, incident.summary)
