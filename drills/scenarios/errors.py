"""The error rate is high."""

from typing import Any

from drills.scenarios.scenario import Counterpart, Scenario, Step, good_release_runs

ERRORS_RELEASE = "2024.3-errors"

NO_WRITES = {"railway:deploymentRestart": 0, "railway:deploymentRollback": 0}


def nothing_was_restarted(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """A restart could not have helped."""
    was, now = (state["company"]["backend"]["pid"] for state in (before, after))
    return [] if was == now else ["the backend was restarted, which could not help"]


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="errors-after-deploy",
        title="A new release fails every third order while /health says all is well; rolled back after a person approves",
        faults=(Step("/control/company/deploy", {"release": ERRORS_RELEASE}),),
        cause="errors_after_deploy",
        needs_approval=True,
        cure={"railway:deploymentRollback": 1},
        proof=good_release_runs,
        counterpart=Counterpart(
            title="The errors go on after the rollback: they did not come from the release",
            first=(Step("/control/company/odd-orders", {"after_seconds": 8}),),
            at_most={"railway:deploymentRollback": 1},
        ),
    ),
    Scenario(
        name="external-api-down",
        title="Gemini is down; its jobs wait, nothing is changed, and it goes on by itself",
        faults=(Step("/control/gemini/down", {"seconds": 45}),),
        cause="gemini_down",
        needs_approval=False,
        cure=NO_WRITES,
        proof=nothing_was_restarted,
        counterpart=Counterpart(
            title="Gemini is down and stays down; after the policy's wait a person decides",
            first=(Step("/control/fail/gemini", {"times": 100_000, "status": 503}),),
            at_most=NO_WRITES,
        ),
    ),
)
