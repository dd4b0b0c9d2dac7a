"""The nights' figures: each time of each drill beside the guide's goal for it."""

from typing import Any

import pytest

from benchmarks.nights import figures_of, findings_figure, memory_figure


def report(**changes: Any) -> dict[str, Any]:
    seconds = {
        "fault_to_alert": 4.0,
        "alert_to_findings": 9.0,
        "alert_to_mitigated": 20.0,
        "mitigated_to_resolved": 18.0,
    }
    known = {
        "name": "bad-deploy",
        "incident": {"severity": "P0"},
        "seconds": seconds | changes.pop("seconds", {}),
        "peak_memory_mb": 980,
    }
    return known | changes


def test_each_time_stands_beside_the_guides_goal_for_its_severity() -> None:
    told = [
        (figure.what, figure.value, figure.target and figure.target.limit) for figure in figures_of(report())
    ]

    assert told == [
        ("bad-deploy: fault to alert", 4.0, 300.0),
        ("bad-deploy: alert to findings", 9.0, 30.0),
        ("bad-deploy: alert to mitigated", 20.0, 3600.0),
        ("bad-deploy: mitigated to resolved", 18.0, None),
    ]


@pytest.mark.parametrize(("severity", "goal"), [("P1", 14_400.0), ("P2", None)])
def test_what_the_guide_has_no_goal_for_has_none(severity: str, goal: float | None) -> None:
    mended = figures_of(report(incident={"severity": severity}))[2]

    assert (mended.target and mended.target.limit) == goal


def test_the_wait_that_the_policy_asks_for_is_named_beside_what_took_it() -> None:
    [beside] = figures_of(report())[3].beside

    assert beside.value == 7.5  # fifteen minutes of green probes, divided by 120
    assert beside.what == "of it the policy's watching, divided by 120"


def test_what_did_not_happen_has_no_figure() -> None:
    handed_over = report(seconds={"alert_to_mitigated": None, "mitigated_to_resolved": None})

    assert len(figures_of(handed_over)) == 2
    assert findings_figure([report(), report(seconds={"alert_to_findings": None})]).samples == 1


def test_the_most_memory_of_all_nights_is_the_figure() -> None:
    figure = memory_figure([report(), report(peak_memory_mb=1040)])

    assert (figure.value, figure.is_met) == (1040.0, False)
