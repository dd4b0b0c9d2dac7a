"""One stalled job is failed, in the table and in the queue: exactly it, only while it is what was shown, and once."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
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
from flows.actions import jobs as actions
from flows.actions.jobs import REASON, FailJob, plan_fail_job
from flows.actions.site import Site
from flows.credentials import Credentials
from flows.runbooks import worker_stuck
from flows.transaction import carry_out
from tasks import bullmq, jobs
from tests.flows.conftest import MovedBench, plan_to
from tests.watchkeeper.house import two_on_call
from watchkeeper.errors import PreconditionChanged, VendorUnavailable
from watchkeeper.findings import save_checks
from watchkeeper.machine.embedded import EmbeddedPostgres
from watchkeeper.model import Check, CheckStatus, Incident, Plan, RemediationState
from watchkeeper.parts import Parts
from watchkeeper.policy import Policy
from watchkeeper.policy.services import QueueTarget
from watchkeeper.remediations import claim, finish

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


@dataclass
class Night:
    """An incident of this shop's, whose investigation has found what the test says."""

    shop: Shop
    bench: MovedBench
    incident: Incident

    @property
    def site(self) -> Site:
        return replace(self.shop.site, parts=Parts(self.bench.store, self.incident.id, self.bench.now))

    async def blames(self, job_id: str) -> None:
        job = {"id": job_id, "locked": False, "stalled_count": 2, "tries": 3}
        seen = Check(
            name="queue",
            system="bullmq",
            status=CheckStatus.BAD,
            summary="1 without a lock",
            facts={"active_jobs": [job]},
            observed_at=self.bench.now(),
        )
        await save_checks(self.bench.store, self.incident.id, 1, [seen], now=self.bench.now())

    async def has_failed(self, job_id: str) -> None:
        known = await self.bench.planned(self.incident, plan_to("fail_job", job_id))
        claimed = await claim(self.bench.store, known, holder="run", now=self.bench.now())
        await finish(self.bench.store, claimed, RemediationState.DONE, "failed", now=self.bench.now())


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


@pytest.mark.parametrize("worked_on", [True, False])
async def test_killed_between_its_halves_it_is_not_done_and_the_second_half_alone_is_made_up_for(
    shop: Shop, bench: MovedBench, policy: Policy, monkeypatch: pytest.MonkeyPatch, worked_on: bool
) -> None:
    async def die(*arguments: object, **named: object) -> str:
        raise KeyboardInterrupt

    await shop.asked("dsg-1")
    worker = await shop.hangs("dsg-1") if worked_on else None
    incident = await bench.incident_under(policy)
    remediation = await bench.planned(incident, await shop.planned())
    claimed = await claim(bench.store, remediation, holder="dies", now=bench.now())
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(bullmq, "give_up_job", die)
        await FailJob().act(shop.site, claimed.plan)
    assert await FailJob().look_up(shop.site, claimed) is False
    bench.clock.advance(minutes=1)

    finished = await carry_out(bench, shop.site, claimed, holder="goes on")

    assert finished.state is RemediationState.DONE
    assert await FailJob().look_up(shop.site, finished) is True
    assert await bullmq.job_is_held(shop.redis, TARGET, "dsg-1") is False
    assert (await shop.rows())["dsg-1"] == ("failed", REASON)
    if worker:
        await worker.close(force=True)


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_row_whose_answer_was_lost_is_looked_up_and_the_queue_told_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    fail_job = jobs.fail_job

    async def lost(*arguments: Any, **named: Any) -> None:
        if is_written:
            await fail_job(*arguments, **named)
        raise VendorUnavailable(vendor="postgres", action="fail_job")

    await shop.asked("dsg-1")
    plan = await shop.planned()
    monkeypatch.setattr(jobs, "fail_job", lost)
    if is_written:
        assert await FailJob().act(shop.site, plan) == "one row failed; the job removed from the queue"
    else:
        with pytest.raises(VendorUnavailable):
            await FailJob().act(shop.site, plan)
    assert await bullmq.job_is_held(shop.redis, TARGET, "dsg-1") is not is_written


async def test_telling_the_queue_again_leaves_a_job_that_ended_there_as_it_is(shop: Shop) -> None:
    await shop.asked("dsg-1")
    worker = await shop.hangs("dsg-1")
    try:
        told = [await bullmq.give_up_job(shop.redis, TARGET, "dsg-1", reason=REASON) for _ in range(2)]

        assert told == ["failed in the queue", "had ended in the queue already"]
        assert await shop.queue.getJobState("dsg-1") == "failed"
    finally:
        await worker.close(force=True)


async def test_where_redis_cannot_be_asked_nobody_is_told_that_it_happened(
    shop: Shop, bench: MovedBench, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*arguments: object) -> bool:
        raise VendorUnavailable(vendor="redis", action="look_up_job", reason="ConnectionError")

    await shop.asked("dsg-1")
    remediation = await bench.planned(await bench.incident_under(policy), await shop.planned())
    claimed = await claim(bench.store, remediation, holder="dies", now=bench.now())
    await shop.database.execute("UPDATE jobs SET status = 'failed', error = %s", (REASON,))
    monkeypatch.setattr(bullmq, "job_is_held", away)

    finished = await carry_out(bench, shop.site, claimed, holder="goes on")

    assert finished.state is RemediationState.UNKNOWN


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


@pytest_asyncio.fixture
async def night(shop: Shop, bench: MovedBench, policy: Policy) -> Night:
    return Night(shop, bench, await bench.incident_under(policy))


async def test_a_dry_run_waits_for_nobody(shop: Shop) -> None:
    await shop.asked("dsg-slow", ago=timedelta(minutes=5) - timedelta(seconds=1))

    assert await plan_fail_job(shop.site, "worker", cause="stuck_job") is None


async def test_waits_for_the_job_that_was_found_stuck_until_it_is_over_the_limit(night: Night) -> None:
    await night.shop.asked("dsg-other", ago=timedelta(minutes=4))
    await night.shop.asked("dsg-slow", ago=timedelta(minutes=5) - timedelta(seconds=1))
    await night.blames("dsg-slow")

    plan = await plan_fail_job(night.site, "worker", cause="stuck_job")

    assert plan is not None and plan.target == "dsg-slow"


async def test_waits_for_no_other_job_once_the_one_that_was_found_stuck_has_ended(night: Night) -> None:
    await night.shop.asked("dsg-slow", "completed", ago=timedelta(seconds=1))
    await night.shop.asked("dsg-other", ago=timedelta(minutes=4))
    await night.blames("dsg-slow")

    async with asyncio.timeout(5):
        assert await plan_fail_job(night.site, "worker", cause="stuck_job") is None


async def test_waits_no_longer_than_the_limit_for_a_job_that_is_taken_again_and_again(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    async def taken_just_now(*arguments: object) -> list[dict[str, Any]]:
        seen.append("look")
        return [{"id": "dsg-slow", "seconds": 0.1}]

    monkeypatch.setattr(jobs, "jobs_in_processing", taken_just_now)
    monkeypatch.setattr(actions, "BESIDES_SECONDS", 0.2)
    monkeypatch.setattr(actions, "LOOK_AGAIN_SECONDS", 0.01)
    thresholds = night.site.policy.thresholds.model_copy(update={"job_stalled_after": timedelta(seconds=0.2)})
    policy = night.site.policy.model_copy(update={"thresholds": thresholds})

    async with asyncio.timeout(5):
        assert await actions.over_in_time(replace(night.site, policy=policy), ["dsg-slow"]) == []

    assert len(seen) > 1


@pytest.mark.parametrize("failed", [True, False])
async def test_the_worker_is_restarted_after_a_job_was_failed_and_not_where_it_got_on_by_itself(
    night: Night, monkeypatch: pytest.MonkeyPatch, failed: bool
) -> None:
    async def plan_restart(site: Site, service: str, **named: object) -> Plan:
        return plan_to("restart_service", service)

    monkeypatch.setattr(worker_stuck, "plan_restart", plan_restart)
    if failed:
        await night.has_failed("dsg-1")

    plan = await worker_stuck.restart_stuck(night.site)

    assert (plan is not None) is failed


async def test_the_worker_is_restarted_while_a_job_is_over_the_limit_or_stuck_in_the_queue(
    night: Night,
) -> None:
    assert await actions.hangs(night.site, "worker") is False
    await night.shop.queue.add("design", {}, {"jobId": "dsg-1"})
    worker = await night.shop.hangs("dsg-1")
    try:
        assert await actions.hangs(night.site, "worker") is False
        await night.shop.queue.client.delete("bull:designs:dsg-1:lock")
        await night.shop.queue.client.hset("bull:designs:dsg-1", "stc", 2)
        assert await actions.hangs(night.site, "worker") is True
    finally:
        await worker.close(force=True)
    await night.shop.queue.client.delete("bull:designs:active")
    assert await actions.hangs(night.site, "worker") is False

    await night.shop.asked("dsg-2")

    assert await actions.hangs(night.site, "worker") is True


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
