"""The post-mortem's clock: from the end of an incident to its publishing, with Prefect away all the while."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.watchkeeper.house import KernelHouse
from watchkeeper.closing import close_by_hand
from watchkeeper.deadlines import read_deadlines
from watchkeeper.errors import BadInput
from watchkeeper.findings import save_findings
from watchkeeper.incidents import read_incident
from watchkeeper.model import Channel, Deadline, DeadlineKind, DeadlineState, Fault, Finding, Incident, Plan
from watchkeeper.remediations import claim, plan_remediation
from watchkeeper.reviews import read_review
from watchkeeper.reviews.clock import move, waive
from watchkeeper.reviews.complaints import note_complaint
from watchkeeper.reviews.drafting import draft_into, write_draft
from watchkeeper.reviews.opening import require_by_hand
from watchkeeper.reviews.publishing import settle
from watchkeeper.timeline import read_timeline

ANA, BEN = "ana@example.com", "ben@example.com"


async def ended(house: KernelHouse, **told: object) -> Incident:
    """An incident that a person has closed; everybody's mail up to then is forgotten."""
    admission = await house.hear(**told)
    assert admission.incident_id is not None
    incident = await read_incident(house.store, admission.incident_id)
    async with house.store.transaction() as db:
        await close_by_hand(db, house.desk, incident, person="ana", reason="mended", now=house.clock())
    await house.pager.send_all_due()
    return await read_incident(house.store, incident.id)


def read(path: Path) -> str:
    return path.read_text()


def write(path: Path, text: str) -> None:
    path.write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def reminded(house: KernelHouse, address: str) -> list[str]:
    mail = house.channels[Channel.EMAIL].sent
    return [m.subject for to, m in mail if to == address and m.subject.startswith("Post-mortem of")]


async def pending(house: KernelHouse) -> list[Deadline]:
    deadlines = await read_deadlines(house.store, 1)
    return [d for d in deadlines if d.state is DeadlineState.PENDING]


async def story(house: KernelHouse) -> list[str]:
    return [entry.text for entry in await read_timeline(house.store, 1)]


async def test_an_author_who_never_answers_is_reminded_daily_and_then_so_is_the_secondary(
    house: KernelHouse,
) -> None:
    await ended(house, severity="P1")
    await house.pass_time(hours=45.9)
    assert reminded(house, ANA) == []
    await house.pass_time(hours=0.1)
    assert reminded(house, ANA) == ["Post-mortem of INC-0001 is due in 2 hours"]
    await house.pass_time(hours=2)
    assert reminded(house, ANA)[1:] == ["Post-mortem of INC-0001 is due now"]
    assert reminded(house, BEN) == []
    for _ in range(3):
        await house.pass_time(hours=24)
    daily = [f"Post-mortem of INC-0001 is overdue by {days}" for days in ("1 day", "2 days", "3 days")]
    assert reminded(house, ANA)[2:] == daily
    assert reminded(house, BEN) == daily
    slack = [
        m.text for to, m in house.channels[Channel.SLACK].sent if m.text.startswith("The post-mortem of")
    ]
    assert len(slack) == 5
    assert "watchkeeper review waive INC-0001" in slack[-1]


async def test_every_reminder_is_wanted_as_a_scheduled_run_and_given_although_prefect_is_away(
    house: KernelHouse,
) -> None:
    await ended(house, severity="P1")
    await house.dispatcher.drive_motor()
    await house.pass_time(hours=46)
    assert len(reminded(house, ANA)) == 1
    rows = await house.store.all("motor/claim", now=house.clock(), lease_until=house.clock(), limit=100)
    mirrored = {(r["detail"]["kind"], r["detail"]["number"]) for r in rows if r["verb"] == "mirror"}
    assert {("review", 1), ("review_reminder", 1)} <= mirrored


async def test_a_reminder_that_nobody_was_there_to_give_is_left_to_the_deadline(house: KernelHouse) -> None:
    await ended(house, severity="P1")
    await house.pass_time(hours=49)
    assert reminded(house, ANA) == ["Post-mortem of INC-0001 is overdue by 1 hour"]


async def test_a_p0_is_due_within_a_day_and_publishing_it_ends_the_reminders(house: KernelHouse) -> None:
    incident = await ended(house, severity="P0")
    (due,) = [d for d in await pending(house) if d.kind is DeadlineKind.REVIEW]
    assert due.due_at == house.clock() + timedelta(hours=24)
    async with house.store.transaction() as db:
        await settle(db, incident, person="ana", where="post-mortems/x.md", now=house.clock())
    await house.pass_time(hours=80)
    assert reminded(house, ANA) == []
    assert (await read_incident(house.store, 1)).status == "reviewed"
    with pytest.raises(BadInput, match=r"published already: post-mortems/x\.md"):
        await settle(house.store, incident, person="ben", where="elsewhere", now=house.clock())


async def test_a_moved_post_mortem_is_due_then_and_not_before(house: KernelHouse) -> None:
    incident = await ended(house, severity="P1")
    later = house.clock() + timedelta(hours=96)
    async with house.store.transaction() as db:
        await move(db, house.desk, incident, later, person="ben", reason="Ana is ill", now=house.clock())
    assert {d.kind: d.due_at for d in await pending(house)} == {
        DeadlineKind.REVIEW: later,
        DeadlineKind.REVIEW_REMINDER: later - timedelta(hours=2),
    }
    await house.pass_time(hours=93)
    assert reminded(house, ANA) == []
    await house.pass_time(hours=1)
    assert reminded(house, ANA) == ["Post-mortem of INC-0001 is due in 2 hours"]
    assert any(text.endswith("by ben: Ana is ill") for text in await story(house))


async def test_an_overdue_post_mortem_can_be_moved_too(house: KernelHouse) -> None:
    incident = await ended(house, severity="P1")
    await house.pass_time(hours=48)
    later = house.clock() + timedelta(hours=30)
    async with house.store.transaction() as db:
        await move(db, house.desk, incident, later, person="ben", reason="Ana is ill", now=house.clock())
    await house.pass_time(hours=26)
    assert len(reminded(house, ANA)) == 1
    await house.pass_time(hours=4)
    assert reminded(house, ANA)[1:] == ["Post-mortem of INC-0001 is due now"]


async def test_a_waived_post_mortem_is_not_asked_for_again(house: KernelHouse) -> None:
    incident = await ended(house, severity="P1")
    async with house.store.transaction() as db:
        await waive(db, house.desk, incident, person="Ben", reason="the same as INC-0000", now=house.clock())
    assert await pending(house) == []
    await house.pass_time(hours=100)
    assert reminded(house, ANA) == []
    assert "Post-mortem waived by Ben: the same as INC-0000" in await story(house)
    with pytest.raises(BadInput, match="was waived by Ben"):
        await waive(house.store, house.desk, incident, person="Ben", reason="again", now=house.clock())


@pytest.mark.parametrize(("person", "reason"), [("ben", " "), ("", "no time"), (" ", "")])
async def test_nobody_moves_or_waives_without_a_name_and_a_reason(
    house: KernelHouse, person: str, reason: str
) -> None:
    incident = await ended(house, severity="P1")
    later = house.clock() + timedelta(hours=96)
    said = {"person": person, "reason": reason, "now": house.clock()}
    with pytest.raises(BadInput, match="takes a name and a reason"):
        await waive(house.store, house.desk, incident, **said)
    with pytest.raises(BadInput, match="takes a name and a reason"):
        await move(house.store, house.desk, incident, later, **said)
    review = await read_review(house.store, 1)
    assert review and review["waived_at"] is None and review["due_at"] < later


async def test_nothing_is_moved_into_the_past(house: KernelHouse) -> None:
    incident = await ended(house, severity="P1")
    said = {"person": "ben", "reason": "typo", "now": house.clock()}
    with pytest.raises(BadInput, match="is past"):
        await move(house.store, house.desk, incident, house.clock(), **said)


async def test_a_complaint_makes_a_post_mortem_due(house: KernelHouse) -> None:
    await house.hear(severity="P3", kind="other")
    incident = await read_incident(house.store, 1)
    for _ in range(2):
        async with house.store.transaction() as db:
            await note_complaint(
                db, house.desk, incident, "My cart is gone", person="Cleo", now=house.clock()
            )
    async with house.store.transaction() as db:
        await close_by_hand(db, house.desk, incident, person="ana", reason="mended", now=house.clock())
    review = await read_review(house.store, 1)
    assert review and review["reasons"] == ["customer_complained"]
    assert review["due_at"] == house.clock() + timedelta(hours=48)
    assert (await story(house)).count("A customer complained: My cart is gone") == 1


async def test_a_complaint_after_the_end_makes_one_due_from_then_on(house: KernelHouse) -> None:
    incident = await ended(house, severity="P3", kind="other")
    assert await read_review(house.store, 1) is None
    house.clock.advance(hours=72)
    async with house.store.transaction() as db:
        await note_complaint(db, house.desk, incident, "Still angry", person="Cleo", now=house.clock())
    review = await read_review(house.store, 1)
    assert review and review["due_at"] == house.clock() + timedelta(hours=48)


async def test_a_complaint_after_a_waiver_makes_it_required_again_with_a_new_draft(
    house: KernelHouse, tmp_path: Path
) -> None:
    incident = await ended(house, severity="P1")
    first = await write_draft(house.store, incident, tmp_path, now=house.clock())
    assert first is not None
    async with house.store.transaction() as db:
        await waive(db, house.desk, incident, person="Ben", reason="known", now=house.clock())
    house.clock.advance(hours=72)
    due_at = house.clock() + timedelta(hours=48)
    async with house.store.transaction() as db:
        said = await note_complaint(db, house.desk, incident, "No cart", person="Cleo", now=house.clock())
    assert said == "noted; the post-mortem of INC-0001 is due at 2026-03-07 03:00 UTC"
    review = await read_review(house.store, 1)
    assert review and (review["due_at"], review["reasons"]) == (due_at, ["customer_complained"])
    assert review["waived_at"] is None and review["meeting_at"] is not None
    assert (
        "Post-mortem required by 2026-03-07 03:00 UTC: customer complained. It was waived by Ben before that: known"
        in await story(house)
    )
    asked = await house.store.all("motor/claim", now=house.clock(), lease_until=house.clock(), limit=100)
    assert {"asks": 2} in [row["detail"] for row in asked if row["verb"] == "review"]
    drafted = await write_draft(house.store, incident, tmp_path, now=house.clock())
    assert drafted and "No cart" in drafted["draft"]
    assert (read(Path(first["draft_path"])), "No cart" in read(Path(drafted["draft_path"]))) == (
        first["draft"],
        True,
    )
    await house.pass_time(hours=46)
    assert reminded(house, ANA) == ["Post-mortem of INC-0001 is due in 2 hours"]


async def test_a_post_mortem_that_was_waived_can_be_asked_for_again_and_again(
    house: KernelHouse, tmp_path: Path
) -> None:
    incident = await ended(house, severity="P1")
    for _ in range(3):
        await write_draft(house.store, incident, tmp_path, now=house.clock())
        async with house.store.transaction() as db:
            await waive(db, house.desk, incident, person="Ben", reason="known", now=house.clock())
        house.clock.advance(hours=1)
        async with house.store.transaction() as db:
            due_at = await require_by_hand(db, house.desk, incident, person="Ana", now=house.clock())
        review = await read_review(house.store, 1)
        assert review and (review["waived_at"], review["due_at"]) == (None, due_at)
        assert due_at == house.clock() + timedelta(hours=48)
    assert len([text for text in await story(house) if text.startswith("Post-mortem drafted")]) == 3


async def test_what_comes_after_publishing_is_noted_and_told_that_it_is_published(house: KernelHouse) -> None:
    incident = await ended(house, severity="P1")
    async with house.store.transaction() as db:
        await settle(db, incident, person="ana", where="post-mortems/x.md", now=house.clock())
    incident = await read_incident(house.store, 1)
    async with house.store.transaction() as db:
        said = await note_complaint(db, house.desk, incident, "No cart", person="Cleo", now=house.clock())
    published = "the post-mortem of INC-0001 is published already: post-mortems/x.md"
    assert said == f"noted; {published}"
    assert (await story(house))[-2:] == [
        "A customer complained: No cart",
        f"The complaint is not in it: {published}",
    ]
    with pytest.raises(BadInput, match="is published already"):
        await require_by_hand(house.store, house.desk, incident, person="Ben", now=house.clock())
    assert await pending(house) == []


async def test_a_complaint_without_words_is_refused(house: KernelHouse) -> None:
    incident = await ended(house, severity="P3", kind="other")
    with pytest.raises(BadInput, match="what the customer said"):
        await note_complaint(house.store, house.desk, incident, "  ", person="Cleo", now=house.clock())


@pytest.mark.parametrize(
    "alerts",
    [
        [{"service": "payments"}],
        [{"service": "backend", "fingerprint": "a"}, {"service": "payments", "fingerprint": "b"}],
    ],
)
async def test_an_alert_of_the_payments_service_makes_one_due_whatever_its_kind(
    house: KernelHouse, alerts: list[dict[str, str]]
) -> None:
    for told in alerts:
        await house.hear(severity="P2", kind="high_error_rate", **told)
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        await close_by_hand(db, house.desk, incident, person="ana", reason="mended", now=house.clock())
    review = await read_review(house.store, 1)
    assert review and review["reasons"] == ["touched_payments"]


async def test_a_payment_change_in_another_kind_of_incident_makes_one_due(house: KernelHouse) -> None:
    await house.hear(severity="P2", kind="worker_stuck", service="worker")
    incident = await read_incident(house.store, 1)
    plan = Plan(
        action="resend_events", target="stripe", cause="worker_crashed", summary="Send", preview=["x"]
    )
    async with house.store.transaction() as db:
        change = await plan_remediation(db, incident, plan, house.desk.policy, step=1, now=house.clock())
        await claim(db, change, holder="run", now=house.clock())
        await close_by_hand(db, house.desk, incident, person="ana", reason="mended", now=house.clock())
    review = await read_review(house.store, 1)
    assert review and review["reasons"] == ["touched_payments"]


async def test_a_payment_finding_in_another_kind_of_incident_makes_one_due(house: KernelHouse) -> None:
    await house.hear(severity="P2", kind="worker_stuck", service="worker")
    incident = await read_incident(house.store, 1)
    finding = Finding(cause="stripe_outage", confidence=0.6, fault=Fault.VENDOR, evidence=["red"])
    async with house.store.transaction() as db:
        await save_findings(db, 1, 1, [finding])
        await close_by_hand(db, house.desk, incident, person="ana", reason="mended", now=house.clock())
    review = await read_review(house.store, 1)
    assert review and review["reasons"] == ["touched_payments"]


async def test_a_third_p3_of_a_kind_within_a_month_is_recommended_to_the_team_and_to_nobody_in_person(
    house: KernelHouse,
) -> None:
    for number in range(3):
        await ended(house, severity="P3", kind="other", fingerprint=str(number))
        await house.pass_time(hours=2)
    told = [m.text for _, m in house.channels[Channel.SLACK].sent if "recommended" in m.text]
    assert len(told) == 1 and "INC-0003" in told[0] and "- repeated p3" in told[0]
    assert await read_review(house.store, 3) is None
    async with house.store.transaction() as db:
        incident = await read_incident(db, 3)
        due_at = await require_by_hand(db, house.desk, incident, person="Ben", now=house.clock())
    review = await read_review(house.store, 3)
    assert review and (review["due_at"], review["reasons"]) == (due_at, ["asked_for_by_Ben"])


async def test_no_post_mortem_is_asked_for_while_the_incident_goes_on(house: KernelHouse) -> None:
    await house.hear(severity="P3", kind="other")
    incident = await read_incident(house.store, 1)
    with pytest.raises(BadInput, match="not over yet"):
        await require_by_hand(house.store, house.desk, incident, person="Ben", now=house.clock())


async def test_a_draft_is_written_once_and_a_persons_edits_stay(house: KernelHouse, tmp_path: Path) -> None:
    incident = await ended(house, severity="P1")
    review = await write_draft(house.store, incident, tmp_path / "drafts", now=house.clock())
    assert review is not None
    path = Path(review["draft_path"])
    assert path.name == "2026-03-02-backend-is-down.md"
    assert read(path) == review["draft"]
    write(path, "mine")
    house.clock.advance(hours=1)
    again = await write_draft(house.store, incident, tmp_path / "drafts", now=house.clock())
    assert again == review and read(path) == "mine"


async def test_a_draft_takes_the_next_name_where_somebodys_file_is(
    house: KernelHouse, tmp_path: Path
) -> None:
    incident = await ended(house, severity="P1")
    (tmp_path / "2026-03-02-backend-is-down.md").write_text("another incident's")
    review = await write_draft(house.store, incident, tmp_path, now=house.clock())
    assert review and Path(review["draft_path"]).name == "2026-03-02-backend-is-down-inc-0001.md"
    assert (tmp_path / "2026-03-02-backend-is-down.md").read_text() == "another incident's"


async def test_a_run_that_died_after_writing_finds_its_own_draft(house: KernelHouse, tmp_path: Path) -> None:
    incident = await ended(house, severity="P1")
    async with house.store._pool.connection() as connection:
        await write_draft(house.store, incident, tmp_path, now=house.clock())
        await connection.execute("UPDATE reviews SET draft = NULL, draft_path = NULL, drafted_at = NULL")
    review = await write_draft(house.store, incident, tmp_path, now=house.clock())
    assert review and Path(review["draft_path"]).name == "2026-03-02-backend-is-down.md"


async def test_a_folder_that_cannot_be_written_costs_the_file_and_not_the_draft(
    house: KernelHouse, tmp_path: Path
) -> None:
    incident = await ended(house, severity="P1")
    (tmp_path / "drafts").write_text("a file, not a folder")
    review = await write_draft(house.store, incident, tmp_path / "drafts", now=house.clock())
    assert (
        review
        and review["draft"].startswith("# Post-Mortem: Backend is down")
        and review["draft_path"] is None
    )
    assert any(
        "cannot be written (" in text and "watchkeeper review draft INC-0001" in text
        for text in await story(house)
    )
    said = await draft_into(house.store, incident, tmp_path / "mine.md", now=house.clock())
    assert re.fullmatch(r".*mine\.md is drafted; \d+ marks are yours to fill", said)
    for path, problem in (
        (tmp_path / "mine.md", "is there already"),
        (tmp_path / "drafts" / "x.md", "cannot be written"),
    ):
        with pytest.raises(BadInput, match=problem):
            await draft_into(house.store, incident, path, now=house.clock())


async def test_an_incident_without_a_review_is_not_drafted(house: KernelHouse, tmp_path: Path) -> None:
    incident = await ended(house, severity="P3", kind="other")
    assert await write_draft(house.store, incident, tmp_path, now=house.clock()) is None
    assert names(tmp_path) == []
