"""The cures that can be signed: by cause, the changes that its runbook makes, in order. A test compares the runbooks."""

from collections.abc import Mapping
from typing import NamedTuple

from watchkeeper.diagnosis import KINDS
from watchkeeper.diagnosis.database import CONNECTION_LEAK
from watchkeeper.diagnosis.errors import ERRORS_AFTER_DEPLOY
from watchkeeper.diagnosis.frontend import BAD_FRONTEND_DEPLOYMENT
from watchkeeper.diagnosis.processors import CPU_MAXED
from watchkeeper.diagnosis.redis import REDIS_CONNECTION
from watchkeeper.diagnosis.site import BAD_DEPLOYMENT, OUT_OF_MEMORY
from watchkeeper.diagnosis.worker import STUCK_JOB, WORKER_CRASHED
from watchkeeper.errors import BadInput
from watchkeeper.model import Kind
from watchkeeper.policy import Policy
from watchkeeper.rendering import words

CHANGES: Mapping[str, tuple[str, ...]] = {
    CONNECTION_LEAK: ("end_idle_connections", "restart_service"),
    WORKER_CRASHED: ("restart_service",),
    STUCK_JOB: ("fail_job", "restart_service"),
    REDIS_CONNECTION: ("restart_service",),
    ERRORS_AFTER_DEPLOY: ("roll_back_deployment",),
    BAD_DEPLOYMENT: ("roll_back_deployment",),
    BAD_FRONTEND_DEPLOYMENT: ("roll_back_frontend",),
    OUT_OF_MEMORY: ("raise_resources", "restart_service"),
    CPU_MAXED: ("raise_resources", "restart_service"),
}


class Cure(NamedTuple):
    """What one signature covers."""

    cause: str
    actions: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        return KINDS[self.cause]

    def __str__(self) -> str:
        return f"{words(self.cause)}: {', then '.join(map(words, self.actions))}"


def signable(policy: Policy) -> list[Cure]:
    """Every cure whose changes the policy lets people sign."""
    allowed = set(policy.night.actions)
    return [Cure(cause, actions) for cause, actions in CHANGES.items() if allowed.issuperset(actions)]


def find_cure(cause: str, policy: Policy) -> Cure:
    """The cure of a cause.

    Raises:
        BadInput: it has none that can be signed; names those that can.
    """
    cures = signable(policy)
    found = next((cure for cure in cures if cure.cause == cause), None)
    if found is not None:
        return found
    if cause in CHANGES:
        missing = ", ".join(sorted(set(CHANGES[cause]) - set(policy.night.actions)))
        raise BadInput(f"{cause}: its cure needs {missing}, which night.actions in the policy does not name")
    known = ", ".join(cure.cause for cure in cures) or "none: night.actions names nothing"
    raise BadInput(f"{cause!r} is no cause with a cure that can be signed; those are: {known}")
