"""The page behind a reminder of an action item: done, dropped, or by another day."""

from datetime import date, timedelta

import pytest

from tests.watchkeeper.intake.opened import Intake
from watchkeeper.documents.action_items import Promise
from watchkeeper.incidents import read_incident
from watchkeeper.links import create_link
from watchkeeper.reviews.items import read_items, save_promises
from watchkeeper.timeline import read_timeline


async def promised(intake: Intake) -> str:
    """An incident that promised something; the address at which Ana says what became of it."""
    await intake.tell(summary="Backend is slow", severity="P3")
    house, now = intake.house, intake.house.clock()
    today = house.desk.policy.calendar.local(now).date()
    promise = Promise(1, "Alert <b>early</b>", "Ana", today + timedelta(days=3), "low")
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        await save_promises(db, house.desk, incident, [promise], now=now)
        blank = await create_link(
            db,
            public_url=house.desk.public_url,
            purpose="action_item",
            incident_id=1,
            person="ana",
            about=1,
            expires_at=now + timedelta(days=14),
        )
    return house.signer.address(blank)


async def test_an_item_is_moved_by_its_page_with_a_reason_and_looking_changes_nothing(intake: Intake) -> None:
    page = await promised(intake)
    shown = await intake.client.get(page)
    assert shown.status_code == 200 and "Alert &lt;b&gt;early&lt;/b&gt;" in shown.text
    (item,) = await read_items(intake.house.store, 1)
    later = item.due_on + timedelta(days=7)
    moved = await intake.client.post(page, data={"say": "move", "due_on": str(later), "reason": "a holiday"})
    assert moved.status_code == 303 and moved.headers["location"].endswith(page.rpartition("/d/")[2])
    assert str(later) in (await intake.client.get(page)).text
    assert [each.due_on for each in await read_items(intake.house.store, 1)] == [later]
    told = [entry.text for entry in await read_timeline(intake.house.store, 1)]
    assert f"Action 1 moved to {later} by ana: a holiday" in told


@pytest.mark.parametrize(("say", "words"), [("done", "Done, says ana"), ("dropped", "Dropped, says ana")])
async def test_an_item_is_closed_by_its_page_and_stays_closed(intake: Intake, say: str, words: str) -> None:
    page = await promised(intake)
    assert (await intake.client.post(page, data={"say": say})).status_code == 303
    assert words in (await intake.client.get(page)).text
    again = await intake.client.post(page, data={"say": "done"})
    assert again.status_code == 422 and f"action 1 is {say} already" in again.text
    assert [each.state for each in await read_items(intake.house.store, 1)] == [say]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "could not be read"),
        ({"say": "move", "due_on": "soon", "reason": "x"}, "is no day"),
        ({"say": "move", "due_on": "2020-01-01", "reason": "x"}, "is past"),
        ({"say": "move", "due_on": "2099-01-01", "reason": " "}, "a name and a reason"),
    ],
)
async def test_what_cannot_be_done_is_said_and_changes_nothing(
    intake: Intake, form: dict[str, str], words: str
) -> None:
    page = await promised(intake)
    (before,) = await read_items(intake.house.store, 1)
    refused = await intake.client.post(page, data=form)
    assert refused.status_code == 422 and words in refused.text
    assert await read_items(intake.house.store, 1) == [before]
    assert before.due_on > date(2020, 1, 1)


async def test_a_forged_an_unknown_and_an_expired_link_do_nothing(intake: Intake) -> None:
    page = await promised(intake)
    assert (await intake.client.post(f"{page[:-3]}AAA", data={"say": "done"})).status_code == 403
    other = intake.house.signer.token(4711)
    assert (await intake.client.get(f"/d/{other}")).status_code == 404
    intake.clock.advance(days=14)
    assert (await intake.client.post(page, data={"say": "done"})).status_code == 410
    assert [each.state for each in await read_items(intake.house.store, 1)] == ["open"]
