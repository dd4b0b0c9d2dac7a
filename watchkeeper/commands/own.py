"""The kernel's own commands, all of them: importing this imports nearly all of the kernel."""

from collections.abc import Callable, Sequence
from typing import Any

from cyclopts import App

from watchkeeper.commands.asking import explain, simulate
from watchkeeper.commands.figures import replay, report
from watchkeeper.commands.incidents import close_incident, open_incident
from watchkeeper.commands.installation import doctor, migrate, policy_app
from watchkeeper.commands.night import night_app
from watchkeeper.commands.oncall import oncall_app
from watchkeeper.commands.reviews import review_app
from watchkeeper.commands.silences import silence_app
from watchkeeper.commands.worth import worth

FUNCTIONS: Sequence[Callable[..., Any]] = (doctor, migrate, worth, explain, simulate, report, replay)
APPS: Sequence[Callable[[], App]] = (oncall_app, silence_app, night_app, review_app, policy_app)


def add_own_commands(app: App) -> None:
    for function in FUNCTIONS:
        app.command(function)
    app.command(open_incident, name="open")
    app.command(close_incident, name="close")
    for make in APPS:
        app.command(make())
