"""The night in which whoever takes over closes the shop: each thing that can go wrong in it is named."""

from dataclasses import replace
from html import escape
from typing import Any

import pytest

from drills.grading import Facts, grade
from drills.scenarios import SCENARIOS
from drills.scenarios.maintenance import (
    CLOSED,
    CLOSED_AND_OPENED,
    MESSAGE,
    REMINDED,
    REMINDED_EVERY,
    TEAM,
    is_open_again,
    stayed_open,
    switch_was_not_taken,
    was_said_to_have_failed,
)
from drills.scenarios.scenario import Proof, nothing_to_prove
from tests.drills.rows import FOUND, HANDED, asked_of, notification, received, remediation, repaired
from tests.watchkeeper.house import two_on_call
from watchkeeper.model import RemediationState
from watchkeeper.paging.model import Purpose
from watchkeeper.remediations import BY_HAND_STEP

ANSWER = f'{{"error": "maintenance", "message": "{MESSAGE}"}}'
PAGE = f"<h1>{CLOSED}</h1><p>{escape(MESSAGE)}</p>"
APPROVED = "Switch maintenance mode of backend on: <b>done</b> (approved by Ana (Prefect UI))"
WHILE_CLOSED = {"status": 503, "answer": ANSWER, "page": PAGE}
AS_EVER = {"status": 200, "answer": "{}", "page": "<h1>Shop</h1>"}
SAW: dict[str, Any] = {
    "on": "COMPLETED",
    "closed": WHILE_CLOSED,
    "reminded": [*REMINDED, "ana (email)"],
    "well": True,
    "off": "COMPLETED",
    "open": AS_EVER,
    "page": APPROVED * 2,
}


def seen(saw: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    """What is known after the end, as far as these look."""
    known = {"told": {MESSAGE: 30}, "shown": "shop", "times": 1, "read_only": False, "young": 80} | changes
    return {
        "by_hand": saw,
        "customers": {"closed_to": known["told"]},
        "vercel": {"last_shown": known["shown"]},
        "supabase": {
            "times_read_only": known["times"],
            "read_only": known["read_only"],
            "young_rows": known["young"],
        },
    }


# In the night before, somebody read another message.
BEFORE = seen(None, told={"Back soon.": 4}, times=0)


def went(saw: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A perfect night, but for this."""
    told = {"Back soon.": 4, MESSAGE: 30} if "told" not in changes else changes.pop("told")
    return seen(SAW | (saw or {}), told=told, **changes)


def closed(**changes: Any) -> dict[str, Any]:
    return {"closed": WHILE_CLOSED | changes}


@pytest.mark.parametrize(
    ("after", "failures"),
    [
        (went(), []),
        (
            went(closed(status=200, answer="{}")),
            ["while it was on, the backend answered 200: {}"],
        ),
        (
            went(closed(answer='{"message": "Back shortly."}')),
            ['while it was on, the backend answered 503: {"message": "Back shortly."}'],
        ),
        (
            went(closed(answer="Service Unavailable")),
            ["while it was on, the backend answered 503: Service Unavailable"],
        ),
        (
            went(closed(page="<h1>Shop</h1>")),
            ["while it was on, the website did not say that the shop is closed"],
        ),
        (
            went(closed(page=f"<h1>{CLOSED}</h1><p>{MESSAGE}</p>")),
            ["while it was on, the website did not show the message, escaped"],
        ),
        (went(told={"Back soon.": 4}), ["no customer who wanted to order was told the message"]),
        (went(told={MESSAGE: 3, "Back soon.": 5}), ["customers were told “Back soon.”"]),
        (went({"reminded": ["#incidents (slack)"]}), ["not reminded that it was on: ana (sms)"]),
        (went({"reminded": ["ana (sms)"]}), ["not reminded that it was on: #incidents (slack)"]),
        (
            went({"page": APPROVED + APPROVED.replace("Ana", "Ben")}),
            ["1 switches stand under Ana's name on the incident's page, not 2"],
        ),
        (went({"open": WHILE_CLOSED}), ["after it was switched off, a customer was not served"]),
        (
            went({"open": AS_EVER | {"page": PAGE}}),
            ["after it was switched off, a customer was not served"],
        ),
        (went(shown="maintenance"), ["the website's last visitor saw: maintenance"]),
        (went(times=0), ["the database was never read-only"]),
        (went(read_only=True), ["the database is still read-only"]),
        (went(young=78), ["2 young rows were deleted"]),
    ],
)
def test_names_what_went_wrong_while_the_shop_was_closed(after: dict[str, Any], failures: list[str]) -> None:
    assert CLOSED_AND_OPENED(BEFORE, after) == failures


@pytest.mark.parametrize("saw", [None, {}])
def test_a_night_in_which_nobody_did_anything_by_hand_is_no_pass(saw: dict[str, Any] | None) -> None:
    failures = CLOSED_AND_OPENED(BEFORE, seen(saw, told=BEFORE["customers"]["closed_to"]))

    assert len(failures) == 7


REFUSED = {"on": "FAILED", "closed": AS_EVER, "failed": [*TEAM], "reminded": []}


def refused(**changes: Any) -> dict[str, Any]:
    return seen(REFUSED | changes, told=BEFORE["customers"]["closed_to"])


@pytest.mark.parametrize(
    ("proof", "after", "failures"),
    [
        (stayed_open, refused(), []),
        (stayed_open, seen(None, told=BEFORE["customers"]["closed_to"]), []),
        (stayed_open, seen(REFUSED), ["customers were told that the shop is closed"]),
        (stayed_open, refused(closed=WHILE_CLOSED), ["the website said that the shop is closed"]),
        (stayed_open, refused(reminded=["ana (sms)"]), ["reminded of what is not on: ana (sms)"]),
        (was_said_to_have_failed, refused(), []),
        (
            was_said_to_have_failed,
            refused(failed=[]),
            ["not told that the switch failed: #incidents (slack)"],
        ),
        (
            was_said_to_have_failed,
            refused(on="COMPLETED"),
            ["the form's run ended COMPLETED, and not as one that failed"],
        ),
        (switch_was_not_taken, refused(), []),
        (
            switch_was_not_taken,
            refused(on="COMPLETED"),
            ["the form's run ended COMPLETED, and not as one that failed"],
        ),
        (switch_was_not_taken, seen(None), []),
        (is_open_again, refused(), ["after it was switched off, a customer was not served"]),
    ],
)
def test_names_what_went_wrong_where_it_could_not_be_switched(
    proof: Proof, after: dict[str, Any], failures: list[str]
) -> None:
    assert proof(BEFORE, after) == failures


def test_is_played_at_the_pace_of_the_policys_reminder() -> None:
    assert two_on_call().response.remind_maintenance_every == REMINDED_EVERY


def mended(**changes: Any) -> Facts:
    """A night that ended well in the hands of whoever took over."""
    switch = remediation(RemediationState.DONE, "set_maintenance_mode").model_copy(
        update={"step": BY_HAND_STEP + 1}
    )
    facts = replace(
        repaired("maintenance"),
        scenario=replace(SCENARIOS["maintenance"], proof=nothing_to_prove, told=("a larger disk",)),
        notifications=[notification(each) for each in (Purpose.PAGE, Purpose.HANDOVER, Purpose.RESOLVED)],
        received=[
            received(Purpose.PAGE),
            received(Purpose.HANDOVER, text=f"{HANDED}  to do: buy a larger disk"),
            received(Purpose.RESOLVED),
        ],
        findings=[FOUND],
        remediations=[switch.model_copy(update={"plan": switch.plan.model_copy(update={"summary": "on"})})],
        requests=[asked_of("railway", "variableUpsert")] * 3,
    )
    return replace(facts, **changes)


@pytest.mark.parametrize(
    ("changes", "failures"),
    [
        # What was switched by hand came after the hand-over.
        ({}, []),
        (
            {"received": [received(Purpose.PAGE), received(Purpose.RESOLVED)]},
            [
                "nobody was told that a person must take over",
                "whoever took over was not told what to do",
            ],
        ),
        (
            {
                "received": [
                    received(Purpose.PAGE),
                    received(Purpose.HANDOVER, text=f"{HANDED}  to do: wait"),
                    received(Purpose.RESOLVED),
                ]
            },
            ["whoever took over was not told: a larger disk"],
        ),
        (
            {"requests": [asked_of("railway", "variableUpsert")] * 4},
            ["railway:variableUpsert was asked 4 times, 3 expected"],
        ),
        (
            {"requests": [asked_of("railway", "variableUpsert")] * 2},
            ["railway:variableUpsert was asked 2 times, 3 expected"],
        ),
    ],
)
def test_whoever_mends_it_by_hand_was_given_everything_before(
    changes: dict[str, Any], failures: list[str]
) -> None:
    assert grade(mended(**changes)) == failures


def test_whoever_may_only_observe_ends_in_a_persons_hands() -> None:
    assert mended().ends_resolved
    assert not mended(observe=True).ends_resolved
    assert not mended(person="silent").ends_resolved
