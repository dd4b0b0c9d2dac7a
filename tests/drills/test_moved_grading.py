"""Grading a night with the clock moved: each expectation holds where it may, and each of every night's can fail."""

from dataclasses import replace
from datetime import timedelta

import pytest

from drills.moved.clock import BEGINNING
from drills.moved.grading import (
    ALL_NIGHT,
    Answered,
    Asked,
    EachCustomer,
    Expectation,
    Gets,
    Seen,
    Stands,
    gets,
    grade,
    never,
)
from drills.moved.nights import MOVED_DRILLS
from drills.stand import Received


def received(minutes: float, words: str = "P1 INC-0001", who: str = "ana", by: str = "sms") -> Received:
    return Received((BEGINNING + timedelta(minutes=minutes)).isoformat(), by, who, words, subject="")


def seen(*messages: Received, **more: object) -> Seen:
    return replace(Seen(BEGINNING, messages), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expectation", "messages", "wrong"),
    [
        (gets("ana", "sms", "P1", at=5), [received(5)], ""),
        (
            gets("ana", "sms", "P1", at=5),
            [received(4.9)],
            "ana got 0 of sms with “P1” from 0:05:00 and before",
        ),
        (gets("ana", "sms", "P1", at=5), [received(6)], "ana got 0"),
        (gets("ana", "sms", "P1", at=5), [received(5), received(5.5)], "ana got 2"),
        (gets("ana", "sms", "P0", at=5), [received(5)], "ana got 0"),
        (gets("ana", "call", at=5), [received(5)], "ana got 0 of call"),
        (gets("ana", "", at=5), [received(5)], ""),
        (gets("ben", "sms", at=5), [received(5)], "ben got 0"),
        (gets("ana", "sms", at=5, times=None), [received(5), received(5.5)], ""),
        (gets("ana", "sms", at=5, times=None), [], "at least one expected"),
        (never("ana", ""), [], ""),
        (never("ana", ""), [received(900)], "ana got 1 of anything"),
        (never("ana", "", end=5), [received(5)], ""),
        (never("ana", "", end=5), [received(4.9)], "ana got 1"),
        (never("ana", "", start=5), [received(4.9)], ""),
    ],
)
def test_a_message_is_judged_by_who_how_what_and_when(
    expectation: Gets, messages: list[Received], wrong: str
) -> None:
    found = grade([expectation], seen(*messages))
    assert (wrong == "" and found == []) or (wrong and wrong in found[0])


@pytest.mark.parametrize(
    ("expectation", "held", "failing"),
    [
        (
            Answered("a forged reply", "401"),
            seen(noted=[("a forged reply", "401"), ("another", "200")]),
            [seen(), seen(noted=[("a forged reply", "401"), ("a forged reply", "200")])],
        ),
        (
            Asked("twilio", ("/Messages", "To=1"), 1),
            seen(requests=[{"vendor": "twilio", "path": "/Messages.json", "body": "To=1"}]),
            [seen(), seen(requests=[{"vendor": "twilio", "path": "/Messages.json", "body": "To=1"}] * 2)],
        ),
        (
            EachCustomer(2, "[Action"),
            seen(customers={"a": ["[Action Required]", "[Resolved]"], "b": ["[Action Required]"]}),
            [
                seen(customers={"a": ["[Action Required]"]}),
                seen(customers={"a": ["[Action Required]"], "b": ["[Action 1]"], "c": ["[Action 1]"] * 2}),
            ],
        ),
        (
            Stands("plan 1", "denied"),
            seen(rows={"plan 1": "denied"}),
            [seen(), seen(rows={"plan 1": "done"})],
        ),
    ],
)
def test_what_no_message_shows_is_judged_too(
    expectation: Expectation, held: Seen, failing: list[Seen]
) -> None:
    assert grade([expectation], held) == []
    assert all(grade([expectation], each) for each in failing)


def against(expectation: Expectation) -> Seen:
    """A night in which it is not so."""
    if isinstance(expectation, Gets) and expectation.times == 0:
        by = expectation.by or "sms"
        at = expectation.start.total_seconds() / 60
        return seen(received(at, expectation.words, expectation.who, by))
    return seen()


@pytest.mark.parametrize("name", MOVED_DRILLS)
def test_every_expectation_of_every_night_can_fail(name: str) -> None:
    drill = MOVED_DRILLS[name]
    assert [e for e in drill.expected if e(replace(against(e), began=BEGINNING)) == []] == []
    assert grade(drill.expected, seen()), "a night in which nobody was told anything is no pass"


def test_every_night_has_a_name_of_its_own_and_each_time_it_judges_is_a_time_of_it() -> None:
    assert all(name == drill.name and drill.title for name, drill in MOVED_DRILLS.items())
    timed = [e for drill in MOVED_DRILLS.values() for e in drill.expected if isinstance(e, Gets)]
    assert all(timedelta(0) <= e.start < e.end <= ALL_NIGHT for e in timed)
