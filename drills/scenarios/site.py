"""The site is down."""

from typing import Any

from drills.scenarios.database import leak_was_ended, nobody_was_cut_off
from drills.scenarios.scenario import (
    BROKEN_RELEASE,
    Counterpart,
    Scenario,
    Step,
    every,
    good_release_runs,
    hotfix_begun_from,
)
from drills.vendors.releases import COMMITS

BREAK_DEPLOYMENT = Step("/control/company/deploy", {"release": BROKEN_RELEASE})
# What every deployment of now was made with no longer works: going back to one of them helps nothing.
OUTDATE = Step("/control/railway/outdate", {"name": "SENTRY_DSN", "value": "an address of last year"})
REFUSE_LIMITS = Step(
    "/control/railway/refuse",
    {"field": "serviceInstanceLimitsUpdate", "message": "memoryGB is not within the limits of your plan"},
)
REFUSE_RESTART = Step(
    "/control/railway/refuse", {"field": "deploymentRestart", "message": "Deployment cannot be restarted"}
)
# So few processors that what customers order now takes more than these, and less than the next limit.
FEW_VCPUS = 0.2
# For so long it must have wanted more than it got.
HELD_BACK_SECONDS = 3.0
CONFINE = Step("/control/railway/confine", {"vCPUs": FEW_VCPUS})
REFUSE_PROCESSORS = Step(
    "/control/railway/refuse",
    {"field": "serviceInstanceLimitsUpdate", "message": "vCPUs is not within the limits of your plan"},
)
HEALTH_ASKS_DATABASE = Step("/control/company/fault/strict-health", {})


def rollback_taken_back(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The older release was tried, and the one that was left is there again."""
    newest = after["company"]["backend"]["deployments"][:2]
    tried = [(deployment["release"], deployment["status"]) for deployment in newest]
    if tried[:1] != [(BROKEN_RELEASE, "SUCCESS")] or len(tried) < 2 or tried[1][0] == BROKEN_RELEASE:
        return [f"the rollback was not taken back: the newest deployments are {tried}"]
    return []


def limit_raised(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """It was killed for its memory, runs under a higher limit, and was not killed since it was raised."""
    was, now = before["company"]["backend"], after["company"]["backend"]
    failures = []
    if now["out_of_memory"] <= was["out_of_memory"]:
        failures.append("the backend was never killed for its memory")
    if now["memory_limit_gb"] <= was["memory_limit_gb"]:
        failures.append(f"the limit in force is {now['memory_limit_gb']} GB, no higher than before")
    if now["pid"] is None or now["deployments"][0]["status"] != "SUCCESS":
        failures.append("the backend does not run")
    return failures


def limit_unchanged(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    was, now = (state["company"]["backend"]["memory_limit_gb"] for state in (before, after))
    return [] if was == now else [f"the limit in force went from {was} to {now} GB"]


def processors_raised(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """It was held back by its limit, and runs under a higher one."""
    was, now = before["company"]["backend"], after["company"]["backend"]
    failures = []
    if now["throttled_seconds"] - was["throttled_seconds"] < HELD_BACK_SECONDS:
        failures.append("the backend was not held back by its limit of processors")
    if now["cpu_limit"] <= FEW_VCPUS:
        failures.append(f"the limit in force is {now['cpu_limit']} vCPU, no higher than before")
    return failures + ([] if now["pid"] else ["the backend does not run"])


def processors_unchanged(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    now = after["company"]["backend"]["cpu_limit"]
    return [] if now == FEW_VCPUS else [f"the limit in force went from {FEW_VCPUS} to {now} vCPU"]


SCENARIOS = (
    Scenario(
        name="bad-deploy",
        title="A bad deployment takes the site down; rolled back after a person approves",
        faults=(BREAK_DEPLOYMENT,),
        cause="bad_deployment",
        needs_approval=True,
        cure={"railway:deploymentRollback": 1},
        proof=good_release_runs,
        counterpart=Counterpart(
            title="A bad deployment, and the one before it no longer runs either; the rollback is taken back",
            way="does not help",
            first=(OUTDATE,),
            at_most={"railway:deploymentRollback": 1, "railway:deploymentRedeploy": 1},
            proof=every(rollback_taken_back, hotfix_begun_from(COMMITS[BROKEN_RELEASE][0])),
        ),
    ),
    Scenario(
        name="out-of-memory",
        title="The backend outgrows its memory and crashes in a loop; more memory after a person approves",
        faults=(Step("/control/company/fault/memory", {}),),
        cause="out_of_memory",
        needs_approval=True,
        cure={"railway:serviceInstanceLimitsUpdate": 1, "railway:deploymentRestart": 1},
        proof=limit_raised,
        counterpart=Counterpart(
            title="The backend crashes in a loop, and Railway refuses more memory",
            way="is refused",
            first=(REFUSE_LIMITS,),
            at_most={"railway:serviceInstanceLimitsUpdate": 1, "railway:deploymentRestart": 0},
            proof=limit_unchanged,
        ),
    ),
    Scenario(
        name="cpu-maxed",
        title="Orders take more processors than the backend has; more of them after a person approves",
        faults=(CONFINE, Step("/control/company/fault/suggestions", {})),
        cause="cpu_maxed",
        needs_approval=True,
        cure={"railway:serviceInstanceLimitsUpdate": 1, "railway:deploymentRestart": 1},
        proof=processors_raised,
        counterpart=Counterpart(
            title="Orders take more processors than the backend has, and Railway refuses to give it more",
            way="is refused",
            first=(REFUSE_PROCESSORS,),
            at_most={"railway:serviceInstanceLimitsUpdate": 1, "railway:deploymentRestart": 0},
            proof=processors_unchanged,
        ),
    ),
    Scenario(
        name="site-down-by-database",
        title="The site is down because its database is; the database's runbook repairs it, in one incident",
        faults=(HEALTH_ASKS_DATABASE, Step("/control/company/fault/leak", {})),
        cause="connection_leak",
        kind="database_down",
        needs_approval=False,
        cure={"railway:deploymentRestart": 1},
        proof=leak_was_ended,
        untouched=nobody_was_cut_off,
        counterpart=Counterpart(
            title="The site is down because its database is, and Railway refuses to restart the backend",
            way="is refused",
            first=(REFUSE_RESTART,),
            at_most={"railway:deploymentRestart": 1},
        ),
    ),
)
