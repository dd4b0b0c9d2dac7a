"""docs/actions.md says what every action may do, and says it truly."""

import re
from pathlib import Path

from flows.actions.registry import ACTIONS
from watchkeeper.decisions import ALWAYS_ASK, gate_for
from watchkeeper.model import Gate
from watchkeeper.policy import load_policy
from watchkeeper.policy.rules import Limits

DOCUMENT = Path(__file__).parents[2] / "docs" / "actions.md"
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.M)
CLASSES = {Gate.NONE: "unasked", Gate.APPROVAL: "asks first"}


def written() -> dict[str, tuple[str, str, str]]:
    """The table: each action's class, limit and undo."""
    return {name: (kind, limit, undo) for name, kind, limit, undo in ROW.findall(DOCUMENT.read_text())}


def test_the_table_says_of_every_action_what_the_code_does() -> None:
    policy = load_policy()

    coded = {
        name: (CLASSES[gate_for(name, policy)[0]], action.limit, action.undo or "cannot be undone")
        for name, action in ACTIONS.items()
    }
    assert written() == coded


def test_every_limit_of_the_policy_is_named_and_no_other() -> None:
    named = {key for _, limit, _ in written().values() for key in re.findall(r"`limits\.(\w+)`", limit)}

    assert named == set(Limits.model_fields)


def test_what_a_person_is_always_asked_for_is_an_action() -> None:
    """One that is renamed would be done unasked."""
    assert set(ACTIONS) >= ALWAYS_ASK
