"""What can bring the worker to a stop. Pure.

Redis or the database being down stops a worker too; then its queue or its table cannot be read, and these causes
have nothing that speaks for them. A backlog alone speaks for none of them.
"""

import re
from typing import Any, NamedTuple

from watchkeeper.diagnosis.case import Case, Cause, Looks
from watchkeeper.model import Fault, Kind
from watchkeeper.policy import Policy
from watchkeeper.rendering import duration

WORKER_CRASHED = "worker_crashed"
STUCK_JOB = "stuck_job"
RATE_LIMITED = "rate_limited"
REMOVEBG_LIMITED = "removebg_rate_limited"
OTHER_LIMITED = "other_rate_limited"
DAILY_QUOTA = "daily_quota"
QUEUE_PAUSED = "queue_paused"

# BullMQ's own recovery: it gives a stalled job to another worker this often before it is a person's or ours.
RECOVERY_TRIES = 2
# The status code on its own, or the word of Google's or Remove.bg's; not a time, an identifier or a longer number.
EXHAUSTED = re.compile(
    r"(?<![\w.-])429(?![\w-]|\.\d|\s*(?:ms|s|seconds|milliseconds|bytes)\b)|\bRESOURCE_EXHAUSTED\b|\brate_limit_exceeded\b"
)


class LimitedApi(NamedTuple):
    """An API that limits our requests, and by what its errors are known."""

    title: str
    known_by: re.Pattern[str]


GEMINI = LimitedApi(
    "Gemini", re.compile(r"\b(gemini|RESOURCE_EXHAUSTED|generativelanguage)\b", re.IGNORECASE)
)
REMOVEBG = LimitedApi("Remove.bg", re.compile(r"\bremove[._-]?bg\b", re.IGNORECASE))


def api_of(reason: str) -> LimitedApi | None:
    """Whose error this is; None where it does not say."""
    return next((api for api in (GEMINI, REMOVEBG) if api.known_by.search(reason)), None)


def open_jobs(looks: Looks) -> int:
    """How many jobs wait or are worked on, by the table."""
    counts = looks.facts("jobs_table").get("counts", {})
    return int(counts.get("pending", 0)) + int(counts.get("processing", 0))


def jobs_wait(case: Case, points: float, looks: Looks) -> None:
    depth = looks.facts("queue").get("depth", 0)
    pending = looks.facts("jobs_table").get("counts", {}).get("pending", 0)
    case.weigh(
        points,
        bool(depth or pending),
        f"{depth} jobs wait in the queue, {pending} in the table",
        "no job waits",
        seen=looks.saw("queue") or looks.saw("jobs_table"),
    )


def worker_crashed(looks: Looks, policy: Policy) -> Case:
    """Nobody works: the platform says so, or no worker is connected. An exit without an error leaves its status good."""
    case = Case(WORKER_CRASHED, Fault.OURS)
    current = looks.facts("worker_deployment").get("current") or {}
    workers = looks.facts("queue").get("workers")
    case.weigh(
        3,
        looks.is_bad("worker_deployment"),
        f"Railway says that the worker is {current.get('status', 'not deployed')}",
        f"Railway says that the worker is {current.get('status')}",
        seen=looks.saw("worker_deployment"),
    )
    # Not every host tells who is connected; then the platform's word has to do.
    if workers is not None:
        connected = f"workers hold {workers} connections to the queue"
        case.weigh(4, workers == 0, "no worker is connected to the queue", connected)
    jobs_wait(case, 2, looks)
    return case


def is_stuck(job: dict[str, Any]) -> bool:
    """Its lock is gone although BullMQ has given it to another worker as often as it does."""
    return not job["locked"] and job["stalled_count"] >= RECOVERY_TRIES


def stuck_in_queue(queue: dict[str, Any]) -> list[dict[str, Any]]:
    """The jobs of a look at the queue that BullMQ itself does not bring to an end."""
    return [job for job in queue.get("active_jobs", []) if is_stuck(job)]


def stuck_jobs(looks: Looks) -> list[str]:
    """The ids of the jobs that a stuck worker is put down to, by the table and by the queue."""
    both = [*looks.facts("jobs_table").get("stalled", []), *stuck_in_queue(looks.facts("queue"))]
    return list(dict.fromkeys(job["id"] for job in both))


def stuck_job(looks: Looks, policy: Policy) -> Case:
    """A job is worked on and does not end, by workers that are there."""
    case = Case(STUCK_JOB, Fault.OURS)
    limit = duration(policy.thresholds.job_stalled_after)
    stalled = looks.facts("jobs_table").get("stalled", [])
    stuck = stuck_in_queue(looks.facts("queue"))
    names = [f"{job['id']} for {job['seconds']:.0f} s" for job in stalled[:3]]
    case.weigh(
        4,
        bool(stalled or stuck),
        f"in processing for longer than {limit}: {', '.join(names)}"
        if stalled
        else f"job {stuck[0]['id']} was given to a worker {stuck[0]['tries']} times and none of them ended it"
        if stuck
        else "",
        f"no job is in processing for longer than {limit}",
        seen=looks.saw("jobs_table") or looks.saw("queue"),
    )
    workers = looks.facts("queue").get("workers")
    case.weigh(
        3,
        bool(workers),
        f"the worker is there ({workers} connections to the queue)",
        "no worker is connected to the queue",
        seen=workers is not None,
    )
    jobs_wait(case, 2, looks)
    for job in stuck:
        case.evidence.append(
            f"BullMQ gave job {job['id']} to {job['tries']} workers one after the other; its lock is gone"
        )
    return case


def exhausted_jobs(looks: Looks) -> list[str]:
    """Why jobs wait to be tried again, where that is an API's limit on our requests."""
    reasons = [*looks.facts("queue").get("reasons", []), *looks.facts("jobs_table").get("errors", {})]
    return [reason for reason in dict.fromkeys(reasons) if EXHAUSTED.search(reason)]


def rate_limited(looks: Looks, policy: Policy) -> Case:
    """Gemini takes no more of our requests for now: waiting helps, and a restart does not."""
    return limited_by(GEMINI, RATE_LIMITED, looks)


def removebg_limited(looks: Looks, policy: Policy) -> Case:
    """Remove.bg takes no more of our requests for now, by the plan that we have: waiting helps, a restart does not."""
    return limited_by(REMOVEBG, REMOVEBG_LIMITED, looks)


def other_limited(looks: Looks, policy: Policy) -> Case:
    """An API that the error does not name takes no more of our requests for now: waiting helps, a restart does not."""
    return limited_by(None, OTHER_LIMITED, looks)


def limited_by(api: LimitedApi | None, cause: str, looks: Looks) -> Case:
    reasons = [r for r in exhausted_jobs(looks) if "PerDay" not in r and api_of(r) is api]
    return _limited(Case(cause, Fault.OURS), looks, reasons)


def daily_quota(looks: Looks, policy: Policy) -> Case:
    """The day's quota does not come back by backing off: a person raises it, or people wait until tomorrow."""
    case = Case(DAILY_QUOTA, Fault.OURS)
    _limited(case, looks, [r for r in exhausted_jobs(looks) if "PerDay" in r])
    if case.points:
        waiting = open_jobs(looks)
        case.advice = [
            f"raise Gemini's quota for the day: {waiting} jobs wait for it, and are tried again by themselves",
            "or leave it until the quota starts anew at midnight Pacific time, and tell customers",
        ]
    return case


def _limited(case: Case, looks: Looks, reasons: list[str]) -> Case:
    delayed = looks.facts("queue").get("delayed", 0)
    workers = looks.facts("queue").get("workers")
    case.weigh(
        5,
        bool(reasons),
        f"jobs were given back: {reasons[0]}" if reasons else "",
        "no job was given back because of a limit",
        seen=looks.saw("queue") or looks.saw("jobs_table"),
    )
    if reasons:
        case.weigh(2, delayed > 0, f"{delayed} jobs are to be tried again by themselves")
        case.weigh(1, bool(workers), "the worker is there and goes on trying")
    return case


def queue_paused(looks: Looks, policy: Policy) -> Case:
    """Somebody paused the queue: no worker takes a job, and none of them is at fault."""
    case = Case(QUEUE_PAUSED, Fault.OURS)
    paused = bool(looks.facts("queue").get("paused"))
    case.weigh(4, paused, "the queue is paused")
    if paused:
        jobs_wait(case, 1, looks)
        case.advice = [
            f"find out who paused the queue and why, and resume it: {open_jobs(looks)} jobs are open"
        ]
    return case


CAUSES: tuple[Cause, ...] = (
    Cause(WORKER_CRASHED, Kind.WORKER_STUCK, worker_crashed),
    Cause(STUCK_JOB, Kind.WORKER_STUCK, stuck_job),
    Cause(RATE_LIMITED, Kind.WORKER_STUCK, rate_limited),
    Cause(REMOVEBG_LIMITED, Kind.WORKER_STUCK, removebg_limited),
    Cause(OTHER_LIMITED, Kind.WORKER_STUCK, other_limited),
    Cause(DAILY_QUOTA, Kind.WORKER_STUCK, daily_quota),
    Cause(QUEUE_PAUSED, Kind.WORKER_STUCK, queue_paused),
)
