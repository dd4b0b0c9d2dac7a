"""Children that end with their parent, however it ends."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to end this process when the one that started it ends; elsewhere the parent has to do it."""
    die_by(signal.SIGTERM)


def die_at_once_with_parent() -> None:
    """The same for a process that its parent may have stopped, which would never get to know of a gentler signal."""
    die_by(signal.SIGKILL)


def die_by(number: signal.Signals) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)
