"""The investigation: what was looked at stands on the timeline, what changed stands first, and whose fault it looks like."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from flows import investigation as investigating
from flows.investigation import investigation
from tests.flows.conftest import MovedBench
from watchkeeper.documents.cards import findings_card
from watchkeeper.model import Check, CheckStatus, Fault, Finding, Incident, Status, TimelineKind
from watchkeeper.policy import Policy
from watchkeeper.timeline import read_timeline


class Looks:
    """Every look of an investigation as the test says it is; how often they were taken is counted."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.taken = 0
        self.checks: list[Check] = []
        self.cards: list[str] = []

    def say(self, name: str, status: CheckStatus, summary: str = "", **more: Any) -> None:
        told = {"system": "it", "summary": summary or name, "observed_at": self.now, **more}
        self.checks.append(Check(name=name, status=status, **told))

    async def run(self, policy: Policy) -> list[Check]:
        self.taken += 1
        return self.checks

    async def publish(self, incident: Incident, name: str, markdown: str, description: str) -> None:
        self.cards.append(markdown)


@pytest.fixture
def looks(bench: MovedBench, monkeypatch: pytest.MonkeyPatch) -> Looks:
    made = Looks(bench.now())
    monkeypatch.setattr(investigating, "open_bench", bench.opened)
    monkeypatch.setattr(investigating, "run_checks", made.run)
    monkeypatch.setattr(investigating, "publish", made.publish)
    monkeypatch.setattr(investigating, "conclude", investigating.conclude.fn)
    return made


def change(at: str, platform: str, what: str) -> dict[str, str]:
    return {"at": at, "platform": platform, "service": "s", "status": "SUCCESS", "what": what}


def leak(looks: Looks) -> None:
    """What a connection leak looks like."""
    facts = {"application_connections": 18, "idle_over_limit": 12}
    looks.say("postgres_connections", CheckStatus.BAD, "18 connections held", facts=facts)
    looks.say("backend_detailed", CheckStatus.BAD, facts={"dependencies": {"database": "error"}})


async def investigate(incident: Incident) -> list[Finding]:
    found: list[Finding] = await investigation.fn(incident.id)
    return found


async def test_every_command_and_its_output_is_on_the_timeline(
    bench: MovedBench, incident: Incident, looks: Looks
) -> None:
    looks.say(
        "redis_ping",
        CheckStatus.BAD,
        "no answer",
        command="redis-cli PING",
        output="Could not connect to Redis",
    )
    looks.say("queue", CheckStatus.UNKNOWN, "nothing came of it in time", command="LLEN bull:jobs:wait")

    await investigate(incident)

    entries = await read_timeline(bench.store, incident.id)
    commands = {e.text: e.detail for e in entries if e.kind is TimelineKind.COMMAND}
    assert commands["redis_ping: bad - no answer"] == {
        "command": "redis-cli PING",
        "output": "Could not connect to Redis",
        "status": "bad",
    }
    assert commands["queue: unknown - nothing came of it in time"]["command"] == "LLEN bull:jobs:wait"


async def test_what_changed_on_either_platform_stands_first_newest_on_top(
    incident: Incident, looks: Looks
) -> None:
    railway = [change("2026-03-02T02:30:00+00:00", "Railway", "Speed up checkout")]
    vercel = [change("2026-03-02T02:50:00+00:00", "Vercel", "Render on the server")]
    variables = [change("2026-03-02T02:40:00+00:00", "Vercel", "variable API_URL")]
    facts = {"changes": railway, "unreadable": "which variables were changed is not readable on Railway"}
    looks.say("railway_changes", CheckStatus.OK, facts=facts)
    looks.say("vercel_deployments", CheckStatus.OK, facts={"changes": vercel})
    looks.say("vercel_variables", CheckStatus.OK, facts={"changes": variables})
    leak(looks)

    await investigate(incident)

    [card] = looks.cards
    wanted = ("changed lately", "Render on", "variable API", "Speed up", "## Causes")
    order = [card.index(words) for words in wanted]
    assert order == sorted(order)
    unreadable = card.index("Not readable: which variables were changed is not readable on Railway")
    assert unreadable < card.index("## Causes")


@pytest.mark.parametrize("name", ["railway_changes", "vercel_deployments", "vercel_variables"])
async def test_a_platform_that_does_not_say_what_changed_is_named_where_the_changes_would_stand(
    incident: Incident, looks: Looks, name: str
) -> None:
    looks.say(name, CheckStatus.UNKNOWN, "answered 503")

    await investigate(incident)

    [card] = looks.cards
    named = card.index(f"Not readable: {name.replace('_', ' ')} (answered 503)")
    assert named < card.index("## Causes")
    assert "(answered 503)" in card.split("**Missing:**")[1]


@pytest.mark.parametrize("fault", Fault)
def test_whose_fault_it_looks_like_is_said_of_each_cause(incident: Incident, fault: Fault) -> None:
    found = [Finding(cause="connection_leak", confidence=0.9, fault=fault, evidence=["it"])]

    assert f"Looks like: {fault}" in findings_card(incident, [], found)


async def test_what_spoke_for_the_others_is_on_the_timeline_where_several_causes_fit(
    bench: MovedBench, incident: Incident, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        Finding(cause="connection_leak", confidence=0.9, fault=Fault.OURS, evidence=["18 connections held"]),
        Finding(cause="supabase_outage", confidence=0.85, fault=Fault.VENDOR, evidence=["its page is red"]),
    ]
    monkeypatch.setattr(investigating, "diagnose", lambda checks, policy: found)

    await investigate(incident)

    [why] = [text for text in await bench.story(incident) if text.startswith("Several causes fit.")]
    assert "Trying connection leak first; for it alone speaks: 18 connections held." in why
    assert "For supabase outage (85%): its page is red." in why


async def test_a_guess_is_called_one_to_the_team_and_on_the_timeline(
    bench: MovedBench, incident: Incident, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Finding(cause="connection_leak", confidence=0.45, fault=Fault.OURS, evidence=["18 held"])]
    monkeypatch.setattr(investigating, "diagnose", lambda checks, policy: found)

    await investigate(incident)

    said = "connection leak (45%: a guess, too weak to act on): 18 held"
    assert said in await bench.story(incident)
    assert any(f"Perhaps {said}" in text for _, text in await bench.told(incident, "update"))


async def test_of_causes_that_fit_about_equally_well_the_one_with_a_cure_is_announced(
    bench: MovedBench, incident: Incident, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        Finding(cause="database_unreachable", confidence=1.0, fault=Fault.OURS, evidence=["it fails", "and"]),
        Finding(cause="connection_leak", confidence=0.92, fault=Fault.OURS, evidence=["18 connections held"]),
    ]
    monkeypatch.setattr(investigating, "diagnose", lambda checks, policy: found)

    first, _ = await investigate(incident)

    assert (await bench.incident(incident.id)).cause == first.cause == "connection_leak"
    assert any("Likely cause: connection leak" in text for _, text in await bench.told(incident, "update"))
    [why] = [text for text in await bench.story(incident) if text.startswith("Several causes fit.")]
    assert "Trying connection leak first; for it alone speaks: 18 connections held." in why
    assert "The runbook has no cure for database unreachable." in why


@pytest.mark.parametrize(
    ("taken_back", "told"),
    [
        (True, "Not tried again, for it did not help and was taken back: bad deployment."),
        (False, "Not tried again, for it did not help; it may still be in place: bad deployment."),
    ],
)
async def test_what_was_tried_in_vain_is_not_announced_again_where_another_cure_is_tried(
    bench: MovedBench,
    incident: Incident,
    looks: Looks,
    monkeypatch: pytest.MonkeyPatch,
    taken_back: bool,
    told: str,
) -> None:
    found = [
        Finding(cause="bad_deployment", confidence=1.0, fault=Fault.OURS, evidence=["deployed lately"]),
        Finding(cause="connection_leak", confidence=0.7, fault=Fault.OURS, evidence=["18 connections held"]),
    ]
    monkeypatch.setattr(investigating, "diagnose", lambda checks, policy: found)
    monkeypatch.setattr(investigating, "given_up", lambda known, round: {"bad_deployment": taken_back})

    await investigate(incident)

    assert (await bench.incident(incident.id)).cause == "connection_leak"
    assert told in await bench.story(incident)


async def test_a_round_that_is_concluded_is_not_looked_at_again(
    bench: MovedBench, incident: Incident, looks: Looks
) -> None:
    leak(looks)

    first, second = await investigate(incident), await investigate(incident)

    assert (looks.taken, len(looks.cards), second) == (1, 1, first)
    assert (await bench.incident(incident.id)).status is Status.IDENTIFIED


async def test_looks_that_a_dead_run_finished_are_not_taken_again(
    bench: MovedBench, incident: Incident, looks: Looks
) -> None:
    leak(looks)
    await investigating.look(bench, incident)  # the run dies here
    bench.clock.advance(minutes=1)

    await investigate(incident)

    entries = await read_timeline(bench.store, incident.id)
    assert looks.taken == 1
    assert sum(e.text.startswith("postgres_connections: ") for e in entries) == 1
    assert max(e.at for e in entries) - looks.now == timedelta(minutes=1)
