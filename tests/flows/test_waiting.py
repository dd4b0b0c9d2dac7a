"""A vendor that is away while a cure is planned: asked again, waited for where its page is red, else a person."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from flows import checks, resolution, verification
from flows.actions import registry
from flows.actions.site import Site
from flows.looks import Look
from flows.resolution import Outcome, take_step
from flows.runbooks import Cure
from flows.runbooks.cures import CURES
from flows.verification import Progress, Verdict, look_once, waiting_of
from tests.flows.conftest import FakeAction, MovedBench, plan_to
from tests.flows.looks import reading
from tests.watchkeeper.house import two_on_call
from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable
from watchkeeper.findings import save_checks, save_findings
from watchkeeper.incidents import next_round, read_incident
from watchkeeper.model import Check, CheckStatus, Fault, Finding, Incident, Plan, Reading, Status
from watchkeeper.parts import Parts
from watchkeeper.policy import Policy

AWAY = VendorUnavailable(vendor="vercel", action="read_production", status=503)
REFUSED = VendorRejected(vendor="vercel", action="read_production", status=401)
TRIES = 4


@dataclass
class Vercel:
    """A rollback whose planning fails so often before it is planned."""

    away: int = 0
    error: VendorError = AWAY
    asked: int = 0
    action: str = "end_idle_connections"

    async def plan(self, site: Site) -> Plan:
        self.asked += 1
        if self.asked <= self.away:
            raise self.error
        return plan_to(self.action)


@pytest.fixture
def vercel(bench: MovedBench, site: Site, monkeypatch: pytest.MonkeyPatch) -> Vercel:
    made = Vercel()

    async def publish(*shown: object) -> None:
        """No Prefect server shows it here."""

    @asynccontextmanager
    async def open_site(policy: Policy, parts: Parts) -> AsyncIterator[Site]:
        yield site

    monkeypatch.setattr(resolution, "publish", publish)
    monkeypatch.setattr(resolution, "open_site", open_site)
    monkeypatch.setattr(resolution, "open_bench", bench.opened)
    monkeypatch.setitem(registry.ACTIONS, "end_idle_connections", FakeAction())
    monkeypatch.setitem(CURES, "bad_frontend_deployment", Cure("bad_frontend_deployment", (made.plan,)))
    return made


def page_says(bench: MovedBench, indicator: str) -> Check:
    """Vercel's own page, of which nothing that it names is ours."""
    return Check(
        name="vendor_status_vercel",
        system="vercel",
        status=CheckStatus.OK if indicator == "none" else CheckStatus.BAD,
        summary=indicator,
        facts={"indicator": indicator},
        observed_at=bench.now(),
    )


async def resolved(bench: MovedBench, incident: Incident, *, page: str = "none") -> Outcome:
    """The whole phase, after an investigation that saw this on Vercel's own page, and could not read our deployments."""
    found = Finding(cause="bad_frontend_deployment", confidence=1.0, fault=Fault.DEPLOYMENT, evidence=["it"])
    told = page_says(bench, page)
    unread = told.model_copy(
        update={"name": "vercel_deployments", "status": CheckStatus.UNKNOWN, "facts": {}}
    )
    await save_checks(bench.store, incident.id, incident.round, [told, unread], now=bench.now())
    await save_findings(bench.store, incident.id, incident.round, [found])
    outcome: Outcome = await resolution.resolution.fn(incident.id)
    return outcome


async def test_a_moment_is_ridden_out(bench: MovedBench, incident: Incident, vercel: Vercel) -> None:
    vercel.away = TRIES - 1

    assert await resolved(bench, incident) is Outcome.MITIGATED

    assert vercel.asked == TRIES


async def test_after_a_minute_a_person_knows_and_reads_why(
    bench: MovedBench, incident: Incident, vercel: Vercel
) -> None:
    vercel.away = 99

    assert await resolved(bench, incident) is Outcome.UNPLANNED

    assert vercel.asked == TRIES
    assert f"The next step could not be planned: {AWAY}" in await bench.story(incident)


async def test_a_refusal_is_not_waited_for(bench: MovedBench, incident: Incident, vercel: Vercel) -> None:
    vercel.away, vercel.error = 99, REFUSED

    assert await resolved(bench, incident, page="critical") is Outcome.UNPLANNED

    assert vercel.asked == 1


async def test_an_outage_that_its_own_page_tells_of_is_waited_for_and_then_the_cure_goes_on(
    bench: MovedBench, incident: Incident, vercel: Vercel
) -> None:
    vercel.away = TRIES

    assert await resolved(bench, incident, page="major") is Outcome.HELD
    assert await resolution.resolution.fn(incident.id) is Outcome.MITIGATED, "it is being watched"

    assert vercel.asked == TRIES, "a run that starts anew asks nobody"
    assert (await read_incident(bench.store, incident.id)).status is Status.MONITORING
    story = await bench.story(incident)
    assert (
        f"Held back: step 1, for {AWAY}: Vercel's own status page is red and our own way to it fails too"
        in story
    )
    assert any(line.startswith("Waiting for Vercel: ") for line in story)
    again = await next_round(bench.store, incident, "the vendor recovered", now=bench.now())
    assert await resolved(bench, again) is Outcome.MITIGATED


@pytest.mark.parametrize("planned", [False, True])
async def test_a_red_page_that_does_not_name_what_we_use_is_waited_for_as_long_as_it_is_red(
    bench: MovedBench, vercel: Vercel, monkeypatch: pytest.MonkeyPatch, planned: bool
) -> None:
    """It was ours because our own way failed, while it was planned or before: so it is until the page says otherwise."""
    policy = two_on_call(vendors={"vercel": {"parts": ["fra1"]}})
    incident = await bench.incident_under(policy)
    vercel.away = 0 if planned else TRIES
    vercel.action = "promote_frontend"
    assert await resolved(bench, incident, page="major") is Outcome.HELD

    async def looked(indicator: str) -> Verdict:
        async def page() -> Check:
            return page_says(bench, indicator)

        async def probes(policy: Policy, *, with_unread: bool) -> list[Reading]:
            return [reading("backend_health", False, bench.now())]

        bench.clock.advance(minutes=90)
        name = "vendor_status_vercel"
        monkeypatch.setitem(checks.LOOK_AT, name, Look(name, page, lambda scene: {}))
        monkeypatch.setattr(verification, "run_probes", probes)
        monkeypatch.setattr(verification, "open_bench", bench.opened)
        now = await read_incident(bench.store, incident.id)
        waiting = await waiting_of(bench, now)
        progress: Progress = await look_once(bench, now, policy.verification, waiting)
        return progress.verdict

    told = [await looked(indicator) for indicator in ("major", "critical", "none")]
    assert told == [Verdict.WATCHING, Verdict.WATCHING, Verdict.VENDOR_RECOVERED]


async def test_whoever_must_not_be_kept_waiting_is_not(
    bench: MovedBench, site: Site, incident: Incident, vercel: Vercel
) -> None:
    """Such as the person who takes over, while an issue and a branch are made."""
    vercel.away = 99

    assert await take_step(bench, site, incident, 90, vercel.plan) is Outcome.UNPLANNED

    assert vercel.asked == 1
