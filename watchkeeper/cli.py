"""The command line. Commands of the packages above the kernel come by entry points and are loaded when used.

Exit codes: 0 done, 1 a problem with the world (a store that does not answer), 2 a problem with what was
asked or configured.
"""

import ast
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points, version
from importlib.util import find_spec
from pathlib import Path

from cyclopts import App

from watchkeeper.errors import BadInput, NotConfigured, WatchkeeperError

COMMANDS = "watchkeeper.commands"
# What a shell expects of a command that Ctrl-C ended.
INTERRUPTED = 130


def build_app(asked_for: str = "") -> App:
    """The command line with the kernel's commands and those that are installed beside it.

    Of the latter the one that was asked for is imported, and nothing else: `up` runs for months, and holds the
    libraries of no other command. Otherwise they show up in the help with the first line of their docstring.

    Raises:
        WatchkeeperError: the command that was asked for cannot be imported.
    """
    app = App(
        name="watchkeeper", version=version("watchkeeper"), help="Incident response for small companies."
    )
    beside = {command.name: command for command in entry_points(group=COMMANDS)}
    if asked_for in beside:
        app.command(_load(beside[asked_for]), name=asked_for)
        return app
    from watchkeeper.commands.own import add_own_commands

    add_own_commands(app)
    for name, command in beside.items():
        app.command(App(name=name, help=summary(command)))
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


if __name__ == "__main__":
    main()
