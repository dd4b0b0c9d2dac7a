"""Grading: a perfect night has nothing held against it, and each thing that can go wrong is named."""

from dataclasses import replace
from typing import Any

import pytest

from drills.grading import Facts, count_writes, grade
from drills.person import Behaviour
from drills.scenarios import SCENARIOS
from drills.scenarios.scenario import BROKEN_RELEASE, Counterpart, nothing_to_prove
from tests.drills.rows import (
    AFTER,
    BEFORE,
    HANDED,
    asked_of,
    handed_over,
    incident,
    notification,
    received,
    repaired,
    runs,
)
from watchkeeper.model import (
    Kind,
    Status,
)
from watchkeeper.paging.model import Purpose

PERFECT = [
    repaired("connection-leak"),
    repaired("connection-leak", "silent"),
    repaired("connection-leak", "denies"),
    repaired("bad-deploy"),
    handed_over("silent"),
    handed_over("denies"),
]


@pytest.mark.parametrize("facts", PERFECT, ids=lambda facts: f"{facts.scenario.name}-{facts.person}")
def test_a_perfect_night_has_nothing_held_against_it(facts: Facts) -> None:
    assert grade(facts) == []


LEAK, SILENT_LEAK = repaired("connection-leak"), repaired("connection-leak", "silent")
DEPLOY = repaired("bad-deploy")
RESTARTS = "railway:deploymentRestart was asked {} times, 1 expected"


@pytest.mark.parametrize(
    ("facts", "changes", "failures"),
    [
        (LEAK, {"incident": None}, ["no incident was opened"]),
        (LEAK, {"incidents": 2}, ["2 incidents were opened for one fault"]),
        (LEAK, {"incidents": 0}, ["0 incidents were opened for one fault"]),
        # Pages.
        (LEAK, {"messages": {"ana": [], "ben": []}}, ["the primary's phone received nothing"]),
        (LEAK, {"messages": {"ben": ["down"]}}, ["the primary's phone received nothing"]),
        (
            SILENT_LEAK,
            {"messages": {"ana": ["down"], "ben": []}},
            ["the primary stayed silent and the secondary's phone received nothing"],
        ),
        (LEAK, {"messages": {"ana": ["down"], "ben": []}}, []),
        # Changes to production.
        (LEAK, {"requests": [asked_of("railway", "deploymentRestart")] * 2}, [RESTARTS.format(2)]),
        (LEAK, {"requests": []}, [RESTARTS.format(0)]),
        (LEAK, {"requests": [asked_of("slack", "deploymentRestart")]}, [RESTARTS.format(0)]),
        # The end.
        (
            LEAK,
            {"incident": incident(status=Status.MONITORING, cause="connection_leak")},
            ["the incident is monitoring, not resolved"],
        ),
        (
            LEAK,
            {"incident": incident(cause="bad_deployment")},
            ["the cause was named bad_deployment, not connection_leak"],
        ),
        (LEAK, {"incident": incident()}, ["the cause was named None, not connection_leak"]),
        (LEAK, {"orders_after": (7, 1)}, ["customers' orders after the end: 7 succeeded, 1 failed"]),
        (LEAK, {"orders_after": (0, 0)}, ["customers' orders after the end: 0 succeeded, 0 failed"]),
        (LEAK, {"after": BEFORE}, ["the backend was not restarted", "no connection was ended"]),
        (DEPLOY, {"after": runs(BROKEN_RELEASE)}, ["release 2024.2-broken runs, not 2024.1"]),
        (LEAK, {"review_due_at": None}, ["no post-mortem was drafted, or it has no deadline"]),
        (LEAK, {"draft": None}, ["no post-mortem was drafted, or it has no deadline"]),
        (LEAK, {"draft": ""}, ["no post-mortem was drafted, or it has no deadline"]),
        # Our row says that it was sent; the mailbox does not have it.
        (LEAK, {"received": [received(Purpose.PAGE)]}, ["nobody was told that it is over"]),
        (LEAK, {"received": [received(Purpose.RESOLVED, "sms")]}, []),
    ],
)
def test_names_what_went_wrong_in_a_night_that_repairs_itself(
    facts: Facts, changes: dict[str, Any], failures: list[str]
) -> None:
    assert grade(replace(facts, **changes)) == failures


@pytest.mark.parametrize("person", ["silent", "denies"])
@pytest.mark.parametrize(
    ("changes", "failures"),
    [
        (
            {"requests": [asked_of("railway", "deploymentRollback")]},
            [
                "railway:deploymentRollback was asked 1 times, 0 expected",
                "railway was asked although nobody approved: POST /graphql/v2",
            ],
        ),
        ({"incidents": 2}, ["2 incidents were opened for one fault"]),
        (
            {"incident": incident(waiting_for="approval")},
            ["the incident did not end in a person's hands"],
        ),
        ({"incident": incident()}, ["the incident did not end in a person's hands"]),
        (
            {"notifications": [notification(Purpose.PAGE)]},
            ["nobody was told that a person must take over"],
        ),
        # Our rows say that it was sent, and nothing arrived.
        ({"received": [received(Purpose.PAGE)]}, ["nobody was told that a person must take over"]),
        # A text message has no room for what was found.
        (
            {"received": [received(Purpose.HANDOVER, "sms")]},
            ["whoever took over was not given: deployed at 2:58; all 500"],
        ),
        (
            {"received": [received(Purpose.HANDOVER, text=HANDED.replace("Tried: roll back", ""))]},
            ["whoever took over was not given: roll back"],
        ),
        # By what the vendor was asked, whatever our rows say of it.
        (
            {"requests": [{"vendor": "vercel", "method": "POST", "path": "/v1/rollback", "body": ""}]},
            ["vercel was asked although nobody approved: POST /v1/rollback"],
        ),
        # A branch and an issue change nothing of production.
        ({"requests": [{"vendor": "github", "method": "POST", "path": "/issues", "body": ""}]}, []),
    ],
)
def test_names_what_went_wrong_in_a_night_that_needs_a_person(
    person: Behaviour, changes: dict[str, Any], failures: list[str]
) -> None:
    assert grade(replace(handed_over(person), **changes)) == failures


def test_names_everything_that_went_wrong_at_once() -> None:
    bad = replace(
        DEPLOY, incidents=3, messages={}, orders_after=(0, 9), draft=None, after=runs(BROKEN_RELEASE)
    )

    assert len(grade(bad)) == 5


def test_counts_what_one_vendor_was_asked_in_its_path_or_its_body() -> None:
    requests = [asked_of("railway", "deploymentRestart"), asked_of("railway", "deployments")]
    requests.append(asked_of("sentry", "deploymentRestart"))
    requests.append({"vendor": "stripe", "method": "POST", "path": "/v1/events/evt_1/retry", "body": ""})

    assert count_writes(requests, "railway:deploymentRestart") == 1
    assert count_writes(requests, "stripe:/retry") == 1
    assert count_writes(requests, "vercel:/retry") == 0


REFUSED = replace(handed_over("prompt"), counterpart=True)


def with_counterpart(facts: Facts, at_most: dict[str, int]) -> Facts:
    scenario = replace(facts.scenario, counterpart=Counterpart("it is refused", "is refused", (), at_most))
    return replace(facts, scenario=scenario)


@pytest.mark.parametrize(
    ("asked", "failures"),
    [
        (0, ["railway:deploymentRollback was never tried"]),
        (1, []),
        (2, []),
        (3, ["railway:deploymentRollback was asked 3 times, 2 expected"]),
    ],
)
def test_a_cure_that_does_not_work_is_tried_so_often_and_ends_with_a_person(
    asked: int, failures: list[str]
) -> None:
    facts = with_counterpart(REFUSED, {"railway:deploymentRollback": 2})
    requests = [asked_of("railway", "deploymentRollback")] * asked

    assert grade(replace(facts, requests=requests)) == failures
    assert "the incident did not end in a person's hands" in grade(
        replace(facts, incident=incident(status=Status.MONITORING))
    )


def test_whoever_takes_over_what_only_a_person_can_do_is_told_what_that_is() -> None:
    scenario = replace(SCENARIOS["bad-deploy"], ends_with_person=True, proof=nothing_to_prove)
    facts = replace(handed_over("prompt"), scenario=scenario)
    told = [received(Purpose.HANDOVER, text=f"{HANDED}  to do: renew the domain")]

    assert grade(facts) == ["whoever took over was not told what to do"]
    assert grade(replace(facts, received=told)) == []


def observed(*requests: dict[str, Any]) -> Facts:
    """A night in which Watchkeeper was only allowed to look."""
    return replace(handed_over("prompt"), observe=True, requests=requests)


def test_whoever_only_observes_writes_to_no_vendor() -> None:
    assert grade(observed()) == []
    assert grade(observed(asked_of("railway", "deploymentRestart"))) == [
        "while observing, railway was asked: POST /graphql/v2",
        "railway was asked although nobody approved: POST /graphql/v2",
    ]


@pytest.mark.parametrize("cure", [{}, {"railway:deploymentRestart": 0}])
def test_what_needs_no_change_ends_well_under_the_eyes_of_an_observer_too(cure: dict[str, int]) -> None:
    scenario = replace(SCENARIOS["connection-leak"], cure=cure, needs_approval=False)

    assert replace(repaired("connection-leak"), scenario=scenario, observe=True).ends_resolved
    assert not replace(repaired("connection-leak"), observe=True).ends_resolved
    # Its change goes to the database alone, so that no vendor would see it.
    assert not replace(repaired("disk-full"), observe=True).ends_resolved


def test_an_incident_of_another_kind_than_its_cause_is_told() -> None:
    facts = repaired("site-down-by-database")
    assert grade(facts) == []

    wrong = replace(facts, incident=incident(cause="connection_leak", kind=Kind.SITE_OUTAGE))

    assert grade(wrong) == ["the incident is a site_outage, not a database_down"]


def test_what_no_request_shows_is_seen_in_the_data_where_nobody_may_change_anything() -> None:
    facts = replace(observed(), scenario=SCENARIOS["connection-leak"])

    assert "12 connections were ended" in grade(replace(facts, before=BEFORE, after=AFTER))
    assert "12 connections were ended" not in grade(replace(facts, before=BEFORE, after=BEFORE))


def test_nothing_that_needs_an_approval_is_tried_in_a_counterpart_whose_person_gives_none() -> None:
    facts = replace(with_counterpart(REFUSED, {"railway:deploymentRollback": 1}), person="denies")
    assert grade(facts) == []

    tried = replace(facts, requests=[asked_of("railway", "deploymentRollback")])

    assert "railway:deploymentRollback was asked 1 times, 0 expected" in grade(tried)
