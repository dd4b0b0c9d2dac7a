"""In which order causes are tried, and how that is explained."""

import pytest

from watchkeeper.diagnosis import explain_order
from watchkeeper.diagnosis import ranked as order_of
from watchkeeper.model import Fault, Finding


def fits(cause: str, confidence: float, *evidence: str, against: int = 0) -> Finding:
    doubts = [f"doubt {number}" for number in range(against)]
    return Finding(
        cause=cause, confidence=confidence, fault=Fault.OURS, evidence=list(evidence), against=doubts
    )


SHARED = "deployed 5 minutes ago"


@pytest.mark.parametrize(
    ("found", "order"),
    [
        ([fits("a", 0.7, "x"), fits("b", 0.9, "y")], ["b", "a"]),
        # About equally likely: what speaks for one alone separates them, whoever is a little ahead.
        ([fits("a", 0.9, SHARED), fits("b", 0.85, SHARED, "y")], ["b", "a"]),
        ([fits("a", 0.85, "x", against=2), fits("b", 0.85, "y", against=1)], ["b", "a"]),
        # Clearly less likely, or too unlikely to act upon: no amount of evidence of its own helps.
        ([fits("a", 0.9, SHARED), fits("b", 0.75, SHARED, "y", "z")], ["a", "b"]),
        ([fits("a", 0.59, SHARED), fits("b", 0.55, "y", "z")], ["a", "b"]),
    ],
)
def test_tries_first_what_the_evidence_separates_best(found: list[Finding], order: list[str]) -> None:
    assert [finding.cause for finding in order_of(found)] == order
    assert [finding.cause for finding in order_of(found[::-1])] == order


def test_says_what_spoke_for_the_others() -> None:
    found = order_of(
        [fits("bad_deployment", 0.9, SHARED), fits("out_of_memory", 0.85, SHARED, "killed: OOM")]
    )

    assert explain_order(found) == (
        "Several causes fit. Trying out of memory first; for it alone speaks: killed: OOM. "
        "For bad deployment (90%): deployed 5 minutes ago."
    )
    assert explain_order(found[:1]) is None
    assert explain_order([]) is None
