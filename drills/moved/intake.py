"""`python -m drills.moved.intake --clock FILE`: the intake as it is, believing the clock in a file.

The product has no setting that moves its clock: only this module hands it another one.
"""

import argparse
from pathlib import Path

from drills.company.parent import die_with_parent
from drills.moved.clock import FileClock
from watchkeeper.intake.__main__ import serve
from watchkeeper.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description="The intake, with its clock in a file.")
    parser.add_argument("--clock", type=Path, required=True)
    arguments = parser.parse_args()
    die_with_parent()
    serve(Settings(_env_file=None), clock=FileClock(arguments.clock))


if __name__ == "__main__":
    main()
