"""Rows of one night, as the store keeps them, and nights made of them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from drills.grading import Facts
from drills.person import Behaviour
from drills.scenarios import SCENARIOS
from drills.scenarios.scenario import BROKEN_RELEASE, GOOD_RELEASE
from drills.stand import Received
from tests.rows import NOW, a_notification, a_remediation, an_incident
from tests.watchkeeper.house import two_on_call
from watchkeeper.links import BLANK
from watchkeeper.model import Fault, Finding, Incident, Plan, Remediation, RemediationState, Status
from watchkeeper.paging.model import Message, Notification, Purpose

POLICY = two_on_call().model_dump(mode="json")


def incident(**changes: Any) -> Incident:
    return an_incident(policy=POLICY, **changes)


def said(purpose: Purpose) -> Message:
    """As our rows keep it: without the signature of its link."""
    link = f"http://watch.test/i/i7.{BLANK}"
    return Message(
        subject="it", text=f"all about it: {purpose} {link}\n", short=f"in short: {purpose} {link}"
    )


def received(purpose: Purpose, channel: str = "email", text: str = "") -> Received:
    """It reached ana: as a text message, or as a mail with all that is said."""
    told = said(purpose)
    words = text or (told.short if channel == "sms" else told.text)
    return Received(NOW.isoformat(), channel, "ana", words.replace(BLANK, "YxS8H3RaWo-vS0"))


def notification(purpose: Purpose, **changes: Any) -> Notification:
    return a_notification(purpose, said(purpose), **changes)


def remediation(state: RemediationState, action: str = "roll_back_deployment") -> Remediation:
    plan = Plan(action=action, target="backend", cause="bad", summary="roll back", preview=[])
    return a_remediation(plan, state)


def runs(release: str) -> dict[str, Any]:
    """What GET /control/state says when this release of the backend serves."""
    return {"company": {"backend": {"release": release}}}


STATE = runs(GOOD_RELEASE)
# What ends a leak: another process, and connections that the server ended.
BEFORE = {"company": {"backend": {"release": GOOD_RELEASE, "pid": 7}}, "supabase": {"sessions_killed": 2}}
AFTER = {"company": {"backend": {"release": GOOD_RELEASE, "pid": 8}}, "supabase": {"sessions_killed": 14}}


def asked_of(vendor: str, operation: str) -> dict[str, Any]:
    body = f'{{"query": "mutation ($id: String!) {{ {operation}(id: $id) }}"}}'
    return {"vendor": vendor, "method": "POST", "path": "/graphql/v2", "body": body}


def repaired(scenario: str, person: Behaviour = "prompt") -> Facts:
    """A night that ended well by itself, or with a person's word."""
    told = SCENARIOS[scenario]
    return Facts(
        scenario=told,
        person=person,
        incident=incident(cause=told.cause),
        incidents=1,
        notifications=[notification(Purpose.PAGE), notification(Purpose.RESOLVED)],
        remediations=[remediation(RemediationState.DONE)],
        counterpart=False,
        observe=False,
        before=BEFORE,
        after=AFTER,
        requests=[asked_of(*write.split(":")) for write in told.cure],
        orders_after=(8, 0),
        messages={"ana": ["Database is down"], "ben": ["ana has not answered"]},
        received=[received(Purpose.PAGE), received(Purpose.RESOLVED)],
        findings=[],
        review_due_at=NOW + timedelta(hours=24),
        draft="# What happened",
    )


FOUND = Finding(
    cause="bad_deployment", confidence=0.9, fault=Fault.DEPLOYMENT, evidence=["deployed at 2:58", "all 500"]
)
HANDED = f"{said(Purpose.HANDOVER).text}\nFound: deployed at 2:58; all 500\nTried: roll back\n"


def handed_over(person: Behaviour) -> Facts:
    """A night in which nobody approved: nothing was changed, and a person was told."""
    return replace(
        repaired("bad-deploy", person),
        incident=incident(status=Status.IDENTIFIED, cause="bad_deployment", waiting_for="person"),
        notifications=[notification(Purpose.PAGE), notification(Purpose.HANDOVER)],
        received=[received(Purpose.PAGE), received(Purpose.HANDOVER, text=HANDED)],
        findings=[FOUND],
        remediations=[remediation(RemediationState.DENIED)],
        requests=[],
        orders_after=(0, 8),
        review_due_at=None,
        draft=None,
        after=runs(BROKEN_RELEASE),
    )
