"""The ladder: whom an unanswered page goes to next, and how loudly, by severity and by who there is."""

from typing import Any

import pytest

from tests.watchkeeper.house import two_on_call
from tests.watchkeeper.oncall.test_oncall import at
from watchkeeper.messages import GSM
from watchkeeper.model import Severity
from watchkeeper.oncall import Change, Shift, on_call
from watchkeeper.paging.contact import thanks, wake
from watchkeeper.paging.ladder import (
    ask_again_after,
    call_routes,
    calls_after,
    contact_routes,
    next_routes,
    rung,
)
from watchkeeper.policy import Policy
from watchkeeper.policy.people import Person

NOON = at("2026-03-02T12:00+00:00")
TWO = ["ana", "ben"]
LOUD = {"voice", "sms", "email"}
RING = {"voice", "sms"}


def team(**roster: Any) -> Policy:
    people = {
        name: {"name": name.title(), "email": f"{name}@example.com", "phone": "+14155550101"}
        for name in ("ana", "ben", "kim")
    }
    return two_on_call(people=people, roster={"primary": "ana", "trusted_contact": "kim", **roster})


def shift_of(policy: Policy, *away: str) -> Shift:
    hours = {"starts_at": NOON, "ends_at": at("2026-03-02T18:00+00:00")}
    return on_call(policy, [Change(kind="unreachable", person=person, **hours) for person in away], NOON)


@pytest.mark.parametrize(
    ("severity", "secondary", "rungs"),
    [
        ("P0", "ben", [(TWO, LOUD, 0), (TWO, RING, 1), (TWO, RING, 0), (TWO, RING, 0), (TWO, RING, 1)]),
        ("P0", None, [(["ana"], LOUD, 0), (["ana"], RING, 1), (["ana"], RING, 0)]),
        ("P1", "ben", [(TWO, LOUD, 0), (TWO, RING, 1), (TWO, RING, 0)]),
        ("P1", None, [(["ana"], LOUD, 0), (["ana"], RING, 1), (["ana"], RING, 0)]),
        # The guide does not escalate these.
        ("P2", "ben", [(TWO, {"email"}, 0)] * 4),
        ("P2", None, [(["ana"], {"email"}, 0)] * 4),
    ],
)
def test_each_time_that_nobody_answers_is_a_rung_further(
    severity: str, secondary: str | None, rungs: list[Any]
) -> None:
    policy = team(secondary=secondary)
    climbed = [
        rung(number, Severity(severity), policy, shift_of(policy)) for number in range(1, len(rungs) + 1)
    ]
    told = [
        (step.people, {r.channel for r in step.routes(policy)}, int(step.asks_contact)) for step in climbed
    ]
    assert told == rungs


@pytest.mark.parametrize(
    ("severity", "minutes"),
    [("P0", [5, 10, 15, 15]), ("P1", [15, 30, 30, 30]), ("P2", [240, 240, 240, 240]), ("P3", [1440] * 4)],
)
def test_whoever_does_not_answer_is_asked_again_ever_less_often_up_to_a_limit(
    severity: str, minutes: list[int]
) -> None:
    waits = [ask_again_after(number, Severity(severity), team()) for number in range(1, 5)]
    assert [wait.total_seconds() / 60 for wait in waits] == minutes


def test_whoever_has_no_phone_is_asked_again_by_what_they_have() -> None:
    policy = team(secondary="ben")
    policy.people["ana"] = Person(name="Ana", email="ana@example.com")
    again = rung(2, Severity.P0, policy, shift_of(policy)).routes(policy)
    assert {(r.recipient, r.channel.value) for r in again} == {
        ("ana", "email"),
        ("ben", "sms"),
        ("ben", "voice"),
    }


@pytest.mark.parametrize(
    ("contact", "channels"),
    [
        ({"phone": "+14155550109", "email": "kim@example.com"}, {"voice", "sms"}),
        ({"email": "kim@example.com"}, {"email"}),
        ({}, set()),
    ],
)
def test_the_contact_is_asked_by_what_rings(contact: dict[str, str], channels: set[str]) -> None:
    policy = team()
    policy.people["kim"] = Person(name="Kim", **contact)
    assert {route.channel.value for route in contact_routes(policy)} == channels


@pytest.mark.parametrize(
    ("away", "has_it", "expected"),
    [
        ([], None, {"ben"}),
        ([], "ana", {"ben"}),
        ([], "ben", {"ana"}),  # the second has it already: the first is the one to be fetched
        (["ben"], None, set()),
        (["ana"], None, set()),
    ],
)
def test_escalation_goes_to_whoever_does_not_have_it(
    away: list[str], has_it: str | None, expected: set[str]
) -> None:
    policy = team(secondary="ben")
    routes = next_routes(Severity.P0, policy, shift_of(policy, *away), has_it)
    assert {route.recipient for route in routes} == expected


@pytest.mark.parametrize(
    ("severity", "minutes", "called"),
    [("P0", 5, ["ana", "ben"]), ("P1", 45, ["ana"]), ("P2", None, None), ("P3", None, None)],
)
def test_whoever_was_paged_is_called_before_their_answer_is_overdue(
    severity: str, minutes: int | None, called: list[str] | None
) -> None:
    policy = team(secondary="ben")
    after = calls_after(Severity(severity), policy)
    assert (after.total_seconds() / 60 if after else None) == minutes
    if called:
        routes = call_routes(Severity(severity), policy, shift_of(policy))
        assert [(r.recipient, r.channel) for r in routes] == [(person, "voice") for person in called]


def test_the_contact_hears_whom_to_wake_and_nothing_technical() -> None:
    ana = Person(name="Ana", phone="+14155550101")
    ben = Person(name="Ben", phone="+14155550102")
    message = wake(Person(name="Kim", phone="+14155550109"), [ana, ben])
    assert message.short == (
        "Kim, please wake Ana (+14155550101) or Ben (+14155550102). Work needs them now and they do not "
        "answer us. Nothing else for you to do."
    )
    assert "+ 1 4 1 5 5 5 5 0 1 0 1" in (message.spoken or "")
    assert "call +14155550101, or knock on the door." in message.text and "wake Ben: call" in message.text
    assert message.link is None


@pytest.mark.parametrize("name", ["Kim", "K" * 200, "Ki\nm", "Žofie 😀"])
def test_words_for_the_contact_fit_one_text_message_whatever_the_names_are(name: str) -> None:
    person = Person(name=name)
    for message in (wake(person, [person, person]), thanks(person)):
        assert len(message.short) <= 160 and set(message.short) <= GSM
        assert "None" not in message.text + (message.spoken or "")
