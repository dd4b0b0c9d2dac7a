"""The worker is stuck."""

from typing import Any

from drills.scenarios.scenario import Counterpart, Scenario, Step

RESTART = "railway:deploymentRestart"
FAILED_BY_HAND = "Manual intervention - stalled job"
# Whoever asked so long ago must have a design by now.
WORTH_WAITING_SECONDS = 10.0
REFUSED = Step("/control/fail/railway", {"status": 403, "times": 100, "match": "deploymentRestart"})


def designs_are_done(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Every design that was asked for is there, and there once."""
    return [*settled_failures(before, after), *failed_failures(before, after, {})]


def one_design_was_failed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Exactly one design was failed, with the guide's words; every other one is there, once."""
    return [*settled_failures(before, after), *failed_failures(before, after, {FAILED_BY_HAND: 1})]


def nothing_was_restarted(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The worker of before still works, and every design that was asked for is there."""
    then, now = before["company"]["worker"]["pid"], after["company"]["worker"]["pid"]
    restarted = [] if then == now else ["the worker was restarted"]
    refused = after["gemini"]["refused"] - before["gemini"]["refused"]
    limited = [] if refused else ["Gemini refused nothing: there was no limit to wait for"]
    return [*restarted, *limited, *designs_are_done(before, after)]


def nothing_was_failed_by_hand(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    was, now = (state["designs"]["failed"].get(FAILED_BY_HAND, 0) for state in (before, after))
    return [f"{now - was} designs were failed by hand"] if now > was else []


def settled_failures(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    then, now = before["designs"], after["designs"]
    failures = []
    if now["completed"] <= then["completed"]:
        failures.append("no design was done")
    if now["waiting_longest_seconds"] > WORTH_WAITING_SECONDS:
        failures.append(f"a customer has been waiting for a design for {now['waiting_longest_seconds']} s")
    if now["delivered_twice"] > then["delivered_twice"]:
        failures.append(f"{now['delivered_twice'] - then['delivered_twice']} designs were delivered twice")
    return failures


def failed_failures(before: dict[str, Any], after: dict[str, Any], expected: dict[str, int]) -> list[str]:
    """What failed between the two, by its error, is exactly what may have."""
    then, now = before["designs"]["failed"], after["designs"]["failed"]
    new = {error: times - then.get(error, 0) for error, times in now.items() if times > then.get(error, 0)}
    return [] if new == expected else [f"designs that failed: {new or 'none'}, expected {expected or 'none'}"]


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="worker-crashed",
        title="The worker is killed and the platform leaves it dead; restarted without asking",
        faults=(Step("/control/company/kill", {"service": "worker"}),),
        cause="worker_crashed",
        needs_approval=False,
        cure={RESTART: 1},
        proof=designs_are_done,
        counterpart=Counterpart(
            title="The worker is killed, and the platform refuses to restart it",
            way="is refused",
            first=(REFUSED,),
            at_most={RESTART: 1},
        ),
    ),
    Scenario(
        name="stuck-job",
        title="A design never ends and takes one worker out after the other; failed alone, without asking",
        faults=(Step("/control/company/fault/endless-designs", {"times": 1}),),
        cause="stuck_job",
        needs_approval=False,
        cure={RESTART: 1},
        proof=one_design_was_failed,
        untouched=nothing_was_failed_by_hand,
        counterpart=Counterpart(
            title="Every design that is asked for from now on never ends",
            way="does not help",
            first=(Step("/control/company/fault/endless-designs", {"times": 1000}),),
            at_most={RESTART: 3},
        ),
    ),
    Scenario(
        name="rate-limited",
        title="Gemini's limit is reached; waited for, and nothing is restarted",
        faults=(Step("/control/gemini/limit", {"seconds": 30}),),
        cause="rate_limited",
        needs_approval=False,
        cure={},
        proof=nothing_was_restarted,
        counterpart=Counterpart(
            title="Gemini's limit is reached and stays",
            way="comes too late",
            first=(Step("/control/gemini/limit", {}),),
            at_most={RESTART: 0},
        ),
    ),
)
