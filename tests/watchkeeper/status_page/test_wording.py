"""What customers read of an end: no more than somebody has seen."""

import pytest

from tests.rows import an_incident
from watchkeeper.diagnosis import ACT_ABOVE
from watchkeeper.model import RemediationState
from watchkeeper.samples import sample_remediation
from watchkeeper.status_page.wording import Ending, what_it_was, what_we_did

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
    assert what_it_was(an_incident(cause=cause, cause_confidence=confidence), ending) == words
