"""A runbook beside what an incident did: each difference is offered as a change to the document, in its own form."""

from typing import Any

import pytest

from tests.watchkeeper.documents.night import HOSTILE, incident, night, remediation
from tests.watchkeeper.documents.test_post_mortem import drafted, section
from watchkeeper.documents.reading import placeholders_of, sections_of
from watchkeeper.documents.runbook import Did, Runbook, did_for, difference
from watchkeeper.model import RemediationState

TEXT = """# Runbook: Database down

Ours, with words around it.

### Connection leak (`connection_leak`)

1. `end_idle_connections`: end them
2. `restart_service`: restart the backend
   - but look at the queue first

### Disk full (`disk_full`)

A person does this.
"""
RUNBOOK = Runbook("database-down.md", TEXT)
ENDED = Did("end_idle_connections", "End 18 idle connections", True, "18 ended")
RESTARTED = Did("restart_service", "Restart backend", True, "it is up")


def added(*did: Did, cause: str | None = "connection_leak", runbook: Runbook = RUNBOOK) -> list[str]:
    changed = difference(runbook, "INC-0007", cause, did).splitlines()
    assert not any(line.startswith("-") and not line.startswith("---") for line in changed)
    return [line[1:] for line in changed if line.startswith("+") and not line.startswith("+++")]


def test_an_incident_that_did_what_its_runbook_says_changes_nothing() -> None:
    assert difference(RUNBOOK, "INC-0007", "connection_leak", [ENDED, RESTARTED]) == ""


def test_a_step_that_was_not_needed_is_noted_under_it() -> None:
    assert added(ENDED) == ["   - INC-0007 ended without this step."]


def test_a_step_that_did_not_work_is_noted_under_it() -> None:
    failed = RESTARTED._replace(worked=False, outcome="railway answered 503")
    assert added(ENDED, failed) == ["   - INC-0007: this did not work (railway answered 503)."]


def test_a_step_that_the_runbook_does_not_have_follows_its_last_one() -> None:
    raised = Did("raise_resources", "Raise memory", True, "8 GB")
    assert added(ENDED, RESTARTED, raised) == [
        "3. `raise_resources`: Raise memory (worked in INC-0007: 8 GB)."
    ]
    unified = difference(RUNBOOK, "INC-0007", "connection_leak", [ENDED, RESTARTED, raised])
    assert unified.startswith("--- a/runbooks/database-down.md\n+++ b/runbooks/database-down.md\n@@ ")
    assert "\n 2. `restart_service`: restart the backend\n+3. `raise" in unified


def test_a_cause_without_steps_gets_the_one_that_helped() -> None:
    deleted = Did("delete_data", "Delete 7 rows", True, "7 deleted")
    step = "1. `delete_data`: Delete 7 rows (worked in INC-0007: 7 deleted)."
    assert sorted(added(deleted, cause="disk_full")) == ["", step]


def test_a_cause_that_the_runbook_does_not_know_gets_a_section() -> None:
    lines = added(RESTARTED, cause="redis_quota")
    assert "### Redis quota (`redis_quota`)" in lines
    assert "1. `restart_service`: Restart backend (worked in INC-0007: it is up)." in lines


@pytest.mark.parametrize(("cause", "did"), [(None, [ENDED]), ("connection_leak", []), ("unheard_of", [])])
def test_without_a_cause_or_a_change_there_is_nothing_to_offer(cause: str | None, did: list[Did]) -> None:
    assert difference(RUNBOOK, "INC-0007", cause, did) == ""


def test_what_counts_as_done_is_what_was_carried_out_against_the_cause() -> None:
    changes: list[dict[str, Any]] = [
        {"state": RemediationState.DONE, "outcome": "18 ended"},
        {"state": RemediationState.DENIED, "outcome": "", "action": "raise_resources"},
        {"state": RemediationState.DONE, "outcome": "issue 7", "action": "open_hotfix"},
        {"state": RemediationState.DONE, "outcome": "1 resolved", "action": "resolve_issues"},
        {"state": RemediationState.UNKNOWN, "outcome": "", "action": "restart_service"},
    ]
    tried = [remediation(id=n, **each) for n, each in enumerate(changes)]
    assert [(d.action, d.worked) for d in did_for("connection_leak", tried)] == [
        ("end_idle_connections", True),
        ("restart_service", False),
    ]
    assert did_for("disk_full", tried) == []
    undone = remediation(RemediationState.DONE, "restored", id=9, step=101, action="redeploy_deployment")
    assert [d.worked for d in did_for("connection_leak", [tried[0], undone])] == [False]


def test_the_draft_offers_the_change_as_its_last_thing_and_stays_a_whole_document() -> None:
    evil = remediation(
        RemediationState.DONE, f"{HOSTILE} ~~~~~~~~ ana", action="raise_resources", id=3, step=3
    )
    known = night(remediations=[*night().remediations, evil], runbook=RUNBOOK)
    text = drafted(known)
    prevention = section(text, "Prevention")
    assert "Change the runbook `database-down.md`" in prevention
    assert "+3. `raise_resources`" in prevention and " ana" not in prevention
    assert prevention.rstrip().endswith("~~~~~~~~")
    assert len(sections_of(text)) == 8
    assert not any("nothing" in mark.text for mark in placeholders_of(text))
    assert "Change the runbook" not in drafted(
        night(runbook=RUNBOOK, incident=incident(cause=None), findings=[])
    )
