"""A hotfix is begun before a person takes over a cause in our code: once, and never in the way of the hand-over."""

from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from starlette.applications import Starlette

from blocks.github import GitHubCredentials
from blocks.railway import RailwayCredentials
from blocks.vercel import VercelCredentials
from drills.vendors.config import GitHub
from drills.vendors.github import GitHubApi
from drills.vendors.releases import COMMITS, SITE_COMMITS
from flows import hotfix, resolution, respond, transaction
from flows.actions.hotfix import OpenHotfix, plan_open_hotfix
from flows.actions.site import Site
from flows.credentials import Credentials
from flows.hotfix import finding_in_code, leave_hotfix
from tasks import github, railway, vercel
from tests.flows.conftest import MovedBench, plan_to
from tests.watchkeeper.house import two_on_call
from watchkeeper.documents.hotfix import hotfix_issue
from watchkeeper.errors import PreconditionChanged, VendorUnavailable
from watchkeeper.findings import save_findings
from watchkeeper.model import Fault, Finding, Incident, Plan, Remediation, RemediationState
from watchkeeper.policy import Policy
from watchkeeper.remediations import claim, decide, expire_undecided, read_remediations

COMMIT, MESSAGE = COMMITS["2024.2-broken"]
FINDING = Finding(
    cause="bad_deployment", confidence=0.9, fault=Fault.DEPLOYMENT, evidence=["deployed 2 minutes ago @dev"]
)
RAILWAY = {"project_id": "p", "environment_id": "e", "service_id": "s"}
BRANCH = "hotfix/inc-0001-bad-deployment"


@pytest.fixture
def policy() -> Policy:
    backend = {"title": "Backend", "kind": "site_outage", "railway": RAILWAY}
    database = {"title": "Database", "kind": "database_down"}
    web = {"title": "Website", "kind": "site_outage", "vercel": {"project_id": "prj", "team_id": "team"}}
    return two_on_call(services={"backend": backend, "database": database, "web": web})


@pytest_asyncio.fixture
async def repository(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GitHubApi]:
    """GitHub's stand-in, in this process."""
    vendor = GitHubApi(GitHub(token="t", repository="shop/shop"))
    transport = httpx.ASGITransport(Starlette(routes=vendor.routes()))

    def get_client(self: GitHubCredentials) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=transport, headers={"Authorization": "Bearer t"})

    monkeypatch.setattr(GitHubCredentials, "get_client", get_client)
    yield vendor


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The deployment that serves."""
    serves = {"id": "d2", "status": "SUCCESS", "commit_hash": COMMIT, "commit_message": MESSAGE}

    async def list_deployments(*asked: object) -> list[dict[str, Any]]:
        return [serves]

    monkeypatch.setattr(railway, "list_deployments", list_deployments)
    return serves


@pytest.fixture
def site(policy: Policy, repository: GitHubApi, running: dict[str, Any]) -> Site:
    return Site(
        policy,
        Credentials(
            github=GitHubCredentials(
                token=SecretStr("t"), repository="shop/shop", base_url="http://github/github"
            ),
            railway=RailwayCredentials(token=SecretStr("t")),
            vercel=VercelCredentials(token=SecretStr("t")),
        ),
    )


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the website's production address serves."""
    commit, message = SITE_COMMITS["site-2-broken"]
    deployment = {"id": "dpl_2", "status": "READY", "commit_hash": commit, "commit_message": message}
    addresses: dict[str, Any] = {"production": "dpl_2", "dpl_2": deployment}

    async def read_production(*asked: object) -> Any:
        return addresses["production"]

    async def read_deployment(credentials: object, target: object, deployment_id: str) -> Any:
        return addresses[deployment_id]

    monkeypatch.setattr(vercel, "read_production", read_production)
    monkeypatch.setattr(vercel, "read_deployment", read_deployment)
    return addresses


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    """No artifact, no Prefect task, no waiting, and the site of this test."""

    async def publish(*told: object) -> None: ...

    monkeypatch.setattr(resolution, "publish", publish)
    monkeypatch.setattr(hotfix, "open_site", lambda policy: nullcontext(site))
    monkeypatch.setattr(transaction, "SETTLES_WITHIN", timedelta(milliseconds=-1))
    for name in ("create_issue", "create_branch"):
        monkeypatch.setattr(github, name, getattr(github, name).fn)


@pytest_asyncio.fixture
async def incident(bench: MovedBench, policy: Policy) -> Incident:
    found = await bench.incident_under(policy)
    await save_findings(bench.store, found.id, found.round, [FINDING])
    return found


async def plan_of(site: Site, incident: Incident, tried: list[Remediation] | None = None) -> Plan:
    plan = await plan_open_hotfix(
        site,
        incident=incident,
        finding=FINDING,
        code="backend",
        tried=tried or [],
        incident_link="http://watch.test/i",
    )
    assert plan is not None
    return plan


async def the_one(bench: MovedBench, incident: Incident) -> Remediation:
    [found] = [r for r in await read_remediations(bench.store, incident.id) if r.action == "open_hotfix"]
    return found


async def test_leaves_an_issue_with_the_facts_and_a_branch_from_what_runs(
    bench: MovedBench, incident: Incident, repository: GitHubApi
) -> None:
    await bench.planned(incident, plan_to("roll_back_deployment", "backend"))

    assert await leave_hotfix(bench, incident) is False

    [issue] = repository.issues
    assert repository.branches == {BRANCH: COMMIT}
    assert issue["title"].startswith("INC-0001 P0: ")
    assert "deployed 2 minutes ago @&#8203;dev" in issue["body"]
    assert "roll\\_back\\_deployment of backend: planned" in issue["body"]
    done = await the_one(bench, incident)
    assert (done.state, done.gate) == ("done", "none")
    assert done.outcome == f"issue {issue['html_url']}; branch https://github.com/shop/shop/tree/{BRANCH}"


async def incident_of_the_website(bench: MovedBench, policy: Policy) -> Incident:
    incident = await bench.incident_under(policy)
    finding = FINDING.model_copy(update={"cause": "bad_frontend_deployment"})
    await save_findings(bench.store, incident.id, incident.round, [finding])
    return incident


async def test_a_cause_in_the_website_gets_its_branch_from_what_vercel_serves(
    bench: MovedBench, policy: Policy, repository: GitHubApi, served: dict[str, Any]
) -> None:
    incident = await incident_of_the_website(bench, policy)

    assert await leave_hotfix(bench, incident) is False

    assert repository.branches == {
        "hotfix/inc-0001-bad-frontend-deployment": SITE_COMMITS["site-2-broken"][0]
    }
    done = await the_one(bench, incident)
    assert (done.state, done.target) == ("done", "web")
    assert any("deadbea7 “Render the cart on the server”, which runs now" in p for p in done.plan.preview)


@pytest.mark.parametrize("serves", [None, "dpl_3"])
async def test_nothing_is_begun_for_a_website_that_serves_nothing_or_nothing_with_a_commit(
    bench: MovedBench, policy: Policy, repository: GitHubApi, served: dict[str, Any], serves: str | None
) -> None:
    served |= {"production": serves, "dpl_3": served["dpl_2"] | {"commit_hash": None}}
    incident = await incident_of_the_website(bench, policy)

    assert await leave_hotfix(bench, incident) is False
    assert (repository.issues, repository.branches) == ([], {})


async def test_is_not_begun_when_vercel_serves_another_commit_by_then(
    bench: MovedBench, policy: Policy, site: Site, served: dict[str, Any]
) -> None:
    incident = await incident_of_the_website(bench, policy)
    found = await finding_in_code(bench, incident)
    assert found is not None
    finding, code = found
    plan = await plan_open_hotfix(
        site, incident=incident, finding=finding, code=code, tried=[], incident_link="http://watch.test/i"
    )
    assert plan is not None
    await OpenHotfix().check(site, plan)
    served["dpl_2"] = served["dpl_2"] | {"commit_hash": SITE_COMMITS["site-1"][0]}

    with pytest.raises(PreconditionChanged, match="another commit runs"):
        await OpenHotfix().check(site, plan)


async def test_leaves_it_once_however_often_the_run_starts_anew(
    bench: MovedBench, incident: Incident, repository: GitHubApi
) -> None:
    for _ in range(3):
        assert await leave_hotfix(bench, incident) is False

    assert (len(repository.issues), len(repository.branches)) == (1, 1)


async def test_a_run_that_died_after_the_issue_is_gone_on_from(
    bench: MovedBench, site: Site, incident: Incident, repository: GitHubApi
) -> None:
    plan = await plan_of(site, incident)
    await claim(bench.store, await bench.planned(incident, plan, step=90), holder="dead", now=bench.now())
    await OpenHotfix()._issue(site, plan)

    await leave_hotfix(bench, incident)

    assert (len(repository.issues), list(repository.branches)) == (1, [BRANCH])
    assert (await the_one(bench, incident)).state == "done"


async def test_a_run_that_died_after_all_of_it_did_it(
    bench: MovedBench, site: Site, incident: Incident, repository: GitHubApi
) -> None:
    plan = await plan_of(site, incident)
    await claim(bench.store, await bench.planned(incident, plan, step=90), holder="dead", now=bench.now())
    await OpenHotfix().act(site, plan)

    await leave_hotfix(bench, incident)

    assert (len(repository.issues), len(repository.branches)) == (1, 1)
    assert "it happened" in str((await the_one(bench, incident)).outcome)


async def test_makes_a_branch_where_issues_are_switched_off(
    bench: MovedBench, incident: Incident, repository: GitHubApi
) -> None:
    repository._issues_enabled = False

    await leave_hotfix(bench, incident)

    assert list(repository.branches) == [BRANCH]
    assert str((await the_one(bench, incident)).outcome).startswith("no issue (github answered 410")


async def test_does_not_take_over_a_branch_at_another_commit(
    site: Site, incident: Incident, repository: GitHubApi
) -> None:
    repository.branches[BRANCH] = "another"

    with pytest.raises(PreconditionChanged, match="at another commit"):
        await OpenHotfix().act(site, await plan_of(site, incident))


async def test_is_not_begun_when_another_commit_runs_by_then(
    site: Site, incident: Incident, running: dict[str, Any]
) -> None:
    plan = await plan_of(site, incident)
    running["commit_hash"] = "another"

    with pytest.raises(PreconditionChanged, match="another commit runs"):
        await OpenHotfix().check(site, plan)


async def test_asks_first_under_ask_and_goes_on_when_somebody_said_yes(
    bench: MovedBench, policy: Policy, repository: GitHubApi
) -> None:
    asking = policy.model_copy(
        update={"autonomy": policy.autonomy.model_copy(update={"actions": {"open_hotfix": "ask"}})}
    )
    incident = await bench.incident_under(asking)
    await save_findings(bench.store, incident.id, incident.round, [FINDING])

    assert await leave_hotfix(bench, incident) is True
    assert (repository.issues, repository.branches) == ([], {})
    asked = await the_one(bench, incident)
    await decide(
        bench.store,
        asked,
        approved=True,
        person="ana",
        reason="",
        plan_digest=asked.plan_digest,
        now=bench.now(),
    )

    assert await leave_hotfix(bench, incident) is False
    assert list(repository.branches) == [BRANCH]


async def test_does_not_hold_the_hand_over_up_for_people_who_do_not_answer(
    bench: MovedBench, policy: Policy, repository: GitHubApi
) -> None:
    asking = policy.model_copy(update={"autonomy": policy.autonomy.model_copy(update={"default": "ask"})})
    incident = await bench.incident_under(asking)
    await save_findings(bench.store, incident.id, incident.round, [FINDING])
    await bench.planned(incident, plan_to("roll_back_deployment", "backend"))
    bench.clock.advance(hours=2)
    await expire_undecided(bench.store, incident.id, now=bench.now())

    assert await leave_hotfix(bench, incident) is False
    assert (repository.branches, len(await read_remediations(bench.store, incident.id))) == ({}, 1)


async def test_is_only_shown_under_observe(bench: MovedBench, policy: Policy, repository: GitHubApi) -> None:
    watching = policy.model_copy(
        update={"autonomy": policy.autonomy.model_copy(update={"default": "observe"})}
    )
    incident = await bench.incident_under(watching)
    await save_findings(bench.store, incident.id, incident.round, [FINDING])

    assert await leave_hotfix(bench, incident) is False

    assert (repository.issues, repository.branches) == ([], {})
    assert (await the_one(bench, incident)).state is RemediationState.PLANNED


@pytest.mark.parametrize("cause", ["dns_broken", "supabase_outage"])
async def test_leaves_none_for_what_no_change_of_code_would_mend(
    bench: MovedBench, policy: Policy, repository: GitHubApi, cause: str
) -> None:
    incident = await bench.incident_under(policy)
    other = FINDING.model_copy(update={"cause": cause})
    await save_findings(bench.store, incident.id, incident.round, [other])

    assert await leave_hotfix(bench, incident) is False
    assert await read_remediations(bench.store, incident.id) == []


@pytest.mark.parametrize("vendor", ["away", "not configured"])
async def test_the_hand_over_goes_out_without_github(
    bench: MovedBench, site: Site, incident: Incident, monkeypatch: pytest.MonkeyPatch, vendor: str
) -> None:
    if vendor == "away":

        async def away(*asked: object) -> None:
            raise VendorUnavailable(vendor="railway", action="list_deployments", status=503)

        monkeypatch.setattr(railway, "list_deployments", away)
    else:
        nobody = Site(site.policy, Credentials())
        monkeypatch.setattr(hotfix, "open_site", lambda policy: nullcontext(nobody))

    assert await respond.give_to_person(bench, incident.id, "the cure did not work") == "person"

    assert await bench.told(incident, "handover")
    assert any(line.startswith("The next step could not be planned") for line in await bench.story(incident))


async def test_the_hand_over_carries_its_links(
    bench: MovedBench, incident: Incident, repository: GitHubApi
) -> None:
    await respond.give_to_person(bench, incident.id, "the plan was denied")

    texts = [text for _, text in await bench.told(incident, "handover")]
    assert texts and all(BRANCH in text and repository.issues[0]["html_url"] in text for text in texts)


def test_an_issue_is_bounded(incident: Incident) -> None:
    long = FINDING.model_copy(update={"evidence": ["x" * 100_000]})

    text = hotfix_issue(incident, long, [], branch=BRANCH, commit=COMMIT, incident_link="http://watch.test")

    assert len(text) <= 20_000 and text.startswith("<!-- watchkeeper:INC-0001:")
