"""Railway's stand-in: what it refuses with status 200, and what variables and limits do to what runs."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.drills.company import RESTART, ROLL_BACK, WRONG, Company, all_monitors_up, refusal, until


async def test_railway_refuses_a_wrong_token_with_status_200(company: Company) -> None:
    query = "query { projectToken { projectId environmentId } }"

    assert refusal(await company.graphql(query, WRONG)) == "Not Authorized"

    told = await company.graphql(query)
    assert told["data"]["projectToken"] == {"projectId": "prj-shop", "environmentId": "env-production"}
    assert "errors" not in told


@pytest.mark.parametrize(
    ("query", "variables", "message"),
    [
        (ROLL_BACK, {"id": "no-such-deployment"}, "Deployment not found"),
        (RESTART, {"id": "no-such-deployment"}, "Deployment not found"),
        ("mutation { deploymentRolback }", {}, 'Cannot query field "deploymentRolback".'),
        ("query { deployments { edges } }", {}, 'Variable "$input" of required type'),
        ("query { deployments { edges } }", {"input": {"projectId": "another"}}, "Not Authorized"),
    ],
)
async def test_railway_refuses_in_its_errors_with_status_200(
    company: Company, query: str, variables: dict[str, Any], message: str
) -> None:
    assert refusal(await company.graphql(query, **variables)).startswith(message)


async def test_railway_refuses_what_cannot_be_rolled_back_to_and_what_does_not_run(company: Company) -> None:
    current, older = (await company.deployments())[:2]
    assert (current["canRollback"], older["status"]) == (False, "REMOVED")

    assert refusal(await company.graphql(ROLL_BACK, id=current["id"])) == "Deployment cannot be rolled back"
    assert refusal(await company.graphql(RESTART, id=older["id"])) == "Deployment is not running"

    assert (await company.deployments())[0]["id"] == current["id"]


async def test_railway_lists_deployments_page_by_page(company: Company) -> None:
    page = (
        "query ($input: DeploymentListInput!, $first: Int, $after: String) "
        "{ deployments(input: $input, first: $first, after: $after) "
        "{ edges { node { id } } pageInfo { hasNextPage endCursor } } }"
    )
    known = company.config["railway"]
    where = {
        "projectId": known["project_id"],
        "environmentId": known["environment_id"],
        "serviceId": "svc-backend",
    }
    first, second = [deployment["id"] for deployment in await company.deployments()][:2]

    told = (await company.graphql(page, input=where, first=1))["data"]["deployments"]
    assert ([e["node"]["id"] for e in told["edges"]], told["pageInfo"]["hasNextPage"]) == ([first], True)

    cursor = told["pageInfo"]["endCursor"]
    told = (await company.graphql(page, input=where, first=50, after=cursor))["data"]["deployments"]
    assert (told["edges"][0]["node"]["id"], told["pageInfo"]["hasNextPage"]) == (second, False)
    assert refusal(await company.graphql(page, input=where, after="no-such-cursor")) == "Invalid cursor"


SET_VARIABLE = "mutation ($input: VariableUpsertInput!) { variableUpsert(input: $input) }"
REDEPLOY_SERVICE = (
    "mutation ($environmentId: String!, $serviceId: String!) "
    "{ serviceInstanceRedeploy(environmentId: $environmentId, serviceId: $serviceId) }"
)
REDEPLOY = "mutation ($id: String!) { deploymentRedeploy(id: $id) { id } }"


async def test_a_variable_is_in_force_with_the_next_deployment_and_gone_with_a_rollback(
    company: Company,
) -> None:
    began = datetime.now(UTC)
    told = company.config["railway"]
    where = {"environmentId": told["environment_id"], "serviceId": "svc-backend"}
    variable = {**where, "projectId": told["project_id"], "name": "SENTRY_DSN", "value": "not an address"}

    async def answers() -> bool:
        try:
            return (await company.backend("/health")).status_code == 200
        except httpx.TransportError:
            return False

    before = await company.deployments()
    set_it = await company.graphql(SET_VARIABLE, input={**variable, "skipDeploys": True})
    assert set_it["data"] == {"variableUpsert": True}
    await company.graphql(RESTART, id=before[0]["id"])
    assert await answers(), "a restart keeps the variables that the deployment was made with"

    told = await company.graphql(REDEPLOY_SERVICE, **where)
    assert told["data"] == {"serviceInstanceRedeploy": True}
    broken = (await company.deployments())[0]
    assert (broken["status"], await answers()) == ("CRASHED", False)

    assert (await company.graphql(REDEPLOY, id=before[0]["id"]))["data"]["deploymentRedeploy"]["id"]
    assert await answers(), "a deployment that is deployed again brings its own variables"
    await company.graphql(REDEPLOY_SERVICE, **where)
    assert (await company.graphql(ROLL_BACK, id=before[0]["id"]))["data"] == {"deploymentRollback": True}
    await company.graphql(REDEPLOY_SERVICE, **where)
    assert await answers(), "a rollback brought the old variables back"
    await until(lambda: all_monitors_up(company))
    assert not any("not an address" in r["body"] for r in company.world.requests(began))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value": None}, 'Variable "$input" of required type'),
        ({"projectId": "another"}, "Not Authorized"),
        ({"environmentId": "another"}, "Not Authorized"),
        ({"serviceId": None}, "Not Authorized"),
    ],
)
async def test_railway_refuses_a_variable_that_is_not_ours_to_set(
    company: Company, changes: dict[str, Any], message: str
) -> None:
    told = company.config["railway"]
    variable = {
        "projectId": told["project_id"],
        "environmentId": told["environment_id"],
        "serviceId": "svc-backend",
        "name": "MAINTENANCE_MODE",
        "value": "true",
    }

    assert refusal(await company.graphql(SET_VARIABLE, input=variable | changes)).startswith(message)


METRICS = (
    "query ($startDate: DateTime!, $measurements: [MetricMeasurement!]!, $environmentId: String, "
    "$serviceId: String) { metrics(startDate: $startDate, measurements: $measurements, environmentId: "
    "$environmentId, serviceId: $serviceId) { measurement values { ts value } } }"
)
LOGS = (
    "query ($deploymentId: String!, $limit: Int) { deploymentLogs(deploymentId: $deploymentId) { message } }"
)
LIMITS = (
    "query ($environmentId: String!, $serviceId: String!) "
    "{ serviceInstanceLimits(environmentId: $environmentId, serviceId: $serviceId) }"
)
UPDATE_LIMITS = (
    "mutation ($input: ServiceInstanceLimitsUpdateInput!) { serviceInstanceLimitsUpdate(input: $input) }"
)


def where(company: Company, **more: Any) -> dict[str, Any]:
    return {
        "environmentId": company.config["railway"]["environment_id"],
        "serviceId": "svc-backend",
        **more,
    }


async def test_a_backend_that_outgrows_its_memory_is_killed_until_it_may_have_more(company: Company) -> None:
    began = datetime.now(UTC)

    async def status() -> str:
        found: str = (await company.world.state())["company"]["backend"]["deployments"][0]["status"]
        return found

    async def is_crashed() -> bool:
        return await status() == "CRASHED"

    async def cache_is_full() -> bool:
        told = await company.graphql(LOGS, deploymentId=current["id"], limit=500)
        return any("100 of 100 MB" in line["message"] for line in told["data"]["deploymentLogs"])

    current = (await company.deployments())[0]
    await company.world.do("/control/company/fault/memory", {})
    await until(is_crashed, seconds=40)
    seen = (await company.world.state())["company"]["backend"]
    assert (seen["pid"], seen["out_of_memory"], seen["memory_limit_gb"]) == (None, 3, 0.15)

    wanted = where(company, startDate=began.isoformat(), measurements=["MEMORY_USAGE_GB", "MEMORY_LIMIT_GB"])
    told = (await company.graphql(METRICS, **wanted))["data"]["metrics"]
    used = {series["measurement"]: [point["value"] for point in series["values"]] for series in told}
    assert max(used["MEMORY_USAGE_GB"]) == 0.15, "more than the limit is never measured"
    assert set(used["MEMORY_LIMIT_GB"]) == {0.15}

    assert (await company.graphql(UPDATE_LIMITS, input=where(company, memoryGB=0.4)))["data"]
    limits = (await company.graphql(LIMITS, **where(company)))["data"]["serviceInstanceLimits"]
    assert limits == {"containers": {"cpu": 1.0, "memoryBytes": 400_000_000}}
    assert (await company.world.state())["company"]["backend"]["memory_limit_gb"] == 0.15, (
        "not without a start"
    )
    assert (await company.graphql(RESTART, id=current["id"]))["data"] == {"deploymentRestart": True}
    await until(cache_is_full, seconds=20)
    assert await status() == "SUCCESS"

    await company.world.reset()
    seen = (await company.world.state())["company"]["backend"]
    assert (seen["memory_limit_gb"], seen["deployments"][0]["status"]) == (0.15, "SUCCESS")
    await until(lambda: all_monitors_up(company))


async def test_a_backend_that_wants_more_processors_is_held_back_until_it_may_have_them(
    company: Company,
) -> None:
    began = datetime.now(UTC)

    async def backend() -> dict[str, Any]:
        found: dict[str, Any] = (await company.world.state())["company"]["backend"]
        return found

    async def is_held_back() -> bool:
        return bool((await backend())["throttled_seconds"] - before["throttled_seconds"] > 1)

    before = await backend()
    await company.world.do("/control/railway/confine", {"vCPUs": 0.15})
    await company.world.do("/control/company/fault/suggestions", {})
    await until(is_held_back, seconds=30)

    wanted = where(company, startDate=began.isoformat(), measurements=["CPU_USAGE", "CPU_LIMIT"])
    told = (await company.graphql(METRICS, **wanted))["data"]["metrics"]
    used = {series["measurement"]: [point["value"] for point in series["values"]] for series in told}
    assert set(used["CPU_LIMIT"]) == {0.15}, "what was measured before it is forgotten"

    assert (await company.graphql(UPDATE_LIMITS, input=where(company, vCPUs=0.3)))["data"]
    assert (await backend())["cpu_limit"] == 0.15, "not without a start"
    current = (await company.deployments())[0]
    assert (await company.graphql(RESTART, id=current["id"]))["data"] == {"deploymentRestart": True}
    assert (await backend())["cpu_limit"] == 0.3

    await company.world.reset()
    assert (await backend())["cpu_limit"] == before["cpu_limit"]
    await until(lambda: all_monitors_up(company))


@pytest.mark.parametrize(
    ("query", "changes", "message"),
    [
        (UPDATE_LIMITS, {"memoryGB": 64}, "memoryGB is not within the limits of your plan"),
        (UPDATE_LIMITS, {"memoryGB": 0}, "memoryGB is not within the limits of your plan"),
        (UPDATE_LIMITS, {"memoryGB": "1"}, "memoryGB is not within the limits of your plan"),
        (UPDATE_LIMITS, {"serviceId": "another"}, "Not Authorized"),
        (UPDATE_LIMITS, {"environmentId": "another"}, "Not Authorized"),
    ],
)
async def test_railway_refuses_limits_that_are_not_to_be_had(
    company: Company, query: str, changes: dict[str, Any], message: str
) -> None:
    assert refusal(await company.graphql(query, input=where(company, memoryGB=1) | changes)) == message


@pytest.mark.parametrize(
    ("query", "changes", "message"),
    [
        (METRICS, {"measurements": ["MEMORY"]}, 'Value "MEMORY" does not exist'),
        (METRICS, {"startDate": "yesterday"}, 'Variable "$startDate" of required type'),
        (METRICS, {"serviceId": "another"}, "Not Authorized"),
        (LOGS, {"deploymentId": "no-such-deployment"}, "Deployment not found"),
        (LIMITS, {"environmentId": "another"}, "Not Authorized"),
    ],
)
async def test_railway_refuses_looks_at_what_is_not_there(
    company: Company, query: str, changes: dict[str, Any], message: str
) -> None:
    known = where(company, startDate=datetime.now(UTC).isoformat(), measurements=["CPU_USAGE"])
    assert refusal(await company.graphql(query, **known | changes)).startswith(message)


async def test_railway_refuses_what_it_is_told_to_refuse_until_all_is_well(company: Company) -> None:
    current = (await company.deployments())[0]
    refused = {"field": "deploymentRestart", "message": "Try again later"}
    await company.world.do("/control/railway/refuse", refused)
    assert refusal(await company.graphql(RESTART, id=current["id"])) == "Try again later"

    await company.world.reset()

    current = (await company.deployments())[0]
    assert (await company.graphql(RESTART, id=current["id"]))["data"] == {"deploymentRestart": True}
