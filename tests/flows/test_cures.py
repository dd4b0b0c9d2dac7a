"""Which cure a diagnosis leads to, and that every cure is for a cause that can be found."""

import pytest

from flows.runbooks.cures import CURES, acted_upon_first, choose_cure
from tests.flows.conftest import finding
from watchkeeper.diagnosis import KINDS
from watchkeeper.model import ACT_ABOVE


@pytest.mark.parametrize(
    ("found", "cure"),
    [
        ([], None),
        ([("connection_leak", 1.0)], "connection_leak"),
        ([("connection_leak", ACT_ABOVE)], "connection_leak"),
        ([("connection_leak", ACT_ABOVE - 0.01)], None),
        ([("bad_deployment", 0.9), ("connection_leak", 0.8)], "bad_deployment"),
        # A cause without a cure that leads clearly is a person's; among those about as likely, the one with a cure is tried.
        ([("database_unreachable", 1.0)], None),
        ([("database_unreachable", 1.0), ("worker_crashed", 0.78)], None),
        ([("database_unreachable", 1.0), ("connection_leak", 0.92)], "connection_leak"),
        ([("database_unreachable", 0.65), ("connection_leak", 0.58)], None),
        ([("database_unreachable", 1.0), ("connection_leak", 0.5)], None),
    ],
)
def test_chooses_the_cure_of_the_likeliest_cause_that_is_likely_enough(
    found: list[tuple[str, float]], cure: str | None
) -> None:
    chosen = choose_cure([finding(cause, confidence) for cause, confidence in found])

    assert (chosen.cause if chosen else None) == cure


@pytest.mark.parametrize(
    ("found", "tried", "first"),
    [
        ([("database_unreachable", 1.0), ("connection_leak", 0.92)], set(), "connection_leak"),
        ([("database_unreachable", 1.0), ("worker_crashed", 0.78)], set(), "database_unreachable"),
        ([("bad_deployment", 1.0), ("worker_crashed", 0.78)], {"bad_deployment"}, "worker_crashed"),
        ([("bad_deployment", 1.0), ("worker_crashed", 0.5)], {"bad_deployment"}, "bad_deployment"),
    ],
)
def test_the_cause_that_is_treated_is_the_one_that_is_announced(
    found: list[tuple[str, float]], tried: set[str], first: str
) -> None:
    findings = acted_upon_first([finding(cause, confidence) for cause, confidence in found], tried)

    cure = choose_cure(findings, tried)

    assert findings[0].cause == first
    assert cure is None or cure.cause == first


def test_every_cure_is_for_a_cause_that_can_be_found() -> None:
    assert set(CURES) <= set(KINDS)
    assert all(cure.steps or cure.waits_for or cure.person for cure in CURES.values())
