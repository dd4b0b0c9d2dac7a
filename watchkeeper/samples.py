"""One value for everything that a message may show: for trying templates before a night does. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

from watchkeeper.model import (
    Fault,
    Finding,
    Gate,
    Incident,
    Kind,
    Plan,
    Remediation,
    RemediationState,
    Severity,
    Status,
)
from watchkeeper.policy.people import Person
from watchkeeper.reviews.items import ActionItem
from watchkeeper.status_page.board import Post, Posted

AT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
LINK = "https://watch.example.com/a/7.abcdefghijklmnopqrstuvwxyz0"


def sample_incident(words: str = "Backend is down") -> Incident:
    return Incident(
        id=7,
        kind=Kind.SITE_OUTAGE,
        severity=Severity.P0,
        status=Status.INVESTIGATING,
        service=words or "backend",
        summary=words,
        source="generic",
        users_affected_percent=60,
        started_at=AT,
        detected_at=AT + timedelta(minutes=1),
        acknowledged_by="ana",
        cause="bad_deployment",
        cause_confidence=0.8,
        policy={},
    )


def sample_remediation(words: str) -> Remediation:
    plan = Plan(
        action="restart_service",
        target=words,
        cause="bad_deployment",
        summary=words,
        preview=[words, words],
        undo=words,
    )
    return Remediation(
        id=3,
        incident_id=7,
        round=1,
        step=1,
        attempt=1,
        action="restart_service",
        target=words,
        plan=plan,
        plan_digest="d",
        gate=Gate.APPROVAL,
        gate_reason="guide_asks_a_person_first",
        state=RemediationState.PLANNED,
        expires_at=AT + timedelta(minutes=30),
        outcome=words,
    )


def sample_item(words: str) -> ActionItem:
    return ActionItem(
        incident_id=7,
        number=2,
        action=words,
        owner=words,
        handle="ana",
        due_on=AT.date(),
        due_at=AT,
        priority="high",
        state="open",
        opened_at=AT,
        issue_url=words,
    )


def sample_values(words: str) -> dict[str, Any]:
    """Every name that the shipped messages and the status page know, each holding these words where it holds words."""
    finding = Finding(
        cause="bad_deployment", confidence=0.8, fault=Fault.DEPLOYMENT, evidence=[words], advice=[words]
    )
    told = dict.fromkeys(WORDS, words)
    lists = {name: [words] for name in LISTS}
    return {
        **told,
        **lists,
        **sample_board(words),
        "incident": sample_incident(words),
        "remediation": sample_remediation(words),
        "tried": [sample_remediation(words)],
        "findings": [finding],
        "item": sample_item(words),
        "promises": [sample_item(words)],
        "now": AT,
        "due_at": AT,
        "next_due": AT,
        "as_of": AT,
        "starts_at": AT,
        "local": AT,
        "minutes": 45,
        "cancelled": "",
        "people": [words],
        "emoji": True,
        "contact": Person(name=words),
        "sleepers": [Person(name=words, phone="+14155550101"), Person(name=words)],
        "link": LINK,
        "incident_link": LINK,
        "status": "Investigating",
        "size": 1000,
        "is_well": False,
        "first_word": True,
        "paragraphs": [[words, words]],
        "held": [(words, [words, words])],
    }


def sample_board(words: str) -> dict[str, Any]:
    """What the status page shows: one incident, with one post."""
    address = "incidents/INC-0007.html"
    post = Post(id=1, at=AT, status="investigating", title=words, body=words)
    posted = Posted(
        incident_id=7, severity=Severity.P0, service="backend", started_at=AT, resolved_at=AT, posts=[post]
    )
    return {
        "components": [(words, words, "operational")],
        "ongoing": [(posted, address)],
        "past": [(posted, address)],
        "posted": posted,
        "posts": [post],
        "entries": [(post, posted, address)],
    }


HANDOFF = ("notable", "items", "watch", "planned")
# What is a list of words.
LISTS = (
    "doing",
    "updates",
    "missing",
    "reasons",
    "identifiers",
    "observed",
    "terms",
    "signed",
    *HANDOFF,
)
# What is plain words in one template or another.
WORDS = (
    "address",
    "affected_time",
    "affected_users",
    "answer_by",
    "asked_by",
    "author",
    "before",
    "category",
    "cause",
    "company",
    "count",
    "cure",
    "draft",
    "draft_path",
    "eta",
    "every",
    "features",
    "functionality",
    "headline",
    "hours",
    "impact",
    "lasted",
    "mail_subject",
    "mail_text",
    "name",
    "night",
    "person",
    "prevention",
    "proof",
    "resolution",
    "status_link",
    "subject",
    "support",
    "to_test",
    "told",
    "until",
    "vendor",
    "what",
    "question",
    "since",
    "counts",
    "primary",
    "secondary",
    "week_of",
    "when",
    "where",
    "held_up_by",
    "why",
    "workaround",
)
