"""What customers read of an end: no more than somebody has seen."""

import pytest

from watchkeeper.model import RemediationState
from watchkeeper.samples import sample_remediation
from watchkeeper.status_page.wording import Ending, what_we_did

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
