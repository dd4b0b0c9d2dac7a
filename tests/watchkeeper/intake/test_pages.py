"""The phone's pages: looking changes nothing, answering works once, and what cannot be done says so in words."""

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest_asyncio

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, BEN
from tests.watchkeeper.intake.opened import Intake, open_intake, settings_for
from tests.watchkeeper.recording import RecordingServer, until
from watchkeeper.incidents import read_incident
from watchkeeper.model import Finding, Plan, RemediationState
from watchkeeper.paging.desk import request_approval
from watchkeeper.remediations import plan_remediation, read_remediation
from watchkeeper.store import Row, Store
from watchkeeper.timeline import read_timeline

# What looking must not change. Pages go out and Prefect is asked again meanwhile: that is left out.
STATEMENTS = (
    "SELECT * FROM incidents ORDER BY id",
    "SELECT * FROM links ORDER BY id",
    "SELECT * FROM remediations ORDER BY id",
    "SELECT * FROM timeline WHERE kind <> 'page' ORDER BY id",
    "SELECT * FROM deadlines ORDER BY incident_id, kind, number",
    "SELECT key, verb, detail FROM motor_jobs ORDER BY key",
    "SELECT key FROM notifications ORDER BY key",
)
PLAN = Plan(
    action="roll_back_deployment",
    target="backend",
    cause="bad_deployment",
    summary="Roll back <i>backend</i>",
    preview=["from a1b2c3 <img src=x>", "to d4e5f6"],
)


async def everything(store: Store) -> list[list[Row]]:
    """All that the store says, apart from what the loops do by themselves."""
    async with store._pool.connection() as connection:
        return [await (await connection.execute(statement)).fetchall() for statement in STATEMENTS]


def links(vendors: RecordingServer, number: str) -> list[str]:
    """Paths of the links that a phone got by text message, oldest first."""
    bodies = [sms.form["Body"] for sms in vendors.at("/Messages.json") if sms.form["To"] == number]
    return [match[0] for body in bodies if (match := re.search(r"/[ap]/\S+$", body))]


@pytest_asyncio.fixture
async def paged(intake: Intake, vendors: RecordingServer) -> str:
    """Ana has been paged about a P1; the path of her link."""
    await intake.tell(summary="Backend is <b>down</b>", severity="P1")
    return str((await until(lambda: links(vendors, ANA)))[0])


@pytest_asyncio.fixture
async def asked(intake: Intake, vendors: RecordingServer, paged: str) -> str:
    """Ana and Ben were asked to approve a plan; the path of Ana's link."""
    now = intake.clock()
    async with intake.house.store.transaction() as db:
        incident = await read_incident(db, 1)
        remediation = await plan_remediation(db, incident, PLAN, intake.house.desk.policy, step=1, now=now)
        await request_approval(db, intake.house.desk, incident, remediation, now=now)
    await until(lambda: links(vendors, BEN))
    return str((await until(lambda: [path for path in links(vendors, ANA) if "/p/" in path]))[0])


def is_a_good_page(page: httpx.Response) -> bool:
    """Readable on a phone, without script, and with nothing of a stranger's markup."""
    text = page.text.lower()
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    assert "<script" not in text
    assert "javascript:" not in text
    assert not re.search(r"\son\w+=", text)
    assert "<b>down</b>" not in text
    assert "<i>backend</i>" not in text
    assert "<img" not in text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    return page.headers["content-type"].startswith("text/html")


async def test_opening_the_acknowledge_page_changes_nothing(intake: Intake, paged: str) -> None:
    before = await everything(intake.house.store)
    for _ in range(3):
        page = await intake.client.get(paged)
        assert page.status_code == 200
        assert is_a_good_page(page)
    assert "Acknowledge: I have it" in page.text
    assert f'action="{paged}"' in page.text
    assert "&lt;b&gt;down&lt;/b&gt;" in page.text
    assert (await intake.client.head(paged)).status_code == 405
    assert await everything(intake.house.store) == before


async def test_pressing_the_button_acknowledges_once(intake: Intake, paged: str) -> None:
    page = await intake.client.post(paged)
    assert (page.status_code, is_a_good_page(page)) == (200, True)
    assert "Acknowledged by Ana" in page.text
    once = await everything(intake.house.store)
    for again in (await intake.client.post(paged), await intake.client.get(paged)):
        assert "Already acknowledged by Ana" in again.text
        assert is_a_good_page(again)
    assert await everything(intake.house.store) == once
    entries = [e for e in await read_timeline(intake.house.store, 1) if e.kind == "acknowledged"]
    assert [entry.actor for entry in entries] == ["ana"]


async def test_an_expired_link_says_so_and_does_nothing(intake: Intake, paged: str) -> None:
    intake.clock.advance(hours=25)
    for page in (await intake.client.get(paged), await intake.client.post(paged)):
        assert page.status_code == 410
        assert "Link expired" in page.text
        assert is_a_good_page(page)
    assert (await read_incident(intake.house.store, 1)).acknowledged_at is None


async def test_a_forged_link_says_so_and_does_nothing(intake: Intake, asked: str, paged: str) -> None:
    before = await everything(intake.house.store)
    own = paged.rpartition(".")[2]
    forged = [
        "/a/1." + "A" * 27,
        paged[:-1],
        paged.replace("/a/1.", "/a/2."),
        f"/p/{asked.rpartition('/')[2].partition('.')[0]}.{own}",
        "/a/x",
        "/a/i1." + own,
        "/a/%00",
        "/a/1.%F0%9F%94%A5",
    ]
    for path in forged:
        for page in (
            await intake.client.get(path),
            await intake.client.post(path, data={"decision": "approve"}),
        ):
            assert page.status_code == 403, path
            assert "Not a link of ours" in page.text
            assert is_a_good_page(page)
    assert (await intake.client.get("/i/i1.forged")).status_code == 403
    assert await everything(intake.house.store) == before


async def test_a_link_for_one_purpose_opens_no_other_page(intake: Intake, asked: str, paged: str) -> None:
    before = await everything(intake.house.store)
    acknowledge, approve = paged.removeprefix("/a/"), asked.removeprefix("/p/")
    for page in (
        await intake.client.get(f"/p/{acknowledge}"),
        await intake.client.post(f"/p/{acknowledge}", data={"decision": "approve"}),
        await intake.client.get(f"/a/{approve}"),
        await intake.client.post(f"/a/{approve}"),
    ):
        assert page.status_code == 404
        assert "Unknown link" in page.text
        assert is_a_good_page(page)
    assert (await intake.client.get(f"/i/{acknowledge}")).status_code == 403
    assert await everything(intake.house.store) == before


async def test_opening_the_plan_changes_nothing_and_shows_what_it_would_touch(
    intake: Intake, asked: str
) -> None:
    finding = Finding(
        cause="bad_deployment", confidence=0.9, fault="deployment", evidence=["<script>x</script>"]
    )
    await intake.house.store.run(
        "findings/save",
        incident_id=1,
        round=1,
        cause=finding.cause,
        rank=1,
        finding=finding.model_dump(mode="json"),
    )
    before = await everything(intake.house.store)
    for _ in range(2):
        page = await intake.client.get(asked)
        assert (page.status_code, is_a_good_page(page)) == (200, True)
    assert "from a1b2c3 &lt;img src=x&gt;" in page.text
    assert "&lt;script&gt;x&lt;/script&gt;" in page.text
    assert "It cannot be taken back." in page.text
    assert await everything(intake.house.store) == before


async def test_approving_works_once_and_names_who_and_why(intake: Intake, asked: str) -> None:
    page = await intake.client.post(
        asked, data={"decision": "approve", "reason": "<b>down</b> since the deploy"}
    )
    assert (page.status_code, is_a_good_page(page)) == (200, True)
    assert "Approved by ana" in page.text
    once = await everything(intake.house.store)
    for again in (await intake.client.get(asked), await intake.client.post(asked, data={"decision": "deny"})):
        assert (again.status_code, is_a_good_page(again)) == (410, True)
        assert "Already used" in again.text
    assert await everything(intake.house.store) == once
    remediation = await read_remediation(intake.house.store, 1)
    assert (remediation.state, remediation.approved_by) == (RemediationState.APPROVED, "ana")
    assert remediation.approval_reason == "<b>down</b> since the deploy"


async def test_denying_changes_nothing_in_production_and_closes_the_others_link(
    intake: Intake, vendors: RecordingServer, asked: str
) -> None:
    page = await intake.client.post(asked, data={"decision": "deny"})
    assert (page.status_code, is_a_good_page(page)) == (200, True)
    assert "Denied by ana" in page.text
    bens = links(vendors, BEN)[-1]
    late = await intake.client.post(bens, data={"decision": "approve"})
    assert (late.status_code, is_a_good_page(late)) == (410, True)
    assert "Already decided" in late.text
    assert (await read_remediation(intake.house.store, 1)).state is RemediationState.DENIED


async def test_a_plan_that_changed_is_not_what_was_shown(intake: Intake, asked: str) -> None:
    async with intake.house.store._pool.connection() as connection:
        await connection.execute("UPDATE remediations SET plan_digest = 'another'")
    before = await everything(intake.house.store)
    for page in (
        await intake.client.get(asked),
        await intake.client.post(asked, data={"decision": "approve"}),
    ):
        assert page.status_code == 410
        assert "The plan has changed" in page.text
        assert is_a_good_page(page)
    assert await everything(intake.house.store) == before


async def test_a_plans_time_runs_out(intake: Intake, asked: str) -> None:
    intake.clock.advance(minutes=31)
    page = await intake.client.post(asked, data={"decision": "approve"})
    assert (page.status_code, is_a_good_page(page)) == (410, True)
    assert (await read_remediation(intake.house.store, 1)).state is not RemediationState.APPROVED


async def test_an_answer_that_is_neither_yes_nor_no_does_nothing(intake: Intake, asked: str) -> None:
    before = await everything(intake.house.store)
    for form in ({}, {"decision": "maybe"}, {"reason": "because"}):
        page = await intake.client.post(asked, data=form)
        assert page.status_code == 422
        assert is_a_good_page(page)
        assert "nothing was done" in page.text
    assert await everything(intake.house.store) == before


async def test_the_incidents_page_shows_everything_and_changes_nothing(intake: Intake, asked: str) -> None:
    path = intake.house.signer.address(
        intake.house.desk.incident_url(await read_incident(intake.house.store, 1))
    )
    before = await everything(intake.house.store)
    page = await intake.client.get(path)
    assert (page.status_code, is_a_good_page(page)) == (200, True)
    for words in ("INC-0001", "P1", "Due next", "messages<", "Timeline", "Roll back &lt;i&gt;backend"):
        assert words in page.text
    for link in (asked, asked.rpartition(".")[2]):
        assert link not in page.text, "who may look may not decide"
    assert await everything(intake.house.store) == before


async def test_the_front_page_tells_strangers_no_more_than_numbers(intake: Intake, paged: str) -> None:
    page = await intake.client.get("/")
    assert (page.status_code, is_a_good_page(page)) == (200, True)
    assert "INC-0001" in page.text
    assert "down" not in re.sub(r"<style>.*?</style>", "", page.text, flags=re.DOTALL)
    assert "/a/" not in page.text


async def test_it_is_healthy_and_not_ready_while_postgres_is_away(tmp_path: Path, clock: MovedClock) -> None:
    nowhere = f"postgresql://postgres@/store?host={tmp_path}"
    async with open_intake(settings_for(tmp_path, nowhere), clock) as intake:
        await until(lambda: intake.house.store.is_away)
        assert (await intake.client.get("/health")).status_code == 200
        ready = await intake.client.get("/ready")
        assert (ready.status_code, ready.json()) == (503, {"status": "the store is away"})
        path = f"/a/{intake.house.signer.token(1)}"
        for page in (await intake.client.get(path), await intake.client.post(path)):
            assert page.status_code == 503
            assert "The store is away" in page.text
            assert is_a_good_page(page)


async def test_it_is_ready_when_postgres_answers(intake: Intake) -> None:
    assert (await intake.client.get("/health")).json() == {"status": "ok"}
    ready = await intake.client.get("/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


async def test_whoever_was_paged_closes_it_on_the_page_with_a_reason_once(intake: Intake, paged: str) -> None:
    refused = await intake.client.post(paged, data={"say": "resolve", "reason": " "})
    assert (refused.status_code, is_a_good_page(refused)) == (422, True)
    assert (await read_incident(intake.house.store, 1)).is_open
    closed = await intake.client.post(paged, data={"say": "resolve", "reason": "<b>drill</b>"})
    assert (closed.status_code, is_a_good_page(closed)) == (200, True)
    assert (await read_incident(intake.house.store, 1)).status == "resolved"
    again = await intake.client.post(paged, data={"say": "resolve", "reason": "drill"})
    assert (again.status_code, is_a_good_page(again)) == (410, True)


async def shared_page(intake: Intake) -> str:
    """The path of the page whose address many have."""
    return intake.house.signer.address(
        intake.house.desk.incident_url(await read_incident(intake.house.store, 1))
    )


async def own_page(intake: Intake, *, hours: float = 24) -> str:
    """The path of Ana's own page, out of a message of hers."""
    incident, until = await read_incident(intake.house.store, 1), intake.clock() + timedelta(hours=hours)
    return intake.house.signer.address(intake.house.desk.own_url(incident, "ana", until=until))


async def test_the_page_that_many_have_closes_nothing_whoever_is_typed(intake: Intake, paged: str) -> None:
    page = await shared_page(intake)
    before = await everything(intake.house.store)
    seen = await intake.client.get(page)
    assert 'name="reason"' not in seen.text and "DONE INC-0001" in seen.text
    assert "whose address many have" in seen.text
    refused = await intake.client.post(page, data={"person": "Ana", "reason": "drill"})
    assert (refused.status_code, is_a_good_page(refused)) == (403, True)
    assert "Not your own page" in refused.text
    assert await everything(intake.house.store) == before


async def test_an_incident_is_closed_on_ones_own_page_with_a_reason(intake: Intake, paged: str) -> None:
    page = await own_page(intake)
    for form in ({}, {"reason": " "}):
        refused = await intake.client.post(page, data=form)
        assert (refused.status_code, is_a_good_page(refused)) == (422, True)
    assert (await read_incident(intake.house.store, 1)).is_open
    closed = await intake.client.post(page, data={"person": "Eve", "reason": "<b>drill</b>"})
    assert (closed.status_code, is_a_good_page(closed)) == (200, True)
    assert "closed by ana: &lt;b&gt;drill&lt;/b&gt;" in closed.text
    assert (await read_incident(intake.house.store, 1)).status == "resolved"
    forged = await intake.client.post(page[:-3] + "AAA", data={"reason": "x"})
    assert forged.status_code == 403


async def test_ones_own_page_shows_and_closes_nothing_once_its_time_is_over(
    intake: Intake, paged: str
) -> None:
    page = await own_page(intake)
    assert "You close it as ana" in (await intake.client.get(page)).text
    intake.clock.advance(hours=25)
    seen = await intake.client.get(page)
    assert (seen.status_code, 'name="reason"' in seen.text) == (200, False)
    assert "it is too old to act" in seen.text and "many have" not in seen.text
    refused = await intake.client.post(page, data={"reason": "drill"})
    assert (refused.status_code, "Link expired" in refused.text) == (410, True)
    assert (await read_incident(intake.house.store, 1)).is_open


async def test_an_old_link_leads_to_no_page_that_closes(intake: Intake, paged: str, asked: str) -> None:
    await intake.client.post(paged)
    intake.clock.advance(hours=25)
    for page in (
        await intake.client.get(paged),
        await intake.client.post(paged, data={"say": "hold"}),
        await intake.client.get(asked),
        await intake.client.post(asked, data={"decision": "approve"}),
    ):
        for link in re.findall(r"/i/[^\s\"<]+", page.text):
            assert 'name="reason"' not in (await intake.client.get(link)).text
            assert (await intake.client.post(link, data={"reason": "x"})).status_code in (403, 410)
    assert (await read_incident(intake.house.store, 1)).is_open
