"""Verification: green for long enough, fallen back, or never recovered; read off the looks that were stored."""

from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from flows import verification as watching
from flows.doors import Doors
from flows.respond import contradiction
from flows.verification import Progress, Verdict, Waiting, look_once, share_done, verification
from tests.flows.conftest import MovedBench
from tests.flows.looks import NOT_RECOVERED, RELAPSED, STABLE, WATCHED_SINCE, WATCHING, minutes, reading
from watchkeeper.deadlines.watching import watch_where_quiet
from watchkeeper.documents.post_mortem import draft
from watchkeeper.documents.reading import section_text
from watchkeeper.findings import save_reading
from watchkeeper.guarding import Guard
from watchkeeper.incidents import read_incident
from watchkeeper.model import Check, CheckStatus, Incident, Kind, Reading, Status
from watchkeeper.policy import Policy
from watchkeeper.reviews import read_review
from watchkeeper.reviews.drafting import read_known


class Probes:
    """The probes of a company: one letter per look, the last of which stays."""

    def __init__(self, bench: MovedBench, lights: str) -> None:
        self.bench = bench
        self.lights = list(lights)
        self.looks = 0

    async def look(self, incident_id: int, vendor: str = "", felt: bool = False) -> list[Reading]:
        """In place of the task that asks the real ones."""
        self.looks += 1
        green = (self.lights.pop(0) if len(self.lights) > 1 else self.lights[0]) == "G"
        readings = [
            reading("backend_health", True, self.bench.now()),
            reading("redis_ping", green, self.bench.now()),
        ]
        for each in readings:
            await save_reading(self.bench.store, incident_id, each)
        return readings


Play = Callable[[str], Probes]


@pytest.fixture
def artifacts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be shown in the Prefect UI: bars in percent, and cards."""
    shown: list[str] = []

    async def publish(incident: Incident, name: str, markdown: str, description: str) -> None:
        shown.append(f"{name}: {markdown.splitlines()[0]}")

    async def create_bar(progress: float, key: str) -> str:
        shown.append(f"{key} {progress:.0f}")
        return "bar"

    async def update_bar(bar: str, progress: float) -> None:
        shown.append(f"{bar} {progress:.0f}")

    monkeypatch.setattr(watching, "publish", publish)
    monkeypatch.setattr(watching, "acreate_progress_artifact", create_bar)
    monkeypatch.setattr(watching, "aupdate_progress_artifact", update_bar)
    return shown


@pytest.fixture
def play(bench: MovedBench, artifacts: list[str], monkeypatch: pytest.MonkeyPatch) -> Play:
    """Let the probes say this; between two looks the clock is moved."""

    def plays(lights: str) -> Probes:
        probes = Probes(bench, lights)

        async def sleep(seconds: float) -> None:
            bench.clock.advance(seconds=seconds)

        monkeypatch.setattr(watching, "take_look", probes.look)
        monkeypatch.setattr(watching, "look_at_payments", nobody_pays)
        monkeypatch.setattr(watching, "open_bench", bench.opened)
        monkeypatch.setattr(watching, "asyncio", SimpleNamespace(sleep=sleep))
        return probes

    return plays


async def watch(incident: Incident) -> Verdict:
    """The flow's own lines, without a Prefect around them."""
    verdict: Verdict = await verification.fn(incident.id)
    return verdict


async def mitigated(bench: MovedBench, policy: Policy, *, quiet: bool = True) -> Incident:
    """A cure is carried out; the monitor that told of it says that it is over, unless it stays as it is."""
    incident = await bench.incident_under(policy)
    bench.clock.advance(minutes=5)
    if quiet:
        await bench.hear(policy, firing=False)
    return await bench.move(incident.id, Status.MONITORING)


async def nobody_pays(policy: Policy) -> Check:
    """No payments are configured to be compared."""
    return payments_look(CheckStatus.NOT_CONFIGURED)


def payments_look(status: CheckStatus) -> Check:
    return Check(
        name="payment_orders",
        system="payments",
        status=status,
        summary="9 payments, 90.00 USD: 1 payment, 12.50 USD without an order",
        facts={"lines": ["no order: evt_7 2026-03-02 03:00 UTC 12.50 USD, order-7"]},
        observed_at=WATCHED_SINCE,
    )


async def test_tidies_up_once_it_is_proved_and_before_it_is_over(
    bench: MovedBench, policy: Policy, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Status, datetime | None]] = []

    async def tidy(bench: MovedBench, incident: Incident, *, quiet_since: datetime | None) -> None:
        seen.append(((await read_incident(bench.store, incident.id)).status, quiet_since))

    incident = await mitigated(bench, policy)
    green_since = bench.now()
    play("G")
    monkeypatch.setattr(watching, "resolve_ended_issues", tidy)

    assert await watch(incident) is STABLE

    assert seen == [(Status.MONITORING, green_since)]


@pytest.mark.parametrize(("before", "verdict"), [("R", NOT_RECOVERED), ("GRR", RELAPSED)])
@pytest.mark.parametrize(
    ("after", "looks", "judged"),
    [("RRRG", 34, STABLE), ("GRG", 33, STABLE), ("R", 61, NOT_RECOVERED), ("GRR", 3, RELAPSED)],
)
async def test_what_a_person_mended_is_judged_as_leniently_as_any_cure(
    bench: MovedBench,
    policy: Policy,
    play: Play,
    before: str,
    verdict: Verdict,
    after: str,
    looks: int,
    judged: Verdict,
) -> None:
    """One red look is a blip, and what was seen before the hand-over is not theirs."""
    incident = await mitigated(bench, policy, quiet=False)
    play(before)
    assert await watch(incident) is verdict
    await bench.handed_over(incident)
    bench.clock.advance(hours=1)
    await bench.hear(policy, firing=False)
    await watch_where_quiet(bench.store, Guard(bench.store, bench.now), now=bench.now())

    probes = play(after)

    assert (await watch(incident), probes.looks) == (judged, looks)


async def test_names_on_the_timeline_what_was_paid_and_has_no_order(
    bench: MovedBench, policy: Policy, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_is_missing(policy: Policy) -> Check:
        return payments_look(CheckStatus.BAD)

    incident = await mitigated(bench, policy)
    play("G")
    monkeypatch.setattr(watching, "look_at_payments", one_is_missing)

    assert await watch(incident) is STABLE

    story = [text for text in await bench.story(incident) if text.startswith("Payments and orders compared")]
    assert story == [
        "Payments and orders compared: 9 payments, 90.00 USD: 1 payment, 12.50 USD without an order"
    ]
    told = [text for who, text in await bench.told(incident, "update") if "evt_7" in text]
    assert len(told) == 1
    review = await read_review(bench.store, incident.id)
    assert review is not None and "touched_payments" in review["reasons"]
    known = await read_known(bench.store, incident, author="ana")
    impact = section_text(draft(known, stem="x", now=bench.now()), "Impact")
    assert (
        "- compared when it was over, 9 payments, 90.00 USD: 1 payment, 12.50 USD without an order" in impact
    )
    assert "[TO FILL: orders lost]" not in impact


async def test_resolves_what_stayed_green_and_tells_those_who_were_told(
    bench: MovedBench, policy: Policy, play: Play, artifacts: list[str]
) -> None:
    incident = await mitigated(bench, policy)
    await bench.reach("ana", incident)
    probes = play("RRG")

    assert await watch(incident) is STABLE

    after = await read_incident(bench.store, incident.id)
    assert (after.status, after.resolved_at) == (Status.RESOLVED, bench.now())
    assert after.resolved_at - incident.mitigated_at == minutes(16)  # type: ignore[operator]
    assert after.recovered_at - incident.mitigated_at == minutes(1)  # type: ignore[operator]
    assert probes.looks == 2 + 31
    # The announcement is still in the outbox and leaves first; Ben's page never left, so he is told nothing.
    assert [(who, text.splitlines()[0]) for who, text in await bench.told(incident, "resolved")] == [
        ("#incidents", "Resolved: INC-0001 Database is down"),
        ("ana", "Resolved: INC-0001 Database is down"),
    ]
    assert artifacts[:4] == ["inc-0001-verification 0", "bar 0", "bar 0", "bar 0"]
    assert artifacts[-2] == "bar 100"
    assert artifacts[-1].startswith("verification-report: # INC-0001")


@pytest.mark.parametrize(("lights", "verdict", "looks"), [("GRGGRR", RELAPSED, 6), ("R", NOT_RECOVERED, 61)])
async def test_gives_back_what_did_not_hold(
    bench: MovedBench, policy: Policy, play: Play, lights: str, verdict: Verdict, looks: int
) -> None:
    incident = await mitigated(bench, policy)
    probes = play(lights)

    assert await watch(incident) is verdict

    assert probes.looks == looks
    assert (await read_incident(bench.store, incident.id)).status is Status.MONITORING


async def test_goes_on_from_the_stored_looks_after_a_crash(
    bench: MovedBench, policy: Policy, play: Play
) -> None:
    incident = await mitigated(bench, policy)
    rules = bench.desk(incident).policy.verification
    play("G")
    first = await look_once(bench, incident, rules)
    bench.clock.advance(minutes=10)  # the run died here, and another takes over

    second = await look_once(bench, await read_incident(bench.store, incident.id), rules)

    assert second == first == Progress(WATCHING, incident.mitigated_at)
    assert share_done(second, rules, bench.now()) == pytest.approx(10 / 15)
    bench.clock.advance(minutes=5)
    assert (await look_once(bench, incident, rules)).verdict is STABLE


async def test_what_was_read_before_the_cure_does_not_count(
    bench: MovedBench, policy: Policy, play: Play
) -> None:
    incident = await bench.incident_under(policy)
    play("GRRG")
    rules = bench.desk(incident).policy.verification
    for _ in range(3):
        await look_once(bench, incident, rules)
        bench.clock.advance(seconds=30)
    again = await bench.move(incident.id, Status.MONITORING)

    assert await look_once(bench, again, rules) == Progress(WATCHING, bench.now())


async def test_what_was_read_before_maintenance_mode_was_switched_does_not_count(
    bench: MovedBench, policy: Policy, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await mitigated(bench, policy)
    rules = bench.desk(incident).policy.verification
    play("GGRRG")
    began_at = bench.now()

    async def look(doors: Doors) -> Progress:
        monkeypatch.setattr(watching, "read_doors", AsyncMock(return_value=doors))
        progress = await look_once(bench, incident, rules)
        bench.clock.advance(seconds=10)
        return progress

    assert await look(Doors()) == Progress(WATCHING, began_at)
    closed_at = bench.now()
    assert await look(Doors(closed_at, may_be_shut=True)) == Progress(WATCHING, None)
    for _ in range(2):
        assert await look(Doors(closed_at, may_be_shut=True, on_their_way=True)) == Progress(WATCHING, None)
    opened_at = bench.now()
    assert await look(Doors(opened_at)) == Progress(WATCHING, opened_at)


async def test_a_switch_of_ours_does_not_forget_what_the_vendors_page_told(
    bench: MovedBench, policy: Policy, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It told of trouble and of its end: from then on our readings have the ordinary time, and not the vendor's."""
    incident = await mitigated(bench, policy)
    rules = bench.desk(incident).policy.verification
    play("R" * 3)
    page = reading("vendor_status_stripe", at=bench.now()).model_copy(update={"service": "stripe"})
    for value in (2, 0):
        told = page.model_copy(update={"value": value, "ok": not value, "observed_at": bench.now()})
        async with bench.store.transaction() as db:
            await save_reading(db, incident.id, told)
        bench.clock.advance(minutes=1)
    opened = AsyncMock(return_value=Doors(bench.now()))
    monkeypatch.setattr(watching, "read_doors", opened)

    assert await look_once(bench, incident, rules, Waiting("Stripe")) == Progress(WATCHING, None)
    bench.clock.advance(minutes=31)
    assert await look_once(bench, incident, rules, Waiting("Stripe")) == Progress(NOT_RECOVERED, None)


async def test_an_alert_of_the_same_night_makes_it_watch_for_longer(
    bench: MovedBench, policy: Policy, play: Play
) -> None:
    incident = await mitigated(bench, policy)
    rules = bench.desk(incident).policy.verification
    play("G")
    await look_once(bench, incident, rules)
    bench.clock.advance(minutes=14)
    await bench.hear(policy)
    await bench.hear(policy, firing=False)
    fired_at = bench.now()
    bench.clock.advance(minutes=14)

    assert await look_once(bench, incident, rules) == Progress(WATCHING, fired_at)
    bench.clock.advance(minutes=1)
    assert (await look_once(bench, incident, rules)).verdict is STABLE


@pytest.mark.usefixtures("artifacts")
async def test_an_alert_faster_than_the_closing_keeps_it_open(
    bench: MovedBench, policy: Policy, play: Play
) -> None:
    incident = await mitigated(bench, policy)
    rules = bench.desk(incident).policy.verification
    play("G")
    progress = await look_once(bench, incident, rules)
    bench.clock.advance(seconds=1)
    await bench.hear(policy)

    assert not await watching.close(bench, incident, progress)
    assert (await read_incident(bench.store, incident.id)).status is Status.MONITORING

    await look_once(bench, incident, rules)
    assert not await watching.close(bench, incident, progress), "it fires, however green all is"
    await bench.hear(policy, firing=False)
    assert await watching.close(bench, incident, progress)


async def test_a_monitor_that_still_says_down_is_a_persons_to_look_at(
    bench: MovedBench, policy: Policy, play: Play
) -> None:
    incident = await mitigated(bench, policy)
    # A monitor of something that no probe of ours looks at.
    await bench.hear(policy, fingerprint="checkout", summary="Checkout fails")
    play("G")

    assert await watch(incident) is Verdict.CONTRADICTED

    assert bench.now() - incident.mitigated_at == policy.verification.give_up_after  # type: ignore[operator]
    assert (await read_incident(bench.store, incident.id)).status is Status.MONITORING
    assert await contradiction(bench, incident.id) == (
        "the probes are green, and generic still says: Checkout fails"
    )


async def test_closes_when_the_last_monitor_has_said_that_it_is_over(
    bench: MovedBench, policy: Policy, play: Play
) -> None:
    incident = await mitigated(bench, policy, quiet=False)
    probes = play("G")
    rules = policy.verification
    for _ in range(40):
        assert (await look_once(bench, incident, rules)).verdict is WATCHING
        bench.clock.advance(seconds=30)
    await bench.hear(policy, firing=False)

    assert await watch(incident) is STABLE
    assert probes.looks == 41


@pytest.mark.parametrize(
    "told",
    [
        {"source": "sentry", "ends": False, "summary": "Sentry: TypeError"},
        {"source": "person", "fingerprint": "person:1", "summary": "Checkout fails"},
        {"source": "vercel", "summary": "Website: a production deployment failed (dpl_1)"},
    ],
)
async def test_what_nobody_ever_ends_is_proved_by_the_probes(
    bench: MovedBench, policy: Policy, play: Play, told: dict[str, Any]
) -> None:
    number = await bench.hear(policy, **told)
    incident = await bench.move(number, Status.MONITORING)
    play("G")

    assert await watch(incident) is STABLE


async def test_what_was_missed_meanwhile_is_sent_again_before_it_is_over(
    bench: MovedBench, policy: Policy, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await mitigated(bench, policy)
    missed = {"source": "sweep", "fingerprint": "sweep:stripe_undelivered", "service": "payments"}
    await bench.hear(policy, **missed)
    asked: list[datetime] = []

    async def send(bench: MovedBench, incident: Incident) -> None:
        asked.append(bench.now())
        await bench.hear(policy, **missed, firing=False)

    monkeypatch.setattr(watching, "send_missed_again", send)
    play("G")

    assert await watch(incident) is STABLE
    assert incident.mitigated_at is not None
    assert asked == [incident.mitigated_at + policy.verification.stable_for]


async def test_a_sentry_that_cannot_be_asked_closes_nothing(
    bench: MovedBench, policy: Policy, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await bench.hear(policy, source="sentry", ends=False, kind=Kind.HIGH_ERROR_RATE)
    incident = await bench.move(number, Status.MONITORING)
    play("G")

    async def look(incident_id: int, vendor: str = "", felt: bool = False) -> list[Reading]:
        unread = reading("sentry_errors", False, bench.now()).model_copy(update={"unread": True})
        for each in (reading("backend_health", True, bench.now()), unread):
            await save_reading(bench.store, incident_id, each)
        return []

    monkeypatch.setattr(watching, "take_look", look)

    assert await watch(incident) is Verdict.UNPROVED
    assert (await read_incident(bench.store, number)).status is Status.MONITORING
