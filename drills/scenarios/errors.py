"""The error rate is high."""

from typing import Any

from drills.scenarios.scenario import (
    Counterpart,
    Scenario,
    Step,
    backend_kept_running,
    every,
    good_release_runs,
)
from drills.scenarios.worker import designs_are_done

ERRORS_RELEASE = "2024.3-errors"

NO_WRITES = {"railway:deploymentRestart": 0, "railway:deploymentRollback": 0}


def designs_waited(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Gemini turned designs away, and every one of them was made in the end."""
    refused = after["gemini"]["refused"] > before["gemini"]["refused"]
    return [*([] if refused else ["Gemini refused nothing"]), *designs_are_done(before, after)]


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
            way="does not help",
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
        proof=every(backend_kept_running, designs_waited),
        counterpart=Counterpart(
            title="Gemini is down and stays down; after the policy's wait a person decides",
            way="comes too late",
            first=(Step("/control/fail/gemini", {"times": 100_000, "status": 503}),),
            at_most=NO_WRITES,
        ),
    ),
)
