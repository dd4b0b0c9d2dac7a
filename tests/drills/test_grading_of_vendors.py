"""Grading nights in which a vendor of the company's is down: who is woken, and what whoever takes over was told."""

from dataclasses import replace
from typing import Any

import pytest

from drills.grading import Facts, grade
from drills.scenarios import SCENARIOS
from drills.scenarios.errors import NOTE_TO_STRIPE
from drills.scenarios.scenario import Counterpart, nothing_to_prove
from tests.drills.rows import HANDED, handed_over, incident, received, repaired
from watchkeeper.paging.model import Purpose

# A night that wakes nobody: told by mail, and no review is owed.
QUIET = replace(
    repaired("removebg-down"),
    scenario=replace(SCENARIOS["removebg-down"], proof=nothing_to_prove),
    requests=[],
    messages={"ana": [], "ben": []},
    review_due_at=None,
    draft=None,
)


@pytest.mark.parametrize(
    ("changes", "failures"),
    [
        ({}, []),
        ({"messages": {"ana": ["down"], "ben": []}}, ["ana's phone rang for what can wait"]),
        ({"messages": {"ana": [], "ben": ["down"]}}, ["ben's phone rang for what can wait"]),
        ({"received": [received(Purpose.RESOLVED)]}, ["the primary was not told"]),
    ],
)
def test_what_can_wait_rings_nobodys_phone_and_is_told_all_the_same(
    changes: dict[str, Any], failures: list[str]
) -> None:
    assert grade(replace(QUIET, **changes)) == failures


def contacted(text: str) -> Facts:
    """Stripe is down, and this is what whoever took over received."""
    return replace(
        handed_over("prompt"),
        scenario=replace(SCENARIOS["stripe-down"], proof=nothing_to_prove),
        incident=incident(cause="stripe_down", waiting_for="person"),
        received=[received(Purpose.PAGE), received(Purpose.HANDOVER, text=f"{HANDED}  to do: {text}")],
    )


def test_whoever_contacts_a_vendors_support_has_the_whole_note() -> None:
    whole = "; ".join(NOTE_TO_STRIPE)

    assert grade(contacted(whole)) == []
    for words in NOTE_TO_STRIPE:
        assert grade(contacted(whole.replace(words, ""))) == [f"whoever took over was not told: {words}"]


def test_what_a_person_takes_over_is_proved_by_what_the_company_saw_too() -> None:
    facts = contacted("; ".join(NOTE_TO_STRIPE))
    failing = Counterpart("it is down after a release", "does not help", (), {})
    scenario = replace(facts.scenario, proof=lambda before, after: ["orders failed"], counterpart=failing)

    assert grade(replace(facts, scenario=scenario)) == ["orders failed"]
    assert "orders failed" not in grade(replace(facts, scenario=scenario, counterpart=True))


def test_the_counterpart_may_tell_other_words_than_its_night() -> None:
    facts = contacted("nothing is known")
    failing = Counterpart("the vendor says nothing", "is refused", (), {}, told=("nothing is known",))
    scenario = replace(facts.scenario, counterpart=failing)

    assert grade(replace(facts, scenario=scenario, counterpart=True)) == []
    other = replace(scenario, counterpart=replace(failing, told=("why nothing is known",)))
    assert grade(replace(facts, scenario=other, counterpart=True)) == [
        "whoever took over was not told: why nothing is known"
    ]
