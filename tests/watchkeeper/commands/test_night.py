"""`watchkeeper night`, as it is typed."""

import pytest

from tests.watchkeeper.commands.typed import run

pytestmark = pytest.mark.usefixtures("installation")


def test_nothing_is_signed_by_a_command_alone(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, _ = run(capsys, "night", "show")
    assert code == 0
    assert shown.splitlines()[0] == "night      22:00 to 07:00 (UTC)"
    assert shown.splitlines()[-1] == "signed     nothing: every page goes out at once"
    assert "signable   worker_crashed  (worker crashed: restart service)\n" in shown

    code, shown, _ = run(capsys, "night", "sign", "worker_crashed", "brandon", "--by=ben")
    assert code == 0 and shown.startswith(
        "1  asked for: Brandon Shore, worker crashed: restart service, until"
    )
    assert "nothing counts before they sign there" in shown

    assert run(capsys, "night", "show")[1].splitlines()[-1] == (
        "signed     nothing: every page goes out at once"
    )
    code, shown, _ = run(capsys, "night", "withdraw", "1", "--by=ben")
    assert code == 0 and shown.startswith("no longer so: Brandon Shore")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("sign", "disk_full", "brandon", "--by=ben"), "no cause with a cure that can be signed"),
        (("sign", "worker_crashed", "eve", "--by=ben"), "no person 'eve'"),
        (("withdraw", "7", "--by=ben"), "no signature 7 to take back"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], problem: str
) -> None:
    code, _, said = run(capsys, "night", *arguments)
    assert code == 2 and problem in said
