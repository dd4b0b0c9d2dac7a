"""Every drill's night: how soon it is noticed, understood and mended, beside the guide's goals.

The policy's own durations are divided by the speed; what a person takes to answer, what a vendor takes to act and
what Watchkeeper takes itself are not.
"""

from pathlib import Path
from typing import Any

from benchmarks.figures import Beside, Figure, Target, percentile, spread
from benchmarks.site import CouldNotRun
from drills.nights import play_all, programme
from drills.scenarios import SCENARIOS
from drills.screen import Screen
from watchkeeper.policy import load_policy

FOLDER = Path("build") / "bench-drills"
SPEED = 120.0
# The guide's goals: detection within five minutes, P0 resolved within an hour, P1 within four; and the for findings.
DETECT_SECONDS = 300.0
RESOLVE_SECONDS = {"P0": 3600.0, "P1": 4 * 3600.0}
FINDINGS_SECONDS = 30.0
# A small laptop's share for a rehearsal.
MEMORY_MB = 1000.0


async def measure(screen: Screen, *, quick: bool) -> list[Figure]:
    """Play every scenario once, or the first two, and read the reports.

    Raises:
        CouldNotRun: a night was not a pass, and has no figures to be proud of.
    """
    chosen = list(SCENARIOS.values())[: 2 if quick else None]
    reports = await play_all(
        programme(chosen, counterparts=False),
        speed=SPEED,
        person="prompt",
        report_folder=FOLDER,
        screen=screen,
    )
    if failed := [report["name"] for report in reports if not report["passed"]]:
        raise CouldNotRun(f"not a pass: {', '.join(failed)}; see {FOLDER}/drills.md")
    figures = [figure for report in reports for figure in figures_of(report)]
    return [*figures, findings_figure(reports), memory_figure(reports)]


def figures_of(report: dict[str, Any]) -> list[Figure]:
    """What one night took, in its parts."""
    name, seconds = report["name"], report["seconds"]
    stable = load_policy().verification.stable_for.total_seconds() / SPEED
    waits = Beside(f"of it the policy's watching, divided by {SPEED:g}", stable, "s", 1)
    goal = RESOLVE_SECONDS.get(report["incident"]["severity"])
    rows = [
        ("fault to alert", seconds["fault_to_alert"], Target(DETECT_SECONDS), ()),
        ("alert to findings", seconds["alert_to_findings"], Target(FINDINGS_SECONDS), ()),
        ("alert to mitigated", seconds["alert_to_mitigated"], Target(goal) if goal else None, ()),
        ("mitigated to resolved", seconds["mitigated_to_resolved"], None, (waits,)),
    ]
    return [
        Figure("drills", f"{name}: {what}", value, "s", 1, target, beside=beside)
        for what, value, target, beside in rows
        if value is not None
    ]


def findings_figure(reports: list[dict[str, Any]]) -> Figure:
    """The whole card, with what is missing named, over all nights."""
    seconds = [report["seconds"]["alert_to_findings"] for report in reports]
    taken = [each for each in seconds if each is not None]
    return Figure(
        "drills",
        "Alert to the whole card of findings, p95 over all drills",
        percentile(taken, 95),
        "s",
        len(taken),
        Target(FINDINGS_SECONDS),
        more=spread(taken),
    )


def memory_figure(reports: list[dict[str, Any]]) -> Figure:
    """The stand-in company, its vendors, the whole of Watchkeeper and the drill itself."""
    held = [float(report["peak_memory_mb"]) for report in reports]
    what = "Memory of everything in a drill, the most of all drills on one stack"
    return Figure("drills", what, max(held), "MB", len(held), Target(MEMORY_MB), more=spread(held))
