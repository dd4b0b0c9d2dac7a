"""A runbook's document beside what an incident did: where they differ, the change to the document is offered. Pure.

What is read of the document is its form, so that a team may write around it: a heading that ends with a cause in
brackets, as in "### Connection leak (`connection_leak`)", and steps that begin with an action, as in
"1. `restart_service`: ...".
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from watchkeeper.documents.reading import lines_of
from watchkeeper.model import Kind, Remediation, RemediationState
from watchkeeper.remediations import NO_CURE, UNDO_STEP, is_undoing
from watchkeeper.rendering import markdown, words

CAUSE = re.compile(r"^#{2,6} .*\(`([a-z0-9_]+)`\)\s*$")
STEP = re.compile(r"^\s{0,3}(\d+)[.)] `([a-z0-9_]+)`")
HEADING = re.compile(r"^#{1,6} ")
TRIED = (RemediationState.DONE, RemediationState.FAILED, RemediationState.UNKNOWN)


class Runbook(NamedTuple):
    """A runbook's document: where it is, and what it says."""

    name: str
    text: str


class Did(NamedTuple):
    """One change that an incident made, or tried to make."""

    action: str
    summary: str
    worked: bool
    outcome: str


class Said(NamedTuple):
    """What the document says of one cause: the line of its heading, the line after its last, and its steps by action."""

    start: int
    end: int
    steps: Mapping[str, int]


def runbook_name(kind: Kind) -> str:
    """Such as "database-down.md"."""
    return f"{kind.replace('_', '-')}.md"


def did_for(cause: str, remediations: Sequence[Remediation]) -> list[Did]:
    """What was carried out against a cause, in order; what only took something back is left out."""
    tried = [
        r
        for r in remediations
        if r.plan.cause == cause and r.state in TRIED and r.step < UNDO_STEP and r.action not in NO_CURE
    ]
    taken_back = {r.round for r in remediations if r.plan.cause == cause and is_undoing(r)}
    return [
        Did(
            r.action,
            r.plan.summary,
            r.state is RemediationState.DONE and r.round not in taken_back,
            r.outcome or "its outcome is not known",
        )
        for r in tried
    ]


def difference(runbook: Runbook, number: str, cause: str | None, did: Sequence[Did]) -> str:
    """What would bring the runbook up to what this incident did, as a unified difference; empty where they agree.

    An incident without a cause that was acted upon differs in nothing: there is no place in the runbook for it.
    """
    lines = lines_of(runbook.text)
    if cause is None or not did:
        return ""
    said = _said_of(lines, cause)
    changed = (
        _with_new_cause(lines, number, cause, did) if said is None else _with_steps(lines, number, said, did)
    )
    unified = difflib.unified_diff(
        lines, changed, f"a/runbooks/{runbook.name}", f"b/runbooks/{runbook.name}", lineterm=""
    )
    return "".join(f"{line}\n" for line in unified)


def _said_of(lines: Sequence[str], cause: str) -> Said | None:
    start = next((n for n, line in enumerate(lines) if (m := CAUSE.match(line)) and m[1] == cause), None)
    if start is None:
        return None
    end = next((n for n in range(start + 1, len(lines)) if HEADING.match(lines[n])), len(lines))
    steps = {m[2]: n for n in range(start, end) if (m := STEP.match(lines[n]))}
    return Said(start, end, steps)


def _with_steps(lines: Sequence[str], number: str, said: Said, did: Sequence[Did]) -> list[str]:
    """Each step with what this incident adds to it, then the steps that the runbook does not have."""
    after: dict[int, list[str]] = {}
    done = {each.action: each for each in did}
    for action, line in said.steps.items():
        if action not in done:
            after.setdefault(line, []).append(f"   - {number} ended without this step.")
        elif not done[action].worked:
            after.setdefault(line, []).append(
                f"   - {number}: this did not work ({markdown(done[action].outcome)})."
            )
    new = [each for each in done.values() if each.action not in said.steps]
    last = max(said.steps.values(), default=_last_text(lines, said))
    if new and not said.steps:
        after.setdefault(last, []).append("")
    after.setdefault(last, []).extend(
        _step(place, number, each) for place, each in enumerate(new, start=len(said.steps) + 1)
    )
    return [out for n, line in enumerate(lines) for out in (line, *after.get(n, []))]


def _last_text(lines: Sequence[str], said: Said) -> int:
    return max(n for n in range(said.start, said.end) if lines[n].strip())


def _with_new_cause(lines: Sequence[str], number: str, cause: str, did: Sequence[Did]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    steps = [_step(place, number, each) for place, each in enumerate(did, start=1)]
    return [*kept, "", f"### {words(cause).capitalize()} (`{cause}`)", "", *steps, ""]


def _step(place: int, number: str, did: Did) -> str:
    how = "worked" if did.worked else "did not work"
    return f"{place}. `{did.action}`: {markdown(did.summary)} ({how} in {number}: {markdown(did.outcome)})."
