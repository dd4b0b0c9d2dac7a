"""`watchkeeper drill`: a rehearsal of one night, on a stand-in company or with the clock moved."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from drills.moved.nights import MOVED_DRILLS
from drills.moved.run import play_moved
from drills.moved.story import MovedDrill
from drills.nights import Act, play_all, programme
from drills.person import Behaviour
from drills.run import run_drill
from drills.scenarios import SCENARIOS
from drills.screen import Screen
from drills.table import show_table, write_table
from watchkeeper.errors import BadInput
from watchkeeper.machine.stopping import run_until_stopped

SPEED = 60.0
DEFAULT = "connection-leak"
Reports = list[dict[str, Any]]

All = Annotated[
    bool,
    Parameter(
        name="--all",
        negative=(),
        help="Every scenario and its counterpart on one stack, then every night with the clock moved.",
    ),
]
Moved = Annotated[
    bool, Parameter(name="--moved", negative=(), help="Every night with the clock moved, and nothing else.")
]
Speed = Annotated[
    float | None, Parameter(help=f"Divides the policy's durations, and touches nothing else [{SPEED:g}].")
]
Person = Annotated[Behaviour | None, Parameter(help="How whoever is on call behaves [prompt].")]
Against = Annotated[
    bool, Parameter(negative=(), help="The night in which the cure does not work; of several, theirs alone.")
]
Observe = Annotated[
    bool, Parameter(negative=(), help="Watchkeeper may only look: every change is planned and none made.")
]
Report = Annotated[Path | None, Parameter(help="Folder for the report [drill-report/SCENARIO].")]
Listed = Annotated[bool, Parameter(name="--list", negative=(), help="Name the scenarios.")]


def drill(
    *scenarios: str,
    all_of_them: All = False,
    moved: Moved = False,
    speed: Speed = None,
    person: Person = None,
    counterpart: Against = False,
    observe: Observe = False,
    report: Report = None,
    list_them: Listed = False,
) -> int:
    """Break a stand-in company and watch the repair, or move the clock through a night; exit 0 only if every grade
    is a pass.

    Everything runs on this machine: a real Postgres, a real Redis, the real Prefect server. Only the vendors'
    clouds and the phone network are stood in for. No account is needed. Without a name it is connection-leak;
    several names share one stack and end in one table.
    """
    if list_them:
        return list_drills()
    names = [*scenarios, *(MOVED_DRILLS if moved else ())]
    refuse_unknown(names, speed=speed)
    nights = [MOVED_DRILLS[name] for name in names if name in MOVED_DRILLS]
    if nights and (person or speed or counterpart or observe):
        raise BadInput(f"{nights[0].name} tells what people do, and moves the clock: it takes no such option")
    if counterpart and observe:
        raise BadInput(
            "with --observe nothing is cured, so no cure can fail: leave --counterpart or --observe out"
        )
    chosen = [SCENARIOS[name] for name in names if name in SCENARIOS]
    if all_of_them and not names:
        chosen, nights = (
            list(SCENARIOS.values()),
            [] if observe or counterpart else list(MOVED_DRILLS.values()),
        )
    if nights and not chosen:
        return play_nights(nights, report)
    how: dict[str, Any] = {"speed": speed or SPEED, "person": person or "prompt"}
    if all_of_them or len(names) > 1 or observe:
        both = (all_of_them and not observe) or counterpart
        acts = programme(chosen or list(SCENARIOS.values()), counterparts=both, alone=counterpart)
        folder = (report or Path("drill-report") / "all").absolute()
        return play_programme(acts, nights, report_folder=folder, observe=observe, **how)
    name = names[0] if names else DEFAULT
    folder = (report or Path("drill-report") / name).absolute()
    how |= {"report_folder": folder, "screen": Screen(), "counterpart": counterpart}
    return 0 if run_until_stopped(run_drill(SCENARIOS[name], **how)) else 1


def list_drills() -> int:
    for name, title in titles().items():
        print(f"{name:<24} {title}")
    return 0


def titles() -> dict[str, str]:
    """Every drill by its name: those on the stand-in company, then those with the clock moved."""
    return {name: each.title for name, each in (SCENARIOS | MOVED_DRILLS).items()}


def refuse_unknown(names: Sequence[str], *, speed: float | None) -> None:
    """Raises BadInput for a drill that there is not, or a speed that divides nothing."""
    if unknown := [name for name in names if name not in titles()]:
        raise BadInput(f"there is no drill {unknown[0]!r}; there are {', '.join(titles())}")
    if speed is not None and speed <= 0:
        raise BadInput(f"--speed is {speed:g}; it divides durations, so give a number above 0")


def play_nights(nights: Sequence[MovedDrill], report: Path | None) -> int:
    """Play nights with the clock moved; 0 only if each is a pass."""
    apart = len(nights) > 1
    folder = (report or Path("drill-report") / ("moved" if apart else nights[0].name)).absolute()
    screen = Screen()
    reports = run_until_stopped(play_moved(nights, report_folder=folder, screen=screen, apart=apart))
    write_table(reports, folder)
    if apart:
        show_table(reports, screen)
    return exit_code(reports)


def play_programme(
    acts: Sequence[Act],
    nights: Sequence[MovedDrill],
    *,
    report_folder: Path,
    observe: bool,
    **how: Any,
) -> int:
    """Play many nights on one stack, then those with the clock moved, and show their table; 0 only if each is a pass."""
    screen = Screen()

    async def both() -> Reports:
        reports = await play_all(acts, report_folder=report_folder, observe=observe, screen=screen, **how)
        if nights:
            reports += await play_moved(nights, report_folder=report_folder, screen=screen, apart=True)
        return reports

    reports = run_until_stopped(both())
    write_table(reports, report_folder)
    show_table(reports, screen)
    return exit_code(reports)


def exit_code(reports: Reports) -> int:
    return 0 if all(each["passed"] for each in reports) else 1
