"""One stalled job is failed, in the table and in the queue: exactly it, only while it is what was shown, and once."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from bullmq import Queue, Worker
from psycopg.rows import dict_row
from pydantic import SecretStr
from redis.asyncio import Redis

from blocks.postgres import PostgresCredentials
from blocks.redis import RedisCredentials
from drills.company.redis import start_redis
from flows.actions.jobs import REASON, FailJob, plan_fail_job
from flows.actions.site import Site
from flows.credentials import Credentials
from tasks import bullmq, jobs
from tests.flows.conftest import MovedBench
from tests.watchkeeper.house import two_on_call
from watchkeeper.embedded import EmbeddedPostgres
from watchkeeper.errors import PreconditionChanged, VendorUnavailable
from watchkeeper.model import Check, CheckStatus, Incident, Plan
from watchkeeper.policy import Policy
from watchkeeper.policy.services import QueueTarget

TABLE = """
CREATE TABLE jobs (
    id text PRIMARY KEY, kind text NOT NULL, status text NOT NULL, error text,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()
)
"""
TARGET = QueueTarget(name="designs")
NUMBERS = itertools.count(1)
# Whatever is held up is held up for longer than the policy of these tests allows.
STALLED = timedelta(minutes=6)


@dataclass
class Shop:
    """A jobs table and a queue, both real, and a worker that hangs on what it gets."""

    database: psycopg.AsyncConnection[dict[str, Any]]
    queue: Queue
    site: Site

    @property
    def redis(self) -> RedisCredentials:
        assert self.site.credentials.redis is not None
        return self.site.credentials.redis

    async def asked(self, number: str, status: str = "processing", ago: timedelta = STALLED) -> None:
        """A row of this age, and its job in the queue."""
        await self.database.execute(
            "INSERT INTO jobs (id, kind, status, updated_at) VALUES (%s, 'design', %s, now() - %s)",
            (number, status, ago),
        )
        await self.queue.add("design", {}, {"jobId": number})

    async def hangs(self, number: str, **options: Any) -> Worker:
        """A worker that took the job and does not end it."""
        taken = asyncio.Event()

        async def hang(job: Any, token: str) -> None:
            taken.set()
            await asyncio.Event().wait()

        client = self.redis.get_client(decode_responses=True)
        worker = Worker("designs", hang, {"connection": client, "name": "w", **options})
        async with asyncio.timeout(10):
            await taken.wait()
        return worker

    async def rows(self) -> dict[str, tuple[str, str | None]]:
        cursor = await self.database.execute("SELECT id, status, error FROM jobs")
        return {row["id"]: (row["status"], row["error"]) for row in await cursor.fetchall()}

    async def planned(self) -> Plan:
        plan = await plan_fail_job(self.site, "worker", cause="stuck_job")
        assert plan is not None
        return plan


@pytest.fixture
def policy() -> Policy:
    worker = {"title": "Worker", "kind": "worker_stuck", "queue": {"name": "designs"}}
    database = {"title": "Database", "kind": "database_down"}
    return two_on_call(services={"worker": worker, "database": database})


@pytest_asyncio.fixture
async def shop(postgres: EmbeddedPostgres, policy: Policy, tmp_path: Path) -> AsyncIterator[Shop]:
    name = f"shop_jobs_{next(NUMBERS)}"
    with psycopg.connect(postgres.url_for("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = postgres.url_for(name)
    server = start_redis(tmp_path)
    credentials = Credentials(
        postgres=PostgresCredentials(url=SecretStr(url)), redis=RedisCredentials(url=SecretStr(server.url))
    )
    client = Redis.from_url(server.url, decode_responses=True)
    try:
        async with await psycopg.AsyncConnection.connect(
            url, autocommit=True, row_factory=dict_row
        ) as database:
            await database.execute(TABLE)
            yield Shop(database, Queue("designs", {"connection": client}), Site(policy, credentials))
    finally:
        await client.aclose()
        server.stop()


@pytest.fixture(autouse=True)
def plain_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    """As tasks they would ask a Prefect server."""
    monkeypatch.setattr(jobs, "fail_job", jobs.fail_job.fn)
    monkeypatch.setattr(bullmq, "give_up_job", bullmq.give_up_job.fn)


async def test_fails_the_oldest_of_the_stalled_and_no_other(shop: Shop) -> None:
    await shop.asked("dsg-old", ago=STALLED * 2)
    await shop.asked("dsg-other")
    await shop.asked("dsg-young", ago=timedelta(seconds=1))
    await shop.asked("dsg-waits", "pending", ago=STALLED * 3)

    plan = await shop.planned()
    await FailJob().check(shop.site, plan)
    outcome = await FailJob().act(shop.site, plan)

    assert outcome == "one row failed; the job removed from the queue"
    rows = await shop.rows()
    assert rows.pop("dsg-old") == ("failed", REASON)
    assert {status for status, _ in rows.values()} == {"processing", "pending"}
    assert await shop.queue.getJob("dsg-old") is None and await shop.queue.getJob("dsg-other") is not None
    assert "one row: design" in plan.preview[1] and "1 more" in plan.preview[3]


async def test_a_job_whose_lock_a_worker_keeps_is_failed_under_that_lock(shop: Shop) -> None:
    await shop.asked("dsg-1")
    worker = await shop.hangs("dsg-1")
    try:
        outcome = await FailJob().act(shop.site, await shop.planned())

        assert outcome == "one row failed; the job failed in the queue"
        assert await shop.queue.getJobState("dsg-1") == "failed"
        assert (await shop.queue.getJob("dsg-1")).failedReason == REASON
    finally:
        await worker.close(force=True)


async def test_a_job_that_got_on_is_left_alone(shop: Shop) -> None:
    await shop.asked("dsg-1")
    plan = await shop.planned()
    await shop.database.execute("UPDATE jobs SET updated_at = now() - interval '5 minutes 1 second'")

    with pytest.raises(PreconditionChanged, match="no longer stalled"):
        await FailJob().check(shop.site, plan)
    with pytest.raises(PreconditionChanged, match="0 rows"):
        await FailJob().act(shop.site, plan)

    assert await shop.rows() == {"dsg-1": ("processing", None)}
    assert await shop.queue.getJob("dsg-1") is not None


async def test_done_twice_it_is_done_once_and_can_be_looked_up(
    shop: Shop, bench: MovedBench, policy: Policy
) -> None:
    await shop.asked("dsg-1")
    plan = await shop.planned()
    incident: Incident = await bench.incident_under(policy)
    remediation = await bench.planned(incident, plan)
    assert await FailJob().look_up(shop.site, remediation) is False

    await FailJob().act(shop.site, plan)
    with pytest.raises(PreconditionChanged):
        await FailJob().act(shop.site, plan)

    assert await FailJob().look_up(shop.site, remediation) is True
    await shop.database.execute("DELETE FROM jobs")
    assert await FailJob().look_up(shop.site, remediation) is None


async def test_a_queue_that_cannot_be_told_leaves_the_row_failed_and_says_so(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*arguments: object, **named: object) -> str:
        raise VendorUnavailable(vendor="redis", action="give_up_job", reason="ConnectionError")

    monkeypatch.setattr(bullmq, "give_up_job", away)
    await shop.asked("dsg-1")

    outcome = await FailJob().act(shop.site, await shop.planned())

    assert "BullMQ could not be told" in outcome
    assert (await shop.rows())["dsg-1"] == ("failed", REASON)


async def test_waits_for_a_job_that_is_soon_over_the_limit_and_not_for_one_that_just_began(
    shop: Shop,
) -> None:
    await shop.asked("dsg-young", ago=timedelta(seconds=30))
    assert await plan_fail_job(shop.site, "worker", cause="stuck_job") is None

    await shop.asked("dsg-slow", ago=timedelta(minutes=5) - timedelta(seconds=1))
    plan = await shop.planned()

    assert plan.target == "dsg-slow"


async def test_sees_who_works_on_what_and_whose_lock_is_gone(shop: Shop) -> None:
    await shop.asked("dsg-1")
    await shop.queue.add("design", {}, {"jobId": "dsg-2"})
    worker = await shop.hangs("dsg-1")
    try:
        now = datetime.now(UTC)
        seen = await bullmq.queue_state(shop.redis, TARGET, backing_up=1, now=now)

        assert (seen.status, seen.facts["depth"], seen.facts["active"]) == (CheckStatus.OK, 1, 1)
        assert seen.facts["workers"] > 0 and seen.facts["stalled_check"] is False
        [job] = seen.facts["active_jobs"]
        assert (job["id"], job["locked"], job["tries"], job["stalled_count"]) == ("dsg-1", True, 1, 0)
        assert json.loads(json.dumps(seen.facts)) == seen.facts
    finally:
        await worker.close(force=True)
    await shop.queue.client.delete("bull:designs:dsg-1:lock")

    gone = await bullmq.queue_state(shop.redis, TARGET, backing_up=1, now=now)

    assert (gone.status, gone.facts["stalled"], gone.facts["workers"]) == (CheckStatus.BAD, ["dsg-1"], 0)
    assert "no worker is connected" in gone.summary


async def test_a_queue_is_bad_when_it_is_paused_backs_up_or_nobody_works_on_it(shop: Shop) -> None:
    async def look() -> Check:
        return await bullmq.queue_state(shop.redis, TARGET, backing_up=1, now=datetime.now(UTC))

    alone = await look()
    assert (alone.status, alone.facts["workers"]) == (CheckStatus.BAD, 0)
    await shop.queue.add("design", {}, {"jobId": "dsg-1"})
    worker = await shop.hangs("dsg-1")
    try:
        assert (await look()).status is CheckStatus.OK
        await shop.queue.pause()
        paused = await look()
        await shop.queue.resume()
        for number in ("dsg-2", "dsg-3"):
            await shop.queue.add("design", {}, {"jobId": number})
        backed_up = await look()
    finally:
        await worker.close(force=True)

    assert (paused.status, paused.facts["paused"]) == (CheckStatus.BAD, True)
    assert (backed_up.status, backed_up.facts["depth"]) == (CheckStatus.BAD, 2)
    assert backed_up.facts["oldest_waiting_seconds"] is not None


async def test_looking_changes_nothing_in_the_queue(shop: Shop) -> None:
    await shop.queue.add("design", {}, {"jobId": "dsg-1"})
    await shop.queue.add("design", {}, {"jobId": "dsg-2", "delay": 60_000})

    raw = shop.redis.get_client()
    before = {key: await raw.dump(key) for key in sorted(await raw.keys("*"))}
    await bullmq.queue_state(shop.redis, TARGET, backing_up=1, now=datetime.now(UTC))
    assert before == {key: await raw.dump(key) for key in sorted(await raw.keys("*"))}
    await raw.aclose()


async def test_the_table_tells_counts_what_is_stalled_and_why_jobs_wait(shop: Shop) -> None:
    await shop.asked("dsg-1")
    await shop.asked("dsg-2", "pending")
    await shop.database.execute("UPDATE jobs SET error = 'gemini: 429' WHERE id = 'dsg-2'")

    seen = await jobs.jobs_table(shop.site.credentials.postgres, TARGET, stalled_after=timedelta(minutes=5))

    assert seen.status is CheckStatus.BAD
    assert seen.facts["counts"] == {"pending": 1, "processing": 1}
    assert [job["id"] for job in seen.facts["stalled"]] == ["dsg-1"]
    assert seen.facts["errors"] == {"gemini: 429": 1}
    assert json.loads(json.dumps(seen.facts)) == seen.facts
