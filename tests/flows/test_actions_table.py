"""docs/actions.md says what every action may do, and says it truly."""

import re
from pathlib import Path

import pytest

from flows import resolution
from flows.actions.registry import ACTIONS
from flows.actions.site import Site
from flows.checks import LOOK_AT
from flows.resolution import Outcome, take_step
from tests.flows.conftest import NOBODY, FakeAction, MovedBench, plan_to
from tests.watchkeeper.house import two_on_call
from watchkeeper.decisions import ALWAYS_ASK, THROUGH_VENDOR, gate_for
from watchkeeper.model import Gate, Plan, Status
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


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_does_as_the_policys_autonomy_says(name: str) -> None:
    """For all of them at once, and for one alone, whichever way the others go."""
    unasked = Gate.APPROVAL if name in ALWAYS_ASK else Gate.NONE
    gates = {"observe": Gate.OBSERVE, "ask": Gate.APPROVAL, "act": unasked}
    for default, gate in gates.items():
        assert gate_for(name, two_on_call(autonomy={"default": default}))[0] is gate
        for alone, own in gates.items():
            policy = two_on_call(autonomy={"default": default, "actions": {name: alone}})
            assert gate_for(name, policy)[0] is own


@pytest.mark.parametrize("name", ACTIONS)
async def test_every_action_is_made_only_as_far_as_its_gate_allows(
    name: str, bench: MovedBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = FakeAction()
    monkeypatch.setitem(ACTIONS, name, made)

    async def publish(*shown: object) -> None:
        """No Prefect server shows it here."""

    monkeypatch.setattr(resolution, "publish", publish)

    async def plan(site: Site) -> Plan:
        return plan_to(name)

    ended = {}
    for autonomy in ("observe", "ask"):
        policy = two_on_call(autonomy={"default": autonomy})
        incident = await bench.incident_under(policy)
        ended[autonomy] = await take_step(bench, Site(policy, NOBODY), incident, 1, plan)
        await bench.move(incident.id, Status.RESOLVED)
        await bench.store.run("alerts/leave", incident_id=incident.id)

    assert ended == {"observe": Outcome.OBSERVED, "ask": Outcome.APPROVAL}
    assert made.acts == 0


# What goes through a vendor and is done while its page is red, for a person waits or decides; decisions.py says why.
NEVER_HELD = frozenset({"open_hotfix", "resolve_issues", "set_maintenance_mode"})


def test_every_action_waits_while_the_vendor_that_it_goes_through_tells_of_an_outage() -> None:
    held = {name for through in THROUGH_VENDOR.values() for name in through}

    assert held == set(ACTIONS) - NEVER_HELD
    assert {f"vendor_status_{vendor}" for vendor in THROUGH_VENDOR} <= set(LOOK_AT)


def test_what_a_person_is_always_asked_for_is_an_action() -> None:
    """One that is renamed would be done unasked."""
    assert set(ACTIONS) >= ALWAYS_ASK
