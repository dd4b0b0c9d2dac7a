"""The runbooks as documents, made from the tables that the code itself goes by. Pure."""

from collections.abc import Callable

from flows.actions.registry import ACTIONS
from flows.runbooks import Cure
from flows.runbooks.cures import CURES
from watchkeeper.decisions import gate_for
from watchkeeper.diagnosis import CAUSES
from watchkeeper.diagnosis.case import Cause
from watchkeeper.documents.runbook import Runbook, runbook_name
from watchkeeper.model import Gate, Kind
from watchkeeper.policy import Policy, load_policy
from watchkeeper.rendering import words

# Which action each step of a cure plans: a step is named for what it is meant for, its action for what it does.
PLANNED = {
    "delete_old_rows": "delete_data",
    "enable_endpoint": "enable_endpoint",
    "end_idle_connections": "end_idle_connections",
    "fail_stuck_job": "fail_job",
    "raise_backends_memory": "raise_resources",
    "raise_backends_processors": "raise_resources",
    "replace_secret": "replace_signing_secret",
    "resend_after_repair": "resend_events",
    "resend_missed": "resend_events",
    "resend_with_new_secret": "resend_events",
    "restart_backend": "restart_service",
    "restart_busy_backend": "restart_service",
    "restart_crashed": "restart_service",
    "restart_handler": "restart_service",
    "restart_stuck": "restart_service",
    "retire_endpoints": "disable_endpoint",
    "roll_back_backend": "roll_back_deployment",
    "roll_back_frontend": "roll_back_frontend",
}
GATES = {
    Gate.NONE: "unasked",
    Gate.APPROVAL: "once a person has approved exactly what is shown",
    Gate.OBSERVE: "planned and shown only",
}
RUNBOOKS = tuple(kind for kind in Kind if kind is not Kind.OTHER)


def runbook_document(kind: Kind, policy: Policy | None = None) -> Runbook:
    """The runbook of one kind of incident, as Markdown."""
    policy = policy or load_policy()
    causes = [cause for cause in CAUSES if cause.kind is kind]
    lines = [
        f"# Runbook: {words(kind).capitalize()}",
        "",
        "Everything is looked at side by side, and the causes below are weighed by what was seen. The likeliest that is",
        "likely enough is acted upon: its steps in their order, each planned only after the one before it was carried",
        "out, shown before it happens, and watched afterwards. Where no step is left, or none of them has anything to",
        "change, a person takes over; so it is where a cause without a cure leads clearly, whatever else is likely.",
        "",
        "## Causes and what cures them",
        *(line for cause in causes for line in _cause(cause, policy)),
    ]
    return Runbook(runbook_name(kind), "\n".join(lines) + "\n")


def _cause(cause: Cause, policy: Policy) -> list[str]:
    cure = CURES.get(cause.name)
    title = f"### {words(cause.name).capitalize()} (`{cause.name}`)"
    return ["", title, "", _first_sentence(cause.judge), "", *_cure(cure, policy)]


def _first_sentence(judge: Callable[..., object]) -> str:
    return (judge.__doc__ or "").strip().partition("\n")[0]


def _cure(cure: Cure | None, policy: Policy) -> list[str]:
    if cure is None:
        return ["A person takes over."]
    lines = [_step(number, step.__name__, policy) for number, step in enumerate(cure.steps, start=1)]
    said = []
    if cure.waits_for:
        said.append(
            f"{cure.waits_for[:1].upper()}{cure.waits_for[1:]} has to recover: it is watched, and what would be useless is held back."
        )
    if cure.may_be_over:
        said.append("Where none of this is needed any more it is over by itself, and only watched.")
    if cure.person:
        said.append(f"A person does this: {cure.person}.")
    if cure.in_code:
        said.append("What lasts is a change of our code: an issue and a branch for it are made ready.")
    return [*lines, *([""] if lines and said else []), *said]


def _step(number: int, step: str, policy: Policy) -> str:
    action = PLANNED[step]
    gate, _ = gate_for(action, policy)
    limit, undo = ACTIONS[action].limit, ACTIONS[action].undo
    back = f" To take it back: {undo}." if undo else ""
    return f"{number}. `{action}`: {words(step)}, {GATES[gate]}. At most {limit}.{back}"
