"""Railway's actions: what a rollback gives up, how much memory a step may give, and what takes each back."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from flows.actions import payments, resources
from flows.actions import railway as actions
from flows.actions.maintenance import SetMaintenanceMode, plan_maintenance
from flows.actions.payments import ReplaceSigningSecret, plan_replace_secret
from flows.actions.railway import (
    RedeployDeployment,
    RestartService,
    RollBackDeployment,
    commit_that_will_run,
    commits_between,
    migration_lines,
    plan_restart,
    plan_rollback,
)
from flows.actions.resources import (
    CPU,
    MEMORY,
    LowerResources,
    RaiseResources,
    Resource,
    plan_raise_cpu,
    plan_raise_memory,
)
from flows.actions.site import Site, Undoable
from flows.runbooks import PlanStep, high_error_rate, site_outage
from flows.runbooks.worker_stuck import restart_crashed
from tests.flows.conftest import NOBODY
from tests.rows import a_remediation
from tests.watchkeeper.house import two_on_call
from watchkeeper.errors import (
    NothingToChange,
    NotPermitted,
    PreconditionChanged,
    VendorError,
    VendorRejected,
    VendorUnavailable,
    WatchkeeperError,
)
from watchkeeper.model import Plan, Remediation, RemediationState
from watchkeeper.policy import Policy
from watchkeeper.policy.services import StripeTarget

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def deployment(id: str, commit: str, status: str = "SUCCESS") -> dict[str, Any]:
    return {
        "id": id,
        "status": status,
        "created_at": "2026-03-02T02:30:00+00:00",
        "status_updated_at": "2026-03-02T02:31:00+00:00",
        "commit_hash": commit,
        "commit_message": f"change {commit}",
        "can_rollback": status == "REMOVED",
    }


def compared(**told: Any) -> dict[str, Any]:
    commits = [{"sha": "bada55c0de", "message": "Speed up checkout", "author": "dev"}]
    known = {"ahead_by": 1, "behind_by": 0, "commits": commits, "files": ["a.py"], "migrations": []}
    return known | told


class Vendors:
    """Railway and GitHub as the test says they are; what is asked of them is kept."""

    def __init__(self) -> None:
        self.deployments = [deployment("d2", "c2"), deployment("d1", "c1", "REMOVED")]
        self.memory_gb: float | None = 0.15
        self.cpu: float | None = 1.0
        self.measured_gb: float | None = None
        self.comparison: dict[str, Any] | WatchkeeperError = compared()
        self.asked: list[Any] = []

    async def list_deployments(self, *where: Any) -> list[dict[str, Any]]:
        return self.deployments

    async def read_limits(self, *where: Any) -> dict[str, float | None]:
        return {"memory_gb": self.memory_gb, "cpu": self.cpu}

    async def read_usage(self, *where: Any, since: datetime) -> dict[str, float | None]:
        return {
            "memory_peak_gb": 0.149,
            "memory_limit_gb": self.measured_gb,
            "cpu_peak": 1.01,
            "cpu_limit": 1.0,
        }

    async def update_limits(self, *where: Any, memory_gb: float | None, cpu: float | None) -> None:
        self.asked.append((memory_gb, cpu))

    async def compare_commits(self, credentials: object, base: str, head: str) -> dict[str, Any]:
        self.asked.append((base, head))
        if isinstance(self.comparison, WatchkeeperError):
            raise self.comparison
        return self.comparison


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Vendors:
    made = Vendors()
    monkeypatch.setattr(actions.railway, "list_deployments", made.list_deployments)
    for name in ("read_limits", "read_usage", "update_limits"):
        monkeypatch.setattr(resources.railway_usage, name, getattr(made, name))
    monkeypatch.setattr(actions.github, "compare_commits", made.compare_commits)
    monkeypatch.setattr(actions, "LOOK_AGAIN_SECONDS", 0.001)
    monkeypatch.setattr(Site, "github", lambda site: None)
    monkeypatch.setattr(Site, "railway", lambda site, service: (None, None))
    return made


def done(plan: Plan) -> Remediation:
    return a_remediation(plan, RemediationState.DONE)


async def rollback(site: Site) -> Plan:
    return await plan_rollback(site, "backend", cause="bad_deployment")


async def test_a_rollback_shows_the_commits_it_gives_up(site: Site, vendors: Vendors) -> None:
    plan = await rollback(site)

    assert vendors.asked == [("c1", "c2")]
    assert "no migrations lie between" in plan.preview
    assert "gives up bada55c0 “Speed up checkout” (dev)" in plan.preview


@pytest.mark.parametrize(
    ("deployments", "step"),
    [
        ([deployment("d2", "c2")], site_outage.roll_back_backend),
        ([deployment("d2", "c2")], high_error_rate.roll_back_backend),
        ([deployment("d2", "c2", "REMOVED")], restart_crashed),
    ],
)
async def test_without_a_deployment_to_change_it_says_so_instead_of_finding_nothing_to_do(
    site: Site, vendors: Vendors, deployments: list[dict[str, Any]], step: PlanStep
) -> None:
    vendors.deployments = deployments

    with pytest.raises(NothingToChange, match="Railway"):
        await step(site)


async def test_a_rollback_says_when_migrations_lie_between(site: Site, vendors: Vendors) -> None:
    vendors.comparison = compared(migrations=[f"migrations/{n}.sql" for n in range(7)])

    [line] = [line for line in (await rollback(site)).preview if "migrations" in line]

    assert line.startswith("migrations lie between: migrations/0.sql")
    assert "and 2 more; the older release runs on the newer schema" in line


@pytest.mark.parametrize(
    "error",
    [
        VendorUnavailable(vendor="github", action="compare_commits", reason="time limit"),
        VendorRejected(vendor="github", action="compare_commits", status=404),
    ],
)
async def test_a_rollback_is_planned_all_the_same_when_github_does_not_say(
    site: Site, vendors: Vendors, error: WatchkeeperError
) -> None:
    vendors.comparison = error

    [line] = [line for line in (await rollback(site)).preview if "migrations" in line]

    assert line == f"whether migrations lie between could not be told ({error}): look before you approve"


async def test_without_github_it_cannot_be_told_whether_migrations_lie_between(policy: Policy) -> None:
    [line] = await commits_between(Site(policy, NOBODY), "c1", "c2")

    assert "could not be told (GitHub is not configured" in line


async def test_commits_that_railway_does_not_name_cannot_be_compared(site: Site, vendors: Vendors) -> None:
    [line] = await commits_between(site, None, "c2")

    assert "the platform names no commits" in line
    assert vendors.asked == []


def test_many_files_or_two_lines_of_history_leave_migrations_unknown() -> None:
    for told in (compared(files=["a.py"] * 300), compared(behind_by=1)):
        [line] = migration_lines(told)
        assert "could not be told" in line


GONE_BACK = [deployment("d3", "c1"), deployment("d2", "c2", "REMOVED"), deployment("d1", "c1", "REMOVED")]


async def test_a_changed_variable_after_a_rollback_brings_back_what_was_left_and_says_so(
    site: Site, vendors: Vendors
) -> None:
    vendors.deployments = GONE_BACK
    vendors.comparison = compared(migrations=["migrations/7.sql"])

    plan = await plan_maintenance(site, "backend", on=True, message="Back at 4.", cause="it", number=1)

    assert plan is not None and vendors.asked == [("c1", "c2")]
    assert "ANOTHER COMMIT WILL RUN: c2 “change c2”" in plan.preview
    assert "brings bada55c0 “Speed up checkout” (dev)" in plan.preview
    assert (
        "migrations lie between: migrations/7.sql; the newer release needs them to have run" in plan.preview
    )


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe's endpoint, whose secret can be replaced without Stripe."""
    target = StripeTarget(endpoint_url="https://shop.test/hook", event_types=["payment_intent.succeeded"])
    endpoint = {"id": "we_1", "url": target.endpoint_url, "status": "enabled", "metadata": {}}

    async def list_endpoints(*where: Any) -> list[Any]:
        return [endpoint]

    monkeypatch.setattr(Site, "stripe", lambda site: (None, target))
    monkeypatch.setattr(payments.stripe, "list_endpoints", list_endpoints)
    monkeypatch.setattr(payments, "current_endpoint", lambda endpoints: endpoints[0])

    async def replace_secret(site: Site, endpoint_id: str) -> str:
        return "we_2"

    monkeypatch.setattr(payments, "replace_secret", replace_secret)


@pytest.mark.usefixtures("endpoint")
async def test_a_new_signing_secret_after_a_rollback_says_which_commit_comes_with_it(
    site: Site, vendors: Vendors
) -> None:
    vendors.deployments = GONE_BACK

    plan = await plan_replace_secret(site, cause="it")

    assert plan is not None and "ANOTHER COMMIT WILL RUN: c2 “change c2”" in plan.preview


@pytest.mark.usefixtures("endpoint")
async def test_a_new_signing_secret_is_not_set_once_something_else_was_deployed(
    site: Site, vendors: Vendors
) -> None:
    plan = await plan_replace_secret(site, cause="it")
    await ReplaceSigningSecret().check(site, plan)
    vendors.deployments = as_left(deployment("d3", "fix"))

    with pytest.raises(PreconditionChanged, match="another deployment serves now"):
        await ReplaceSigningSecret().check(site, plan)


class Watched:
    """How often Railway is asked what serves, on a clock that only sleeping moves."""

    def __init__(self, vendors: Vendors) -> None:
        self.vendors = vendors
        self.now = NOW
        self.asks = 0
        self.errors: list[VendorError] = []

    def utc_now(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def list_deployments(self, *where: Any) -> list[dict[str, Any]]:
        self.asks += 1
        if self.errors:
            raise self.errors.pop()
        return self.vendors.deployments


@pytest.fixture
def watched(vendors: Vendors, monkeypatch: pytest.MonkeyPatch, endpoint: None) -> Watched:
    made = Watched(vendors)
    monkeypatch.setattr(payments, "utc_now", made.utc_now)
    monkeypatch.setattr(payments, "asyncio", made)
    return made


async def test_a_deployment_that_takes_long_costs_few_of_railways_requests(
    site: Site, vendors: Vendors, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await plan_replace_secret(site, cause="it")
    monkeypatch.setattr(payments.railway, "list_deployments", watched.list_deployments)

    said = await ReplaceSigningSecret().act(site, plan)

    assert said == "we_2 takes the place of we_1; backend was not seen to be deployed with its secret yet"
    assert watched.asks == 60


@pytest.mark.parametrize(
    "error",
    [
        VendorRejected(vendor="railway", action="list_deployments", status=403),
        VendorUnavailable(vendor="railway", action="list_deployments", status=429),
    ],
)
async def test_a_secret_that_is_set_has_not_failed_because_railway_cannot_be_asked(
    site: Site, vendors: Vendors, watched: Watched, monkeypatch: pytest.MonkeyPatch, error: VendorError
) -> None:
    plan = await plan_replace_secret(site, cause="it")
    monkeypatch.setattr(payments.railway, "list_deployments", watched.list_deployments)
    watched.errors, vendors.deployments = [error, error], as_left(deployment("d3", "c2"))

    said = await ReplaceSigningSecret().act(site, plan)

    assert said == "we_2 takes the place of we_1; backend is deployed with its secret"
    assert watched.asks == 3


async def test_a_changed_variable_names_the_commit_that_goes_on_running(site: Site, vendors: Vendors) -> None:
    lines = await commit_that_will_run(site, vendors.deployments)

    assert lines == ["the commit that will run is the one that runs now: c2 “change c2”"]
    assert vendors.asked == []


async def test_a_commit_whose_deployment_was_skipped_comes_next(site: Site, vendors: Vendors) -> None:
    failed = deployment("d3", "c3", "SKIPPED")

    lines = await commit_that_will_run(site, [failed, *vendors.deployments])

    assert lines[0] == "ANOTHER COMMIT WILL RUN: c3 “change c3”"


async def test_without_named_commits_it_cannot_be_told_which_will_run(site: Site) -> None:
    [line] = await commit_that_will_run(site, [deployment("d1", "c1") | {"commit_hash": None}])

    assert "could not be told" in line


async def test_many_commits_are_counted_and_not_all_shown(site: Site, vendors: Vendors) -> None:
    many = compared()["commits"] * 20
    vendors.comparison = compared(commits=many, ahead_by=57)

    lines = await commits_between(site, "c1", "c2")

    assert (len(lines), lines[-1]) == (10, "and 49 more commits")


async def test_a_rollback_is_taken_back_by_deploying_what_was_left(site: Site, vendors: Vendors) -> None:
    remediation = done(await rollback(site))
    vendors.deployments = [deployment("d3", "c1", "CRASHED"), deployment("d2", "c2", "REMOVED")]

    undo = await RollBackDeployment().plan_undo(site, remediation)

    assert undo is not None
    assert (undo.action, undo.parameters["from_id"], undo.parameters["to_id"]) == (
        "redeploy_deployment",
        "d3",
        "d2",
    )


def as_left(*newer: dict[str, Any]) -> list[dict[str, Any]]:
    """What is listed once the release of d2 was left, below what was deployed since."""
    return [*newer, deployment("d2", "c2", "REMOVED"), deployment("d1", "c1", "REMOVED")]


@pytest.mark.parametrize(
    "deployments",
    [
        as_left(deployment("d4", "fix"), deployment("d3", "c1", "REMOVED")),
        as_left(deployment("d3", "fix")),
    ],
)
async def test_nothing_is_left_to_take_back_where_somebody_elses_deployment_serves(
    site: Site, vendors: Vendors, deployments: list[dict[str, Any]]
) -> None:
    remediation = done(await rollback(site))
    vendors.deployments = deployments

    assert await RollBackDeployment().plan_undo(site, remediation) is None


@pytest.mark.parametrize(
    ("deployments", "why"),
    [
        (as_left(deployment("d4", "fix", "BUILDING"), deployment("d3", "c1")), "somebody has deployed since"),
        (as_left(deployment("d4", "fix", "FAILED"), deployment("d3", "c1")), "somebody has deployed since"),
        (as_left(deployment("d4", "c1"), deployment("d3", "c1", "REMOVED")), "somebody has deployed since"),
        ([deployment("d3", "c1")], "no longer lists what was left"),
    ],
)
async def test_a_rollback_that_serves_and_cannot_be_taken_back_is_said_to_be_in_place(
    site: Site, vendors: Vendors, deployments: list[dict[str, Any]], why: str
) -> None:
    remediation = done(await rollback(site))
    vendors.deployments = deployments

    with pytest.raises(PreconditionChanged, match=why):
        await RollBackDeployment().plan_undo(site, remediation)


async def test_a_push_that_railway_skipped_overwrites_nothing(site: Site, vendors: Vendors) -> None:
    remediation = done(await rollback(site))
    vendors.deployments = as_left(deployment("d4", "docs", "SKIPPED"), deployment("d3", "c1"))

    undo = await RollBackDeployment().plan_undo(site, remediation)

    assert undo is not None and undo.parameters["from_id"] == "d3"


async def test_a_release_without_a_commit_is_gone_back_to_with_no_word_of_taking_it_back(
    site: Site, vendors: Vendors
) -> None:
    vendors.deployments[1] |= {"commit_hash": None}
    plan = await rollback(site)
    vendors.deployments = as_left(deployment("d3", "c1") | {"commit_hash": None})

    assert plan.undo == ""
    assert await RollBackDeployment().plan_undo(site, done(plan)) is None


async def test_nothing_is_taken_back_when_what_was_left_serves_again(site: Site, vendors: Vendors) -> None:
    remediation = done(await rollback(site))
    vendors.deployments = [deployment("d2", "c2")]

    assert await RollBackDeployment().plan_undo(site, remediation) is None


NEVER_LISTED = [deployment("d99", "c1")]


@pytest.mark.parametrize(
    ("deployments", "happened"),
    [
        ([deployment("d2", "c2"), deployment("d1", "c1", "REMOVED")], False),
        (as_left(deployment("d3", "c1")), True),
        (as_left(deployment("d4", "fix"), deployment("d3", "c1", "REMOVED")), True),
        (as_left(deployment("d3", "fix")), None),
        (as_left(deployment("d3", "fix", "BUILDING")), None),
        (NEVER_LISTED, None),
    ],
)
async def test_only_the_commit_that_was_gone_back_to_proves_a_rollback(
    site: Site, vendors: Vendors, deployments: list[dict[str, Any]], happened: bool | None
) -> None:
    remediation = done(await rollback(site))
    vendors.deployments = deployments

    assert await RollBackDeployment().look_up(site, remediation) is happened


@pytest.mark.parametrize(("newer", "happened"), [([], False), (["c2"], True), (["fix"], None)])
async def test_only_the_release_that_was_left_proves_that_it_was_deployed_again(
    site: Site, vendors: Vendors, newer: list[str], happened: bool | None
) -> None:
    remediation = done(await rollback(site))
    vendors.deployments = as_left(deployment("d3", "c1"))
    undo = await RollBackDeployment().plan_undo(site, remediation)
    assert undo is not None
    vendors.deployments = [*(deployment("d4", commit) for commit in newer), *vendors.deployments]

    assert await RedeployDeployment().look_up(site, done(undo)) is happened


@pytest.mark.parametrize(
    ("before", "after", "happened"),
    [
        ("SUCCESS", "SUCCESS", True),
        ("CRASHED", "SUCCESS", True),
        ("SUCCESS", "CRASHED", None),
        ("SUCCESS", "REMOVED", None),
        ("SLEEPING", "SUCCESS", None),
    ],
)
async def test_a_crash_or_waking_up_proves_no_restart(
    site: Site, vendors: Vendors, before: str, after: str, happened: bool | None
) -> None:
    vendors.deployments = [deployment("d2", "c2", before)]
    remediation = done(await plan_restart(site, "backend", cause="it"))
    assert await RestartService().look_up(site, remediation) is False

    vendors.deployments = [deployment("d2", "c2", after) | {"status_updated_at": "2026-03-02T03:00:00+00:00"}]

    assert await RestartService().look_up(site, remediation) is happened


async def test_a_restart_that_still_starts_is_waited_for(
    site: Site, vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendors.deployments = [deployment("d2", "c2", "CRASHED")]
    remediation = done(await plan_restart(site, "backend", cause="it"))
    later = {"status_updated_at": "2026-03-02T03:00:00+00:00"}
    seen = [[deployment("d2", "c2", status) | later] for status in ("CRASHED", "DEPLOYING", "SUCCESS")]

    async def list_deployments(*_: Any) -> list[dict[str, Any]]:
        return seen.pop(0)

    monkeypatch.setattr(actions.railway, "list_deployments", list_deployments)

    assert await RestartService().look_up(site, remediation) is True


async def test_maintenance_mode_waits_for_nothing_that_was_on_its_way_when_it_was_planned(
    site: Site, vendors: Vendors
) -> None:
    building = deployment("d3", "c3", "BUILDING")
    vendors.deployments.insert(0, building)
    plan = await plan_maintenance(site, "backend", on=False, message="", cause="it", number=1)
    assert plan is not None
    await SetMaintenanceMode().check(site, plan)

    vendors.deployments.insert(0, deployment("d4", "c4", "BUILDING"))

    with pytest.raises(PreconditionChanged, match="on its way"):
        await SetMaintenanceMode().check(site, plan)


async def test_a_build_that_failed_is_neither_restarted_nor_gone_back_from(
    site: Site, vendors: Vendors
) -> None:
    vendors.deployments.insert(0, deployment("d3", "c3", "FAILED"))

    restart, back = await plan_restart(site, "backend", cause="it"), await rollback(site)

    assert restart.parameters["deployment_id"] == "d2"
    assert (back.parameters["from_id"], back.parameters["to_id"]) == ("d2", "d1")
    await RollBackDeployment().check(site, back)
    assert await RollBackDeployment().look_up(site, done(back)) is False
    vendors.deployments.insert(0, deployment("d4", "c1"))
    assert await RollBackDeployment().look_up(site, done(back)) is True
    vendors.deployments[2] |= {"status": "REMOVED"}
    assert await RollBackDeployment().plan_undo(site, done(back)) is not None


async def test_nothing_is_changed_under_a_deployment_that_is_on_its_way(site: Site, vendors: Vendors) -> None:
    plans = [(RestartService(), await plan_restart(site, "backend", cause="it"))]
    plans.append((RollBackDeployment(), await rollback(site)))
    vendors.deployments.insert(0, deployment("d3", "fix", "BUILDING"))

    for action, plan in plans:
        with pytest.raises(PreconditionChanged, match="another deployment is on its way"):
            await action.check(site, plan)


@pytest.mark.parametrize("newer", ["BUILDING", "SUCCESS"])
async def test_maintenance_mode_is_on_its_way_once_its_deployment_is_being_built(
    site: Site, vendors: Vendors, monkeypatch: pytest.MonkeyPatch, newer: str
) -> None:
    async def read_variable(*asked: Any) -> SecretStr:
        return SecretStr("true")

    monkeypatch.setattr(actions.railway, "read_variable", read_variable)
    vendors.deployments.insert(0, deployment("d3", "c3", "FAILED"))
    plan = await plan_maintenance(site, "backend", on=True, message="Back at 4.", cause="it", number=1)
    assert plan is not None
    assert await SetMaintenanceMode().look_up(site, done(plan)) is False

    vendors.deployments.insert(0, deployment("d4", "c3", newer))

    assert await SetMaintenanceMode().look_up(site, done(plan)) is True


async def more_memory(site: Site) -> Plan:
    return await plan_raise_memory(site, "backend", cause="out_of_memory")


async def test_more_memory_shows_the_limit_the_peak_and_the_new_limit(site: Site, vendors: Vendors) -> None:
    plan = await more_memory(site)

    assert plan.summary == "Raise backend's memory from 0.15 to 0.3 GB"
    assert plan.preview[:3] == [
        "limit now: 0.15 GB",
        "most that was used lately: 0.15 GB",
        "new limit: 0.3 GB",
    ]
    assert plan.undo == "set the limit back to 0.15 GB on Railway"


@pytest.mark.parametrize("resource", [MEMORY, CPU])
@pytest.mark.parametrize(("old", "new"), [(0.15, 0.3), (5, 8), (7.9, 8)])
def test_a_step_doubles_the_limit_up_to_the_policys_maximum(
    policy: Policy, resource: Resource, old: float, new: float
) -> None:
    assert resource.raised(old, policy) == new


@pytest.mark.parametrize("old", [8, 24])
def test_there_is_no_step_over_the_policys_maximum(policy: Policy, old: float) -> None:
    with pytest.raises(NotPermitted, match="most memory that the policy allows"):
        MEMORY.raised(old, policy)
    with pytest.raises(NotPermitted, match="8 vCPU is the most processors" if old == 8 else "24 vCPU"):
        CPU.raised(old, policy)


async def test_a_limit_that_railway_does_not_name_is_not_raised(site: Site, vendors: Vendors) -> None:
    vendors.memory_gb = None

    with pytest.raises(VendorRejected, match="names no memory"):
        await more_memory(site)


async def test_the_limit_is_set_with_the_processors_as_they_were(site: Site, vendors: Vendors) -> None:
    plan = await more_memory(site)

    await RaiseResources().check(site, plan)
    await RaiseResources().act(site, plan)

    assert vendors.asked == [(0.3, 1.0)]


async def test_a_limit_that_nobody_set_is_raised_from_what_is_measured_and_the_other_is_left_out(
    site: Site, vendors: Vendors
) -> None:
    vendors.memory_gb, vendors.cpu, vendors.measured_gb = None, None, 0.5
    plan = await more_memory(site)

    await RaiseResources().check(site, plan)
    await RaiseResources().act(site, plan)

    assert vendors.asked == [(1.0, None)]


async def test_more_processors_leave_the_memory_as_it_was_and_are_taken_back(
    site: Site, vendors: Vendors
) -> None:
    plan = await plan_raise_cpu(site, "backend", cause="cpu_maxed")
    assert plan.summary == "Raise backend's processors from 1 to 2 vCPU"
    assert plan.preview[:3] == [
        "limit now: 1 vCPU",
        "most that was used lately: 1.01 vCPU",
        "new limit: 2 vCPU",
    ]

    await RaiseResources().check(site, plan)
    assert await RaiseResources().act(site, plan) == "Railway took the limit of 2 vCPU"
    vendors.cpu = 2.0
    assert await RaiseResources().look_up(site, done(plan)) is True
    undo = await RaiseResources().plan_undo(site, done(plan))
    assert undo is not None
    assert undo.summary == "Take the raise back: backend's processors from 2 to 1 vCPU"
    await LowerResources().check(site, undo)
    await LowerResources().act(site, undo)

    assert vendors.asked == [(0.15, 2.0), (0.15, 1.0)]


@pytest.mark.parametrize("changed", [{"memory_gb": 1.0}, {"cpu": 2.0}])
async def test_the_limit_is_not_set_when_somebody_changed_one(
    site: Site, vendors: Vendors, changed: dict[str, float]
) -> None:
    plan = await more_memory(site)
    vars(vendors).update(changed)

    with pytest.raises(PreconditionChanged, match="no longer what it was"):
        await RaiseResources().check(site, plan)


async def test_a_policy_that_became_stricter_is_kept(site: Site, vendors: Vendors) -> None:
    plan = await more_memory(site)
    strict = Site(two_on_call(limits={"memory_factor": 1.5}), NOBODY)

    with pytest.raises(NotPermitted, match="is over the policy's"):
        await RaiseResources().check(strict, plan)


@pytest.mark.parametrize(("now_gb", "happened"), [(0.3, True), (0.15, False), (1.0, None), (None, None)])
async def test_the_limit_itself_says_whether_it_was_set(
    site: Site, vendors: Vendors, now_gb: float | None, happened: bool | None
) -> None:
    remediation = done(await more_memory(site))
    vendors.memory_gb = now_gb

    assert await RaiseResources().look_up(site, remediation) is happened


async def test_more_memory_is_taken_back_to_the_old_limit(site: Site, vendors: Vendors) -> None:
    remediation = done(await more_memory(site))
    vendors.memory_gb = 0.3

    undo = await RaiseResources().plan_undo(site, remediation)

    assert undo is not None
    assert (undo.action, undo.parameters["becomes"]) == ("lower_resources", {"memory_gb": 0.15, "cpu": 1.0})
    # What takes back is not taken back itself, and needs no room in the policy.
    assert not isinstance(LowerResources(), Undoable)
    await LowerResources().check(Site(two_on_call(limits={"memory_maximum_gb": 0.1}), NOBODY), undo)


async def test_memory_that_somebody_set_since_is_left(site: Site, vendors: Vendors) -> None:
    remediation = done(await more_memory(site))
    vendors.memory_gb = 2.0

    assert await RaiseResources().plan_undo(site, remediation) is None


def test_what_says_that_it_can_be_taken_back_can() -> None:
    undoable: list[Callable[..., Awaitable[Plan | None]]] = [
        action.plan_undo
        for action in (RollBackDeployment(), RaiseResources())
        if isinstance(action, Undoable)
    ]
    assert len(undoable) == 2
