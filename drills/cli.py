"""`watchkeeper drill`: a rehearsal of one night, on a stand-in company."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from drills.nights import Act, play_all, programme
from drills.person import Behaviour
from drills.run import run_drill
from drills.scenarios import SCENARIOS
from drills.screen import Screen
from drills.table import show_table
from watchkeeper.errors import BadInput
from watchkeeper.stopping import run_until_stopped

SPEED = 60.0
DEFAULT = "connection-leak"


def drill(
    *scenarios: str,
    all_of_them: Annotated[
        bool, Parameter(name="--all", negative=(), help="Every scenario and its counterpart, on one stack.")
    ] = False,
    speed: Annotated[
        float, Parameter(help="Divides the policy's durations, and touches nothing else.")
    ] = SPEED,
    person: Annotated[Behaviour, Parameter(help="How whoever is on call behaves.")] = "prompt",
    counterpart: Annotated[
        bool, Parameter(negative=(), help="The night in which the cure does not work.")
    ] = False,
    observe: Annotated[
        bool, Parameter(negative=(), help="Watchkeeper may only look: every change is planned and none made.")
    ] = False,
    report: Annotated[Path | None, Parameter(help="Folder for the report [drill-report/SCENARIO].")] = None,
    list_them: Annotated[bool, Parameter(name="--list", negative=(), help="Name the scenarios.")] = False,
) -> int:
    """Break a stand-in company and watch the repair; exit 0 only if every grade is a pass.

    Everything runs on this machine: a real Postgres, a real Redis, the real Prefect server. Only the vendors'
    clouds and the phone network are stood in for. No account is needed. Without a name it is connection-leak;
    several names share one stack and end in one table.
    """
    if list_them:
        for name, each in SCENARIOS.items():
            print(f"{name:<22} {each.title}")
        return 0
    if unknown := [name for name in scenarios if name not in SCENARIOS]:
        raise BadInput(f"there is no scenario {unknown[0]!r}; there are {', '.join(SCENARIOS)}")
    if speed <= 0:
        raise BadInput(f"--speed is {speed:g}; it divides durations, so give a number above 0")
    if all_of_them or len(scenarios) > 1 or observe:
        chosen = [SCENARIOS[name] for name in scenarios or SCENARIOS]
        acts = programme(chosen, counterparts=all_of_them and not observe)
        folder = (report or Path("drill-report") / "all").absolute()
        return play_programme(acts, speed=speed, person=person, report_folder=folder, observe=observe)
    name = scenarios[0] if scenarios else DEFAULT
    folder = (report or Path("drill-report") / name).absolute()
    passed = run_until_stopped(
        run_drill(
            SCENARIOS[name],
            speed=speed,
            person=person,
            report_folder=folder,
            screen=Screen(),
            counterpart=counterpart,
        )
    )
    return 0 if passed else 1


def play_programme(
    acts: Sequence[Act], *, speed: float, person: Behaviour, report_folder: Path, observe: bool
) -> int:
    """Play many nights on one stack and show their table; 0 only if each is a pass."""
    screen = Screen()
    how: dict[str, Any] = {"person": person, "report_folder": report_folder, "observe": observe}
    reports = run_until_stopped(play_all(acts, speed=speed, screen=screen, **how))
    show_table(reports, screen)
    return 0 if all(each["passed"] for each in reports) else 1
