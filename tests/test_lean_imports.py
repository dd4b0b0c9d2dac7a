"""What a process carries along that it does not need is memory for nothing."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "program", ["watchkeeper.intake.app", "drills.vendors.__main__", "drills.company.backend"]
)
def test_no_program_that_draws_nothing_loads_a_terminals_colours(program: str) -> None:
    """httpx brings its command line along where rich is installed."""
    asked = f"import sys, {program}; sys.exit(' '.join({{'rich', 'pygments'}} & set(sys.modules)) or None)"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
