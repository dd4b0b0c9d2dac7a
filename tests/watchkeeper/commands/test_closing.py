"""`watchkeeper close`, as it is typed."""

import pytest

from tests.watchkeeper.commands.typed import run

pytestmark = pytest.mark.usefixtures("installation")


def test_an_incident_is_closed_by_a_command_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "open", "Checkout hangs")[1] == "INC-0001\n"
    assert run(capsys, "close", "INC-0001", "seen well", "--by=ana")[1] == "INC-0001 is closed\n"
    _, again, _ = run(capsys, "close", "INC-0001", "seen well", "--by=ana")
    assert again == "INC-0001 is over already: nothing was done\n"
    assert run(capsys, "close", "INC-0002", "seen well", "--by=ana")[0] != 0
