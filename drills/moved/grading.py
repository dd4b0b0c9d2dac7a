"""Grading a night with the clock moved: on what reached people and vendors, and when; not on what Watchkeeper says.

An expectation is data and a pure function: what was seen in, sentences out; no sentence is a pass. The times are the
night's own, counted from its beginning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from drills.stand import Received

ALL_NIGHT = timedelta.max


@dataclass(frozen=True)
class Seen:
    """What was seen from outside in one night.

    Attributes:
        received: everything that reached the team, at the night's own times.
        customers: the subjects of the mails in each customer's mailbox.
        requests: what the vendors' stand-ins were asked.
        noted: what was answered where no message comes back: (what was tried, the answer).
        rows: what is a row and nothing else, by what it says.
    """

    began: datetime
    received: Sequence[Received] = ()
    customers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    requests: Sequence[dict[str, Any]] = ()
    noted: Sequence[tuple[str, str]] = ()
    rows: Mapping[str, str] = field(default_factory=dict)

    def after(self, message: Received) -> timedelta:
        """How far into the night it came."""
        return datetime.fromisoformat(message.at) - self.began


class Expectation(Protocol):
    """What must be so; every sentence is something that was not."""

    def __call__(self, seen: Seen) -> list[str]: ...


def grade(expected: Sequence[Expectation], seen: Seen) -> list[str]:
    """Every reason for which this night is not a pass."""
    return [failure for expectation in expected for failure in expectation(seen)]


@dataclass(frozen=True)
class Gets:
    """Somebody gets so many messages with these words, from one time until before another.

    Attributes:
        who: a person's handle, a channel of Slack's, or "status page".
        by: sms, call, email, slack or status_page; "" is any of them.
        times: how often; None is at least once.
    """

    who: str
    by: str
    words: str = ""
    times: int | None = 1
    start: timedelta = timedelta(0)
    end: timedelta = ALL_NIGHT

    def __call__(self, seen: Seen) -> list[str]:
        got = sum(self.holds(message, seen) for message in seen.received)
        if got == self.times or (self.times is None and got):
            return []
        wanted = "at least one" if self.times is None else str(self.times)
        return [f"{self.who} got {got} of {self.by or 'anything'}{self.described}, {wanted} expected"]

    def holds(self, message: Received, seen: Seen) -> bool:
        is_theirs = message.recipient == self.who and self.by in ("", message.channel)
        said = f"{message.subject}\n{message.text}"
        return is_theirs and self.words in said and self.start <= seen.after(message) < self.end

    @property
    def described(self) -> str:
        words = f" with “{self.words}”" if self.words else ""
        until = "" if self.end == ALL_NIGHT else f" and before {self.end}"
        return f"{words} from {self.start}{until} into the night"


def gets(who: str, by: str, words: str = "", *, at: float, within: float = 1, times: int | None = 1) -> Gets:
    """So many messages in the minute that begins so many minutes into the night."""
    start = timedelta(minutes=at)
    return Gets(who, by, words, times, start, start + timedelta(minutes=within))


def never(who: str, by: str, words: str = "", *, start: float = 0, end: float | None = None) -> Gets:
    """No such message between these minutes of the night."""
    until = ALL_NIGHT if end is None else timedelta(minutes=end)
    return Gets(who, by, words, 0, timedelta(minutes=start), until)


@dataclass(frozen=True)
class Answered:
    """What was tried was answered with these words or this status, each time and at least once."""

    tried: str
    answer: str

    def __call__(self, seen: Seen) -> list[str]:
        answers = [answer for tried, answer in seen.noted if tried == self.tried]
        if not answers:
            return [f"{self.tried}: was not tried"]
        return [
            f"{self.tried}: answered with “{answer}”, not with “{self.answer}”"
            for answer in answers
            if self.answer not in answer
        ]


@dataclass(frozen=True)
class Asked:
    """A vendor's stand-in was asked so often, by the words in a request's path and body."""

    vendor: str
    words: tuple[str, ...]
    times: int

    def __call__(self, seen: Seen) -> list[str]:
        asked = sum(
            request["vendor"] == self.vendor
            and all(word in f"{request['path']} {request['body']}" for word in self.words)
            for request in seen.requests
        )
        if asked == self.times:
            return []
        return [f"{self.vendor} was asked {asked} times for {' '.join(self.words)}, {self.times} expected"]


@dataclass(frozen=True)
class EachCustomer:
    """So many customers got exactly one mail whose subject starts so, and nobody got it twice."""

    number: int
    subject: str

    def __call__(self, seen: Seen) -> list[str]:
        counts = {
            address: sum(each.startswith(self.subject) for each in subjects)
            for address, subjects in seen.customers.items()
        }
        once = sum(count == 1 for count in counts.values())
        failures = (
            [] if once == self.number else [f"{once} customers got “{self.subject}” once, not {self.number}"]
        )
        twice = [address for address, count in counts.items() if count > 1]
        return failures + (
            [f"{len(twice)} customers got it more than once, such as {twice[0]}"] if twice else []
        )


@dataclass(frozen=True)
class Stands:
    """What nothing outside shows: a row says so."""

    row: str
    value: str

    def __call__(self, seen: Seen) -> list[str]:
        found = seen.rows.get(self.row, "nothing")
        return [] if found == self.value else [f"{self.row} is {found}, not {self.value}"]
