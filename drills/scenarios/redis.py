"""Redis is down."""

from typing import Any

from drills.scenarios.scenario import (
    Counterpart,
    Scenario,
    Step,
    backend_kept_running,
    backend_was_restarted,
    every,
)

# Long enough for the outage to be found, and shorter than the stand-in company's policy waits for a vendor.
OUTAGE_SECONDS = 30
# How many orders may be taken while the stand-ins are asked one after the other.
MEANWHILE = 10
# What 25 days of a worker that polls every five seconds, and of a shop beside it, add up to on the free plan.
MONTH = {"EVALSHA": 262_000, "BZPOPMIN": 171_000, "PING": 36_000, "INCRBY": 21_000, "RPUSH": 10_000}


def orders_went_on(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Customers ordered all the time, and none of them was turned away."""
    was, now = before["customers"], after["customers"]
    failed, succeeded = now["failed"] - was["failed"], now["succeeded"] - was["succeeded"]
    if failed or not succeeded:
        return [f"customers' orders meanwhile: {succeeded} succeeded, {failed} failed"]
    return []


def nothing_is_lost(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What was queued in Redis before is queued there still; only a worker may have taken it from a queue of its own."""
    was = before["upstash"]["lists"].get("confirmations", [])
    now = after["upstash"]["lists"].get("confirmations", [])
    if not was:
        return ["nothing was queued in Redis before, so nothing could be lost"]
    lost = sorted(set(was) - set(now))
    return [f"{len(lost)} of {len(was)} queued confirmations are lost"] if lost else []


def redis_is_used_again(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What customers ordered last is queued in Redis: the backend's connection works."""
    queued = max(map(int, after["upstash"]["lists"].get("confirmations", [])), default=0)
    newest = after["customers"]["newest_order"]
    late = newest - queued > MEANWHILE
    return [f"order {newest} was taken, and order {queued} is the last one queued in Redis"] if late else []


def outage(seconds: float) -> tuple[Step, ...]:
    return (Step("/control/upstash/outage", {"seconds": seconds}),)


SPENDS_NOTHING = {"upstash:POST": 0, "upstash:PATCH": 0}
RESTARTS = "railway:deploymentRestart"

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="upstash-outage",
        title="Upstash has an outage; the shop works on without Redis, and nothing is restarted",
        faults=outage(OUTAGE_SECONDS),
        cause="upstash_outage",
        needs_approval=False,
        cure={RESTARTS: 0, **SPENDS_NOTHING},
        proof=every(orders_went_on, nothing_is_lost, backend_kept_running, redis_is_used_again),
        counterpart=Counterpart(
            title="Upstash's outage lasts longer than the policy waits; a person is asked what to do",
            way="comes too late",
            first=outage(600),
            at_most={RESTARTS: 0, **SPENDS_NOTHING},
        ),
    ),
    Scenario(
        name="redis-quota",
        title="The Upstash plan's commands are used up; a person gets the figures to decide by",
        faults=(Step("/control/upstash/used", {"commands": MONTH}),),
        cause="redis_quota",
        needs_approval=False,
        cure={RESTARTS: 0, **SPENDS_NOTHING},
        ends_with_person=True,
        told=("commands a day, ", " a month allow", "; doubling "),
        counterpart=Counterpart(
            title="The plan is used up and Upstash's API does not answer; the person hears what is missing",
            way="is refused",
            first=(Step("/control/fail/upstash", {"status": 503, "times": 1000}),),
            at_most={RESTARTS: 0, **SPENDS_NOTHING},
            told=("Upstash's API gave nothing",),
        ),
    ),
    Scenario(
        name="redis-connection",
        title="The backend has lost its connection to Redis, which is well; restarted without asking",
        faults=(Step("/control/company/fault/redis-stuck", {}),),
        cause="redis_connection",
        needs_approval=False,
        cure={RESTARTS: 1, **SPENDS_NOTHING},
        proof=every(backend_was_restarted, nothing_is_lost, redis_is_used_again),
        counterpart=Counterpart(
            title="The backend has lost its connection to Redis and Railway refuses the restart",
            way="is refused",
            first=(Step("/control/fail/railway", {"status": 403, "times": 9, "match": "deploymentRestart"}),),
            at_most={RESTARTS: 1, **SPENDS_NOTHING},
        ),
    ),
)
