"""Railway's deployments: what serves, what could be gone back to, and what its refusals look like."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.railway import RailwayCredentials
from tasks.railway import (
    current_of,
    list_deployments,
    previous_of,
    redeploy,
    roll_back,
    set_variable,
)
from tasks.railway_looks import (
    changes_of,
    each_once,
    railway_changes,
    railway_deployments,
    railway_logs,
    worker_deployment,
)
from tests.tasks.conftest import SECRET, Answer, Wire, says
from watchkeeper.errors import VendorRejected
from watchkeeper.model import Check, CheckStatus
from watchkeeper.policy.services import RailwayTarget

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
TARGET = RailwayTarget(project_id="p1", environment_id="e1", service_id="s1")


def node(id: str, status: str = "SUCCESS", *, commit: str | None = "c1", **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "status": status,
        "createdAt": "2026-03-02T02:30:00.000Z",
        "statusUpdatedAt": "2026-03-02T02:31:00.000Z",
        "canRollback": True,
        "meta": {"commitHash": commit, "commitMessage": f"change {commit}"},
        **more,
    }


def deployments(*nodes: dict[str, Any]) -> Answer:
    return says({"data": {"deployments": {"edges": [{"node": each} for each in nodes]}}})


def credentials(wire: Wire) -> RailwayCredentials:
    return RailwayCredentials(token=SecretStr(SECRET), base_url=f"{wire.url}/graphql/v2")


async def look(wire: Wire, answer: Answer) -> Check:
    wire.answers(answer)
    return await railway_deployments(credentials(wire), TARGET, now=NOW)


async def test_asks_for_the_service_with_a_project_token(wire: Wire) -> None:
    await look(wire, deployments(node("d1")))

    [asked] = wire.asked
    where = {"projectId": "p1", "environmentId": "e1", "serviceId": "s1"}
    assert (asked.method, asked.path) == ("POST", "/graphql/v2")
    assert asked.json["variables"] == {"input": where, "first": 10}
    assert asked.headers["project-access-token"] == SECRET
    assert "authorization" not in asked.headers


async def test_names_what_serves_and_what_could_be_gone_back_to(wire: Wire) -> None:
    check = await look(
        wire,
        deployments(
            node("d4", commit="c3"),
            node("d3", "REMOVED", commit="c3"),
            node("d2", "REMOVED", commit="c2", canRollback=False),
            node("d1", "REMOVED", commit="c1"),
        ),
    )

    assert check.status is CheckStatus.OK
    assert check.facts["current"]["id"] == "d4"
    assert check.facts["previous_good"]["id"] == "d1"
    assert check.facts["deployed_minutes_ago"] == 30
    assert check.summary == "SUCCESS, deployed 30 minutes ago: change c3"
    assert len(check.output.splitlines()) == 4


def page(*nodes: dict[str, Any], further: bool) -> Answer:
    told = {
        "edges": [{"node": each} for each in nodes],
        "pageInfo": {"hasNextPage": further, "endCursor": "c"},
    }
    return says({"data": {"deployments": told}})


@pytest.mark.parametrize("newest", [(), (node("s", commit="c2"),)], ids=["what serves", "what came before"])
async def test_builds_that_failed_hide_neither_what_serves_nor_what_came_before(
    wire: Wire, newest: tuple[dict[str, Any], ...]
) -> None:
    failed = [node(f"f{n}", "FAILED", commit=f"f{n}", canRollback=False) for n in range(10 - len(newest))]
    older = [node("s", commit="c2")] * (not newest) + [node("p", "REMOVED", commit="c1")]
    wire.answers(page(*newest, *failed, further=True), page(*older, further=True))

    check = await railway_deployments(credentials(wire), TARGET, now=NOW)

    assert check.status is CheckStatus.OK
    assert (check.facts["current"]["id"], check.facts["previous_good"]["id"]) == ("s", "p")
    asked = [each.json["variables"] for each in wire.asked]
    assert [(each["first"], each.get("after")) for each in asked] == [(10, None), (50, "c")]


async def test_asks_once_where_the_newest_tell_enough(wire: Wire) -> None:
    wire.answers(page(node("s", commit="c2"), node("p", "REMOVED", commit="c1"), further=True))

    await railway_deployments(credentials(wire), TARGET, now=NOW)

    assert len(wire.asked) == 1


NOT_LIVE = ["FAILED", "BUILDING", "DEPLOYING", "QUEUED", "WAITING", "NEEDS_APPROVAL", "TELEPORTING"]


@pytest.mark.parametrize("status", NOT_LIVE)
async def test_what_never_went_live_is_not_what_serves(wire: Wire, status: str) -> None:
    check = await look(
        wire,
        deployments(
            node("d3", status, commit="c3"),
            node("d2", commit="c2"),
            node("d1", "REMOVED", commit="c1"),
        ),
    )

    assert check.status is CheckStatus.OK
    assert (check.facts["current"]["id"], check.facts["previous_good"]["id"]) == ("d2", "d1")
    assert check.summary == f"SUCCESS, deployed 30 minutes ago: change c2; not live: {status} change c3"


@pytest.mark.parametrize(
    ("statuses", "current"),
    [
        (["CRASHED", "REMOVED"], "d0"),
        (["CRASHED", "SUCCESS"], "d0"),
        (["FAILED", "CRASHED", "REMOVED"], "d1"),
        (["FAILED", "SLEEPING", "REMOVED"], "d1"),
        (["FAILED", "REMOVED"], "d0"),
        (["SKIPPED", "BUILDING", "REMOVING"], "d1"),
        (["SKIPPED", "REMOVED"], None),
    ],
)
def test_the_newest_that_went_live_serves_or_crashed(statuses: list[str], current: str | None) -> None:
    listed = [{"id": f"d{n}", "status": status} for n, status in enumerate(statuses)]

    found = current_of(listed)

    assert (found["id"] if found else None) == current


@pytest.mark.parametrize("status", ["CRASHED", "FAILED"])
async def test_is_bad_when_the_newest_is_broken(wire: Wire, status: str) -> None:
    check = await look(wire, deployments(node("d2", status), node("d1", "REMOVED")))

    assert check.status is CheckStatus.BAD
    assert check.summary.startswith(status)


async def test_is_bad_when_nothing_serves(wire: Wire) -> None:
    check = await look(wire, deployments(node("d1", "REMOVED")))

    assert check.status is CheckStatus.BAD
    assert check.summary == "no deployment serves"
    assert (check.facts["current"], check.facts["previous_good"]) == (None, None)


async def test_passes_on_a_status_that_it_does_not_know(wire: Wire) -> None:
    check = await look(wire, deployments(node("d1", "TELEPORTING")))

    assert check.status is CheckStatus.OK
    assert check.facts["current"]["status"] == "TELEPORTING"


async def test_lists_deployments_without_a_commit(wire: Wire) -> None:
    wire.answers(deployments({"id": "d1", "status": "SUCCESS", "createdAt": "2026-03-02T02:30:00Z"}))

    [listed] = await list_deployments(credentials(wire), TARGET)

    assert listed == {
        "id": "d1",
        "status": "SUCCESS",
        "created_at": "2026-03-02T02:30:00Z",
        "status_updated_at": None,
        "commit_hash": None,
        "commit_message": None,
        "can_rollback": False,
    }
    assert (current_of([listed]), previous_of([listed])) == (listed, None)


async def test_shows_a_refusal_in_railways_words(wire: Wire) -> None:
    check = await look(wire, says({"errors": [{"message": "Not Authorized"}], "data": None}))

    assert check.status is CheckStatus.UNKNOWN
    assert check.summary == "railway answered 200 to list_deployments: Not Authorized"
    assert len(wire.asked) == 1


@pytest.mark.parametrize("before", [0, 190])
async def test_hides_a_token_that_railway_repeats_also_where_the_words_are_cut(
    wire: Wire, before: int
) -> None:
    wire.answers(says({"errors": [{"message": "x" * before + SECRET}]}))

    with pytest.raises(VendorRejected) as caught:
        await roll_back.fn(credentials(wire), "d1")

    assert caught.value.reason == "x" * before + "***"


@pytest.mark.parametrize("deploy", [True, False])
async def test_sets_one_variable_of_one_service_and_says_whether_that_deploys(
    wire: Wire, deploy: bool
) -> None:
    wire.answers(says({"data": {"variableUpsert": True}}))

    await set_variable.fn(credentials(wire), TARGET, "MAINTENANCE_MODE", SecretStr("true"), deploy=deploy)

    [asked] = wire.asked
    where = {"projectId": "p1", "environmentId": "e1", "serviceId": "s1"}
    variable = {"name": "MAINTENANCE_MODE", "value": "true", "skipDeploys": not deploy}
    assert asked.json["variables"] == {"input": where | variable}


async def test_hides_the_variables_value_when_railway_repeats_it(wire: Wire) -> None:
    wire.answers(says({"errors": [{"message": "whsec_new is too short"}], "data": None}))

    with pytest.raises(VendorRejected) as caught:
        await set_variable.fn(credentials(wire), TARGET, "STRIPE_WEBHOOK_SECRET", SecretStr("whsec_new"))

    assert caught.value.reason == "*** is too short"


async def test_a_redeployment_has_an_id_of_its_own(wire: Wire) -> None:
    wire.answers(says({"data": {"deploymentRedeploy": {"id": "d9"}}}))

    assert await redeploy.fn(credentials(wire), "d1") == "d9"
    assert wire.asked[0].json["variables"] == {"id": "d1"}


@pytest.mark.parametrize("told", [True, None, {}, {"id": None}])
async def test_a_redeployment_without_an_id_did_not_happen(wire: Wire, told: Any) -> None:
    wire.answers(says({"data": {"deploymentRedeploy": told}}))

    with pytest.raises(VendorRejected, match="names no deployment"):
        await redeploy.fn(credentials(wire), "d1")


def said(message: str, severity: str = "error", second: int = 0) -> dict[str, Any]:
    return {"timestamp": f"2026-03-02T02:59:{second:02}Z", "message": message, "severity": severity}


async def logs(wire: Wire, *lines: dict[str, Any]) -> Check:
    listed = {"edges": [{"node": node("d1")}]}
    wire.answers(says({"data": {"deployments": listed, "deploymentLogs": lines}}))
    return await railway_logs(credentials(wire), TARGET)


async def test_shows_the_last_error_lines_oldest_first_and_without_secrets(wire: Wire) -> None:
    check = await logs(
        wire,
        said("cannot reach postgres://app:hunter22@db/shop", second=2),
        said("listening", "info", second=1),
        said("ValueError: 7", "info", second=0),
    )

    assert check.output.splitlines() == [
        "2026-03-02T02:59:00Z ValueError: 7",
        "2026-03-02T02:59:02Z cannot reach postgres://app:***@db/shop",
    ]
    assert wire.asked[1].json["variables"] == {"deploymentId": "d1", "limit": 100}


async def test_shows_what_was_last_said_about_an_address(wire: Wire) -> None:
    lines = [said("POST /webhooks/stripe 400", "info", 1), said("ValueError: 7", second=2)]
    listed = {"edges": [{"node": node("d1")}]}
    wire.answers(says({"data": {"deployments": listed, "deploymentLogs": lines}}))

    check = await railway_logs(credentials(wire), TARGET, name="webhook_logs", about="/webhooks/stripe")

    assert (check.name, check.summary) == ("webhook_logs", "1 lines about /webhooks/stripe lately")
    assert check.output == "2026-03-02T02:59:01Z POST /webhooks/stripe 400"
    assert wire.asked[1].json["variables"]["limit"] == 500


async def test_shows_few_lines_and_no_long_ones(wire: Wire) -> None:
    check = await logs(wire, *(said("x" * 2000, second=n % 60) for n in range(200)))

    assert len(check.output.splitlines()) == 20
    assert max(map(len, check.output.splitlines())) < 350


def test_a_change_within_the_hour_is_told_and_the_same_commit_again_is_said_so() -> None:
    def row(id: str, created_at: str, commit: str) -> dict[str, Any]:
        message = f"change {commit}"
        return {
            "id": id,
            "status": "SUCCESS",
            "created_at": created_at,
            "commit_hash": commit,
            "commit_message": message,
        }

    listed = [
        row("d3", "2026-03-02T02:50:00Z", "c2"),
        row("d2", "2026-03-02T02:30:00Z", "c2"),
        row("d1", "2026-03-02T01:30:00Z", "c1"),
    ]

    changes = changes_of("worker", listed, now=NOW, recent=timedelta(hours=1))

    assert [(c["at"], c["service"]) for c in changes] == [
        ("2026-03-02T02:50:00Z", "worker"),
        ("2026-03-02T02:30:00Z", "worker"),
    ]
    assert changes[0]["what"] == "change c2 (the same commit again: a variable or a setting may have changed)"
    assert changes[1]["what"] == "change c2"


async def test_lists_the_changes_of_every_service_newest_first(wire: Wire) -> None:
    wire.answers(deployments(node("d1")))
    targets = {"backend": TARGET, "worker": TARGET.model_copy(update={"service_id": "s2"})}

    check = await railway_changes(credentials(wire), targets, now=NOW, recent=timedelta(hours=1))

    assert [change["service"] for change in check.facts["changes"]] == ["backend", "worker"]
    assert {asked.json["variables"]["input"]["serviceId"] for asked in wire.asked} == {"s1", "s2"}
    assert "which variables were changed is not readable" in check.summary


async def test_looks_of_one_investigation_ask_for_a_services_deployments_once(wire: Wire) -> None:
    told = {"edges": [{"node": node("d1")}]}
    wire.answers(says({"data": {"deployments": told, "deploymentLogs": []}}))
    targets = {"backend": TARGET, "worker": TARGET.model_copy(update={"service_id": "s2"})}
    known, listing = credentials(wire), each_once()

    checks = await asyncio.gather(
        railway_deployments(known, targets["backend"], now=NOW, listing=listing),
        railway_logs(known, targets["backend"], listing=listing),
        worker_deployment(known, targets["worker"], now=NOW, listing=listing),
        railway_changes(known, targets, now=NOW, recent=timedelta(hours=1), listing=listing),
    )

    assert {check.status for check in checks} == {CheckStatus.OK}
    listed = [asked.json["variables"] for asked in wire.asked if "input" in asked.json["variables"]]
    assert sorted(each["input"]["serviceId"] for each in listed) == ["s1", "s2"]
