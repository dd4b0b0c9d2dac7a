"""The command line. Commands of the packages above the kernel come by entry points and are loaded when used.

Exit codes: 0 done, 1 a problem with the world (a store that does not answer), 2 a problem with what was
asked or configured.
"""

import ast
import asyncio
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from watchkeeper.admission import admit, alert_of_person
from watchkeeper.asking_commands import explain, simulate
from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption
from watchkeeper.doctor import Examination, Verdict, examine, examine_store
from watchkeeper.errors import BadInput, NotConfigured, StoreUnavailable, WatchkeeperError
from watchkeeper.figures.commands import replay, report
from watchkeeper.home import read_settings
from watchkeeper.model import Alert, Kind, Severity, incident_number
from watchkeeper.oncall import on_call
from watchkeeper.oncall_commands import oncall_app
from watchkeeper.paging import Desk
from watchkeeper.policy import Policy, load_policy
from watchkeeper.reviews.commands import review_app
from watchkeeper.settings import Settings
from watchkeeper.silence_commands import silence_app
from watchkeeper.store import open_store
from watchkeeper.worth_command import worth

COMMANDS = "watchkeeper.commands"
# What a shell expects of a command that Ctrl-C ended.
INTERRUPTED = 130


def doctor(*, home: HomeOption = None) -> int:
    """Say what is configured, who is on call and what does not answer; exit 1 if it cannot work."""
    examinations = asyncio.run(examine(read_settings(home, of_running=True)))
    for examination in examinations:
        print(_line(examination))
    return 1 if any(each.verdict is Verdict.FATAL for each in examinations) else 0


def check_policy(file: Annotated[Path | None, Parameter(help="Your own policy file.")] = None) -> None:
    """Check a policy file: every key, every name, every dependency. Without a file, the one in force."""
    policy = load_policy(file or read_settings().policy_file)
    for line in describe_policy(policy):
        print(line)


def migrate(*, home: HomeOption = None) -> None:
    """Bring the incident store's schema up to date."""
    settings = read_settings(home, of_running=True)
    store = asyncio.run(examine_store(settings))
    if store.verdict is not Verdict.OK:
        raise StoreUnavailable(f"incident store: {store.text}")
    # Here, because Alembic takes longer to import than most commands take to run.
    from watchkeeper.store.migrating import migrate as migrate_store

    migrate_store(settings.store_url())
    print("the incident store's schema is up to date")


def open_incident(
    summary: str,
    *,
    kind: Annotated[Kind, Parameter(help="What is broken.")] = Kind.OTHER,
    severity: Annotated[Severity | None, Parameter(help="Left out, the policy decides.")] = None,
    users_affected_percent: Annotated[float | None, Parameter(help="0 to 100, if known.")] = None,
    home: HomeOption = None,
) -> None:
    """Open an incident: whoever is on call is paged. Works while Prefect is away."""
    settings = read_settings(home, of_running=True)
    policy = settings.policy()
    alert = alert_of_person(
        summary, kind, severity, users_affected_percent=users_affected_percent, policy=policy, now=utc_now()
    )
    print(asyncio.run(_admit(settings, Desk(policy, settings.public_url), alert)))


async def _admit(settings: Settings, desk: Desk, alert: Alert) -> str:
    async with open_store(settings.store_url()) as store, store.transaction() as db:
        admission = await admit(db, desk, alert, now=utc_now())
    return incident_number(admission.incident_id) if admission.incident_id else admission.reason


def describe_policy(policy: Policy) -> list[str]:
    """A valid policy in a few lines: who is on call and what is watched."""
    shift = on_call(policy, [], utc_now())
    people = ", then ".join(policy.people[handle].name for handle in shift.people)
    return [
        "the policy is valid",
        f"on call   {people}",
        f"services  {', '.join(sorted(policy.services))}",
    ]


def build_app(asked_for: str = "") -> App:
    """The command line with the kernel's commands and those that are installed beside it.

    Of the latter only the one that was asked for is imported, which may take seconds; the others show up in
    the help with the first line of their docstring.

    Raises:
        WatchkeeperError: the command that was asked for cannot be imported.
    """
    app = App(
        name="watchkeeper", version=version("watchkeeper"), help="Incident response for small companies."
    )
    app.command(doctor)
    app.command(migrate)
    app.command(open_incident, name="open")
    app.command(oncall_app())
    app.command(silence_app())
    app.command(worth)
    app.command(explain)
    app.command(simulate)
    app.command(review_app())
    app.command(report)
    app.command(replay)
    policy = App(name="policy", help="The policy file: what your team decides about incidents.")
    policy.command(check_policy, name="check")
    app.command(policy)
    for command in entry_points(group=COMMANDS):
        if command.name == asked_for:
            app.command(_load(command), name=command.name)
        else:
            app.command(App(name=command.name, help=summary(command)))
    return app


def summary(command: EntryPoint) -> str:
    """The first line of a command's docstring, read from its source: importing it may take seconds."""
    try:
        spec = find_spec(command.module)
        source = Path(spec.origin).read_text() if spec is not None and spec.origin else ""
    except (ImportError, OSError) as error:
        return f"cannot be loaded: {error}"
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == command.attr:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return f"cannot be loaded: there is no {command.value}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; what is wrong is said in words, without a traceback."""
    chosen = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app = build_app(next(iter(chosen), ""))
        outcome = app(chosen, result_action="return_value")
    except (BadInput, NotConfigured) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except WatchkeeperError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _load(command: EntryPoint) -> Callable[..., object]:
    try:
        function: Callable[..., object] = command.load()
    except (ImportError, AttributeError) as error:
        raise WatchkeeperError(f"the command {command.name!r} cannot be loaded: {error}") from error
    return function


def _line(examination: Examination) -> str:
    return f"{examination.verdict:<15} {examination.what:<20} {examination.text}"


if __name__ == "__main__":
    main()
