"""`python -m drills.moved.flow_run --clock FILE ID`: one of Prefect's runs, as our worker runs it, believing the clock
in a file."""

import argparse
import os
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

from deployments.warm_process import run_in_this_process
from drills.company.parent import die_with_parent
from drills.moved.clock import FileClock
from flows import bench


def main() -> None:
    parser = argparse.ArgumentParser(description="One run of Prefect's, with its clock in a file.")
    parser.add_argument("run", type=UUID)
    parser.add_argument("--clock", type=Path, required=True)
    arguments = parser.parse_args()
    die_with_parent()
    # A flow asks its bench what time it is, and nobody else.
    with patch.object(bench, "utc_now", FileClock(arguments.clock)):
        run_in_this_process(arguments.run, dict(os.environ))


if __name__ == "__main__":
    main()
