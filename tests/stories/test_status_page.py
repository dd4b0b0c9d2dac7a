"""What customers see of a night, on Statuspage's stand-in and in a folder of files."""

from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from tests.stories.night import Night
from watchkeeper.channels.statuspage import StatuspageSender
from watchkeeper.closing import close_by_hand
from watchkeeper.deadlines.telling import tell_customers
from watchkeeper.guarding import Guard
from watchkeeper.incidents import change_status, read_incident, set_cause
from watchkeeper.model import Channel, Status
from watchkeeper.paging.model import NotificationState
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.status_page.posting import post_where_behind, read_board
from watchkeeper.status_page.static import StaticSender
from watchkeeper.store import Row, Store


async def triage(night: Night, number: int = 1) -> None:
    """What the response's triage tells customers."""
    async with night.store.transaction() as db:
        await tell_customers(db, night.desk, await read_incident(db, number), now=night.clock())
    await night.settle()


async def close(night: Night, number: int = 1) -> None:
    async with night.store.transaction() as db:
        incident = await read_incident(db, number)
        await close_by_hand(db, night.desk, incident, person="ana", reason="seen well", now=night.clock())
    await night.settle()


def on_page(night: Night) -> dict[str, Any]:
    (incident,) = night.vendors.statuspage.incidents
    return incident


def said(incident: dict[str, Any]) -> list[str]:
    """Statuses, oldest first."""
    return [update["status"] for update in reversed(incident["incident_updates"])]


def components(night: Night) -> list[str]:
    return [each["status"] for each in night.vendors.statuspage.components.values()]


async def test_a_p0_is_on_the_page_from_triage_to_the_all_clear(night: Night) -> None:
    await night.hear(summary="pg_pool exhausted <!channel>")
    assert night.vendors.statuspage.incidents == []
    await triage(night)
    page = on_page(night)
    assert page["name"] == "Issues with Website and Payments"
    assert (page["status"], page["impact"]) == ("investigating", "critical")
    first = page["incident_updates"][0]["body"]
    assert [line.partition(":")[0] for line in first.splitlines() if ":" in line] == [
        "Affected",
        "Workaround",
        "Status",
    ]
    assert "Order by phone." in first and "updates every 30 minutes" in first
    assert "pg_pool" not in str(page), "an alert's own words are not for customers"
    assert components(night) == ["major_outage", "major_outage", "operational"]

    async with night.store.transaction() as db:
        await change_status(db, 1, expected=[Status.DETECTED], new=Status.IDENTIFIED, now=night.clock())
    await night.pass_time(minutes=2)
    await night.pass_time(minutes=29)
    assert said(page) == ["investigating", "identified", "identified"]

    await close(night)
    assert said(page) == ["investigating", "identified", "identified", "resolved"]
    last = page["incident_updates"][0]["body"]
    for field in ("Root Cause:", "Resolution:", "Prevention:", "Affected Time:", "Affected Users:"):
        assert field in last
    assert "Resolution: Our team has confirmed that it works." in last, "nobody has watched it for customers"
    assert components(night) == ["operational"] * 3
    assert night.vendors.statuspage.subscribers_told == 0, "mail to customers needs a person's word"


async def test_a_guess_is_no_root_cause_for_customers_and_is_called_one_before_the_team(night: Night) -> None:
    await night.hear()
    await triage(night)
    await set_cause(night.store, 1, "bad_deployment", 0.35)
    await close(night)
    last = on_page(night)["incident_updates"][0]["body"]
    assert "Root Cause: It is not known for certain yet." in last
    (over,) = [mail["text"] for mail in night.mails("ana") if mail["subject"].startswith("Resolved after")]
    assert "Cause:      perhaps bad deployment" in over


async def test_customers_are_told_in_time_when_no_response_runs(night: Night) -> None:
    await night.hear()
    await night.pass_time(minutes=14)
    assert night.vendors.statuspage.incidents == []
    await night.pass_time(minutes=2)
    assert said(on_page(night)) == ["investigating"]


@pytest.mark.parametrize("severity", ["P2", "P3"])
async def test_what_the_guide_does_not_post_is_not_posted(night: Night, severity: str) -> None:
    await night.hear(severity=severity)
    await triage(night)
    await close(night)
    assert night.vendors.statuspage.incidents == []


@pytest.mark.parametrize("own_policy", [{"correlate_within": "1s"}])
async def test_a_component_stays_red_as_long_as_another_incident_holds_it(night: Night) -> None:
    told = [("worker", "worker_stuck"), ("frontend", "site_outage"), ("payments", "payment_failure")]
    for number, (service, kind) in enumerate(told, start=1):
        await night.hear(fingerprint=service, service=service, kind=kind)
        await triage(night, number)
        await night.pass_time(seconds=90)
    assert components(night) == ["major_outage", "major_outage", "partial_outage"]
    await close(night, 2)
    assert components(night) == ["operational", "major_outage", "partial_outage"]


async def test_a_post_whose_answer_was_lost_is_made_once(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply, lost = night.vendors.statuspage._apply, []

    def apply_and_lose(incident: dict[str, Any], asked: dict[str, Any]) -> None:
        apply(incident, asked)
        lost.append(asked["status"])
        raise RuntimeError("the answer is lost")

    monkeypatch.setattr(night.vendors.statuspage, "_apply", apply_and_lose)
    await night.hear()
    await triage(night)
    await night.pass_time(minutes=31)
    assert said(on_page(night)) == lost == ["investigating", "investigating"]


async def test_a_page_that_refuses_for_an_hour_is_brought_up_to_date_in_order(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = night.vendors.statuspage

    def too_many(request: Request) -> JSONResponse:
        return JSONResponse({"error": "Too many requests"}, 420)

    with monkeypatch.context() as patch:
        patch.setattr(api, "_turned_away", too_many)
        await night.hear()
        await triage(night)
        await night.pass_time(minutes=35)
        assert api.incidents == []
    await night.pass_time(minutes=2)
    assert said(on_page(night)) == ["investigating", "investigating"]


async def test_a_resolution_that_overtakes_a_waiting_start_follows_it(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            night.vendors.statuspage, "_turned_away", lambda request: JSONResponse({"error": "busy"}, 503)
        )
        await night.hear()
        await triage(night)
        await close(night)
    await night.pass_time(minutes=5)
    assert said(on_page(night)) == ["investigating", "resolved"]


async def test_a_start_that_could_not_be_posted_is_not_resolved(night: Night) -> None:
    sender = night.pager._channels[Channel.STATUS_PAGE]
    assert isinstance(sender, StatuspageSender)
    sender._client.headers["Authorization"] = "OAuth wrong"
    await night.hear()
    await triage(night)
    token = night.vendors.accounts.statuspage_api.token
    sender._client.headers["Authorization"] = f"OAuth {token}"
    await close(night)
    assert night.vendors.statuspage.incidents == []
    told = [n for n in await read_notifications(night.store, 1) if n.channel is Channel.STATUS_PAGE]
    assert [n.state for n in told] == [NotificationState.FAILED] * 2
    assert token not in str(told)


async def test_an_incident_deleted_at_statuspage_is_made_again(night: Night) -> None:
    await night.hear()
    await triage(night)
    night.vendors.statuspage.incidents.clear()
    await night.pass_time(minutes=31)
    assert said(on_page(night)) == ["investigating"]


@pytest.mark.parametrize("own_policy", [{"status_page": {"company": "A & <b>B</b>"}}])
async def test_without_an_account_the_page_is_files(night: Night, tmp_path: Path) -> None:
    folder = tmp_path / "page"

    async def board() -> Any:
        return await read_board(night.store, night.desk.policy, now=night.clock())

    channels = dict(night.pager._channels)
    channels[Channel.STATUS_PAGE] = StaticSender(folder, board)
    night.pager._channels = channels
    await night.hear()
    await triage(night)
    index = (folder / "index.html").read_text()
    assert "Issues with Website and Payments" in index and "Major outage" in index
    assert "A &amp; &lt;b&gt;B&lt;/b&gt;" in index and "<script" not in index
    await night.pass_time(minutes=31)
    await close(night)
    index = (folder / "index.html").read_text()
    assert "All systems operational" in index and "Major outage" not in index
    history = (folder / "incidents/INC-0001.html").read_text()
    assert history.count("<article>") == 3 and "Root Cause:" in history
    feed = (folder / "feed.atom").read_text()
    assert feed.count("<entry>") == 3
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == [
        "INC-0001.html",
        "feed.atom",
        "index.html",
    ]


async def test_nothing_is_posted_after_an_all_clear_that_came_in_between(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    await night.hear()
    await triage(night)
    await change_status(night.store, 1, expected=list(Status), new=Status.MONITORING, now=night.clock())
    night.clock.advance(minutes=2)
    read = Store.all

    async def closed_right_after(store: Store, name: str, **values: Any) -> list[Row]:
        rows = await read(store, name, **values)
        if name == "status_page/behind":
            monkeypatch.setattr(Store, "all", read)
            assert len(rows) == 1
            await close(night)
        return rows

    monkeypatch.setattr(Store, "all", closed_right_after)
    await post_where_behind(night.store, Guard(night.store, night.clock), now=night.clock())
    await night.settle()
    assert said(on_page(night))[-1] == "resolved"
