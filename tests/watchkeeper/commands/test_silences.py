"""`watchkeeper silence`, as it is typed."""

import pytest

from tests.watchkeeper.commands.typed import run

pytestmark = pytest.mark.usefixtures("installation")

DEPLOYMENT = ("--service=backend", "--from=2099-12-24 14:00", "--for=2h", "--by=ana", "--why=deploying 4.2")


def test_a_window_is_announced_listed_and_ended(capsys: pytest.CaptureFixture[str]) -> None:
    line = (
        "1  service backend from Thu 24 Dec 14:00 (UTC) until Thu 24 Dec 16:00 (UTC): "
        "maintenance window 1 by ana (deploying 4.2)\n"
    )
    assert run(capsys, "silence", "list")[1] == "nothing is silenced\n"
    assert run(capsys, "silence", "add", *DEPLOYMENT, "--maintenance")[:2] == (0, line)
    assert run(capsys, "silence", "list")[:2] == (0, line)
    assert run(capsys, "silence", "end", "1", "--by=ben")[:2] == (0, f"no longer so: {line}")
    assert run(capsys, "silence", "list")[1] == "nothing is silenced\n"


def test_a_service_that_the_policy_does_not_know_is_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, _ = run(capsys, "silence", "add", "--service=bakend", "--for=1h", "--by=ana", "--why=x")
    assert code == 0 and "knows no service 'bakend'" in shown


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("add", "--for=1h", "--by=ana", "--why=x"), "names nothing and would mean every alert"),
        (("add", "--service=backend", "--for=soon", "--by=ana", "--why=x"), "'soon' is no length of time"),
        (("end", "7", "--by=ana"), "no silence 7 to end"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], problem: str
) -> None:
    code, _, said = run(capsys, "silence", *arguments)
    assert code == 2 and problem in said
