"""The incident page's form for a customer's complaint."""

from tests.watchkeeper.intake.opened import Intake
from watchkeeper.incidents import read_incident
from watchkeeper.reviews.complaints import read_complaints


async def test_a_complaint_is_noted_on_the_incidents_page_with_a_name(intake: Intake) -> None:
    await intake.tell(summary="Backend is slow", severity="P3")
    store = intake.house.store
    page = intake.house.signer.address(intake.house.desk.incident_url(await read_incident(store, 1)))
    assert "Did a customer complain?" in (await intake.client.get(page)).text
    for form in ({}, {"person": "Cleo"}, {"person": " ", "words": "x"}):
        refused = await intake.client.post(f"{page}/complaint", data=form)
        assert refused.status_code == 422 and "nothing was noted" in refused.text
    forged = f"{page[:-3]}AAA/complaint"
    assert (await intake.client.post(forged, data={"person": "Eve", "words": "x"})).status_code == 403
    assert await read_complaints(store, 1) == []

    said = {"person": "Cleo", "words": "<b>My cart is gone</b>"}
    noted = await intake.client.post(f"{page}/complaint", data=said)
    assert noted.status_code == 303
    assert noted.headers["location"].endswith(page.rpartition("/i/")[2])
    assert [row["words"] for row in await read_complaints(store, 1)] == ["<b>My cart is gone</b>"]
    assert [row["noted_by"] for row in await read_complaints(store, 1)] == ["Cleo (by their own word)"]
    assert "&lt;b&gt;My cart is gone&lt;/b&gt;" in (await intake.client.get(page)).text
