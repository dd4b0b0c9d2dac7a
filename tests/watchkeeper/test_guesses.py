"""A cause that is too weak to act on is called a guess, wherever people read it."""

import pytest

from watchkeeper.documents.cards import findings_card
from watchkeeper.intake.pages import approve_page, incident_page
from watchkeeper.messages import handover
from watchkeeper.model import ACT_ABOVE, Fault, Finding
from watchkeeper.samples import AT, LINK, sample_incident, sample_remediation

WEAK, STRONG = ACT_ABOVE - 0.01, ACT_ABOVE
GUESS = "a guess, too weak to act on"


def found(confidence: float) -> Finding:
    return Finding(cause="bad_deployment", confidence=confidence, fault=Fault.DEPLOYMENT, evidence=["it"])


def page_of(confidence: float | None) -> str:
    cause = "bad_deployment" if confidence is not None else None
    incident = sample_incident().model_copy(update={"cause": cause, "cause_confidence": confidence})
    parts = ([], [], [], [], [], [], [])
    return incident_page(incident, *parts, viewer=None, is_shared=True, token="t", now=AT)


def test_the_incidents_page_calls_a_guess_a_guess() -> None:
    assert f"<dt>Cause</dt><dd>perhaps bad deployment: {GUESS}</dd>" in page_of(WEAK)
    assert "<dt>Cause</dt><dd>bad deployment</dd>" in page_of(STRONG)
    assert "<dt>Cause</dt><dd>not known yet</dd>" in page_of(None)


@pytest.mark.parametrize(("confidence", "is_guess"), [(WEAK, True), (STRONG, False)])
def test_so_does_everything_that_lists_what_was_found(confidence: float, is_guess: bool) -> None:
    incident, findings = sample_incident(), [found(confidence)]
    told = handover(incident, now=AT, why="it", findings=findings, tried=[], incident_link=LINK)
    asked = approve_page(incident, sample_remediation("it"), token="t", now=AT, findings=findings)
    card = findings_card(incident, [], findings)

    for text in (told.text, told.html, asked, card):
        assert text is not None
        assert f"{confidence * 100:.0f} %{f': {GUESS}' * is_guess}" in text
        assert (GUESS in text) is is_guess
