"""`watchkeeper simulate`, as it is typed."""

import json
from pathlib import Path

import pytest

from tests.watchkeeper.commands.typed import run


def test_an_alert_out_of_a_file_is_simulated_on_a_store_of_its_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "alert.json"
    file.write_text(json.dumps({"service": "backend", "summary": "Backend is down"}))
    code, shown, problem = run(capsys, "simulate", str(file), "--at=2099-03-06 02:00", "--asks=1")
    assert (code, problem) == (0, "")
    assert "Fri 06 Mar 02:00:00" in shown and "Brandon Shore is woken by email (page)" in shown
    assert "silences and swaps said by command are left out" in shown
    file.write_text("{}")
    assert run(capsys, "simulate", str(file))[0] == 2
