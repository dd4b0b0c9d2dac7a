"""Trying a team's own templates, before a night does."""

from collections.abc import Iterator
from pathlib import Path

from watchkeeper.rendering import BROKEN, describe, environment, is_plain, team_environment
from watchkeeper.samples import sample_values

SUFFIX = ".j2"
# Words that are code where a team has none of its own.
OWN_ONLY = (".subject.j2", ".short.j2")


def own_templates(folder: Path) -> Iterator[str]:
    """The names of the team's templates, in order."""
    root = folder.expanduser()
    yield from sorted(file.relative_to(root).as_posix() for file in root.rglob(f"*{SUFFIX}"))


def examine_template(folder: Path, name: str) -> str | None:
    """What is wrong with one of the team's templates, as a sentence; None when it can be rendered."""
    shipped = environment().list_templates()
    message = name.removesuffix(OWN_ONLY[0]).removesuffix(OWN_ONLY[1]) + ".txt.j2"
    if name not in shipped and not (name.endswith(OWN_ONLY) and message in shipped):
        near = ", ".join(each for each in shipped if each.startswith(f"{name.partition('/')[0]}/"))
        return f"nothing asks for it; the names are {near or 'those under messages/, pages/, documents/ and status/'}"
    try:
        template = team_environment(folder.expanduser(), plain=is_plain(name)).get_template(name)
        # Pages and documents show whole incidents; there it is tried whether it can be read.
        if name.startswith(("messages/", "status/")):
            template.render(**sample_values("Backend is down"))
    except BROKEN as error:
        return f"{describe(error)}; the shipped one is used"
    return None
