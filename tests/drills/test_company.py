"""The stand-in company: what its releases, its leak, its Redis and its memory do to it, and what ends that."""

import httpx
import psycopg

from tests.drills.company import RESTART, ROLL_BACK, Company, until


async def test_a_rollback_swaps_the_release_that_runs(company: Company) -> None:
    before = (await company.deployments())[0]
    await company.world.do("/control/company/deploy", {"release": "2024.3"})
    assert await company.release() == "2024.3"
    new, old = (await company.deployments())[:2]
    assert (old["id"], old["status"], old["canRollback"]) == (before["id"], "REMOVED", True)

    told = await company.graphql(ROLL_BACK, id=old["id"])

    assert told["data"] == {"deploymentRollback": True}
    assert await company.release() == "2024.1"
    current = (await company.deployments())[0]
    assert current["id"] not in (new["id"], old["id"])
    assert (current["status"], current["meta"]["commitMessage"]) == ("SUCCESS", "Show delivery times")


async def test_maintenance_mode_tells_customers_and_still_answers_about_its_health(company: Company) -> None:
    query = "mutation ($input: VariableUpsertInput!) { variableUpsert(input: $input) }"
    railway = company.config["railway"]
    where = {"projectId": railway["project_id"], "environmentId": railway["environment_id"]}

    async def set_mode(value: str) -> None:
        variable = where | {"serviceId": "svc-backend", "name": "MAINTENANCE_MODE", "value": value}
        assert (await company.graphql(query, input=variable))["data"] == {"variableUpsert": True}

    async def orders_answer(status: int) -> bool:
        try:
            return (await company.backend("/orders", "POST")).status_code == status
        except httpx.TransportError:
            return False  # between two deployments

    assert "mug, shirt, poster" in await company.page()
    await set_mode("true")
    await until(lambda: orders_answer(503))
    assert (await company.backend("/orders", "POST")).json()["error"] == "maintenance"
    assert (await company.backend("/health")).status_code == 200
    assert "closed for maintenance</h1><p>Back shortly.</p>" in await company.page()

    async def is_told() -> bool:
        return "Back shortly." in (await company.world.state())["customers"]["closed_to"]

    await until(is_told)

    await set_mode("false")
    await until(lambda: orders_answer(201))
    assert "mug, shirt, poster" in await company.page()


async def test_a_broken_release_answers_no_one(company: Company) -> None:
    await company.world.do("/control/company/deploy", {"release": "2024.2-broken"})
    try:
        answers = [await company.backend("/health"), await company.backend("/orders", "POST")]
        assert [answer.status_code for answer in answers] == [500, 500]
    finally:
        await company.world.do("/control/company/deploy", {"release": "2024.1"})


async def test_a_leak_empties_the_pool_and_ending_its_connections_frees_it(company: Company) -> None:
    async def orders_answer(status: int) -> bool:
        return (await company.backend("/orders", "POST")).status_code == status

    pid = (await company.world.ask("/control/company"))["pid"]
    await company.world.do("/control/company/fault/leak", {})
    await until(lambda: orders_answer(500))
    detailed = await company.backend("/health/detailed")
    assert (detailed.status_code, detailed.json()["checks"]["database"]["status"]) == (503, "error")
    assert (await company.backend("/health")).status_code == 200

    assert end_idle_connections(company.world.database.monitor_url) >= 15
    await until(lambda: orders_answer(201))

    current = (await company.deployments())[0]
    told = await company.graphql(RESTART, id=current["id"])
    assert told["data"] == {"deploymentRestart": True}
    assert (await company.world.ask("/control/company"))["pid"] not in (pid, None)
    restarted = (await company.deployments())[0]
    assert restarted["id"] == current["id"]
    assert restarted["statusUpdatedAt"] > current["statusUpdatedAt"]
    assert (await company.backend("/health/detailed")).status_code == 200


async def test_a_redis_that_is_away_or_out_of_reach_keeps_nobody_from_ordering(company: Company) -> None:
    async def redis_answers(status: int) -> bool:
        return (await company.backend("/health/redis")).status_code == status

    async def queued() -> int:
        return len((await company.world.state())["upstash"]["lists"].get("confirmations", []))

    await company.world.do("/control/upstash/outage", {"seconds": 600})
    assert await redis_answers(503)
    assert (await company.backend("/orders", "POST")).status_code == 201
    assert (await company.backend("/health/detailed")).json()["rate_limiting"] == "off"
    await company.world.reset()
    await until(lambda: redis_answers(200))

    await company.world.do("/control/company/fault/redis-stuck", {})
    await until(lambda: redis_answers(503))
    assert (await company.backend("/orders", "POST")).status_code == 201
    before = await queued()
    await company.graphql(RESTART, id=(await company.deployments())[0]["id"])
    assert await redis_answers(200)
    assert (await company.backend("/orders", "POST")).status_code == 201
    assert await queued() > before


def end_idle_connections(url: str) -> int:
    """As a person would, in psql."""
    statement = """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE usename = 'app' AND state = 'idle' AND query LIKE '%forgets its connection%'
    """
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
    return row[0] if row else 0
