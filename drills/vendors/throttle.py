"""No more of the processors than a limit: who has used up its share is stopped until it has earned the next."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar

import psutil


@dataclass
class Throttle:
    """Really stops and continues a process, as a container's kernel would. One process at a time.

    Attributes:
        budget: seconds of processor time that it may use now; it earns the limit in each second that passes.
        held_back_seconds: how long it and those before it were stopped.
    """

    PERIOD_SECONDS: ClassVar[float] = 0.05
    # What was not used may be used later, up to so much: serving one customer is not slower than without a limit.
    SAVED_SECONDS: ClassVar[float] = 0.2
    # What a new one may use beyond that: for whoever waited until it was there.
    AT_FIRST_SECONDS: ClassVar[float] = 1.0

    pid: int | None = None
    is_stopped: bool = False
    budget: float = 0.0
    held_back_seconds: float = 0.0
    _used: float = field(default=0.0, repr=False)
    _looked_at: float = field(default=0.0, repr=False)

    def look(self, pid: int | None, limit: float) -> None:
        """One look at the process that serves: stop it, or let it go on. None serves yet, or none any more: no limit."""
        now = time.monotonic()
        used = seconds_used(pid)
        if pid is None or used is None:
            self.pid, self.is_stopped = None, False
            return
        if pid != self.pid:
            self.pid, self.is_stopped, self.budget = pid, False, self.AT_FIRST_SECONDS
            self._used, self._looked_at = used, now
            return
        passed, spent = now - self._looked_at, used - self._used
        self._looked_at, self._used = now, used
        self.held_back_seconds += passed if self.is_stopped else 0.0
        earned = min(passed * limit, max(self.SAVED_SECONDS - self.budget, 0.0))
        self.budget += earned - spent
        if self.is_stopped != (self.budget < 0):
            self._send(signal.SIGCONT if self.is_stopped else signal.SIGSTOP)
            self.is_stopped = not self.is_stopped

    def take_up(self, pid: int | None) -> None:
        """From now on this process, which has served for long, may use what it earns."""
        self.let_go()
        self.pid, self.is_stopped, self.budget = pid, False, self.SAVED_SECONDS
        self._used, self._looked_at = seconds_used(pid) or 0.0, time.monotonic()

    def let_go(self) -> None:
        """It is to end, which who is stopped cannot."""
        if self.is_stopped:
            self._send(signal.SIGCONT)
        self.is_stopped = False

    def _send(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def seconds_used(pid: int | None) -> float | None:
    """The processor time of a process so far; None where there is none."""
    if pid is None:
        return None
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)
