"""What customers read of an end: no more than somebody has seen."""

import pytest

from tests.rows import NOW, an_incident
from tests.watchkeeper.house import two_on_call
from watchkeeper.diagnosis import ACT_ABOVE
from watchkeeper.model import Remediation, RemediationState
from watchkeeper.remediations import BY_HAND_STEP, UNDO_STEP
from watchkeeper.samples import sample_remediation
from watchkeeper.status_page.wording import Ending, customer_fields, what_it_was, what_we_did

DONE = sample_remediation("backend").model_copy(update={"state": RemediationState.DONE})


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("proved", "The service recovered; we watched it until it was stable."),
        ("said", "Our team has confirmed that it works."),
        (None, "We are working on it."),
    ],
)
def test_where_nothing_was_done_only_a_proof_says_that_it_was_watched(
    ending: Ending | None, words: str
) -> None:
    assert what_we_did([], ending) == words
    assert what_we_did([DONE], ending) == "We restarted the affected part."


def done(action: str, **more: object) -> Remediation:
    return DONE.model_copy(update={"action": action, **more})


ROLLBACK, RESTART = done("roll_back_deployment"), done("restart_service")
UNDO = done("redeploy_deployment", step=UNDO_STEP + 1)
BACK, RESTARTED = "We went back to the previous version.", "We restarted the affected part."
CONFIRMED = "Our team has confirmed that it works."


@pytest.mark.parametrize(
    ("changes", "last_round", "words"),
    [
        ([done("open_hotfix", step=90)], 1, CONFIRMED),
        ([done("resolve_issues", step=95)], 1, CONFIRMED),
        ([done("set_maintenance_mode", step=BY_HAND_STEP + 2)], 1, CONFIRMED),
        ([ROLLBACK, done("resolve_issues", step=95)], 1, BACK),
        ([done("promote_frontend")], 1, BACK),
        ([ROLLBACK, UNDO, done("open_hotfix", step=90)], 1, CONFIRMED),
        ([ROLLBACK, UNDO.model_copy(update={"state": RemediationState.UNKNOWN})], 1, CONFIRMED),
        ([ROLLBACK, UNDO.model_copy(update={"state": RemediationState.FAILED})], 1, BACK),
        ([ROLLBACK, UNDO, done("restart_service", round=2)], 2, RESTARTED),
        ([RESTART, done("roll_back_deployment", round=2)], 2, BACK),
        ([RESTART], 2, CONFIRMED),
        ([RESTART, done("a_step_without_words_for_customers", step=2)], 1, RESTARTED),
    ],
)
def test_customers_are_told_of_changes_that_may_have_ended_it_and_of_no_other(
    changes: list[Remediation], last_round: int, words: str
) -> None:
    incident = an_incident(round=last_round)
    fields = customer_fields(incident, two_on_call(), done=changes, ending="said", now=NOW)
    assert fields["resolution"] == words


@pytest.mark.parametrize(
    ("cause", "confidence", "ending", "words"),
    [
        ("bad_deployment", ACT_ABOVE, "said", "bad deployment."),
        ("bad_deployment", ACT_ABOVE, None, "bad deployment."),
        ("bad_deployment", 0.35, "said", "It is not known for certain yet."),
        (None, None, "proved", "It is not known for certain yet."),
        ("bad_deployment", 0.35, None, "We are still looking for it."),
        (None, None, None, "We are still looking for it."),
    ],
)
def test_a_guess_is_not_told_for_the_cause(
    cause: str | None, confidence: float | None, ending: Ending | None, words: str
) -> None:
    assert what_it_was(an_incident(cause=cause, cause_confidence=confidence), [], ending) == words


def test_a_cause_whose_cure_was_taken_back_is_not_told_for_the_cause() -> None:
    known = an_incident(cause=UNDO.plan.cause, cause_confidence=ACT_ABOVE)
    assert what_it_was(known, [ROLLBACK], "said") == "bad deployment."
    assert what_it_was(known, [ROLLBACK, UNDO], "said") == "It is not known for certain yet."
