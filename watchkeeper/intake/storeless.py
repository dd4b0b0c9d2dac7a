"""Waking people while Postgres is away: no outbox, no shifts said since the policy was written, nobody's answer.

What leaves here is sent again when the store is back: twice beats never.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from watchkeeper.channels import Sender
from watchkeeper.clock import Clock
from watchkeeper.decisions import Route, first_pages, judge_severity
from watchkeeper.errors import VendorError
from watchkeeper.guarding import where
from watchkeeper.intake.spool import Spool, Spooled
from watchkeeper.messages import fit_sms
from watchkeeper.model import Alert, Channel, Severity
from watchkeeper.oncall import on_call
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.ladder import ask_again_after, contact_routes, escalates_at_once, next_routes, rung
from watchkeeper.paging.model import Message
from watchkeeper.quiet.hours import when_to_page
from watchkeeper.quiet.silences import find_hold

log = logging.getLogger(__name__)


# What a store that is well has admitted by then, a moment after it was kept.
TAKEN_WITHIN = timedelta(seconds=10)


class Due(NamedTuple):
    """Something that waits on disk and is to be said, for the `number`-th time: 0 is the first."""

    number: int
    severity: Severity
    alert: Alert


class Storeless:
    """Pages by policy and alert alone. `spool` holds the alerts of which people hear here."""

    def __init__(self, desk: Desk, channels: Mapping[Channel, Sender], spool: Spool, clock: Clock) -> None:
        self._desk = desk
        self._channels = channels
        self._spool = spool
        self._clock = clock
        # How often people were asked of a fingerprint, and when they are asked again. A new process asks once more at once.
        self._asked: dict[str, tuple[int, datetime]] = {}
        self._opened_at = clock()
        self._rang: deque[tuple[datetime, frozenset[str]]] = deque()

    def page(self, alert: Alert) -> Coroutine[None, None, None] | None:
        """What wakes people of an alert at once; None where it waits: for its time, or for the next message in a storm."""
        severity = self._severity(alert)
        if severity is None:
            return None
        due = Due(0, severity, alert)
        if not (self._may_ring() or self._jumps_the_queue(due)):
            return None
        self._note([due])
        return self._ring(due, others=0, is_away=True)

    async def ask_again(self, *, is_away: bool) -> None:
        """Say again what still waits on disk: nobody can answer without the store, and nobody may have heard. All that is
        due is one message, about the worst. What was never said is said here while the store is known to be away, and
        once it has waited longer than it should with the store there."""
        waiting = self._spool.still_firing()
        known = {kept.alert.fingerprint for kept in waiting}
        self._asked = {each: asked for each, asked in self._asked.items() if each in known}
        due = [each for each in (self._due(kept, is_away=is_away) for kept in waiting) if each]
        if due and (self._may_ring() or any(map(self._jumps_the_queue, due))):
            self._note(due)
            worst = min(due, key=lambda each: (each.severity, each.number))
            await self._ring(worst, others=len(due) - 1, is_away=is_away)

    def _due(self, kept: Spooled, *, is_away: bool) -> Due | None:
        severity = self._severity(kept.alert)
        first_at = max(kept.received_at, self._opened_at) + (timedelta() if is_away else TAKEN_WITHIN)
        number, at = self._asked.get(kept.alert.fingerprint, (0, first_at))
        return None if severity is None or at > self._clock() else Due(number, severity, kept.alert)

    def _may_ring(self) -> bool:
        throttle, now = self._desk.policy.throttle, self._clock()
        while self._rang and self._rang[0][0] <= now - throttle.per:
            self._rang.popleft()
        return len(self._rang) < throttle.messages

    def _jumps_the_queue(self, due: Due) -> bool:
        """No throttle keeps a P0 waiting that is new; one that comes and goes is."""
        lately = any(due.alert.fingerprint in told for _, told in self._rang)
        return due.number == 0 and due.severity is Severity.P0 and not lately

    def _note(self, due: Sequence[Due]) -> None:
        now = self._clock()
        self._rang.append((now, frozenset(each.alert.fingerprint for each in due)))
        for each in due:
            wait = ask_again_after(each.number + 1, each.severity, self._desk.policy)
            self._asked[each.alert.fingerprint] = (each.number + 1, now + wait)

    def _severity(self, alert: Alert) -> Severity | None:
        """None where nobody is to be woken of it now: it waits on disk as it would in the store."""
        policy, now = self._desk.policy, self._clock()
        severity, _ = judge_severity(alert, policy)
        is_held = find_hold(alert, [], policy, now) is not None
        return None if is_held or when_to_page(severity, policy, now).choice != "page" else severity

    def _first(self, severity: Severity) -> list[Route]:
        policy = self._desk.policy
        shift = on_call(policy, [], self._clock())
        second = next_routes(severity, policy, shift) if escalates_at_once(severity, policy) else []
        return [*first_pages(severity, policy, shift), *second]

    async def _ring(self, due: Due, *, others: int, is_away: bool) -> None:
        """Whom the severity wakes at once, and when it is said again, or reaches nobody, everyone by every channel."""
        why = "The incident store is away" if is_away else "The incident store does not take what comes in"
        text = f"{why}, the alert is kept: {due.alert.summary}"
        text = f"{text} (and {others} more)" if others else text
        if due.number == 0 and await self._say(self._first(due.severity), text):
            return
        policy = self._desk.policy
        step = rung(due.number or 2, due.severity, policy, on_call(policy, [], self._clock()))
        contact = contact_routes(policy) if step.asks_contact else []
        if not await self._say([*step.routes(policy), *contact], text):
            log.error("nobody could be told of %s", due.alert.fingerprint)

    async def _say(self, routes: Sequence[Route], text: str) -> bool:
        """Whether any of it was taken."""
        return any(await asyncio.gather(*(self._send(route, text) for route in routes)))

    async def _send(self, route: Route, text: str) -> bool:
        address = self._desk.policy.people[route.recipient].address(route.channel)
        sender = self._channels.get(route.channel)
        if sender is None or address is None:
            return False
        message = Message(subject=text[:78], text=text, short=fit_sms(text), spoken=text)
        try:
            await sender.send(address, message)
        except VendorError as error:
            log.error("page without the store by %s failed: %s", route.channel, error)  # noqa: TRY400
            return False
        except Exception as error:  # noqa: BLE001 - whatever is wrong with this way, the others are tried
            log.error("page without the store by %s failed: %s", route.channel, where(error))  # noqa: TRY400
            return False
        return True
