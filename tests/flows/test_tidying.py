"""Tidying up: what a proved rollback ended is resolved in Sentry, once, and nothing of it keeps an incident open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.sentry import SentryCredentials
from flows import resolution, tidying, transaction
from flows.actions import sentry as actions
from flows.actions.site import Site
from flows.tidying import resolve_ended_issues, send_missed_again
from tests.conftest import MovedClock
from tests.flows.conftest import NOBODY, MovedBench, plan_to
from tests.flows.test_undoing import carried_out
from tests.watchkeeper.house import KernelHouse, two_on_call
from tests.watchkeeper.night.signing import signed
from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable
from watchkeeper.findings import save_checks
from watchkeeper.model import Check, CheckStatus, Incident, Remediation, RemediationState, Status
from watchkeeper.parts import Parts
from watchkeeper.policy import Policy
from watchkeeper.remediations import read_remediations
from watchkeeper.store import Store

AWAY = VendorUnavailable(vendor="sentry", action="read_issue", status=503)


class Sentry:
    """Two issues that are new with the release, last seen before the rollback; `fails` is what each call raises."""

    def __init__(self, seen: datetime) -> None:
        self.issues = {number: {"status": "unresolved", "last_seen": seen} for number in ("7", "8")}
        self.resolved: list[str] = []
        self.unreadable: VendorError | None = None
        self.fails: VendorError | None = None

    async def read_issue(self, credentials: object, issue_id: str) -> dict[str, Any]:
        if self.unreadable:
            raise self.unreadable
        return {"id": issue_id, "title": f"Error {issue_id}", **self.issues[issue_id]}

    async def resolve_issue(self, credentials: object, issue_id: str) -> None:
        if self.fails:
            raise self.fails
        self.issues[issue_id]["status"] = "resolved"
        self.resolved.append(issue_id)


@pytest.fixture
def sentry(bench: MovedBench, monkeypatch: pytest.MonkeyPatch) -> Sentry:
    made = Sentry(bench.now() - timedelta(minutes=1))

    async def publish(*shown: object) -> None:
        """No Prefect server shows it here."""

    @asynccontextmanager
    async def open_site(policy: Policy, parts: Parts | None = None) -> AsyncIterator[Site]:
        known = SentryCredentials(token=SecretStr("t"), organization="shop")
        yield Site(policy, replace(NOBODY, sentry=known), parts)

    monkeypatch.setattr(actions.sentry, "read_issue", made.read_issue)
    monkeypatch.setattr(actions.sentry, "resolve_issue", made.resolve_issue)
    monkeypatch.setattr(resolution, "publish", publish)
    monkeypatch.setattr(tidying, "open_site", open_site)
    monkeypatch.setattr(transaction, "SETTLES_WITHIN", timedelta(milliseconds=-1))
    return made


async def rolled_back(bench: MovedBench, policy: Policy, action: str = "roll_back_deployment") -> Incident:
    """An incident whose investigation found two new issues, and whose cure was carried out."""
    return await cured(bench, await bench.incident_under(policy), action)


async def cured(bench: MovedBench, incident: Incident, action: str = "roll_back_deployment") -> Incident:
    facts = {"new_issue_ids": ["7", "8"]}
    look = Check(
        name="sentry_errors",
        system="sentry",
        status=CheckStatus.BAD,
        summary="many errors",
        facts=facts,
        observed_at=bench.now(),
    )
    await save_checks(bench.store, incident.id, incident.round, [look], now=bench.now())
    await carried_out(bench, incident, plan_to(action, "backend", cause="errors_after_deploy"))
    return incident


async def tidied(bench: MovedBench, incident: Incident) -> list[Remediation]:
    await resolve_ended_issues(bench, incident, quiet_since=bench.now())
    known = await read_remediations(bench.store, incident.id)
    return [r for r in known if r.action == actions.RESOLVE_ISSUES]


@pytest.mark.parametrize("action", sorted(tidying.ENDS_ERRORS))
async def test_what_a_rollback_ended_is_resolved_once_however_often_the_run_starts_anew(
    bench: MovedBench, policy: Policy, sentry: Sentry, action: str
) -> None:
    incident = await rolled_back(bench, policy, action)

    for _ in range(3):
        [tidy] = await tidied(bench, incident)

    assert (tidy.state, sentry.resolved) == (RemediationState.DONE, ["7", "8"])
    assert tidy.plan.preview[0].startswith("issue 7: Error 7, last seen")


async def test_who_signed_for_the_rollback_sleeps_through_the_tidying(
    store: Store, clock: MovedClock, bench: MovedBench, sentry: Sentry
) -> None:
    house = KernelHouse(store, clock, two_on_call())
    await signed(house, "errors_after_deploy")
    await house.hear(service="backend", kind="high_error_rate", summary="Errors")
    incident = await cured(bench, await bench.move(1, Status.INVESTIGATING))

    [tidy] = await tidied(bench, incident)

    assert (tidy.state, sentry.resolved) == (RemediationState.DONE, ["7", "8"])
    assert await bench.told(incident, "page") == []


async def test_only_a_rollback_ends_errors(bench: MovedBench, policy: Policy, sentry: Sentry) -> None:
    incident = await rolled_back(bench, policy, "restart_service")

    assert (await tidied(bench, incident), sentry.resolved) == ([], [])


async def test_an_issue_that_was_seen_since_is_left_open(
    bench: MovedBench, policy: Policy, sentry: Sentry
) -> None:
    incident = await rolled_back(bench, policy)
    sentry.issues["7"]["last_seen"] = bench.now() + timedelta(seconds=1)

    await tidied(bench, incident)

    assert sentry.resolved == ["8"]


async def test_an_issue_that_is_seen_between_plan_and_deed_stops_it(
    bench: MovedBench, policy: Policy, sentry: Sentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await rolled_back(bench, policy)
    reads = 0

    async def read_issue(credentials: object, issue_id: str) -> dict[str, Any]:
        nonlocal reads
        reads += 1
        later = timedelta(seconds=1 if reads > len(sentry.issues) else -1)
        return {"id": issue_id, "title": "E", "status": "unresolved", "last_seen": bench.now() + later}

    monkeypatch.setattr(actions.sentry, "read_issue", read_issue)

    [tidy] = await tidied(bench, incident)

    assert (tidy.state, sentry.resolved) == (RemediationState.FAILED, [])


async def test_what_is_resolved_already_needs_nothing(
    bench: MovedBench, policy: Policy, sentry: Sentry
) -> None:
    incident = await rolled_back(bench, policy)
    for issue in sentry.issues.values():
        issue["status"] = "resolved"

    assert (await tidied(bench, incident), sentry.resolved) == ([], [])


async def test_who_only_observes_resolves_nothing(bench: MovedBench, sentry: Sentry) -> None:
    observing = two_on_call(autonomy={"actions": {actions.RESOLVE_ISSUES: "observe"}})
    incident = await rolled_back(bench, observing)

    [tidy] = await tidied(bench, incident)

    assert (tidy.state, sentry.resolved) == (RemediationState.PLANNED, [])


async def test_nobody_is_woken_to_be_asked_for_it(bench: MovedBench, sentry: Sentry) -> None:
    incident = await rolled_back(bench, two_on_call(autonomy={"actions": {actions.RESOLVE_ISSUES: "ask"}}))
    asked = len(await bench.told(incident, "approval"))

    assert (await tidied(bench, incident), sentry.resolved) == ([], [])

    assert len(await bench.told(incident, "approval")) == asked
    assert any("Left for a person to resolve in Sentry" in text for text in await bench.story(incident))


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (AWAY, RemediationState.FAILED),
        (VendorRejected(vendor="sentry", action="resolve_issue", status=403), RemediationState.FAILED),
    ],
)
async def test_sentrys_failure_is_written_down_and_stops_nothing(
    bench: MovedBench, policy: Policy, sentry: Sentry, failure: VendorError, state: RemediationState
) -> None:
    incident = await rolled_back(bench, policy)
    sentry.fails = failure

    [tidy] = await tidied(bench, incident)

    assert (tidy.state, sentry.resolved) == (state, [])


async def test_a_sentry_that_is_away_stops_nothing_and_is_said(
    bench: MovedBench, policy: Policy, sentry: Sentry
) -> None:
    incident = await rolled_back(bench, policy)
    sentry.unreadable = AWAY

    assert await tidied(bench, incident) == []
    assert any("could not be planned" in text for text in await bench.story(incident))


@pytest.mark.parametrize(
    ("fires", "autonomy", "sent"),
    [
        (["sweep:stripe_undelivered"], "act", True),
        (["sweep:stripe_undelivered", "sweep:payment_orders"], "act", True),
        # It is not over: whatever else still fires is looked at first.
        (["sweep:stripe_undelivered", "generic:checkout"], "act", False),
        ([], "act", False),
        (["sweep:stripe_undelivered"], "ask", False),
    ],
)
async def test_what_was_missed_is_sent_again_where_nothing_else_fires(
    bench: MovedBench, monkeypatch: pytest.MonkeyPatch, fires: list[str], autonomy: str, sent: bool
) -> None:
    steps: list[int] = []

    @asynccontextmanager
    async def open_site(policy: Policy, parts: Parts | None = None) -> AsyncIterator[Site]:
        yield Site(policy, NOBODY, parts)

    async def take_step(bench: object, site: object, incident: object, step: int, plan_step: object) -> None:
        steps.append(step)

    monkeypatch.setattr(tidying, "open_site", open_site)
    monkeypatch.setattr(tidying, "take_step", take_step)
    policy = two_on_call(autonomy={"actions": {"resend_events": autonomy}})
    incident = await bench.incident_under(policy)
    await bench.hear(policy, firing=False)
    for fingerprint in fires:
        source = fingerprint.partition(":")[0]
        await bench.hear(policy, source=source, fingerprint=fingerprint)

    await send_missed_again(bench, incident)

    assert steps == ([tidying.RESEND_STEP] if sent else [])
