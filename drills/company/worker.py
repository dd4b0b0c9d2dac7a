"""The shop's worker: BullMQ's own package on the queue "designs", with Gemini and Remove.bg over HTTP.

    python -m drills.company.worker --release 2024.1

One process with three workers, each a thread with its own event loop, as three replicas would be: a design that
never ends takes one of them out at a time, BullMQ gives it to the next one, and after its two tries nobody is left.

Addresses and secrets come from the environment: DATABASE_URL, REDIS_URL, GEMINI_URL, GEMINI_API_KEY,
REMOVEBG_URL, REMOVEBG_API_KEY.
"""

import argparse
import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
from bullmq import Job, Worker
from bullmq.custom_errors import UnrecoverableError
from psycopg import AsyncConnection
from redis.asyncio import Redis

from drills.company.designs import ENDLESS, QUEUE
from drills.company.loopback import http_client

WORKERS = 3
# A tenth of BullMQ's own defaults and less, so that its recovery takes seconds; its two tries are the guide's.
OPTIONS = {
    "concurrency": 1,
    "lockDuration": 2000,
    "stalledInterval": 2000,
    "maxStalledCount": 2,
    "drainDelay": 2,
}
RECONNECT_MILLISECONDS = 1000
API_SECONDS = 5
WHO = {"User-Agent": "shop-worker/1.0"}
DATABASE_SECONDS = 3
GOODBYE_SECONDS = 1.5
MODEL = "gemini-2.5-flash"


class RetryLaterError(Exception):
    """Something outside did not do its part; BullMQ gives the job back after its backoff."""


@asynccontextmanager
async def database() -> AsyncIterator[AsyncConnection[Any]]:
    """A connection for as long as a statement takes: idle ones would count against the shop's few."""
    connecting = AsyncConnection.connect(
        os.environ["DATABASE_URL"],
        application_name="worker",
        connect_timeout=DATABASE_SECONDS,
    )
    async with asyncio.timeout(2 * DATABASE_SECONDS), await connecting as connection:
        yield connection


async def claim(job_id: str) -> str | None:
    """The job's kind, and its row is in processing from now on; None when it is settled or gone: then nothing is done."""
    async with database() as connection:
        cursor = await connection.execute(
            "UPDATE jobs SET status = 'processing', updated_at = now()"
            " WHERE id = %s AND status IN ('pending', 'processing') RETURNING kind",
            (job_id,),
        )
        row = await cursor.fetchone()
    return row[0] if row else None


async def give_back(job_id: str, error: str) -> None:
    async with database() as connection:
        await connection.execute(
            "UPDATE jobs SET status = 'pending', error = %s, updated_at = now()"
            " WHERE id = %s AND status = 'processing'",
            (error, job_id),
        )


async def deliver(job_id: str, picture: str) -> None:
    """The design is there, once: who comes second finds the row completed and delivers nothing."""
    async with database() as connection:
        done = await connection.execute(
            "UPDATE jobs SET status = 'completed', error = NULL, updated_at = now()"
            " WHERE id = %s AND status = 'processing'",
            (job_id,),
        )
        if done.rowcount == 1:
            await connection.execute(
                "INSERT INTO deliveries (job_id, picture) VALUES (%s, %s)", (job_id, picture)
            )


async def fail(job_id: str, error: str) -> None:
    async with database() as connection:
        await connection.execute(
            "UPDATE jobs SET status = 'failed', error = %s, updated_at = now()"
            " WHERE id = %s AND status IN ('pending', 'processing')",
            (error, job_id),
        )


async def describe(client: httpx.AsyncClient) -> str:
    """What Gemini makes of it.

    Raises:
        RetryLaterError: it refused or did not answer; the text says which, with the quota where one is exhausted.
    """
    url = f"{os.environ['GEMINI_URL']}/v1beta/models/{MODEL}:generateContent"
    body = {"contents": [{"parts": [{"text": "a mug with a lighthouse"}]}]}
    try:
        answer = await client.post(url, json=body, headers={"x-goog-api-key": os.environ["GEMINI_API_KEY"]})
    except httpx.TransportError as error:
        raise RetryLaterError(f"gemini: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise RetryLaterError(f"gemini: {answer.status_code} {why_refused(answer)}")
    return str(answer.json()["candidates"][0]["content"]["parts"][0]["text"])


def why_refused(answer: httpx.Response) -> str:
    """Google's status, the quota's id and when to come again: "RESOURCE_EXHAUSTED ...PerMinute..., retry in 12s"."""
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    words = [str(error.get("status", ""))]
    for detail in error.get("details", []):
        words += [violation["quotaId"] for violation in detail.get("violations", [])]
        if "retryDelay" in detail:
            words.append(f"retry in {detail['retryDelay']}")
    return " ".join(words)


async def cut_out(client: httpx.AsyncClient) -> str:
    """The picture without its background; where Remove.bg does not help, the original will do."""
    url = f"{os.environ['REMOVEBG_URL']}/v1.0/removebg"
    try:
        answer = await client.post(
            url,
            data={"image_url": "https://shop.example.com/1.png"},
            headers={"X-API-Key": os.environ["REMOVEBG_API_KEY"], "Accept": "application/json"},
        )
    except httpx.TransportError:
        return "original"
    return "cut out" if answer.status_code == 200 else "original"


async def process(job: Job, token: str) -> str:
    """One design; what is raised here goes back to BullMQ, which tries again after its backoff."""
    try:
        kind = await claim(job.id)
    except (psycopg.Error, TimeoutError) as error:
        raise RetryLaterError(f"database: {type(error).__name__}") from error
    if kind is None:
        return "settled already"
    if kind == ENDLESS:
        render_for_ever()
    try:
        async with http_client(timeout=API_SECONDS, headers=WHO) as client:
            await describe(client)
            picture = await cut_out(client)
    except RetryLaterError as error:
        print(f"ERROR design {job.id}: {error}", flush=True)
        await give_back(job.id, str(error))
        raise
    await deliver(job.id, picture)
    print(f"design {job.id}: done, {picture}", flush=True)
    return picture


def render_for_ever() -> None:
    """The bug: this picture's rendering never ends, and it holds the event loop, so that its lock is not renewed."""
    while True:
        time.sleep(0.2)


def tell_failed(job: Job, error: Exception) -> None:
    """BullMQ gave a job up for good: the row says so too."""
    if isinstance(error, UnrecoverableError):
        print(f"ERROR design {job.id}: {error}", flush=True)
        FAILING.add(task := asyncio.ensure_future(fail(job.id, str(error))))
        task.add_done_callback(FAILING.discard)


FAILING: set[asyncio.Future[None]] = set()


async def work(number: int, stop: asyncio.Event) -> None:
    """One of the workers, until it is told to stop."""
    client = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, socket_connect_timeout=2)
    options = {
        **OPTIONS,
        "connection": client,
        "name": f"worker-{number}",
        "runRetryDelay": RECONNECT_MILLISECONDS,
    }
    worker = Worker(QUEUE, process, options)
    worker.on("failed", tell_failed)
    worker.on("error", lambda error, *_: print(f"ERROR worker-{number}: {type(error).__name__}", flush=True))
    await stop.wait()
    await worker.close()


class Thread(threading.Thread):
    """A worker with its own event loop; one that hangs does not keep the process."""

    def __init__(self, number: int) -> None:
        super().__init__(name=f"worker-{number}", daemon=True)
        self._number = number
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told_to_stop: asyncio.Event | None = None

    def run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        self._loop, self._told_to_stop = asyncio.get_running_loop(), asyncio.Event()
        await work(self._number, self._told_to_stop)

    def ask_to_stop(self) -> None:
        if self._loop is not None and self._told_to_stop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._told_to_stop.set)


def main() -> None:
    parser = argparse.ArgumentParser(description="The stand-in company's worker.")
    parser.add_argument("--release", required=True)
    parser.parse_args()
    # Before the threads begin, so that the signal is for this one alone.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    threads = [Thread(number) for number in range(1, WORKERS + 1)]
    for thread in threads:
        thread.start()
    print(f"worker: {WORKERS} workers on {QUEUE}", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    for thread in threads:
        thread.ask_to_stop()
    give_up_at = time.monotonic() + GOODBYE_SECONDS
    for thread in threads:
        thread.join(max(0.0, give_up_at - time.monotonic()))
    # A rendering without end would hold the interpreter's own goodbye.
    os._exit(0)


if __name__ == "__main__":
    main()
