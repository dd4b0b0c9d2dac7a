"""Verification: green for long enough, fallen back, or never recovered; read off the looks that were stored."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from flows import verification as watching
from flows.verification import (
    Look,
    Progress,
    Verdict,
    Waiting,
    judge_progress,
    judge_waiting,
    look_once,
    looks_of,
    share_done,
    verification,
)
from tests.flows.conftest import MovedBench
from watchkeeper.findings import read_readings, save_reading
from watchkeeper.incidents import read_incident
from watchkeeper.model import Check, CheckStatus, Incident, Reading, Status
from watchkeeper.policy import Policy, load_policy

WATCHED_SINCE = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
RULES = (
    load_policy().verification
)  # stable for 15 minutes, a look every 30 seconds, given up after 30 minutes
EVERY = RULES.check_every

WATCHING, STABLE = Verdict.WATCHING, Verdict.STABLE
RELAPSED, NOT_RECOVERED = Verdict.RELAPSED, Verdict.NOT_RECOVERED


def reading(probe: str, ok: bool = True, at: datetime = WATCHED_SINCE) -> Reading:
    return Reading(
        probe=probe, service="backend", value=1, unit="", threshold=1, ok=ok, observed_at=at, detail="it"
    )


def judged(lights: str, *, alert_after: timedelta | None = None, later: timedelta = EVERY) -> Progress:
    """What looks say, written as one letter each: G for green and R for red."""
    looks = [Look(WATCHED_SINCE + number * EVERY, light == "G") for number, light in enumerate(lights)]
    return judge_progress(
        looks,
        RULES,
        watched_since=WATCHED_SINCE,
        last_alert=None if alert_after is None else WATCHED_SINCE + alert_after,
        now=WATCHED_SINCE + (len(lights) - 1) * EVERY + later,
    )


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.mark.parametrize(
    ("lights", "verdict", "green_since"),
    [
        ("", WATCHING, None),
        ("G", WATCHING, minutes(0)),
        ("R", WATCHING, None),
        # Red at first is the cure taking hold, however many looks it takes.
        ("RRRR", WATCHING, None),
        ("RRRRG", WATCHING, minutes(2)),
        # One bad look may be a blip; it starts the time anew.
        ("GGGR", WATCHING, None),
        ("GGGRG", WATCHING, minutes(2)),
        ("GGGRGR", WATCHING, None),
        ("GRGRGRG", WATCHING, minutes(3)),
        # Two in a row are a relapse, right then.
        ("GRR", RELAPSED, None),
        ("RRGGRR", RELAPSED, None),
        ("GGRRR", RELAPSED, None),
        # Green since 03:00, it is stable at 03:15 and not a look before.
        ("G" * 29, WATCHING, minutes(0)),
        ("G" * 30, STABLE, minutes(0)),
        ("R" + "G" * 29, WATCHING, minutes(0.5)),
        ("R" + "G" * 30, STABLE, minutes(0.5)),
        ("G" * 29 + "R" + "G" * 29, WATCHING, minutes(15)),
        ("G" * 29 + "R" + "G" * 30, STABLE, minutes(15)),
        # Never green in half an hour.
        ("R" * 59, WATCHING, None),
        ("R" * 60, NOT_RECOVERED, None),
    ],
)
def test_judges_what_the_looks_say(lights: str, verdict: Verdict, green_since: timedelta | None) -> None:
    since = None if green_since is None else WATCHED_SINCE + green_since

    assert judged(lights) == Progress(verdict, since)


def test_gives_up_when_no_look_came_at_all() -> None:
    assert judged("", later=minutes(31)).verdict is NOT_RECOVERED


def test_has_recovered_late_when_it_is_green_after_the_time_to_give_up() -> None:
    assert judged("R" * 70 + "G").verdict is WATCHING


@pytest.mark.parametrize(
    ("alert_after", "verdict", "counted_from"),
    [
        (None, STABLE, minutes(0)),
        (minutes(-5), STABLE, minutes(0)),
        (minutes(0), STABLE, minutes(0)),
        (minutes(0.1), WATCHING, minutes(0.1)),
        (minutes(14), WATCHING, minutes(14)),
    ],
)
def test_an_alert_in_the_middle_starts_the_time_anew(
    alert_after: timedelta | None, verdict: Verdict, counted_from: timedelta
) -> None:
    assert judged("G" * 30, alert_after=alert_after) == Progress(verdict, WATCHED_SINCE + counted_from)


SIX_HOURS = load_policy().response.wait_for_vendor


def waited(
    lights: str, pages: str, *, held_back: bool = False, every: timedelta = EVERY, later: timedelta = EVERY
) -> Verdict:
    """What looks say while a vendor is waited for: its page is R for an outage, Y for less, G, or - for silent."""
    moments = [WATCHED_SINCE + number * every for number in range(len(lights))]
    page = [
        Reading(
            probe="vendor_status_supabase",
            service="supabase",
            value="GYR".index(colour),
            unit="",
            threshold=1,
            ok=colour != "R",
            observed_at=at,
        )
        for at, colour in zip(moments, pages, strict=True)
        if colour != "-"
    ]
    red = {reading.observed_at for reading in page if not reading.ok}
    looks = [Look(at, light == "G" and at not in red) for at, light in zip(moments, lights, strict=True)]
    return judge_waiting(
        looks,
        page,
        Waiting("Supabase", held_back=held_back),
        load_policy(),
        watched_since=WATCHED_SINCE,
        last_alert=None,
        now=moments[-1] + later,
    ).verdict


@pytest.mark.parametrize(
    ("lights", "pages", "verdict"),
    [
        ("R" * 100, "R" * 100, WATCHING),  # far beyond the half hour of an ordinary cure
        ("R" * 100, "-" * 100, WATCHING),
        ("R" * 100, "G" * 100, WATCHING),  # not every outage is on the page
        # All is green here, and the vendor says that it is not over: neither is it for us.
        ("G" * 100, "R" * 100, WATCHING),
        ("G" * 30, "Y" * 30, STABLE),
        ("G" * 30, "G" * 30, STABLE),
        ("G" * 30, "-" * 30, STABLE),
        ("R" * 50 + "G" * 30, "R" * 50 + "G" * 30, STABLE),
        ("R" * 50 + "G" * 30, "R" * 52 + "G" * 28, WATCHING),
        # From the vendor's recovery on, ours has the ordinary time.
        ("R" * 158, "R" * 100 + "G" * 58, WATCHING),
        ("R" * 159, "R" * 100 + "G" * 59, NOT_RECOVERED),
        ("R" * 161, "R" * 100 + "Y" * 61, WATCHING),
        ("R" * 50 + "GGRR", "R" * 50 + "GGRR", RELAPSED),
    ],
)
def test_waits_for_a_vendor_as_long_as_it_is_down(lights: str, pages: str, verdict: Verdict) -> None:
    assert waited(lights, pages) is verdict


@pytest.mark.parametrize("pages", ["RR", "YY", "GG", "--"])
def test_a_vendor_that_stays_away_is_overdue_in_the_end(pages: str) -> None:
    assert waited("RR", pages, every=SIX_HOURS) is Verdict.VENDOR_OVERDUE
    assert waited("RR", pages, every=SIX_HOURS / 2) is WATCHING


def test_green_for_hours_under_a_red_page_is_a_persons_to_judge() -> None:
    assert waited("GG", "RR", every=SIX_HOURS) is Verdict.VENDOR_OVERDUE


@pytest.mark.parametrize(
    ("lights", "pages", "verdict"),
    [
        ("RRR", "RRR", WATCHING),
        ("RRR", "RRG", NOT_RECOVERED),  # what was held back may happen now
        ("RRG", "RRG", WATCHING),  # and is not needed any more
        ("RRR", "RR-", WATCHING),
        ("R", "G", NOT_RECOVERED),  # it recovered while we looked
    ],
)
def test_what_was_held_back_goes_on_when_the_vendor_does(lights: str, pages: str, verdict: Verdict) -> None:
    assert waited(lights, pages, held_back=True) is verdict


@pytest.mark.parametrize(
    ("read", "looks"),
    [
        ([], []),
        ([("a", True), ("b", True)], [True]),
        ([("a", True), ("b", False)], [False]),
        ([("a", False), ("b", True)], [False]),
        ([("a", True), ("b", True), ("a", True), ("b", False)], [True, False]),
        ([("a", False), ("b", False), ("a", True), ("b", True)], [False, True]),
        # A run died in the middle of its look: what it read is a look of its own.
        ([("a", True), ("b", True), ("a", False), ("a", True), ("b", True)], [True, False, True]),
        # A probe that was not there before belongs to the look that it came with.
        ([("a", True), ("a", True), ("b", False)], [True, False]),
    ],
)
def test_readings_of_one_time_are_one_look(read: list[tuple[str, bool]], looks: list[bool]) -> None:
    told = [reading(probe, ok, WATCHED_SINCE + timedelta(seconds=n)) for n, (probe, ok) in enumerate(read)]

    found = looks_of(told)

    assert [look.green for look in found] == looks
    assert all(look.at in {each.observed_at for each in told if each.probe == "a"} for look in found)


@pytest.mark.parametrize(
    ("green_for", "share"),
    [
        (None, 0.0),
        (minutes(-1), 0.0),
        (minutes(0), 0.0),
        (minutes(6), 0.4),
        (minutes(15), 1.0),
        (minutes(99), 1.0),
    ],
)
def test_shows_how_much_of_the_time_is_over(green_for: timedelta | None, share: float) -> None:
    since = None if green_for is None else WATCHED_SINCE - green_for

    assert share_done(Progress(WATCHING, since), RULES, WATCHED_SINCE) == pytest.approx(share)


class Probes:
    """The probes of a company: one letter per look, the last of which stays."""

    def __init__(self, bench: MovedBench, lights: str) -> None:
        self.bench = bench
        self.lights = list(lights)
        self.looks = 0

    async def look(self, incident_id: int, vendor: str = "") -> list[Reading]:
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


async def mitigated(bench: MovedBench, policy: Policy) -> Incident:
    incident = await bench.incident_under(policy)
    bench.clock.advance(minutes=5)
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


async def test_an_alert_of_the_same_night_makes_it_watch_for_longer(
    bench: MovedBench, policy: Policy, play: Play
) -> None:
    incident = await mitigated(bench, policy)
    rules = bench.desk(incident).policy.verification
    play("G")
    await look_once(bench, incident, rules)
    bench.clock.advance(minutes=14)
    await bench.hear(policy)
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
    assert await watching.close(bench, incident, progress)


async def test_a_look_is_written_down_reading_by_reading(
    bench: MovedBench, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [reading("backend_health", False, bench.now()), reading("redis_ping", True, bench.now())]

    async def run_probes(policy: Policy) -> Sequence[Reading]:
        return told

    monkeypatch.setattr(watching, "run_probes", run_probes)
    monkeypatch.setattr(watching, "open_bench", bench.opened)

    given: Any = await watching.take_look(incident.id)

    assert given == told
    assert await read_readings(bench.store, incident.id) == told
