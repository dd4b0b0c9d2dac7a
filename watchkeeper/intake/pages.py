"""The phone's pages, as HTML. Pure. No scripts, one column, large buttons, light and dark."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from watchkeeper.answers import Answer
from watchkeeper.answers.words import said_in_full
from watchkeeper.decisions import status_in_words
from watchkeeper.intake.charts import charts
from watchkeeper.mailing.counting import MailingSeen
from watchkeeper.messages import impact
from watchkeeper.model import (
    Deadline,
    DeadlineKind,
    DeadlineState,
    Finding,
    Incident,
    Reading,
    Remediation,
    RemediationState,
    TimelineEntry,
    TimelineKind,
    doubt,
)
from watchkeeper.paging.model import Notification
from watchkeeper.paging.proving import Proof
from watchkeeper.quiet.worth import Question
from watchkeeper.rendering import render, words
from watchkeeper.timeline import NEWS

# What the pages of an incident offer to say, in the words of their buttons.
ANSWERS = {
    "acknowledge": "Acknowledge: I have it",
    "working": "I am working on it",
    "escalate": "Page the next person",
    "hold": "Hold it for a while",
    "take": "Take it over",
}
# Of these, what whoever sees the page for the first time is offered beside acknowledging.
MORE = ("working", "escalate", "hold")

# What the incident's page folds away: the looks, and the messages, which have a list of their own.
ROUTINE = frozenset({TimelineKind.COMMAND, TimelineKind.PAGE})

# What is due, in the words of somebody who waits for it.
DUE = {
    DeadlineKind.ACKNOWLEDGE: "everyone on call is paged again, unless somebody has it by then",
    DeadlineKind.ESCALATE: "the next person is paged",
    DeadlineKind.PAGE: "the held page goes out",
    DeadlineKind.NIGHT: "whoever is on call is woken, unless a cure signed in advance has worked",
    DeadlineKind.UPDATE: "the team's channel hears where it stands",
    DeadlineKind.UPDATE_REMINDER: "a reminder of the update that was promised",
    DeadlineKind.TRIAGE: "triage is to be done",
    DeadlineKind.APPROVAL: "the plan can no longer be decided on",
    DeadlineKind.SILENCE: "it comes back to whoever has it, unless they say something",
    DeadlineKind.HOLD: "the hold is over",
    DeadlineKind.REVIEW_REMINDER: "a reminder of the post-mortem",
    DeadlineKind.REVIEW: "the post-mortem is due",
}


def acknowledge_page(
    incident: Incident,
    person_name: str,
    *,
    token: str,
    now: datetime,
    timeline: Sequence[TimelineEntry],
) -> str:
    """What, since when, how bad, what is being done, and one large button."""
    return render(
        "pages/acknowledge.html.j2",
        **_known(incident),
        person=person_name,
        token=token,
        more={value: ANSWERS[value] for value in MORE},
        lasting=now - incident.started_at,
        news=[entry for entry in timeline if entry.kind in NEWS][-4:][::-1],
    )


def answered_page(
    answer: Answer, incident: Incident, names: Mapping[str, str], *, token: str, incident_link: str
) -> str:
    """What an answer led to, who has it, and what else can be said."""
    by = incident.acknowledged_by
    offers = [*([] if by else ["acknowledge"]), *MORE, *(["take"] if answer.could_take else [])]
    return render(
        "pages/answered.html.j2",
        **{**_known(incident), "incident_link": incident_link},
        answer=answer,
        note=said_in_full(answer, names),
        by=names.get(by, by) if by else None,
        more={value: ANSWERS[value] for value in offers},
        token=token,
    )


def approve_page(
    incident: Incident,
    remediation: Remediation,
    *,
    token: str,
    now: datetime,
    findings: Sequence[Finding],
) -> str:
    """The plan, what it would really touch, why it is proposed, and two buttons."""
    return render(
        "pages/approve.html.j2",
        **_known(incident),
        remediation=remediation,
        token=token,
        left=remediation.expires_at - now if remediation.expires_at else None,
        findings=findings,
    )


def decided_page(incident: Incident, remediation: Remediation, *, incident_link: str) -> str:
    known = {**_known(incident), "incident_link": incident_link}
    approved = remediation.state is not RemediationState.DENIED
    return render("pages/decided.html.j2", **known, remediation=remediation, approved=approved)


def refused_page(title: str, explanation: str, what_to_do: str, incident_link: str | None = None) -> str:
    """Why a link led to nothing, and what to do instead."""
    known = {"title": title, "explanation": explanation, "what_to_do": what_to_do}
    return render("pages/refused.html.j2", **known, incident_link=incident_link)


def incident_page(
    incident: Incident,
    timeline: Sequence[TimelineEntry],
    notifications: Sequence[Notification],
    mailings: Sequence[MailingSeen],
    deadlines: Sequence[Deadline],
    remediations: Sequence[Remediation],
    readings: Sequence[Reading],
    questions: Sequence[Question],
    *,
    viewer: str | None,
    is_shared: bool,
    token: str,
    now: datetime,
) -> str:
    """Everything about one incident: what is due next, readings, changes, who was told, the timeline. `viewer` is whose
    page it is, while it acts for them; one that `is_shared` is nobody's."""
    return render(
        "pages/incident.html.j2",
        **_known(incident),
        now=now,
        viewer=viewer,
        is_shared=is_shared,
        doubt=doubt(incident.cause_confidence),
        token=token,
        lasting=(incident.resolved_at or now) - incident.started_at,
        told_first=[entry for entry in timeline if entry.kind not in ROUTINE][::-1],
        looks=[entry for entry in timeline if entry.kind is TimelineKind.COMMAND],
        notifications=notifications,
        mailings=mailings,
        due=[
            (d.due_at, DUE.get(d.kind, words(d.kind))) for d in deadlines if d.state is DeadlineState.PENDING
        ],
        remediations=remediations,
        questions=questions,
        charts=charts(readings),
    )


def front_page(incidents: Sequence[Incident], proof: Proof | None, *, now: datetime) -> str:
    """How many incidents are open, by number and severity, and when somebody could last be woken. Whoever has the
    address sees no more than that."""
    return render(
        "pages/front.html.j2",
        open_incidents=[
            (i.number, i.severity, status_in_words(i.status), now - i.started_at)
            for i in incidents
            if i.is_open
        ],
        proof=proof,
        proven_ago=now - proof.proven_at if proof and proof.proven_at else None,
    )


def _known(incident: Incident) -> dict[str, object]:
    return {
        "incident": incident,
        "status": status_in_words(incident.status),
        "impact": impact(incident),
    }
