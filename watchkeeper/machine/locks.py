"""A lock on a folder, held by one living process at a time; the kernel frees it however that process ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchkeeper.errors import BadInput
from watchkeeper.machine.lifeline import is_running


@contextmanager
def hold_lock(path: Path, *, what: str, wait_seconds: float = 20) -> Iterator[int]:
    """Hold the lock file, which says whose it is, for as long as the block runs. Yields its descriptor.

    A guard that was handed the descriptor holds the lock, after its owner's death, until it has stopped what
    the owner left; that is waited for. A living owner is not.

    Raises:
        BadInput: a living process holds it, or it was not freed in time.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        give_up_at = time.monotonic() + wait_seconds
        while not _try_lock(descriptor):
            owner = _owner(descriptor)
            if owner is not None and is_running(owner):
                raise BadInput(f"{what} is already in use by process {owner}; stop that one first")
            if time.monotonic() > give_up_at:
                raise BadInput(f"{what} is still locked by what process {owner} left behind ({path})")
            time.sleep(0.1)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(descriptor: int) -> int | None:
    text = os.pread(descriptor, 20, 0).decode()
    return int(text) if text.isdigit() else None
