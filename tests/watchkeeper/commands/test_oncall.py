"""`watchkeeper oncall`, as it is typed."""

import re

import pytest

from tests.watchkeeper.commands.typed import run

pytestmark = pytest.mark.usefixtures("installation")

HOURS = ("--from=2099-12-24 14:00", "--until=18:00")


def test_it_shows_who_is_on_call_and_what_was_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, _ = run(
        capsys, "oncall", "unreachable", "brandon", *HOURS, "--by=brandon", "--reason=Dentist"
    )
    absence = "Brandon Shore cannot be reached from Thu 24 Dec 14:00 until Thu 24 Dec 18:00 (Dentist)"
    assert (code, shown) == (0, f"1  {absence}\n")
    assert run(capsys, "oncall", "override", "brandon", "--role=secondary", *HOURS, "--by=brandon")[0] == 0

    _, shown, _ = run(capsys, "oncall", "show", "--at=2099-12-24 15:00")
    assert "primary    Brandon Shore (fixed roster)\nsecondary  nobody\n" in shown
    assert f"away       {absence}" in shown and re.search(r"   2  Brandon Shore is secondary on call", shown)

    assert run(capsys, "oncall", "withdraw", "1", "--by=brandon")[:2] == (0, f"no longer so: {absence}\n")
    assert "away" not in run(capsys, "oncall", "show", "--at=2099-12-24 15:00")[1]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("override", "zed", *HOURS, "--by=ana"), "no person 'zed' under people (brandon)"),
        (("unreachable", "brandon", "--from=soon", "--until=18:00", "--by=ana"), "'soon' is no time; write"),
        (("withdraw", "7", "--by=ana"), "no change 7 to take back"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], problem: str
) -> None:
    code, _, said = run(capsys, "oncall", *arguments)
    assert code == 2 and problem in said
