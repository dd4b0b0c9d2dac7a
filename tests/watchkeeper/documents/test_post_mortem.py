"""The draft: the guide's template filled from rows alone, blameless, with marks where only a person knows."""

import re
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.watchkeeper.documents.night import (
    HOSTILE,
    entry,
    incident,
    night,
    payments_check,
    reading,
    remediation,
)
from watchkeeper.documents.action_items import promises_of
from watchkeeper.documents.blameless import blaming_words
from watchkeeper.documents.post_mortem import Known, charts, draft, file_name
from watchkeeper.documents.reading import SECTIONS, placeholders_of, problems_of, sections_of
from watchkeeper.model import Finding, RemediationState, TimelineKind
from watchkeeper.remediations import UNDO_STEP

STEM = "2026-03-02-database-is-out-of-connections"


def drafted(known: Known | None = None) -> str:
    known = known or night()
    return draft(known, stem=STEM, now=known.incident.resolved_at or known.incident.detected_at)


def section(text: str, name: str) -> str:
    return next("\n".join(s.lines.values()) for s in sections_of(text) if s.title.startswith(name))


def test_the_sections_are_the_guides_in_its_order() -> None:
    titles = [each.title for each in sections_of(drafted())]
    assert titles == [name if name != "Timeline" else "Timeline (All times in UTC)" for name in SECTIONS]


def test_the_head_and_the_summary_come_from_the_rows() -> None:
    text = drafted()
    assert text.startswith("# Post-Mortem: Database is out of connections\n")
    for line in (
        "**Date:** 2026-03-02",
        "**Severity:** P0",
        "**Duration:** 30 minutes",
        "**Affected Users:** 60 %",
    ):
        assert line in text
    summary = section(text, "Summary")
    assert "INC-0007 was a P0 incident of the database" in summary
    assert "connection leak for the cause, with a confidence of 87 %" in summary
    assert "ended by: End 18 idle connections" in summary


def test_the_timeline_has_the_guides_form_and_the_day_where_it_changes() -> None:
    told = section(drafted(), "Timeline")
    assert "- **23:52** - uptimerobot: Database is out of connections" in told
    assert (
        r"- **2026-03-03 00:20** - Status: resolved (closed by a colleague: the secondary on call says"
        in told
    )
    assert "SELECT count" not in told


def test_nobody_is_named_and_nobody_is_blamed() -> None:
    text = drafted()
    assert not re.search(r"\b(ana|ben|cleo)\b", text, re.IGNORECASE)
    assert "Acknowledged by the primary on call" in text
    assert "approved by the secondary on call" in text
    assert blaming_words(text, ["Ana", "Ben", "ana", "ben", "Cleo"]) == []


def test_what_was_tried_stands_with_its_outcome() -> None:
    resolution = section(drafted(), "Resolution")
    assert "1. End 18 idle connections: done, 18 connections ended" in resolution
    assert "2. Restart backend to reset its pool: failed, railway answered 503 (approved by" in resolution
    assert "9 of 9 readings after the last change were within" in resolution


def test_what_was_taken_back_did_not_end_it_and_still_stands_under_what_was_tried() -> None:
    undo, issue = UNDO_STEP + 1, {"action": "open_hotfix", "step": 90}
    rows = [
        remediation(RemediationState.DONE, "it serves", id=1, action="roll_back_deployment"),
        remediation(RemediationState.DONE, "back again", id=2, action="redeploy_deployment", step=undo),
        remediation(RemediationState.DONE, "issue 7", id=3, **issue),
    ]
    text = drafted(night(remediations=rows))
    assert "ended by" not in text
    for place, outcome in enumerate(("it serves", "back again", "issue 7"), start=1):
        assert f"{place}. End 18 idle connections: done, {outcome}" in section(text, "Resolution")
    helped = remediation(RemediationState.DONE, "18 ended", id=4, round=2)
    text = drafted(night(incident=incident(round=2), remediations=[*rows, helped]))
    assert "It may have been ended by: End 18 idle connections." in section(text, "Summary")


def test_the_root_cause_stands_with_its_confidence_and_what_speaks_against_it() -> None:
    cause = section(drafted(), "Root Cause")
    assert cause.strip().startswith(
        "Connection leak, which looks like a defect of our own system. Confidence: 87 %"
    )
    assert "- against it: no deployment in the last hour" in cause
    offered = [
        "1. disk full (20%: a guess, too weak to act on): the disk is 71 % full",
        "2. a page by voice could not be sent: twilio answered 400",
    ]
    for line in offered:
        assert line in cause
    assert "“Restart backend to reset its pool” did not work: railway answered 503" in cause


def test_the_cause_that_was_acted_upon_last_is_the_root_whatever_was_found_first() -> None:
    first = Finding(cause="disk_full", confidence=0.9, fault="ours", evidence=["x"])
    again = Finding(cause="connection_leak", confidence=0.95, fault="ours", evidence=["y"])
    text = drafted(night(findings=[first, *night().findings, again]))
    assert "with a confidence of 95 %" in text
    assert section(text, "Root Cause").count("disk full") == 1


def test_an_incident_without_a_cause_says_so() -> None:
    text = drafted(night(incident=incident(cause=None), findings=[], remediations=[], readings=[]))
    assert "The investigation found no cause." in text
    assert "[TO FILL: step]" in text


def test_an_answer_that_came_late_went_poorly() -> None:
    poorly = section(drafted(), "Lessons Learned").partition("**What Went Poorly:**")[2]
    assert "- The time to acknowledge passed at 23:53 without it; it came at 23:54" in poorly


def test_business_figures_are_those_that_the_rows_have() -> None:
    checks = [
        payments_check("stripe_events", undelivered=3, total="3 payments, 41.25 USD"),
        payments_check("payment_orders", missing=2, missing_total="2 payments, 30.00 USD"),
    ]
    sent = remediation(RemediationState.DONE, "3 events sent again", action="resend_events")
    text = drafted(night(checks=checks, remediations=[sent], complaints=["My cart is gone", "No mail"]))
    impact = section(text, "Impact")
    assert "- 3 payments, 41.25 USD that Stripe could not deliver" in impact
    assert "- 2 payments, 30.00 USD without an order" in impact
    assert "3 events sent again" in impact
    assert "- 2 complaints noted" in impact and "My cart is gone" in impact
    assert "[TO FILL: revenue lost" not in impact
    assert "[TO FILL: revenue lost; the policy gives no figure" in section(drafted(), "Impact")


def test_revenue_that_was_lost_is_figured_out_where_the_policy_says_what_an_hour_costs() -> None:
    costs = {"costs": {"currency": "EUR", "revenue_per_hour": "90"}}
    impact = section(drafted(night(incident=incident(policy=costs))), "Impact")
    assert "- about 18.00 EUR lost, by the policy's figure for an hour: backend, database, frontend" in impact
    assert "down for 12 minutes" in impact and "revenue lost" not in impact
    degraded = incident(policy=costs, kind="high_error_rate", service="backend")
    assert "no service was down" in section(drafted(night(incident=degraded)), "Impact")


def test_what_only_a_person_knows_is_marked_and_nothing_else_is_wrong() -> None:
    text = drafted()
    marks = placeholders_of(text)
    assert {"[TO FILL: why this could happen] (Root Cause)", "[TO FILL: action] (Action Items)"} <= {
        m.text for m in marks
    }
    assert problems_of(text) == marks
    filled = re.sub(r"\[TO FILL: [^\]]*\]", "said", text)
    assert problems_of(filled) == []
    day = incident().started_at.date()
    assert len(promises_of(filled, not_before=day, not_after=day).problems) == 1


@pytest.mark.parametrize("field", ["summary", "timeline", "outcome", "evidence", "complaint", "probe"])
def test_what_a_stranger_sent_shows_as_itself(field: str) -> None:
    changes: dict[str, Any] = {
        "summary": {"incident": incident(summary=HOSTILE)},
        "timeline": {"timeline": [entry(2, TimelineKind.ALERT, HOSTILE)]},
        "outcome": {"remediations": [remediation(RemediationState.DONE, HOSTILE)]},
        "evidence": {"findings": [Finding(cause="x", confidence=0.9, fault="ours", evidence=[HOSTILE])]},
        "complaint": {"complaints": [HOSTILE]},
        "probe": {"readings": [reading(3, 33, probe=HOSTILE)]},
    }
    text = drafted(night(**changes[field]))
    assert "<img src=x" not in MarkdownIt("commonmark", {"html": False}).render(text)
    assert not any("nothing" in mark.text for mark in placeholders_of(text))


def test_the_files_name_is_the_guides() -> None:
    assert file_name(incident()) == f"{STEM}.md"
    assert file_name(incident(summary="???")) == "2026-03-02-inc-0007.md"
    long = file_name(incident(summary="Checkout fails " * 20))
    assert long.startswith("2026-03-02-checkout-fails") and len(long) < 80


def test_each_picture_that_the_document_shows_is_there() -> None:
    known = night(readings=[*night().readings, reading(3, 200, probe="health", service="backend", ok=True)])
    names = [name for name, _, _ in charts(known, STEM)]
    assert names == [f"{STEM}-database-connections.svg", f"{STEM}-backend-health.svg"]
    assert re.findall(r"!\[[^\]]*\]\(([^)]*)\)", drafted(known)) == names
