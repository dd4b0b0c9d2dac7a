"""BullMQ's queue in Redis: what waits, what is worked on, who works; and giving up one job through its own package.

Looking is two read-only pipelines with short time limits: the package's own counts are scripts that may write, and
its client repeats for minutes. Stalled is no state of BullMQ's but an active job whose lock is gone; with no worker
alive nobody marks it.

Source:
    https://docs.bullmq.io/guide/jobs/stalled
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from blocks.redis import RedisCredentials
from tasks.looking import Seen, look
from tasks.masking import masked_line
from tasks.shapes import action_task, look_task
from watchkeeper.errors import NotConfigured, VendorRejected, VendorUnavailable
from watchkeeper.model import Check
from watchkeeper.policy.services import QueueTarget

SHOWN = 20
SAMPLE = 5
ACTION_LIMIT_SECONDS = 15.0
ACTIVE_FIELDS = ("name", "processedOn", "ats", "stc")


@asynccontextmanager
async def connected(credentials: RedisCredentials | None, action: str) -> AsyncIterator[Redis]:
    """A client that answers in text.

    Raises:
        NotConfigured: there are no credentials.
        VendorUnavailable: Redis refused, was too slow or went away; its own text is not passed on.
    """
    if credentials is None:
        raise NotConfigured("Redis", setting="WATCHKEEPER_REDIS_URL")
    try:
        async with credentials.get_client(decode_responses=True) as client:
            yield client
    except (RedisError, OSError) as error:
        raise VendorUnavailable(vendor="redis", action=action, reason=type(error).__name__) from None


async def queue_state(
    credentials: RedisCredentials | None, target: QueueTarget | None, *, backing_up: int, now: datetime
) -> Check:
    """How long the queue is, which jobs are worked on and by how many workers, and why jobs wait to be tried again."""

    async def read() -> Seen:
        if target is None:
            raise NotConfigured("the worker's queue", setting="services.worker.queue")
        async with connected(credentials, "read_queue") as client:
            facts = await read_queue(client, target, now)
        stalled = [job["id"] for job in facts["active_jobs"] if not job["locked"]]
        facts["stalled"] = stalled
        well = facts["depth"] <= backing_up and not (facts["paused"] or stalled or facts["workers"] == 0)
        return Seen(well, _words(facts), facts, output=_output(facts))

    name = f"{target.prefix}:{target.name}" if target else "queue"
    return await look("queue", "bullmq", f"redis-cli LLEN {name}:wait, LRANGE {name}:active 0 -1", read)


async def read_queue(client: Redis, target: QueueTarget, now: datetime) -> dict[str, Any]:
    """The counts, and what is known of the jobs that are worked on or wait to be tried again."""
    key = f"{target.prefix}:{target.name}"
    pipeline: Any = client.pipeline(transaction=False)
    pipeline.llen(f"{key}:wait").llen(f"{key}:paused").zcard(f"{key}:prioritized").zcard(f"{key}:delayed")
    pipeline.llen(f"{key}:active").zcard(f"{key}:failed").hmget(f"{key}:meta", ["paused", "version"])
    pipeline.exists(f"{key}:stalled-check").lrange(f"{key}:active", 0, SHOWN - 1)
    pipeline.zrange(f"{key}:delayed", 0, SAMPLE - 1).lindex(f"{key}:wait", -1)
    told = await pipeline.execute()
    waiting, paused, prioritized, delayed, active, failed, (is_paused, version), checked, *ids = told
    jobs, reasons, oldest = await _read_jobs(client, key, *ids)
    return {
        # Version 5 keeps a paused queue's jobs in a list of their own, version 6 leaves them where they are.
        "depth": waiting + paused + prioritized,
        "delayed": delayed,
        "active": active,
        "failed": failed,
        "paused": bool(is_paused),
        "version": version,
        "stalled_check": bool(checked),
        "workers": await _count_workers(client, key),
        "active_jobs": [_active(job, now) for job in jobs],
        "reasons": reasons,
        "oldest_waiting_seconds": _seconds_since(oldest, now),
    }


async def _read_jobs(
    client: Redis, key: str, active: list[str], delayed: list[str], oldest: str | None
) -> tuple[list[dict[str, Any]], list[str], str | None]:
    """The active jobs' fields, why the delayed ones failed last, and since when the oldest waits."""
    pipeline: Any = client.pipeline(transaction=False)
    for job in active:
        pipeline.exists(f"{key}:{job}:lock").hmget(f"{key}:{job}", list(ACTIVE_FIELDS))
    for job in delayed:
        pipeline.hget(f"{key}:{job}", "failedReason")
    pipeline.hget(f"{key}:{oldest or ''}", "timestamp")
    told = await pipeline.execute()
    jobs = [
        {"id": job, "locked": bool(told[2 * n]), **dict(zip(ACTIVE_FIELDS, told[2 * n + 1], strict=True))}
        for n, job in enumerate(active)
    ]
    reasons = [masked_line(str(reason), longest=200) for reason in told[2 * len(active) : -1] if reason]
    return jobs, reasons, told[-1]


def _active(job: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "id": job["id"],
        "name": job["name"],
        "locked": job["locked"],
        "tries": int(job["ats"] or 0),
        "stalled_count": int(job["stc"] or 0),
        "seconds": _seconds_since(job["processedOn"], now),
    }


def _seconds_since(milliseconds: str | None, now: datetime) -> float | None:
    return round(now.timestamp() - int(milliseconds) / 1000, 1) if milliseconds else None


async def _count_workers(client: Redis, key: str) -> int | None:
    """How many connections the queue's workers hold; None where the host does not tell."""
    try:
        clients = await client.client_list()
    except ResponseError:
        return None
    return sum(each["name"] == key or each["name"].startswith(f"{key}:w:") for each in clients)


def _words(facts: dict[str, Any]) -> str:
    words = f"{facts['depth']} jobs wait, {facts['active']} active, {facts['delayed']} to be tried later"
    words += f"; {len(facts['stalled'])} without a lock" if facts["stalled"] else ""
    words += "; paused" if facts["paused"] else ""
    return words + ("; no worker is connected" if facts["workers"] == 0 else "")


def _output(facts: dict[str, Any]) -> str:
    lines = [_words(facts), f"written by {facts['version']}; connections of workers: {facts['workers']}"]
    for job in facts["active_jobs"]:
        lock = "locked" if job["locked"] else "its lock is gone"
        lines.append(
            f"{job['id']} ({job['name']}): try {job['tries']}, stalled {job['stalled_count']} times, {lock}"
        )
    return "\n".join([*lines, *(f"to be tried again after: {reason}" for reason in facts["reasons"])])


async def job_is_held(credentials: RedisCredentials, target: QueueTarget, job_id: str) -> bool:
    """Whether BullMQ may still give this job to a worker, or has: it is in the queue and has not ended there.

    Raises:
        VendorUnavailable: Redis did not answer.
    """
    async with connected(credentials, "look_up_job") as client:
        is_there, ended_at = await _ended(client, target, job_id)
    return is_there and ended_at is None


async def _ended(client: Redis, target: QueueTarget, job_id: str) -> tuple[bool, str | None]:
    """Whether the queue knows the job, and when it ended there (milliseconds); None while it has not."""
    pipeline: Any = client.pipeline(transaction=False)
    key = f"{target.prefix}:{target.name}:{job_id}"
    is_there, ended_at = await pipeline.exists(key).hget(key, "finishedOn").execute()
    return bool(is_there), ended_at


@action_task("give_up_job", "bullmq", limit_seconds=ACTION_LIMIT_SECONDS)  # type: ignore[untyped-decorator]
async def give_up_job(credentials: RedisCredentials, target: QueueTarget, job_id: str, *, reason: str) -> str:
    """See that no worker gets this job again: failed under the lock that it has, or removed where it has none.

    Safe to repeat: one that has ended in the queue stays there as it is.

    Returns:
        What became of it, in words.

    Raises:
        VendorUnavailable: Redis went away; it may have happened.
        VendorRejected: the package refused, for example because the job was just finished.
    """
    # Here and not above: importing it takes longer than all else that a run needs of Redis.
    from bullmq import Job, Queue
    from bullmq.custom_errors import UnrecoverableError

    async with connected(credentials, "give_up_job") as client:
        queue = Queue(target.name, {"connection": client, "prefix": target.prefix})
        job = await Job.fromId(queue, job_id)
        if job is None:
            return "was not in the queue any more"
        if job.finishedOn:
            return "had ended in the queue already"
        try:
            token = await client.get(queue.toKey(f"{job_id}:lock"))
            if token is None:
                return (
                    "removed from the queue" if await queue.remove(job_id) else "was taken by a worker again"
                )
            await job.moveToFailed(UnrecoverableError(reason), token)
        except (RedisError, OSError):
            raise
        except Exception as error:  # noqa: BLE001  # the package raises plain ones
            reason = f"the package refused ({type(error).__name__})"
            raise VendorRejected(vendor="bullmq", action="give_up_job", status=200, reason=reason) from None
    return "failed in the queue"


check_queue = look_task("check_queue", "bullmq")(queue_state)
